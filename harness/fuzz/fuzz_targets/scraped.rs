//! libFuzzer on the target `scraped`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("scraped", bytes));
