//! libFuzzer on the target `seconds`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("seconds", bytes));
