//! libFuzzer on the target `stage`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("stage", bytes));
