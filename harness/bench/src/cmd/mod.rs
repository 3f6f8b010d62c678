//! The command line: one file per command. `run/` measures a suite; the others read run folders and
//! print, convert, compare and judge what is in them.

mod args;
mod ci;
mod compare;
mod doctor;
pub(crate) mod error;
mod export;
mod gate;
mod history;
mod html;
pub mod linked;
mod list;
mod monitor;
mod output;
mod place;
mod process;
mod prune;
mod report;
mod revision;
mod run;
mod shell;
mod side;
mod slo;
#[cfg(test)]
mod test_kit;

use crate::guest::bench::Bench;
use crate::guest::catalog::Workspace;
use crate::suite::Suite;
use args::Command;
pub(crate) use args::is_command;
use error::CommandError;
pub use run::begin_record;
use std::ffi::OsString;
use std::process::ExitCode;

/// Does what `args` ask, of which the first is the program's name, for the workspace of `bench` or
/// in a checkout.
pub fn main(args: &[OsString], bench: Option<&Bench>) -> ExitCode {
    let done = bench.map_or(Ok(()), settle);
    let cli = done.and_then(|()| Ok(args::parse(args)?));
    ExitCode::from(output::ended(cli.and_then(|cli| command(&cli.command, bench))))
}

/// Runs `suite` as `args` ask, for the workspace of `bench` or in a checkout.
pub fn suite(suite: &Suite, args: &[OsString], bench: Option<&Bench>) -> ExitCode {
    ExitCode::from(output::ended(run::run(suite, args, bench)))
}

/// Lets commands be of the workspace of `bench`.
fn settle(bench: &Bench) -> Result<(), CommandError> {
    let here = place::started_in();
    let Workspace { root, profiles, .. } = Workspace::around(bench, here)?;
    let package = bench.folder.clone();
    place::settle(place::Home { root, profiles, package });
    // Cargo starts a bench in its package's folder: paths are of where the user stands.
    std::env::set_current_dir(here).map_err(error::unreadable(here))
}

fn command(command: &Command, bench: Option<&Bench>) -> Result<u8, CommandError> {
    match command {
        Command::Run { suite, .. } => Err(CommandError::NoSuite { name: suite.clone() }),
        Command::Report(args) => report::run(args),
        Command::Export(args) => export::run(args),
        Command::List { profiles, json } => list::run(profiles, *json),
        Command::Prune { keep, dry_run } => prune::run(*keep, *dry_run),
        Command::Compare(args) => compare::run(args, bench),
        Command::Gate(args) => gate::run(args),
        Command::Ci(args) => ci::run(args, bench),
        Command::History { dirs, out } => history::run(dirs, out),
        Command::Slo(words) => slo::run(words),
        Command::Monitor(args) => monitor::run(args, bench),
        Command::Doctor { time } => doctor::run(*time),
        Command::Completions { shell } => Ok(shell::completions(*shell)),
        Command::Man { dir } => shell::manual(dir),
    }
}
