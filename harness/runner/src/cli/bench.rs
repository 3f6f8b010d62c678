//! From words to a record: finds the subjects, plans, builds, runs, prints.

use super::args::{Args, Mode, ProfileKind, Subtask};
use super::compare::{self as contest, Match};
use super::files::{Files, files, guests};
use super::list;
use super::messages::{Problem, note, report_problem, result};
use super::meter::Ahead;
use super::progress::Progress;
use super::{relink, resume, selftest};
use crate::guest::catalog::Workspace;
use crate::measure::protocol::Sampling;
use crate::measure::run::{Run, Settings};
use crate::plan::filter::Filter;
use crate::plan::scale::Scale;
use crate::plan::{Task, TaskKind};
use crate::record;
use crate::suite::{Subjects, Suite};
use crate::sys::clock;
use caxton_results::compare::Records;
use caxton_results::exit;
use caxton_results::record::baseline;
use caxton_results::record::latest::latest_of_each_suite;
use caxton_results::record::store::{self, RunFolder};
use caxton_results::record::{CaseRecord, PROFILE, Record, Status};
use caxton_results::report::{self, Style};
use caxton_results::targets;
use caxton_results::units::Nanos;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// For how long each side is profiled unless told otherwise: about 5,000 samples.
const PROFILE_SECONDS: f64 = 5.0;

/// Set by Ctrl-C.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

/// Runs `suite` as the user wishes.
pub fn main(suite: &Suite, args: &Args) -> ExitCode {
    match run(suite, args) {
        Ok(code) => code,
        Err(problem) => report_problem(&problem),
    }
}

fn run(suite: &Suite, args: &Args) -> Result<ExitCode, Problem> {
    let here = std::env::current_dir().unwrap_or_default();
    let workspace = Workspace::find(&here)?;
    if let Some(code) = instead(suite, args, &workspace)? {
        return Ok(code);
    }
    let guests = guests(&args.guest)?;
    let seed = args.seed.unwrap_or_else(clock::entropy);
    let tasks = plan((suite, args, seed), &workspace, &guests)?;
    let mode = args.mode();
    if mode == Mode::List {
        result(&list::text(&tasks, args.format, args.ignored));
        return Ok(ExitCode::SUCCESS);
    }
    if tasks.is_empty() {
        note(&format!("no case of suite {} matches the filter", suite.name));
        // Nothing compared is nothing found, and not green.
        let code = if args.baseline.is_some() { exit::NOT_COMPARABLE } else { exit::FINE };
        return Ok(ExitCode::from(code));
    }
    check(suite, args)?;
    let baseline = baseline_of(suite, args, &workspace)?;
    let what = (&tasks[..], &guests);
    if let Some(code) = with_kits((suite, args, &workspace), what, baseline.as_deref())? {
        return Ok(code);
    }
    let baseline = baseline.map(|path| RunFolder::load_record(&path)).transpose()?;
    // First of all, so that an unwritable folder is told before anything is built.
    let folder = match folder_wanted(args, mode) {
        true => Some(folder(args, &workspace, &id_of(suite, args, &workspace))?),
        false => None,
    };
    let built = files(&workspace, &tasks, &guests);
    if let (Err(_), Some(folder)) = (&built, &folder) {
        // Nothing came of it: an empty folder would be listed as a run.
        let _ = fs::remove_dir(folder.path());
    }
    let (files, artifacts) = built?;
    let scale = mode.scale();
    let mut record = record::begin(&workspace.root, suite.name, scale, seed);
    if args.profile == Some(ProfileKind::Cpu) {
        record.run.scale = PROFILE.to_owned();
    }
    record.artifacts = artifacts;
    if let Some(folder) = &folder {
        record.run.id = folder_name(folder.path());
        folder.write(&record)?;
        if args.out.is_none() {
            store::update_latest(&workspace.profiles(), &record.run.id)?;
        }
    }
    let run = folder.as_ref().map(|folder| folder.path().to_owned());
    let record = measure(args, (scale, seed), record, folder, (&tasks, &files))?;
    let code = finish(args, &record);
    tell_targets(args, &workspace, &record);
    if let Some(baseline) = baseline {
        return records_alone(args, &workspace, (&baseline, &record), code);
    }
    if let (Some(name), Some(run)) = (&args.save_baseline, run) {
        save_baseline((suite, &workspace, &tasks), (name, &run), &record, &files)?;
    }
    Ok(ExitCode::from(code))
}

