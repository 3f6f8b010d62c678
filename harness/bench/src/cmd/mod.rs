//! `caxton-bench`: reads run folders and prints, converts, compares and judges what is in them. It
//! measures nothing itself: for that it starts the executables of kits.

mod args;
mod checkout;
mod ci;
mod compare;
mod export;
mod failure;
mod gate;
mod history;
mod html;
mod kits;
mod list;
mod output;
mod process;
mod report;
mod revision;
mod side;
#[cfg(test)]
mod test_kit;

use args::Command;
use failure::Failure;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what `words` ask, of which the first is the program's name.
pub fn main(words: &[OsString]) -> ExitCode {
    let ended = match args::parse(words) {
        Ok(cli) => run(&cli.command),
        // Help and version are errors too, to standard output and with code 0.
        Err(said) => output::explain(&said).map(|()| said.exit_code() as u8),
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::error(&failure.to_string());
            ExitCode::from(failure.code())
        }
    }
}

/// Does what is asked; the exit code.
fn run(command: &Command) -> Result<u8, Failure> {
    match command {
        Command::Run { suite, .. } => Err(Failure::NoSuite { name: suite.clone() }),
        Command::Report(words) => report::report(words),
        Command::Export(words) => export::export(words),
        Command::List { profiles } => list::list(profiles),
        Command::Compare(words) => compare::compare(words),
        Command::Gate(words) => gate::gate(words),
        Command::Ci(words) => ci::ci(words),
        Command::History { dirs, out } => history::history(dirs, out),
    }
}
