//! libFuzzer on the target `threshold`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("threshold", bytes));
