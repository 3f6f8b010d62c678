//! libFuzzer on the target `histogram`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("histogram", bytes));
