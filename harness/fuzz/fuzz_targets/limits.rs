//! libFuzzer on the target `limits`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("limits", bytes));
