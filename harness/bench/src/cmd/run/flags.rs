//! Which suite uses which flag. What a suite does not use it refuses, and its `--help` leaves out.

use super::super::error::CommandError;
use super::args::Args;
use crate::guest::bench::Bench;
use crate::suite::{self, Suite, heap, scenarios, throughput, wasm};
use caxton_analysis::exit;
use caxton_sys::allocator::AllocationDetail;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches};
use std::ffi::OsString;

/// Suites that run any agent and guest, and compare versions in turns.
const AGENTS: &[&str] = &[wasm::SUITE.name, heap::SUITE.name];
/// Suites whose cases can be profiled, and those of which samples of CPU time are taken.
const PROFILED: &[&str] = &[wasm::SUITE.name, heap::SUITE.name, throughput::SUITE.name];
const SAMPLED: &[&str] = &[wasm::SUITE.name, throughput::SUITE.name];
/// Suites with ratios of what is timed in turns.
const RATIOS: &[&str] = &[wasm::SUITE.name, throughput::SUITE.name];
/// The suite that times calls of each agent.
const CALLS: &[&str] = &[wasm::SUITE.name];
/// The suite that puts loads on agents or a program.
const LOADS: &[&str] = &[scenarios::SUITE.name];

/// The flags and tasks that not all suites use, by their names in [`Args`], with those that do.
const FLAGS: [(&[&str], &[&str]); 6] = [
    (AGENTS, &["agent", "guest", "table", "bless_answers", "pack", "between"]),
    (PROFILED, &["profile"]),
    (RATIOS, &["precision", "budget"]),
    (SAMPLED, &["profiler", "profile_hz", "profile_time"]),
    (
        CALLS,
        &[
            "selftest",
            "native",
            "invoke",
            "invoke_bytes",
            "fresh",
            "stdin",
            "expect",
            "expect_exit",
            "dir",
            "dir_rw",
            "env",
            "unknown_imports",
            "args",
            "side",
            "memory_limit",
            "counts",
            "margin",
            "find",
            "relink",
            "until_decided",
            "profile_threads",
            "profile_async",
            "perf_map",
            "full_stacks",
        ],
    ),
    (
        LOADS,
        &[
            "plan",
            "stage",
            "threshold",
            "arrivals",
            "agents",
            "message",
            "slo",
            "cap",
            "closed",
            "time",
            "program",
            "scrape",
            "resume",
            "plant_leak",
            "restarts",
            "generators",
        ],
    ),
];

/// The suites that use the flag `name`; none if all of them do.
fn users(name: &str) -> Option<&'static [&'static str]> {
    FLAGS.iter().find_map(|(suites, flags)| flags.contains(&name).then_some(*suites))
}

pub(super) fn is_used(suite: &Suite, name: &str) -> bool {
    users(name).is_none_or(|suites| suites.contains(&suite.name))
}

/// The command line of `suite`, which is started by `bench`.
pub(crate) fn command(suite: &Suite, bench: Option<&Bench>) -> Command {
    let start = match bench {
        Some(bench) if suite.name == wasm::SUITE.name => {
            format!("cargo bench --bench {} --", bench.target)
        }
        Some(bench) => format!("cargo bench --bench {} -- run {}", bench.target, suite.name),
        None => format!("cargo bench --bench {} --", suite.name),
    };
    let examples = examples(suite, &start);
    let command = Args::command()
        .bin_name(start)
        .after_help("--help tells of all flags, with examples, and of the exit codes.")
        .after_long_help(format!("{examples}{}{}", elsewhere(suite, bench), exit::help()))
        .mut_args(
            |flag| if is_used(suite, flag.get_id().as_str()) { flag } else { flag.hide(true) },
        );
    command.mut_subcommands(|task| {
        let is_hidden = !is_used(suite, task.get_name());
        task.hide(is_hidden).after_help(exit::help())
    })
}

/// Calls to begin with, as lines of help; each begins with `start`.
fn examples(suite: &Suite, start: &str) -> String {
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
        _ if suite.name == throughput::SUITE.name => &[
            ["--scale full", "more launches"],
            ["--save-baseline main", "keep the run"],
            ["route --profile cpu", "see where time goes"],
        ],
        _ => &[["--scale full", "more launches"], ["--save-baseline main", "keep the run"]],
    };
    let line =
        |[words, does]: &[&str; 2]| format!("  {:<72}  {does}\n", format!("{start} {words}"));
    format!("Examples:\n{}\n", own.iter().map(line).collect::<String>())
}

/// What the other suites have, as a line of help.
fn elsewhere(suite: &Suite, bench: Option<&Bench>) -> String {
    if bench.is_some() {
        return String::new();
    }
    let others = suite::ALL.iter().filter(|other| other.name != suite.name);
    let is_its_own = |other: &&&Suite| {
        FLAGS
            .iter()
            .any(|(suites, _)| suites.contains(&other.name) && !suites.contains(&suite.name))
    };
    let names: Vec<&str> = others.filter(is_its_own).map(|other| other.name).collect();
    match &names[..] {
        [] => String::new(),
        names => format!("More flags: --help of the benches {}.\n\n", names.join(", ")),
    }
}

/// Reads what `suite` is told, and refuses what it does not use. It was started by `bench`, or in a
/// checkout.
pub(super) fn parse(
    suite: &Suite,
    args: &[OsString],
    bench: Option<&Bench>,
) -> Result<Args, CommandError> {
    let program = [OsString::from(suite.name)];
    let given = command(suite, bench).try_get_matches_from(program.iter().chain(args))?;
    check(suite, &given, bench.is_some())?;
    Ok(Args::from_arg_matches(&given)?.with_filters_in_place())
}

fn check(suite: &Suite, given: &ArgMatches, is_users: bool) -> Result<(), CommandError> {
    let is_given = |name: &str| {
        let by_hand = || given.value_source(name) == Some(ValueSource::CommandLine);
        let is_flag = given.try_contains_id(name).is_ok();
        given.subcommand_name() == Some(name) || (is_flag && by_hand())
    };
    let of_checkout =
        ["selftest", "relink", "memory_limit"].into_iter().find(|name| is_given(name));
    if let Some(name) = of_checkout.filter(|_| is_users) {
        let why = "it is of the agents and executables of a caxton-bench checkout";
        return Err(CommandError::Elsewhere { flag: shown(name), why });
    }
    let others = FLAGS.iter().filter(|(suites, _)| !suites.contains(&suite.name));
    let unused = others.flat_map(|(suites, flags)| {
        let given = flags.iter().filter(|name| is_given(name));
        given.map(|name| format!("{} (bench {})", shown(name), suites.join(" and ")))
    });
    let flags: Vec<String> = unused.collect();
    if flags.is_empty() {
        return Ok(());
    }
    Err(CommandError::NotOfSuite { suite: suite.name, flags: flags.join(", ") })
}

/// A flag as it is typed.
fn shown(name: &str) -> String {
    let is_task = Args::command().get_subcommands().any(|task| task.get_name() == name);
    if is_task { name.to_owned() } else { format!("--{}", name.replace('_', "-")) }
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
