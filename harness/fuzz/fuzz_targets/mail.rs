//! libFuzzer on the target `mail`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("mail", bytes));
