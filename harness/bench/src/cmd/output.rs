//! What is printed. Nothing else here writes to standard output or standard error.

use super::error::CommandError;
use caxton_analysis::exit;
use caxton_model::sanitise::sanitise;
use caxton_report::colour::wants_escapes;
use caxton_report::sections::Style;
use clap::ColorChoice;
use std::ffi::OsString;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Longest line about an error: a path can be long, a message of a file can be endless.
pub(super) const LINE_MAX: usize = 2000;

/// Why a result could not be printed: what the system said the first time.
static LOST: OnceLock<String> = OnceLock::new();

/// How this process shows what it has to say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub color: ColorChoice,
    /// Whether a program reads standard output.
    pub is_json: bool,
    pub has_progress: bool,
    /// Whether each case is told of as it ends.
    pub has_lines: bool,
}

static SHOWN: OnceLock<Shown> = OnceLock::new();

/// From now on all is shown so.
pub(super) fn begin(shown: Shown) {
    let _ = SHOWN.set(shown);
}

pub(super) fn shown() -> Shown {
    const DEFAULT: Shown =
        Shown { color: ColorChoice::Auto, is_json: false, has_progress: true, has_lines: false };
    SHOWN.get().copied().unwrap_or(DEFAULT)
}

/// Colours for a person who did not turn them off, and the width of the terminal.
pub(super) fn style() -> Style {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| console::Term::stdout().size_checked()).flatten();
    let width = size.map(|(_, width)| usize::from(width));
    Style { colour: has_escapes(stdout.is_terminal()), width }
}

pub(super) fn has_escapes(is_terminal: bool) -> bool {
    match shown().color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => wants_escapes(is_terminal, |name| std::env::var_os(name)),
    }
}

/// Whether `words`, which clap cannot read, ask for JSON.
fn asks_for_json(words: &[OsString]) -> bool {
    let pair = ["--message-format", "json"];
    words.iter().any(|word| *word == *pair.join("=")) || words.windows(2).any(|two| two == pair)
}

/// Tells a program that waits for one JSON text why there is none.
pub(super) fn print_error(message: &str, code: u8) {
    if shown().is_json {
        print_json(&error_json(message, code));
    }
}

fn error_json(message: &str, code: u8) -> String {
    serde_json::json!({ "error": message, "code": code }).to_string()
}

/// A result on standard output; on standard error where a program waits for one JSON text. A reader
/// that went away, as `head` does, is no error; a full disk is one, which [`ended`] tells: what is
/// measured meanwhile is still kept.
pub(super) fn print(text: impl AsRef<[u8]>) {
    if shown().is_json {
        return relay(text.as_ref());
    }
    put(text.as_ref());
}

/// The one JSON text of this process: the first.
pub(super) fn print_json(text: &str) {
    static IS_PRINTED: AtomicBool = AtomicBool::new(false);
    if !IS_PRINTED.swap(true, Ordering::Relaxed) {
        put(format!("{text}\n").as_bytes());
    }
}

fn put(text: &[u8]) {
    if cfg!(test) {
        // Not captured: it would get between the lines of the tests' own report.
        return;
    }
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
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
        Err(CommandError::Usage(said)) => {
            if said.use_stderr() && asks_for_json(&std::env::args_os().collect::<Vec<_>>()) {
                print_json(&error_json(said.to_string().trim_end(), exit::WRONG_USE));
            }
            explain(&said)
        }
        Err(error) => {
            print_error(&error.to_string(), error.code());
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