/// What is done instead of a run that begins here.
fn instead(suite: &Suite, args: &Args, workspace: &Workspace) -> Result<Option<ExitCode>, Problem> {
    if let Some(Subtask::Selftest(words)) = &args.task {
        return selftest::run(suite, words, workspace).map(Some);
    }
    if let Some([base, candidate]) = contest::between(args) {
        let scratch = contest::scratch(workspace)?;
        let name = baseline::load_kit(&base).ok().flatten().map(|kit| kit.name);
        let name = name.filter(|name| baseline::check_name(name).is_ok());
        let id = contest::id(workspace, suite, name.as_deref().unwrap_or("kit"));
        let kits = [base.as_path(), candidate.as_path()];
        return Match { suite, args, workspace, kits, id, scratch: &scratch }.run().map(Some);
    }
    if args.loads.resume.is_some() {
        return resume::run(suite, args, workspace).map(Some);
    }
    Ok(None)
}

/// Words that do not go together.
fn check(suite: &Suite, args: &Args) -> Result<(), Problem> {
    if args.profile == Some(ProfileKind::Heap) && !suite.heap {
        return Err(Problem::NoHeap);
    }
    let is_kept = args.mode() != Mode::Check && args.profile_time.is_none();
    if args.save_baseline.is_some() && args.out.is_none() && !is_kept {
        return Err(Problem::NothingToKeep);
    }
    Ok(())
}

/// What is done with kits and not in a run: packing one, comparing two, linking one again.
fn with_kits(
    (suite, args, workspace): (&Suite, &Args, &Workspace),
    (tasks, guests): (&[Task], &BTreeMap<String, PathBuf>),
    baseline: Option<&Path>,
) -> Result<Option<ExitCode>, Problem> {
    // Nothing is built for what cannot be compared.
    let compared = contest::comparable(tasks);
    let (here, tasks) = ((suite, workspace, &compared[..]), &compared[..]);
    if let Some(into) = &args.pack {
        let (files, artifacts) = files(workspace, tasks, guests)?;
        let (into, name) = (as_the_user_means(into), folder_name(into));
        contest::pack_here(here, (&into, &name), (&files, &artifacts))?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    if args.relink.is_some() && args.baseline.is_none() {
        return relink::alone(suite, args, workspace, (tasks, guests)).map(Some);
    }
    if let Some((name, kept)) = args.baseline.as_ref().zip(baseline)
        && baseline::load_kit(kept)?.is_some()
    {
        let id = contest::id(workspace, suite, name);
        let (files, artifacts) = files(workspace, tasks, guests)?;
        let scratch = contest::scratch(workspace)?;
        let packed = scratch.path().join("packed");
        contest::pack_here(here, (&packed, "this checkout"), (&files, &artifacts))?;
        let kits = [kept, packed.as_path()];
        return Match { suite, args, workspace, kits, id, scratch: &scratch }.run().map(Some);
    }
    if args.relink.is_some() {
        note("--relink is left out: it needs a baseline that has its executable");
    }
    Ok(None)
}

/// Runs the tasks; what was measured is kept and printed even when the machine fails on the way.
pub(super) fn measure(
    args: &Args,
    (scale, seed): (Scale, u64),
    record: Record,
    folder: Option<RunFolder>,
    (tasks, files): (&[Task], &Files),
) -> Result<Record, Problem> {
    let settings = Settings {
        scale,
        seed,
        timeout: Duration::from_secs_f64(args.timeout),
        spin: args.profile_time.filter(|_| args.profile.is_none()).map(nanos),
        perf_map: args.perf_map,
        sampling: Sampling {
            engine: args.profiler,
            hz: args.profile_hz,
            time: nanos(args.profile_time.unwrap_or(PROFILE_SECONDS)),
            threads: args.profile_threads,
            asynchronous: args.profile_async,
        },
    };
    watch_for_ctrl_c();
    let launches = |task: &Task| if settings.spin.is_some() { 1 } else { task.launches(scale) };
    let progress = Progress::new(ahead(tasks, &launches));
    let mut run = Run::new(record, folder, settings, (&STOP, &progress));
    let ended = run.all(tasks, files);
    progress.finish();
    if let Err(error) = ended {
        run.record.run.status = Status::Failed;
        let kept = match &run.folder {
            Some(folder) => {
                // Perhaps there is room for the small file that is replaced.
                let _ = folder.write(&run.record);
                format!("finished cases are in {}", folder.path().display())
            }
            None => "no run folder was asked for".to_owned(),
        };
        note(&kept);
        // What was measured and could not be kept is at least said.
        result(&report::text(&run.record, &Style { colour: use_colour() }));
        return Err(error.into());
    }
    Ok(run.record)
}

/// What `tasks` come to: launches, and for loads the time that they are given.
fn ahead(tasks: &[Task], launches: &dyn Fn(&Task) -> u32) -> Ahead {
    let mut ahead = Ahead::default();
    for task in tasks {
        match &task.kind {
            TaskKind::Load { job, .. } => {
                ahead.loads = Nanos(ahead.loads.0.saturating_add(job.length().0));
            }
            _ => ahead.launches += u64::from(launches(task)),
        }
    }
    ahead
}

/// Lets Ctrl-C end a run in order.
pub(super) fn watch_for_ctrl_c() {
    static ONCE: AtomicBool = AtomicBool::new(false);
    let is_watched = ONCE.swap(true, Ordering::Relaxed);
    if !is_watched && ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)).is_err() {
        note("Ctrl-C will end this run at once: its signal is taken");
    }
}

