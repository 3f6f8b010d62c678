//! From words to a comparison: packs what is here, opens what is compared with, runs, prints.

use super::args::Args;
use super::bench::{STOP, folder, point_latest, shown, use_colour, watch_for_ctrl_c};
use super::cases::why_none;
use super::messages::{Problem, note, result};
use super::meter::Ahead;
use super::place::as_the_user_means;
use super::progress::Progress;
use super::relink::Relink;
use crate::cli::filter::Filter;
use crate::guest::catalog::{EXAMPLE_SEED, Workspace};
use crate::guest::files::BuiltFiles;
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::turns::compare::{Compare, Contest, Settings, What, design_for};
use crate::measure::turns::kit::{OpenKit, pack};
use crate::measure::turns::wire::Want;
use crate::record;
use crate::suite::{Subjects, Suite};
use caxton_analysis::exit;
use caxton_analysis::limits::Limits;
use caxton_model::case::CaseKey;
use caxton_model::file;
use caxton_model::paired::comparison::Comparison;
use caxton_model::paired::{Design, LOOKS, comparison};
use caxton_model::record::lock::HeldFolder;
use caxton_model::record::store::StoreError;
use caxton_model::record::{Artifact, Status};
use caxton_model::sanitise::sanitise;
use caxton_report::sections as report;
use caxton_report::sections::Style;
use caxton_sys::{clock, process};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Characters of a compiler's words that are shown.
const REASON_MAX: usize = 600;
/// Launch pairs of a smoke comparison: it shows that everything runs, and decides counts alone.
pub(super) const SMOKE_LOOKS: [u32; 1] = [2];

/// What is compared, and where it is kept.
pub(super) struct Match<'a> {
    /// The suite.
    pub suite: &'a Suite,
    /// The words.
    pub args: &'a Args,
    /// The checkout.
    pub workspace: &'a Workspace,
    /// Folders of the two kits: base, candidate.
    pub kits: [&'a Path; 2],
    /// What the comparison is called.
    pub id: String,
    /// Where files may be laid out.
    pub scratch: &'a HeldFolder,
}

/// Those of `tasks` that can be compared.
pub(super) fn comparable(tasks: &[Task]) -> Vec<Task> {
    tasks.iter().filter(|task| contest((*task).clone()).is_some()).cloned().collect()
}

/// Packs what is here into `into`: the agents of `tasks`.
pub(super) fn pack_here(
    (suite, workspace, tasks): (&Suite, &Workspace, &[Task]),
    (into, name): (&Path, &str),
    (files, artifacts): (&BuiltFiles, &[Artifact]),
) -> Result<(), Problem> {
    let mut run = record::begin(&workspace.root, suite.name, Scale::Quick, 0).run;
    for artifact in artifacts {
        let what = format!("{} compiler", artifact.side);
        let how = artifact.rustc.known().map_or("unknown", String::as_str);
        run.build.insert(what, format!("{how} {}", artifact.target));
    }
    let compared: BTreeSet<&String> = tasks.iter().map(|task| &task.agent).collect();
    let mut files = files.clone();
    files.retain(|agent, _| compared.contains(agent));
    for (agent, outcome) in files.iter().filter_map(|(a, files)| Some((a, files.as_ref().err()?))) {
        let why = sanitise(outcome.reason().unwrap_or_default(), REASON_MAX);
        note(&format!("agent {agent} is left out: {why}"));
    }
    std::fs::create_dir_all(into)
        .map_err(|source| StoreError::Write { path: into.to_owned(), source })?;
    pack(into, Path::new(process::THIS_EXECUTABLE), name, &run, &files)?;
    Ok(())
}

impl Match<'_> {
    /// Runs the comparison, keeps and prints it.
    pub(super) fn run(self) -> Result<ExitCode, Problem> {
        let Self { suite, args, workspace, kits, id, scratch } = self;
        let limits = limits(args)?;
        let seed = args.timing.seed.unwrap_or_else(clock::entropy);
        // Which of the two lies where is chance, and both paths are equally long.
        let mut places = ["0", "1"];
        fastrand::Rng::with_seed(seed).shuffle(&mut places);
        let open = |which: usize| OpenKit::open(kits[which], &scratch.path().join(places[which]));
        let opened = [&open(0)?, &open(1)?];
        let contests = contests(suite, args, opened)?;
        let design = design_for(&contests, opened[0], design(args, seed));
        let mut comparison = begin((suite, workspace, args.mode().scale()), design, opened);
        comparison.warnings.extend(layout_warnings(opened));
        watch_for_ctrl_c();
        let folder = folder(args, workspace, &id, &mut comparison)?;
        let [_, plain] = kits;
        let relink = Relink { suite, args, workspace, plain, contests: &contests, scratch, seed };
        let floors = relink.floors(Some(folder.path()))?;
        let allowed = |case: &CaseKey| limits.margins(case);
        comparison.warnings.extend(floors.warnings(&allowed, args.against.margin));
        comparison.warnings.extend(folder.warnings());
        comparison.warnings.extend(point_latest(args, workspace, &comparison.run.id));
        let paired = contests.iter().filter(|c| c.is_paired && !args.against.counts).count() as u64;
        let last = comparison.design.looks.last().copied().unwrap_or(0);
        let progress =
            Progress::new(Ahead { launches: paired * u64::from(last), ..Ahead::default() });
        let kept = folder.path().to_owned();
        let mut compare = Compare {
            comparison,
            folder: Some(folder),
            settings: settings(args, args.mode().scale()),
            kits: opened,
            stop: &STOP,
            observer: &progress,
            example_seeds: [EXAMPLE_SEED; 2],
        };
        let margins = |case: &CaseKey| floors.margins(case, allowed(case), args.against.margin);
        let ended = compare.all(&contests, &margins);
        progress.finish();
        if ended.is_err() {
            compare.comparison.run.status = Status::Failed;
            if let Some(folder) = &compare.folder {
                // Perhaps there is room for the small file that is replaced.
                let _ = folder.write(&compare.comparison);
            }
        }
        let comparison = compare.comparison;
        let style = Style { colour: use_colour() };
        result(&report::comparison_text(&comparison, args.against.table, &style));
        note(&format!("kept in {}", shown(&kept, &workspace.root)));
        ended?;
        Ok(ExitCode::from(exit::of(comparison.conclusion(), args.against.strict)))
    }
}

