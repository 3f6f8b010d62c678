//! libFuzzer on the target `plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("plan", bytes));
