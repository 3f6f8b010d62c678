//! libFuzzer on the target `exposed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("exposed", bytes));
