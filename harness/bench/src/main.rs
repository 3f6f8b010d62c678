//! `caxton-bench`: measures agents, and reports, compares, judges and exports what was measured.

#![forbid(unsafe_code)]

use caxton_sys::allocator::Allocator;
use std::ffi::OsString;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    caxton_bench::main(&words)
}
