//! libFuzzer on the target `turns`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("turns", bytes));
