//! libFuzzer on the target `dhat`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("dhat", bytes));
