//! What a bench target is: `caxton-bench` itself, told its suite. One executable serves all, so
//! that it is linked once.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Becomes `caxton-bench` with the suite `name` and the words that cargo gave.
pub(crate) fn run(name: &str) -> ExitCode {
    let mut program = Command::new(env!("CARGO_BIN_EXE_caxton-bench"));
    let error = program.args(["__bench", name]).args(std::env::args_os().skip(1)).exec();
    let text = format!("error: cannot start {}: {error}\n", program.get_program().display());
    let _ = std::io::stderr().write_all(text.as_bytes());
    ExitCode::from(2)
}
