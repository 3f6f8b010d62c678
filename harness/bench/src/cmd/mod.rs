//! The command line: one file per command. `run/` measures a suite; the others read run folders and
//! print, convert, compare and judge what is in them.

mod args;
mod ci;
mod compare;
pub(crate) mod error;
mod export;
mod gate;
mod history;
mod html;
pub mod linked;
mod list;
mod output;
mod place;
mod process;
mod report;
mod revision;
mod run;
mod side;
#[cfg(test)]
mod test_kit;

use crate::suite::Suite;
use args::Command;
use error::CommandError;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what `args` ask, of which the first is the program's name.
pub fn main(args: &[OsString]) -> ExitCode {
    let cli = args::parse(args).map_err(CommandError::from);
    ExitCode::from(output::ended(cli.and_then(|cli| command(&cli.command))))
}

/// Runs `suite` as `args` ask.
pub fn suite(suite: &Suite, args: &[OsString]) -> ExitCode {
    ExitCode::from(output::ended(run::run(suite, args)))
}

fn command(command: &Command) -> Result<u8, CommandError> {
    match command {
        Command::Run { suite, .. } => Err(CommandError::NoSuite { name: suite.clone() }),
        Command::Report(args) => report::run(args),
        Command::Export(args) => export::run(args),
        Command::List { profiles } => list::run(profiles),
        Command::Compare(args) => compare::run(args),
        Command::Gate(args) => gate::run(args),
        Command::Ci(args) => ci::run(args),
        Command::History { dirs, out } => history::run(dirs, out),
    }
}
