//! Which cases a user wants, and what is said where there is none.

use super::super::error::CommandError;
use super::super::output::{note, print_error};
use super::args::{Against, Mode, Output, ProfileKind, Selection};
use super::filter::{BadFilter, Filter};
use super::prepare::Guest;
use crate::guest::catalog::{CatalogError, Workspace};
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::sides::SideSpec;
use crate::job::task::Task;
use crate::suite::wasm::BALLAST;
use crate::suite::{self, Loads, Subjects, Suite};
use caxton_analysis::exit;
use caxton_model::case::CaseKey;
use caxton_report::sections::quoted;
use std::collections::{BTreeMap, BTreeSet};

/// Which cases a user wants, and of what.
pub(super) struct Wanted<'a> {
    pub selection: &'a Selection,
    pub mode: Mode,
    pub profile: Option<ProfileKind>,
    pub loads: Loads,
    /// Guests given as files, by name.
    pub guests: &'a BTreeMap<String, Guest>,
    pub sides: Vec<SideSpec>,
}

impl Wanted<'_> {
    /// The tasks of `suite` that the user wants.
    pub(super) fn tasks(
        &self,
        suite: &Suite,
        workspace: &Workspace,
    ) -> Result<Vec<Task>, CommandError> {
        if let (Some(agent), Some(_)) = (suite.agent, &workspace.user) {
            let what = format!("suite {}", suite.name);
            let why = format!("it measures agent {agent}: run it in a checkout of caxton-bench");
            return Err(CatalogError::Described { what, why }.into());
        }
        let known: Vec<&str> = workspace.agents.keys().map(String::as_str).collect();
        let is_unknown = |name: &&String| !known.contains(&name.as_str());
        if let Some(name) = self.selection.agent.iter().find(is_unknown) {
            let near = nearest(name, known.iter().copied());
            let (name, known) = (name.clone(), known.join(", "));
            return Err(CommandError::UnknownAgent { name, near, known });
        }
        if let Some(name) = self.guests.keys().find(|name| known.contains(&name.as_str())) {
            let why = "an agent of the workspace has this name: rename the file".to_owned();
            return Err(CommandError::Guest { path: self.guests[name].wasm.clone(), why });
        }
        let subjects = self.subjects(suite, workspace);
        let has_ballast = subjects.agents.iter().any(|agent| agent == BALLAST);
        if !self.selection.memory_limit.is_empty() && !has_ballast {
            return Err(CommandError::NoBallast);
        }
        let filter = self.filter()?;
        let tasks = (suite.plan)(&subjects);
        self.note_unmatched(suite, &tasks)?;
        let tasks = tasks.into_iter();
        // Of all agents at once they would take as long as everything else together.
        let is_narrow = !self.selection.filters.is_empty() || !self.selection.agent.is_empty();
        let is_quick = self.mode == Mode::Measure(Scale::Quick);
        // A guest given as a file is not taken apart: its call has no steps that are known.
        let is_given = |agent: &str| self.guests.contains_key(agent);
        let tasks = tasks.filter(|task| task.job != Job::Parts || !is_given(task.agent()));
        let tasks = tasks.filter(|task| is_narrow || !is_quick || task.job != Job::Parts);
        let kept = tasks.filter_map(|task| task.keep(&|case| filter.takes(case)));
        let kept = kept.collect::<Vec<_>>();
        check_generators(&kept)?;
        let kept = kept.into_iter();
        Ok(match self.profile {
            Some(ProfileKind::Cpu) => kept.filter_map(Task::profiled).collect(),
            Some(ProfileKind::Instructions) => kept.filter_map(Task::counted).collect(),
            Some(ProfileKind::Heap) | None => kept.collect(),
        })
    }

    /// Tells of each filter that takes no case while another one does: a slip of the pen.
    fn note_unmatched(&self, suite: &Suite, tasks: &[Task]) -> Result<(), CommandError> {
        let own: Vec<CaseKey> = tasks.iter().flat_map(Task::cases).cloned().collect();
        let words = self.selection.filters.iter();
        let filters = words
            .map(|word| Ok((word, Filter::new(std::slice::from_ref(word), self.selection.exact)?)));
        let filters = filters.collect::<Result<Vec<_>, BadFilter>>()?;
        let (matched, unmatched): (Vec<_>, Vec<_>) =
            filters.into_iter().partition(|(_, filter)| own.iter().any(|case| filter.takes(case)));
        for (word, _) in unmatched.iter().filter(|_| !matched.is_empty()) {
            let why = why_none(suite.name, "case", std::slice::from_ref(*word), &own, &[]);
            note(&format!("warning: {why}"));
        }
        Ok(())
    }

    fn filter(&self) -> Result<Filter, CommandError> {
        Ok(Filter::new(&self.selection.filters, self.selection.exact)?)
    }

    fn subjects(&self, suite: &Suite, workspace: &Workspace) -> Subjects {
        let named = &self.selection.agent;
        let wanted = |name: &&String| match (&named[..], self.guests.is_empty()) {
            ([], true) => !workspace.agents[*name].calibration,
            // Guests alone: the agents were not asked for.
            ([], false) => false,
            (names, _) => names.contains(name),
        };
        let known = workspace.agents.keys();
        let agents: Vec<String> = match suite.agent {
            Some(agent) => known.filter(|name| *name == agent).cloned().collect(),
            None => known.filter(wanted).cloned().collect(),
        };
        let has_native = |name: &&String| self.guests[*name].native.is_some();
        let (with, without): (Vec<&String>, Vec<&String>) =
            self.guests.keys().partition(has_native);
        // Said of all, else of a guest alone.
        let sides_of = |name: &String| match self.guests.get(name) {
            Some(guest) if self.sides.is_empty() => guest.sides.clone(),
            _ => self.sides.clone(),
        };
        let named = agents.iter().chain(self.guests.keys());
        let sides = named.map(|name| (name.clone(), sides_of(name)));
        let sides = sides.filter(|(_, sides)| !sides.is_empty()).collect();
        Subjects {
            agents: agents.into_iter().chain(with.into_iter().cloned()).collect(),
            guests: without.into_iter().cloned().collect(),
            sides,
            limits: self.selection.limits(),
            is_full: self.mode.scale() == Scale::Full,
            loads: self.loads.clone(),
        }
    }

    /// Says that no case is left, and what was perhaps meant; the exit code. Where something was to
    /// be kept or judged, nothing is not green: a next step would take an earlier run for this one.
    pub(super) fn none(
        &self,
        suite: &Suite,
        workspace: &Workspace,
        asked: Asked,
    ) -> Result<u8, CommandError> {
        let cases = |suite: &Suite| -> Vec<CaseKey> {
            let tasks = (suite.plan)(&self.subjects(suite, workspace));
            tasks.iter().flat_map(Task::cases).cloned().collect()
        };
        let filter = self.filter()?;
        let others = suite::ALL.into_iter().filter(|other| other.name != suite.name);
        let elsewhere = others.filter(|other| cases(other).iter().any(|case| filter.takes(case)));
        let elsewhere: Vec<&str> = elsewhere.map(|other| other.name).collect();
        let code = code(asked, !elsewhere.is_empty());
        let prefix = if code == exit::FINE { "" } else { "error: " };
        let what = if self.profile.is_some() { "case that can be profiled" } else { "case" };
        let (own, filters) = (cases(suite), &self.selection.filters);
        let why = why_none(suite.name, what, filters, &own, &elsewhere);
        print_error(&why, code);
        note(&format!("{prefix}{why}"));
        Ok(code)
    }
}