fn nanos(seconds: f64) -> Nanos {
    Nanos((seconds * 1e9) as u64)
}

/// Prints what came of a run; its exit code.
pub(super) fn finish(args: &Args, record: &Record) -> u8 {
    if args.profile_time.is_none() || args.profile.is_some() {
        result(&report::text(record, &Style { colour: use_colour() }));
    }
    match record.run.status {
        Status::Interrupted => exit::INTERRUPTED,
        _ if record.cases.iter().any(CaseRecord::has_failed) => exit::FAILED,
        // Half a second shows that a load runs, and no more.
        _ if record.run.scale == Scale::Smoke.name() => exit::FINE,
        _ => {
            exit::of_loads(record.cases.iter().filter_map(|case| Some(case.load.as_ref()?.verdict)))
        }
    }
}

/// Prints how this run, with the latest ones of the other suites of the same commit on the same
/// machine, stands to the targets. Of a run that is kept elsewhere, or not whole, nothing is said.
fn tell_targets(args: &Args, workspace: &Workspace, record: &Record) {
    let is_timed = record.run.scale != Scale::Smoke.name() && !record.is_profile();
    let is_whole = record.run.status == Status::Finished && args.profile_time.is_none();
    if !is_timed || !is_whole || args.out.is_some() {
        return;
    }
    let mut records = latest_of_each_suite(&workspace.profiles(), record);
    records.retain(|other| other.run.suite != record.run.suite);
    records.push(record.clone());
    records.sort_by(|a, b| a.run.suite.cmp(&b.run.suite));
    let style = Style { colour: use_colour() };
    result(&report::paint(&targets::table(&records), &style));
}

/// Compares a run with a baseline that has no executable, as far as records tell; `code` is that of
/// the run itself, which comes first.
fn records_alone(
    args: &Args,
    workspace: &Workspace,
    (baseline, record): (&Record, &Record),
    code: u8,
) -> Result<ExitCode, Problem> {
    note("the baseline has no executable: only records are compared");
    let limits = contest::limits(args)?;
    let sessions = baseline::stored_records(&workspace.profiles())?;
    let records = Records::compare(baseline, record, &sessions, &limits);
    result(&records.text(&Style { colour: use_colour() }));
    let concluded = exit::of(records.conclusion(), args.strict);
    Ok(ExitCode::from(if code == exit::FINE { concluded } else { code }))
}

/// Keeps a run as a baseline, with all that is needed to run it again.
fn save_baseline(
    (suite, workspace, tasks): (&Suite, &Workspace, &[Task]),
    (name, run): (&str, &Path),
    record: &Record,
    files: &Files,
) -> Result<(), Problem> {
    if record.run.status != Status::Finished || record.cases.iter().any(CaseRecord::has_failed) {
        note(&format!("baseline {name} not kept: the run is not whole, or a case failed"));
        return Ok(());
    }
    let scratch = contest::scratch(workspace)?;
    let kit = scratch.path().join("kit");
    let comparable = contest::comparable(tasks);
    // What takes no turns with another version is kept as a record alone.
    let has_kit = !comparable.is_empty();
    if has_kit {
        let here = (suite, workspace, &comparable[..]);
        contest::pack_here(here, (&kit, name), (files, &record.artifacts))?;
    }
    let baselines = workspace.profiles().join(store::BASELINES);
    let kept = baseline::save(run, has_kit.then_some(kit.as_path()), (&baselines, name))?;
    note(&format!("baseline {name} kept in {}", shown(&kept, &workspace.root)));
    Ok(())
}

pub(super) fn use_colour() -> bool {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !unwanted
}

/// A path as it was typed: cargo runs a bench in its package's folder, and leaves the folder it was
/// called in only in `PWD`.
pub(super) fn as_the_user_means(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some_and(|dir| dir == *here);
    let called_in = std::env::var_os("PWD").map(PathBuf::from).filter(|dir| dir.is_absolute());
    match called_in {
        Some(called_in) if by_cargo => called_in.join(path),
        _ => here.join(path),
    }
}

pub(super) fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

