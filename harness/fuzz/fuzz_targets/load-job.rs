//! libFuzzer on the target `load-job`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("load-job", bytes));
