//! libFuzzer on the target `reply`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("reply", bytes));
