//! libFuzzer on the target `kit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("kit", bytes));
