//! libFuzzer on the target `callgrind`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| caxton_fuzz::run("callgrind", bytes));
