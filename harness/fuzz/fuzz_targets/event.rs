//! libFuzzer on the target `event`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("event", bytes));
