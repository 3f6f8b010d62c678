//! Which cases a user wants, and what is said where there is none.

use super::args::{Args, Mode, ProfileKind};
use super::messages::{Problem, note};
use crate::cli::filter::Filter;
use crate::guest::catalog::Workspace;
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::suite::wasm::BALLAST;
use crate::suite::{self, Subjects, Suite};
use caxton_analysis::exit;
use caxton_model::case::CaseKey;
use caxton_report::sections::quoted;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The tasks of `suite` that the user wants.
///
/// # Errors
/// An agent that is not there, a guest of an agent's name, a flag that nothing uses, a filter or a
/// load that makes no sense.
pub(super) fn tasks(
    suite: &Suite,
    args: &Args,
    seed: u64,
    workspace: &Workspace,
    guests: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Task>, Problem> {
    let known: Vec<&str> = workspace.agents.keys().map(String::as_str).collect();
    if let Some(name) = args.selection.agent.iter().find(|name| !known.contains(&name.as_str())) {
        let near = nearest(name, known.iter().copied());
        let (name, known) = (name.clone(), known.join(", "));
        return Err(Problem::UnknownAgent { name, near, known });
    }
    if let Some(name) = guests.keys().find(|name| known.contains(&name.as_str())) {
        let why = "an agent of the workspace has this name: rename the file".to_owned();
        return Err(Problem::Guest { path: guests[name].clone(), why });
    }
    let subjects = subjects(suite, args, seed, workspace, guests)?;
    if !args.selection.memory_limit.is_empty()
        && !subjects.agents.iter().any(|agent| agent == BALLAST)
    {
        return Err(Problem::NoBallast);
    }
    let filter = Filter::new(&args.selection.filters, args.selection.exact)?;
    let tasks = (suite.plan)(&subjects).into_iter();
    // Of all agents at once they would take as long as everything else together.
    let is_narrow = !args.selection.filters.is_empty() || !args.selection.agent.is_empty();
    let is_quick = args.mode() == Mode::Measure(Scale::Quick);
    let tasks = tasks.filter(|task| is_narrow || !is_quick || task.job != Job::Parts);
    let kept = tasks.filter_map(|task| task.keep(&|case| filter.takes(case)));
    Ok(match args.profiling.profile {
        Some(ProfileKind::Cpu) => kept.filter_map(Task::profiled).collect(),
        Some(ProfileKind::Heap) | None => kept.collect(),
    })
}

fn subjects(
    suite: &Suite,
    args: &Args,
    seed: u64,
    workspace: &Workspace,
    guests: &BTreeMap<String, PathBuf>,
) -> Result<Subjects, Problem> {
    let wanted = |name: &&String| match (&args.selection.agent[..], &args.selection.guest[..]) {
        ([], []) => !workspace.agents[*name].calibration,
        // Guests alone: the agents were not asked for.
        ([], _) => false,
        (names, _) => names.contains(name),
    };
    let known = workspace.agents.keys();
    let agents = match suite.agent {
        Some(agent) => known.filter(|name| *name == agent).cloned().collect(),
        None => known.filter(wanted).cloned().collect(),
    };
    Ok(Subjects {
        agents,
        guests: guests.keys().cloned().collect(),
        limits: args.selection.limits(),
        is_full: args.mode() == Mode::Measure(Scale::Full),
        loads: args.loads.loads(args.mode().scale(), seed)?,
    })
}

/// Says that no case is left, and what was perhaps meant; the exit code. Where something was to be
/// kept or judged, nothing is not green: a next step would take an earlier run for this one.
///
/// # Errors
/// Those of [`tasks`].
pub(super) fn none(
    suite: &Suite,
    args: &Args,
    workspace: &Workspace,
    guests: &BTreeMap<String, PathBuf>,
) -> Result<u8, Problem> {
    let cases = |suite: &Suite| -> Result<Vec<CaseKey>, Problem> {
        let tasks = (suite.plan)(&subjects(suite, args, 0, workspace, guests)?);
        Ok(tasks.iter().flat_map(Task::cases).cloned().collect())
    };
    let filter = Filter::new(&args.selection.filters, args.selection.exact)?;
    let mut elsewhere = Vec::new();
    for other in suite::ALL.into_iter().filter(|other| other.name != suite.name) {
        if cases(other)?.iter().any(|case| filter.takes(case)) {
            elsewhere.push(other.name);
        }
    }
    let asked = Asked::of(args, is_ci());
    let code = code(asked, !elsewhere.is_empty());
    let prefix = if code == exit::FINE { "" } else { "error: " };
    let own = cases(suite)?;
    note(&format!("{prefix}{}", why_none(suite.name, args, &own, &elsewhere)));
    Ok(code)
}

/// True where a machine runs this and nobody watches.
pub(super) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| is_set(&value))
}

/// `CI=false` is how some tools say that there is none.
fn is_set(value: &std::ffi::OsStr) -> bool {
    !value.is_empty() && value != "false" && value != "0"
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// Something is judged by it.
    Judged,
    /// It is kept where the user says.
    Kept,
    /// A machine asked for it.
    ByMachine,
    /// To be looked at.
    Shown,
}

