//! libFuzzer on the target `linked`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("linked", bytes));
