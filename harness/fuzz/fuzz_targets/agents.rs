//! libFuzzer on the target `agents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("agents", bytes));
