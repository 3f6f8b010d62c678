//! `caxton-bench`: report, compare, gate, export, … what was measured.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench::cmd::main()
}
