//! libFuzzer on the target `debug-information`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("debug-information", bytes));
