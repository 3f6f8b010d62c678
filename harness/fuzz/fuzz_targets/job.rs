//! libFuzzer on the target `job`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("job", bytes));