/// What a comparison is to find.
fn design(args: &Args, seed: u64) -> Design {
    let scale = args.mode().scale();
    let looks = if scale == Scale::Smoke { SMOKE_LOOKS.to_vec() } else { LOOKS.to_vec() };
    Design {
        seed,
        looks,
        blocks: scale.effort().blocks,
        ..Design::with_margin(args.against.margin)
    }
}

/// A comparison of two kits that has not begun.
pub(super) fn begin(
    (suite, workspace, scale): (&Suite, &Workspace, Scale),
    design: Design,
    [base, candidate]: [&OpenKit; 2],
) -> Comparison {
    let begun = record::begin(&workspace.root, suite.name, scale, design.seed);
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

/// What the user allows.
pub(super) fn limits(args: &Args) -> Result<Limits, Problem> {
    let Some(path) = &args.against.limits else { return Ok(Limits::default()) };
    let path = as_the_user_means(path);
    let text = file::read_text(&path, file::TEXT_MAX)
        .map_err(|source| StoreError::Read { path: path.clone(), source })?;
    Ok(Limits::parse(&path.display().to_string(), &text)?)
}

/// How a comparison is made at `scale`.
pub(super) fn settings(args: &Args, scale: Scale) -> Settings {
    let effort = scale.effort();
    Settings {
        timeout: Duration::from_secs_f64(args.timing.timeout),
        budget: Duration::from_secs_f64(args.against.budget),
        what: if args.against.counts { What::Counts } else { What::All },
        audit: true,
        want: Want::Turns {
            block: effort.block,
            samples_max: effort.samples_per_block,
            instances: effort.instances,
        },
        bless_answers: args.against.bless_answers,
    }
}

/// The cases of either kit that the filters take. A case that only the candidate has is new, and
/// said; one that only the base has is kept: it cannot be compared, and that must not be green.
pub(super) fn contests(
    suite: &Suite,
    args: &Args,
    kits: [&OpenKit; 2],
) -> Result<Vec<Contest>, Problem> {
    let wanted =
        |name: &&String| args.selection.agent.is_empty() || args.selection.agent.contains(name);
    let names: BTreeSet<&String> =
        kits.iter().flat_map(|kit| kit.about.agents.keys()).filter(wanted).collect();
    let has_twin = |name: &&&String| {
        kits.iter().any(|kit| kit.about.agents.get(**name).is_some_and(|a| a.native.is_some()))
    };
    let (agents, guests): (Vec<&String>, Vec<&String>) = names.iter().partition(has_twin);
    let own = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<String>>();
    let (agents, guests, limits) = (own(agents), own(guests), args.selection.limits());
    let subjects = Subjects { agents, guests, limits, ..Subjects::default() };
    let filter = Filter::new(&args.selection.filters, args.selection.exact)?;
    let tasks = (suite.plan)(&subjects);
    let cases: Vec<CaseKey> = tasks.iter().flat_map(Task::cases).cloned().collect();
    let kept = tasks.into_iter().filter_map(|task| task.keep(&|case| filter.takes(case)));
    let kept: Vec<Task> = kept.collect();
    if kept.is_empty() {
        note(&why_none(suite.name, args, &cases, &[]));
    }
    let mut contests: Vec<Contest> = kept.into_iter().filter_map(contest).collect();
    let [base, _] = kits;
    let is_new = |contest: &Contest| base.files(&contest.case.agent).is_none();
    let new: BTreeSet<&str> =
        contests.iter().filter(|c| is_new(c)).map(|c| c.case.agent.as_str()).collect();
    if !new.is_empty() {
        let new: Vec<&str> = new.into_iter().collect();
        note(&format!("not compared, for the baseline has no such agent: {}", new.join(", ")));
    }
    contests.retain(|contest| !is_new(contest));
    Ok(contests)
}

/// What of a task can be compared.
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

/// What of the layout of the two could be a difference that no source made.
fn layout_warnings(kits: [&OpenKit; 2]) -> Vec<String> {
    let of = |kit: &&OpenKit| {
        let name = &kit.about.name;
        match kit.about.aligned.known() {
            Some((aligned, all)) if aligned == all => None,
            Some((aligned, all)) => Some(format!(
                "{name}: only {aligned} of {all} functions of the harness are 64-byte aligned: \
                 layout may move a figure by 20 %"
            )),
            None => Some(format!("{name}: nobody could tell whether its functions are aligned")),
        }
    };
    kits.iter().filter_map(of).collect()
}

/// Where a comparison with `name` is kept.
pub(super) fn id(workspace: &Workspace, suite: &Suite, name: &str) -> String {
    format!("{}-vs-{name}", record::run_id(&workspace.root, suite.name))
}

/// The two folders of `--between`, as the user means them.
pub(super) fn between(args: &Args) -> Option<[PathBuf; 2]> {
    let [base, candidate] = &args.against.between[..] else { return None };
    Some([base, candidate].map(|path| as_the_user_means(path)))
}
