//! libFuzzer on the target `samples`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("samples", bytes));
