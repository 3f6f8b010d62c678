//! What is printed.

use crate::cmd::failure::Failure;
use caxton_model::sanitise::sanitise;
use caxton_report::colour::wants_escapes;
use caxton_report::sections::Style;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

/// Longest line about an error: a path can be long, a message of a file can be endless.
pub(crate) const LINE_MAX: usize = 2000;

/// Colours for a person who did not turn them off.
pub(crate) fn style() -> Style {
    Style { colour: has_escapes(io::stdout().is_terminal()) }
}

fn has_escapes(is_terminal: bool) -> bool {
    wants_escapes(is_terminal, |name| std::env::var_os(name))
}

/// What clap has to say.
///
/// # Errors
/// Those of [`print`].
pub(crate) fn explain(said: &clap::Error) -> Result<(), Failure> {
    let text = |is_terminal| match has_escapes(is_terminal) {
        true => said.render().ansi().to_string(),
        false => said.render().to_string(),
    };
    if said.use_stderr() {
        relay(text(io::stderr().is_terminal()).as_bytes());
        return Ok(());
    }
    print(text(io::stdout().is_terminal()).as_bytes())
}

/// To standard output. A reader that went away, as `head` does, is no error.
///
/// # Errors
/// A full disk.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    if cfg!(test) {
        // Not captured: it would get between the lines of the tests' own report.
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::Output { path: PathBuf::from("standard output"), source })
        }
        _ => Ok(()),
    }
}

/// A line on standard error: progress and hints. Nobody there to read it is no error.
pub(crate) fn note(text: &str) {
    if !cfg!(test) {
        let _ = writeln!(io::stderr(), "{}", sanitise(text, LINE_MAX));
    }
}

/// Passes on what another program says on its standard error. Nobody there to read it is no error.
pub(crate) fn relay(bytes: &[u8]) {
    if !cfg!(test) {
        let _ = io::stderr().write_all(bytes);
    }
}

/// What went wrong, in one line.
pub(crate) fn error(text: &str) {
    note(&format!("caxton-bench: {text}"));
}