impl Asked {
    fn of(args: &Args, is_ci: bool) -> Self {
        let is_kept = args.output.save_baseline.is_some()
            || args.output.out.is_some()
            || args.output.pack.is_some();
        if args.against.baseline.is_some() || args.against.relink.is_some() {
            Self::Judged
        } else if is_kept {
            Self::Kept
        } else if is_ci && matches!(args.mode(), Mode::Measure(_)) {
            Self::ByMachine
        } else {
            Self::Shown
        }
    }
}

/// A filter that fits nothing anywhere is a slip of the pen; one that fits cases of other suites
/// leaves nothing here, which a job that runs all suites has to bear.
fn code(asked: Asked, is_elsewhere: bool) -> u8 {
    match asked {
        Asked::Judged => exit::NOT_COMPARABLE,
        Asked::Kept if is_elsewhere => exit::NOT_COMPARABLE,
        Asked::Kept => exit::WRONG_USE,
        Asked::ByMachine if !is_elsewhere => exit::WRONG_USE,
        Asked::ByMachine | Asked::Shown => exit::FINE,
    }
}

/// Why there is no case of `own` to run, in one line; there are some in the suites `elsewhere`.
pub(super) fn why_none(suite: &str, args: &Args, own: &[CaseKey], elsewhere: &[&str]) -> String {
    let filters: Vec<String> = args.selection.filters.iter().map(|filter| quoted(filter)).collect();
    let what = if args.profiling.profile.is_some() { "case that can be profiled" } else { "case" };
    let mut text = match &filters[..] {
        [] => format!("no {what} in suite {suite}"),
        filters => format!("no {what} of suite {suite} matches {}", filters.join(" or ")),
    };
    let keys: Vec<String> = own.iter().map(ToString::to_string).collect();
    let parts = keys.iter().flat_map(|key| key.split(['/', ',', '=']));
    let names: BTreeSet<&str> = parts.chain(keys.iter().map(String::as_str)).collect();
    let near: BTreeSet<String> = args
        .selection
        .filters
        .iter()
        .filter_map(|word| nearest(word, names.iter().copied()))
        .collect();
    if !near.is_empty() {
        let near: Vec<String> = near.into_iter().collect();
        text += &format!(" (did you mean {}?)", near.join(" or "));
    }
    if !elsewhere.is_empty() {
        text += &format!("; such cases are in --bench {}", elsewhere.join(", --bench "));
    }
    match own.len() {
        0 => text,
        count => format!("{text}; --list shows all {count}"),
    }
}

/// The name that `word` was perhaps meant to be.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distance = |name: &str| strsim::osa_distance(word, name);
    let near = names.map(|name| (distance(name), name)).min()?;
    // Of a short word one letter, of a long one a few.
    let allowed = 1 + word.chars().count() / 6;
    (0 < near.0 && near.0 <= allowed).then(|| near.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn args(words: &[&str]) -> Args {
        Args::try_parse_from(["bench"].iter().chain(words)).expect("valid")
    }

    #[test]
    fn nothing_is_green_only_where_nothing_was_to_be_kept_or_judged() {
        for (words, is_ci, [nowhere, elsewhere]) in [
            (&["--bench", "x"][..], false, [0, 0]),
            (&["--bench", "x"], true, [2, 0]),
            // As `cargo test` asks each bench for a test that is elsewhere.
            (&["x"], true, [0, 0]),
            (&["--bench", "x", "--save-baseline", "main"], false, [2, 4]),
            (&["--bench", "x", "--out", "run"], false, [2, 4]),
            (&["x", "--out", "run"], true, [2, 4]),
            (&["--pack", "kit", "x"], false, [2, 4]),
            (&["--bench", "x", "--baseline", "main"], false, [4, 4]),
            (&["--bench", "x", "--relink", "2"], false, [4, 4]),
        ] {
            let asked = Asked::of(&args(words), is_ci);
            let codes = [false, true].map(|is_elsewhere| code(asked, is_elsewhere));
            assert_eq!(codes, [nowhere, elsewhere], "{words:?} {is_ci}");
        }
        let is_set = |value: &str| is_set(value.as_ref());
        assert!(is_set("true") && is_set("1") && !is_set("") && !is_set("false"));
    }

    #[test]
    fn a_slip_of_the_pen_is_named_beside_what_was_meant() {
        let case = |agent| CaseKey::new("wasm", "overhead", "wasmtime-vs-native", agent);
        let own = [case("json"), case("sort")];
        let said = |filters: &[&str], elsewhere: &[&str]| {
            why_none("wasm", &args(filters), &own, elsewhere)
        };
        assert_eq!(
            said(&["jsno"], &[]),
            "no case of suite wasm matches jsno (did you mean json?); --list shows all 2"
        );
        assert_eq!(
            said(&["wasm/overhead/wasmtime-vs-native/jsn"], &[]),
            "no case of suite wasm matches wasm/overhead/wasmtime-vs-native/jsn (did you mean \
             wasm/overhead/wasmtime-vs-native/json?); --list shows all 2"
        );
        assert_eq!(
            said(&["peak"], &["scenarios"]),
            "no case of suite wasm matches peak; such cases are in --bench scenarios; --list \
             shows all 2"
        );
        assert_eq!(
            said(&["no such"], &[]),
            "no case of suite wasm matches 'no such'; --list shows all 2"
        );
        assert_eq!(why_none("wasm", &args(&[]), &[], &[]), "no case in suite wasm");
    }
}