/// Whether each load among `tasks` can have as many generators as the user says.
fn check_generators(tasks: &[Task]) -> Result<(), CommandError> {
    for task in tasks {
        let Job::Load(job) = &task.job else { continue };
        job.check_generators().map_err(|why| CommandError::GivenFlag {
            flag: "--generators".to_owned(),
            value: job.generators.map_or_else(String::new, |number| number.to_string()),
            why,
        })?;
    }
    Ok(())
}

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Judged,
    /// It is kept where the user says.
    Kept,
    ByMachine,
    /// To be looked at.
    Shown,
}

impl Asked {
    pub(super) fn of(output: &Output, against: &Against, mode: Mode, is_ci: bool) -> Self {
        if against.baseline.is_some() || against.relink.is_some() {
            Self::Judged
        } else if output.save_baseline.is_some() || output.out.is_some() || output.pack.is_some() {
            Self::Kept
        } else if is_ci && matches!(mode, Mode::Measure(_)) {
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

/// Why there is no such case (`what`) of `own` to run, in one line; there are some in the suites
/// `elsewhere`.
pub(super) fn why_none(
    suite: &str,
    what: &str,
    filters: &[String],
    own: &[CaseKey],
    elsewhere: &[&str],
) -> String {
    let shown: Vec<String> = filters.iter().map(|filter| quoted(filter)).collect();
    let mut text = match &shown[..] {
        [] => format!("no {what} in suite {suite}"),
        shown => format!("no {what} of suite {suite} matches {}", shown.join(" or ")),
    };
    let keys: Vec<String> = own.iter().map(ToString::to_string).collect();
    let parts = keys.iter().flat_map(|key| key.split(['/', ',', '=']));
    let names: BTreeSet<&str> = parts.chain(keys.iter().map(String::as_str)).collect();
    let near = filters.iter().filter_map(|word| nearest(word, names.iter().copied()));
    let near: BTreeSet<String> = near.collect();
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
pub(super) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    let distance = |name: &str| strsim::osa_distance(word, name);
    let near = names.map(|name| (distance(name), name)).min()?;
    // Of a short word one letter, of a long one a few.
    let allowed = 1 + word.chars().count() / 6;
    (0 < near.0 && near.0 <= allowed).then(|| near.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::args::Args;
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
            let args = args(words);
            let asked = Asked::of(&args.output, &args.against, args.mode(), is_ci);
            let codes = [false, true].map(|is_elsewhere| code(asked, is_elsewhere));
            assert_eq!(codes, [nowhere, elsewhere], "{words:?} {is_ci}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_named_beside_what_was_meant() {
        let case = |agent| CaseKey::new("wasm", "overhead", "wasmtime-vs-native", agent);
        let own = [case("json"), case("sort")];
        let said = |filters: &[&str], elsewhere: &[&str]| {
            let filters: Vec<String> = filters.iter().map(|word| (*word).to_owned()).collect();
            why_none("wasm", "case", &filters, &own, elsewhere)
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
        assert_eq!(why_none("wasm", "case", &[], &[], &[]), "no case in suite wasm");
    }
}
