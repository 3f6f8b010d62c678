//! libFuzzer on the target `growth`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("growth", bytes));
