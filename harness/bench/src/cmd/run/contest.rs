//! What every comparison of two kits begins with: the kit of this checkout, the cases of either
//! kit, the page of a comparison, and how much is measured.

use super::super::error::{CommandError, unwritable};
use super::super::output::note;
use super::super::place;
use super::args::{Against, CountKind, Selection};
use super::cases::why_none;
use super::enough::Enough;
use super::filter::Filter;
use super::prepare::Prepared;
use super::session::Session;
use super::showing::Showing;
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::turns::compare::{Contest, CountedCases, Settings, What};
use crate::measure::turns::kit::{OpenKit, pack};
use crate::measure::turns::wire::Want;
use crate::suite::Subjects;
use caxton_analysis::limits::Limits;
use caxton_model::case::CaseKey;
use caxton_model::paired::Design;
use caxton_model::paired::comparison::{self, Comparison};
use caxton_model::sanitise::sanitise;
use caxton_sys::process;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Characters of a compiler's words that are shown.
const REASON_MAX: usize = 600;
/// Launch pairs of a smoke comparison: it shows that everything runs, and decides counts alone.
pub(super) const SMOKE_LOOKS: [u32; 1] = [2];

pub(super) struct Comparing<'a> {
    pub session: &'a Session<'a>,
    pub selection: &'a Selection,
    pub against: &'a Against,
    pub showing: Showing,
    /// Where the user wants it.
    pub out: Option<&'a Path>,
    pub scale: Scale,
    pub seed: u64,
    /// Longest time for a launch pair.
    pub timeout: Duration,
    /// When a case was compared often enough.
    pub enough: &'a Enough,
}

impl Comparing<'_> {
    pub(super) fn limits(&self) -> Result<Limits, CommandError> {
        let path = self.against.limits.as_deref().map(place::as_the_user_means);
        place::limits(path.as_deref())
    }

    pub(super) fn design(&self) -> Design {
        let (seed, blocks) = (self.seed, self.scale.effort().blocks);
        let design =
            Design { seed, blocks, ..self.enough.design(self.against.find, self.against.margin) };
        match self.scale {
            Scale::Smoke => Design { looks: SMOKE_LOOKS.to_vec(), until_decided: false, ..design },
            Scale::Quick | Scale::Full => design,
        }
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            timeout: self.timeout,
            budget: self.enough.of_comparison(),
            instructions: match &self.against.counts {
                Some(CountKind::Instructions) => CountedCases::All,
                // A smoke comparison shows that everything runs, and explains nothing.
                None if self.scale != Scale::Smoke => CountedCases::Regressed,
                None | Some(_) => CountedCases::Nothing,
            },
            what: if self.against.counts.is_some() { What::Counts } else { What::All },
            audit: true,
            want: want(self.scale),
            bless_answers: self.against.bless_answers,
        }
    }
}

/// What one launch measures at `scale`.
pub(super) fn want(scale: Scale) -> Want {
    let effort = scale.effort();
    Want::Turns {
        block: effort.block,
        samples_max: effort.samples_per_block,
        instances: effort.instances,
    }
}

/// Those of `tasks` that can be compared.
pub(super) fn comparable(tasks: &[Task]) -> Vec<Task> {
    tasks.iter().filter(|task| contest((*task).clone()).is_some()).cloned().collect()
}

/// Packs what is here into `into`, as `name`: the agents of `tasks`.
pub(super) fn pack_here(
    session: &Session<'_>,
    tasks: &[Task],
    prepared: &Prepared,
    into: &Path,
    name: &str,
) -> Result<(), CommandError> {
    let mut run = session.begin(Scale::Quick, 0).run;
    for artifact in &prepared.artifacts {
        let what = format!("{} compiler", artifact.side);
        let how = artifact.rustc.known().map_or("unknown", String::as_str);
        run.build.insert(what, format!("{how} {}", artifact.target));
    }
    let compared: BTreeSet<&str> = tasks.iter().map(Task::agent).collect();
    let mut files = prepared.files.clone();
    files.retain(|agent, _| compared.contains(agent.as_str()));
    for (agent, outcome) in files.iter().filter_map(|(a, files)| Some((a, files.as_ref().err()?))) {
        let why = sanitise(outcome.reason().unwrap_or_default(), REASON_MAX);
        note(&format!("agent {agent} is left out: {why}"));
    }
    std::fs::create_dir_all(into).map_err(unwritable(into))?;
    pack(into, Path::new(process::THIS_EXECUTABLE), name, &run, &files)?;
    Ok(())
}

/// A comparison of two kits that has not begun.
pub(super) fn begin(
    session: &Session<'_>,
    scale: Scale,
    design: Design,
    kits: [&OpenKit; 2],
) -> Comparison {
    let [base, candidate] = kits;
    let begun = session.begin(scale, design.seed);
    Comparison {
        schema: comparison::SCHEMA,
        run: begun.run,
        host: begun.host,
        base: base.about.clone(),
        candidate: candidate.about.clone(),
        design,
        cases: Vec::new(),
        sentinel: None,
        warnings: begun.warnings,
        samples_bytes: 0,
    }
}

/// The cases of either kit that the filters take. A case that only the candidate has is new, and
/// said; one that only the base has is kept: it cannot be compared, and that must not be green.
pub(super) fn contests(
    session: &Session<'_>,
    selection: &Selection,
    kits: [&OpenKit; 2],
) -> Result<Vec<Contest>, CommandError> {
    let wanted = |name: &&String| selection.agent.is_empty() || selection.agent.contains(name);
    let names: BTreeSet<&String> =
        kits.iter().flat_map(|kit| kit.about.agents.keys()).filter(wanted).collect();
    let has_native = |name: &&&String| {
        kits.iter().any(|kit| kit.about.agents.get(**name).is_some_and(|a| a.native.is_some()))
    };
    let (agents, guests): (Vec<&String>, Vec<&String>) = names.iter().partition(has_native);
    let own = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    let (agents, guests, limits) = (own(agents), own(guests), selection.limits());
    let subjects = Subjects { agents, guests, limits, ..Subjects::default() };
    let filter = Filter::new(&selection.filters, selection.exact)?;
    let tasks = (session.suite.plan)(&subjects);
    let cases: Vec<CaseKey> = tasks.iter().flat_map(Task::cases).cloned().collect();
    let kept = tasks.into_iter().filter_map(|task| task.keep(&|case| filter.takes(case)));
    let kept: Vec<Task> = kept.collect();
    if kept.is_empty() {
        note(&why_none(session.suite.name, "case", &selection.filters, &cases, &[]));
    }
    let [base, _] = kits;
    let contests = kept.into_iter().filter_map(contest);
    let is_new = |contest: &Contest| base.files(&contest.case.agent).is_none();
    let (new, contests): (Vec<Contest>, Vec<Contest>) = contests.partition(is_new);
    let new: BTreeSet<&str> = new.iter().map(|contest| contest.case.agent.as_str()).collect();
    if !new.is_empty() {
        let new: Vec<&str> = new.into_iter().collect();
        note(&format!("not compared, for the baseline has no such agent: {}", new.join(", ")));
    }
    Ok(contests)
}

fn contest(task: Task) -> Option<Contest> {
    let mut cases = task.cases.into_iter();
    match task.job {
        Job::Overhead => {
            cases.find(CaseKey::is_overhead).map(|case| Contest { case, is_paired: true })
        }
        Job::MemoryLimit { .. } | Job::Heap => {
            cases.next().map(|case| Contest { case, is_paired: false })
        }
        _ => None,
    }
}
