//! libFuzzer on the target `comparison`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("comparison", bytes));
