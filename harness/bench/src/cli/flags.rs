//! Which suite uses which flag. What a suite does not use it refuses, and its `--help` leaves out.

use super::args::Args;
use super::messages::Problem;
use crate::suite::{self, Suite, heap, scenarios, wasm};
use caxton_analysis::exit;
use caxton_sys::allocator::AllocationDetail;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory};

/// The suites that use a flag.
#[derive(Debug, Clone, Copy)]
enum Used {
    Everywhere,
    By(&'static [&'static str]),
}

use Used::{By, Everywhere};

/// Suites that run any agent and guest, and compare versions in turns.
const AGENTS: &[&str] = &[wasm::SUITE.name, heap::SUITE.name];
/// The suite that times calls of each agent.
const CALLS: &[&str] = &[wasm::SUITE.name];
/// The suite that puts loads on agents or a program.
const LOADS: &[&str] = &[scenarios::SUITE.name];

/// Every flag and every task, by its name in [`Args`].
const FLAGS: [(&str, Used); 51] = [
    ("selftest", By(CALLS)),
    ("filters", Everywhere),
    ("exact", Everywhere),
    ("list", Everywhere),
    ("format", Everywhere),
    ("scale", Everywhere),
    ("quick", Everywhere),
    ("test", Everywhere),
    ("agent", By(AGENTS)),
    ("guest", By(AGENTS)),
    ("memory_limit", By(CALLS)),
    ("out", Everywhere),
    ("save_baseline", Everywhere),
    ("baseline", Everywhere),
    ("baseline_lenient", Everywhere),
    ("limits", Everywhere),
    ("strict", Everywhere),
    ("table", By(AGENTS)),
    ("bless_answers", By(AGENTS)),
    ("counts", By(CALLS)),
    ("margin", By(CALLS)),
    ("budget", By(CALLS)),
    ("relink", By(CALLS)),
    ("pack", By(AGENTS)),
    ("between", By(AGENTS)),
    ("profile", By(AGENTS)),
    ("profiler", By(CALLS)),
    ("profile_hz", By(CALLS)),
    ("profile_time", By(CALLS)),
    ("profile_threads", By(CALLS)),
    ("profile_async", By(CALLS)),
    ("perf_map", By(CALLS)),
    ("seed", Everywhere),
    ("timeout", Everywhere),
    ("plan", By(LOADS)),
    ("stage", By(LOADS)),
    ("threshold", By(LOADS)),
    ("arrivals", By(LOADS)),
    ("agents", By(LOADS)),
    ("message", By(LOADS)),
    ("slo", By(LOADS)),
    ("cap", By(LOADS)),
    ("closed", By(LOADS)),
    ("time", By(LOADS)),
    ("program", By(LOADS)),
    ("resume", By(LOADS)),
    ("plant_leak", By(LOADS)),
    ("noplot", Everywhere),
    ("bench", Everywhere),
    ("ignored", Everywhere),
    ("nocapture", Everywhere),
];

/// The suites that use the flag `name`; none if all of them do.
fn users(name: &str) -> Option<&'static [&'static str]> {
    FLAGS.iter().find_map(|(known, used)| match used {
        By(suites) if *known == name => Some(*suites),
        _ => None,
    })
}

fn is_used(suite: &Suite, name: &str) -> bool {
    users(name).is_none_or(|suites| suites.contains(&suite.name))
}

/// The command line of `suite`.
pub fn command(suite: &Suite) -> Command {
    let command = Args::command()
        .bin_name(format!("cargo bench --bench {} --", suite.name))
        .after_help("--help tells of all flags, with examples, and of the exit codes.")
        .after_long_help(format!("{}{}{}", examples(suite), elsewhere(suite), exit::help()))
        .mut_args(
            |flag| if is_used(suite, flag.get_id().as_str()) { flag } else { flag.hide(true) },
        );
    command.mut_subcommands(|task| {
        let is_hidden = !is_used(suite, task.get_name());
        task.hide(is_hidden).after_help(exit::help())
    })
}

/// Calls to begin with, as lines of help.
fn examples(suite: &Suite) -> String {
    let own: &[[&str; 2]] = match suite.counting {
        _ if suite.name == scenarios::SUITE.name => &[
            ["peak", "one load of the guide"],
            ["--stage name=steady,length=30s,rate=50000", "a load of your own"],
        ],
        AllocationDetail::Stacks => {
            &[["json", "one agent"], ["--save-baseline main", "keep the run"]]
        }
        _ if suite.agent.is_none() => &[
            ["json", "one agent"],
            ["--save-baseline main", "keep this version"],
            ["--baseline main", "compare with it"],
            ["json --profile cpu", "see where its time goes"],
        ],
        _ => &[["--scale full", "more launches"], ["--save-baseline main", "keep the run"]],
    };
    let line = |[words, does]: &[&str; 2]| {
        format!("  {:<72}  {does}\n", format!("cargo bench --bench {} -- {words}", suite.name))
    };
    format!("Examples:\n{}\n", own.iter().map(line).collect::<String>())
}

/// What the other suites have, as a line of help.
fn elsewhere(suite: &Suite) -> String {
    let others = suite::ALL.iter().filter(|other| other.name != suite.name);
    let is_its_own = |other: &&&Suite| {
        FLAGS.iter().any(|(name, _)| is_used(other, name) && !is_used(suite, name))
    };
    let names: Vec<&str> = others.filter(is_its_own).map(|other| other.name).collect();
    match &names[..] {
        [] => String::new(),
        names => format!("More flags: --help of the benches {}.\n\n", names.join(", ")),
    }
}

/// Reads `words`, of which the first is the program's name.
///
/// # Errors
/// What clap says of them.
pub fn parse<I, W>(suite: &Suite, words: I) -> Result<ArgMatches, clap::Error>
where
    I: IntoIterator<Item = W>,
    W: Into<std::ffi::OsString> + Clone,
{
    command(suite).try_get_matches_from(words)
}

/// Refuses what the user gave and `suite` does not use.
///
/// # Errors
/// [`Problem::Unused`].
pub fn check(suite: &Suite, given: &ArgMatches) -> Result<(), Problem> {
    let is_given = |name: &str| {
        let by_hand = || given.value_source(name) == Some(ValueSource::CommandLine);
        let is_flag = given.try_contains_id(name).is_ok();
        given.subcommand_name() == Some(name) || (is_flag && by_hand())
    };
    let unused = FLAGS.iter().filter(|(name, _)| is_given(name) && !is_used(suite, name));
    let words = |(name, _): &(&str, Used)| {
        let suites = users(name).unwrap_or_default().join(" and ");
        format!("{} (bench {suites})", shown(name))
    };
    let flags: Vec<String> = unused.map(words).collect();
    if flags.is_empty() {
        return Ok(());
    }
    Err(Problem::Unused { suite: suite.name, flags: flags.join(", ") })
}

/// A flag as it is typed.
fn shown(name: &str) -> String {
    let is_task = Args::command().get_subcommands().any(|task| task.get_name() == name);
    if is_task { name.to_owned() } else { format!("--{}", name.replace('_', "-")) }
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
