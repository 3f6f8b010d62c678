//! libFuzzer on the target `profile`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("profile", bytes));
