//! What is printed. Nothing else here writes to standard output or standard error.

use super::error::CommandError;
use caxton_analysis::exit;
use caxton_model::sanitise::sanitise;
use caxton_report::colour::wants_escapes;
use caxton_report::sections::Style;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

/// Longest line about an error: a path can be long, a message of a file can be endless.
pub(super) const LINE_MAX: usize = 2000;

/// Why a result could not be printed: what the system said the first time.
static LOST: OnceLock<String> = OnceLock::new();

/// Colours for a person who did not turn them off.
pub(super) fn style() -> Style {
    Style { colour: has_escapes(io::stdout().is_terminal()) }
}

pub(super) fn has_escapes(is_terminal: bool) -> bool {
    wants_escapes(is_terminal, |name| std::env::var_os(name))
}

/// A result on standard output. A reader that went away, as `head` does, is no error; a full disk
/// is one, which [`ended`] tells: what is measured meanwhile is still kept.
pub(super) fn print(text: impl AsRef<[u8]>) {
    if cfg!(test) {
        // Not captured: it would get between the lines of the tests' own report.
        return;
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_ref()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = LOST.set(error.to_string());
        }
        _ => {}
    }
}

/// A line on standard error: progress and hints. Nobody there to read it is no error.
pub(super) fn note(text: &str) {
    relay(format!("{}\n", sanitise(text, LINE_MAX)).as_bytes());
}

/// Passes on what another program says on its standard error.
pub(super) fn relay(bytes: &[u8]) {
    if !cfg!(test) {
        let _ = io::stderr().write_all(bytes);
    }
}

/// The exit code of a command that came to `result`, whose error is said in one line. Results that
/// were lost are not fine.
pub(super) fn ended(result: Result<u8, CommandError>) -> u8 {
    let code = match result {
        Ok(code) => code,
        Err(CommandError::Usage(said)) => explain(&said),
        Err(error) => {
            note(&format!("error: {error}"));
            error.code()
        }
    };
    let Some(why) = LOST.get() else { return code };
    note(&format!("error: cannot write to standard output: {why}; what was kept is kept"));
    if code == exit::FINE { exit::WRONG_USE } else { code }
}

/// Says what clap has to say: help and version are results, the rest is a wrong use.
fn explain(said: &clap::Error) -> u8 {
    let text = |is_terminal| match has_escapes(is_terminal) {
        true => said.render().ansi().to_string(),
        false => said.render().to_string(),
    };
    if said.use_stderr() {
        relay(text(io::stderr().is_terminal()).as_bytes());
        return exit::WRONG_USE;
    }
    print(text(io::stdout().is_terminal()));
    exit::FINE
}