pub(super) fn folder_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn plan(
    (suite, args, seed): (&Suite, &Args, u64),
    workspace: &Workspace,
    guests: &BTreeMap<String, PathBuf>,
) -> Result<Vec<Task>, Problem> {
    let known: Vec<String> = workspace.agents.keys().cloned().collect();
    for name in &args.agent {
        if !known.contains(name) {
            let (name, known) = (name.clone(), known.join(", "));
            return Err(Problem::UnknownAgent { name, known });
        }
    }
    if let Some(name) = guests.keys().find(|name| known.contains(name)) {
        let why = "an agent of the workspace has this name: rename the file".to_owned();
        return Err(Problem::Guest { path: guests[name].clone(), why });
    }
    let wanted = |name: &String| match (&args.agent[..], &args.guest[..]) {
        ([], []) => !workspace.agents[name].calibration,
        // Guests alone: the agents were not asked for.
        ([], _) => false,
        (names, _) => names.contains(name),
    };
    let agents = match suite.agent {
        Some(agent) => known.into_iter().filter(|name| name == agent).collect(),
        None => known.into_iter().filter(wanted).collect(),
    };
    let subjects = Subjects {
        agents,
        guests: guests.keys().cloned().collect(),
        limits: args.limits(),
        is_full: args.mode() == Mode::Measure(Scale::Full),
        loads: args.loads.loads(args.mode().scale(), seed)?,
    };
    let filter = Filter::new(&args.filters, args.exact)?;
    let tasks = (suite.plan)(&subjects).into_iter();
    // Of all agents at once they would take as long as everything else together.
    let is_narrow = !args.filters.is_empty() || !args.agent.is_empty();
    let is_quick = args.mode() == Mode::Measure(Scale::Quick);
    let tasks =
        tasks.filter(|task| is_narrow || !is_quick || !matches!(task.kind, TaskKind::Parts(_)));
    let kept = tasks.filter_map(|task| task.keep(&|case| filter.takes(case)));
    Ok(match args.profile {
        Some(ProfileKind::Cpu) => kept.filter_map(Task::profiled).collect(),
        Some(ProfileKind::Heap) | None => kept.collect(),
    })
}

fn baseline_of(
    suite: &Suite,
    args: &Args,
    workspace: &Workspace,
) -> Result<Option<PathBuf>, Problem> {
    if let Some(name) = &args.save_baseline {
        baseline::check_name(name)?;
    }
    let Some(name) = &args.baseline else { return Ok(None) };
    baseline::check_name(name)?;
    let profiles = workspace.profiles();
    if let Some(path) = baseline::find(&profiles, name, suite.name)? {
        return Ok(Some(path));
    }
    let known = baseline::list_baselines(&profiles)?;
    let words = |name: String| match name.split_once('/') {
        Some((name, suite)) => format!("{name} ({suite})"),
        None => name,
    };
    let known: Vec<String> = known.into_iter().map(|(name, _)| words(name)).collect();
    let known = match &known[..] {
        [] => "there is none: make one with --save-baseline NAME".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    if args.baseline_lenient {
        note(&format!("warning: no baseline {name:?}; {known}"));
        return Ok(None);
    }
    Err(Problem::NoBaseline { name: name.clone(), known })
}

/// Whether the run is kept.
fn folder_wanted(args: &Args, mode: Mode) -> bool {
    let is_measured = match args.profile {
        Some(_) => true,
        None => mode != Mode::Check && args.profile_time.is_none(),
    };
    args.out.is_some() || is_measured
}

fn id_of(suite: &Suite, args: &Args, workspace: &Workspace) -> String {
    let id = record::run_id(&workspace.root, suite.name);
    if args.profile == Some(ProfileKind::Cpu) { format!("{id}-profile") } else { id }
}

/// The folder of a run or comparison called `id`, unless the user names another.
pub(super) fn folder(args: &Args, workspace: &Workspace, id: &str) -> Result<RunFolder, Problem> {
    if let Some(out) = &args.out {
        return Ok(RunFolder::create(&as_the_user_means(out))?);
    }
    let profiles = workspace.profiles();
    // Two benches may start within a second.
    let mut tried = 0;
    let folder = loop {
        let name = if tried == 0 { id.to_owned() } else { format!("{id}-{tried}") };
        let path = profiles.join("runs").join(name);
        // Made here and not there: two runs must not share a folder that is still empty.
        match fs::create_dir_all(profiles.join("runs")).and_then(|()| fs::create_dir(&path)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < 100 => tried += 1,
            Err(source) => return Err(store::StoreError::Write { path, source }.into()),
            Ok(()) => break RunFolder::create(&path)?,
        }
    };
    Ok(folder)
}

/// Says what clap has to say; help and version are results, the rest is a wrong use.
pub fn explain(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        note(text.to_string().trim_end());
        ExitCode::from(exit::WRONG_USE)
    } else {
        result(&text.to_string());
        ExitCode::SUCCESS
    }
}
