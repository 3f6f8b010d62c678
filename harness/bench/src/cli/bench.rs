//! From words to a record: finds the subjects, plans, builds, runs, prints.

use super::args::{Args, Mode, ProfileKind, Subtask};
use super::compare::{self as contest, Match};
use super::files::{Files, Prepared, guests, prepare};
use super::messages::{Problem, ended, note, report_problem, result};
use super::meter::Ahead;
use super::place::{as_the_user_means, started_in};
use super::progress::Progress;
use super::scratch::{scratch, sweep_leftovers};
use super::{cases, flags, list, relink, resume, selftest};
use crate::guest::catalog::Workspace;
use crate::measure::protocol::Job;
use crate::measure::protocol::Sampling;
use crate::measure::run::{Run, Settings};
use crate::plan::Task;
use crate::plan::scale::Scale;
use crate::record;
use crate::suite::Suite;
use caxton_analysis::compare::Records;
use caxton_analysis::exit;
use caxton_model::baseline;
use caxton_model::latest::latest_of_each_suite;
use caxton_model::record::store::{RunFolder, StoreError, StoredPage};
use caxton_model::record::{CaseRecord, PROFILE, Record, Status, store};
use caxton_model::units::Nanos;
use caxton_report::colour::wants_escapes;
use caxton_report::sections as report;
use caxton_report::sections::Style;
use caxton_sys::allocator::AllocationDetail;
use caxton_sys::clock;
use clap::FromArgMatches;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// For how long each side is profiled unless told otherwise: about 5,000 samples.
const PROFILE_SECONDS: f64 = 5.0;

/// Names that are tried for the folder of a run.
const FOLDERS_MAX: u32 = 100;

/// Why a baseline cannot be linked again.
const NO_EXECUTABLE: &str =
    "the baseline has no executable: leave --relink out, or keep it again with --save-baseline";

/// Set by Ctrl-C.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

/// Runs `suite` as `words` say, of which the first is the program's name.
pub fn main(suite: &Suite, words: &[OsString]) -> ExitCode {
    let code = match given(suite, words) {
        Ok(args) => run(suite, &args).unwrap_or_else(|problem| report_problem(&problem)),
        Err(code) => code,
    };
    ended(code)
}

/// What the user gave, or the exit code where that is no run.
fn given(suite: &Suite, words: &[OsString]) -> Result<Args, ExitCode> {
    let given = flags::parse(suite, words).map_err(|error| explain(&error))?;
    flags::check(suite, &given).map_err(|problem| report_problem(&problem))?;
    Args::from_arg_matches(&given).map_err(|error| explain(&error))
}

fn run(suite: &Suite, args: &Args) -> Result<ExitCode, Problem> {
    let here = std::env::current_dir().unwrap_or_default();
    let workspace = Workspace::find(&here, started_in())?;
    if let Some(code) = instead(suite, args, &workspace)? {
        return Ok(code);
    }
    check(suite, args)?;
    let guests = guests(&args.selection.guest)?;
    let seed = args.timing.seed.unwrap_or_else(clock::entropy);
    let tasks = cases::tasks(suite, args, seed, &workspace, &guests)?;
    let mode = args.mode();
    if mode == Mode::List {
        result(&list::text(&tasks, args.selection.format, args.selection.ignored));
        return Ok(ExitCode::SUCCESS);
    }
    if tasks.is_empty() {
        return cases::none(suite, args, &workspace, &guests).map(ExitCode::from);
    }
    let baseline = baseline_of(suite, args, &workspace)?;
    sweep_leftovers(&workspace);
    let what = (&tasks[..], &guests);
    if let Some(code) = with_kits((suite, args, &workspace), what, baseline.as_deref())? {
        return Ok(code);
    }
    let baseline = baseline.map(|path| RunFolder::load_record(&path)).transpose()?;
    let (scale, what) = (mode.scale(), args.profiling.profile);
    let begin = || {
        let mut record = record::begin(&workspace.root, suite.name, scale, seed);
        if what == Some(ProfileKind::Cpu) {
            PROFILE.clone_into(&mut record.run.scale);
        }
        record
    };
    watch_for_ctrl_c();
    // First of all, so that an unwritable folder is told before anything is built.
    let folder = match folder_wanted(args, mode) {
        true => Some(folder(args, &workspace, &id_of(suite, args, &workspace), &mut begin())?),
        false => None,
    };
    let Prepared { files, artifacts, warnings } = prepare(&workspace, &tasks, &guests)?;
    // Anew: the machine was busy with the build.
    let mut record = begin();
    record.artifacts = artifacts;
    record.warnings.extend(warnings);
    if let Some(folder) = &folder {
        record.run.id = folder_name(folder.path());
        record.warnings.extend(folder.warnings());
        folder.write(&record)?;
        record.warnings.extend(point_latest(args, &workspace, &record.run.id));
    }
    let run = folder.as_ref().map(|folder| folder.path().to_owned());
    let record = measure(args, (scale, seed), record, folder, (&tasks, &files))?;
    let code = finish(args, &record);
    tell_targets(args, &workspace, &record);
    if let Some(baseline) = baseline {
        return records_alone(args, &workspace, (&baseline, &record), code);
    }
    if let (Some(name), Some(run)) = (&args.output.save_baseline, run) {
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
        sweep_leftovers(workspace);
        let scratch = scratch(workspace)?;
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
    let has_stacks = suite.counting == AllocationDetail::Stacks;
    match args.profiling.profile {
        Some(ProfileKind::Heap) if !has_stacks => return Err(Problem::NoHeap),
        Some(ProfileKind::Cpu) if has_stacks => return Err(Problem::NoCpu),
        _ => {}
    }
    if args.timing.test && args.timing.scale.is_some_and(|scale| scale != Scale::Smoke) {
        return Err(Problem::TestIsSmoke);
    }
    let is_kept = args.mode() != Mode::Check && args.profiling.profile_time.is_none();
    if args.output.save_baseline.is_some() && args.output.out.is_none() && !is_kept {
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
    if let Some(into) = &args.output.pack {
        let (into, name) = (as_the_user_means(into), folder_name(into));
        let _held = relink::hold(&into)?;
        let Prepared { files, artifacts, .. } = prepare(workspace, tasks, guests)?;
        contest::pack_here(here, (&into, &name), (&files, &artifacts))?;
        return Ok(Some(ExitCode::SUCCESS));
    }
    if args.against.relink.is_some() && args.against.baseline.is_none() {
        return relink::alone(suite, args, workspace, (tasks, guests)).map(Some);
    }
    if let Some((name, kept)) = args.against.baseline.as_ref().zip(baseline)
        && baseline::load_kit(kept)?.is_some()
    {
        let id = contest::id(workspace, suite, name);
        if let Some(out) = &args.output.out {
            // Told before anything is built.
            RunFolder::check(&as_the_user_means(out))?;
        }
        let Prepared { files, artifacts, .. } = prepare(workspace, tasks, guests)?;
        let scratch = scratch(workspace)?;
        let packed = scratch.path().join("packed");
        contest::pack_here(here, (&packed, "this checkout"), (&files, &artifacts))?;
        let kits = [kept, packed.as_path()];
        return Match { suite, args, workspace, kits, id, scratch: &scratch }.run().map(Some);
    }
    match (args.against.relink, baseline) {
        (Some(_), Some(_)) => Err(Problem::NoRelink { why: NO_EXECUTABLE.to_owned() }),
        (Some(_), None) => {
            note("warning: --relink is left out, as the baseline is");
            Ok(None)
        }
        (None, _) => Ok(None),
    }
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
        timeout: Duration::from_secs_f64(args.timing.timeout),
        spin: args.profiling.profile_time.filter(|_| args.profiling.profile.is_none()).map(nanos),
        perf_map: args.profiling.perf_map,
        sampling: Sampling {
            engine: args.profiling.profiler,
            hz: args.profiling.profile_hz,
            time: nanos(args.profiling.profile_time.unwrap_or(PROFILE_SECONDS)),
            threads: args.profiling.profile_threads,
            asynchronous: args.profiling.profile_async,
        },
    };
    watch_for_ctrl_c();
    let launches = |task: &Task| if settings.spin.is_some() { 1 } else { task.launches(scale) };
    let progress = Progress::new(ahead(tasks, &launches));
    let mut run = Run::new(record, folder, settings, &STOP, &progress);
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
        match &task.job {
            Job::Load(job) => {
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
    if args.profiling.profile_time.is_none() || args.profiling.profile.is_some() {
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
    let is_whole = record.run.status == Status::Finished && args.profiling.profile_time.is_none();
    if !is_timed || !is_whole || args.output.out.is_some() {
        return;
    }
    let mut records = latest_of_each_suite(&workspace.profiles(), record);
    records.retain(|other| other.run.suite != record.run.suite);
    records.push(record.clone());
    records.sort_by(|a, b| a.run.suite.cmp(&b.run.suite));
    let style = Style { colour: use_colour() };
    result(&report::paint(&report::targets::table(&records), &style));
}

/// Compares a run with a baseline that has no executable, as far as records tell; `code` is that of
/// the run itself, which comes first.
fn records_alone(
    args: &Args,
    workspace: &Workspace,
    (baseline, record): (&Record, &Record),
    code: u8,
) -> Result<ExitCode, Problem> {
    note("the baseline has no executable: only records are compared, and no answers");
    let limits = contest::limits(args)?;
    let sessions = baseline::stored_records(&workspace.profiles())?;
    let records = Records::compare(baseline, record, &sessions, &limits);
    result(&report::records_text(&records, &Style { colour: use_colour() }));
    let concluded = exit::of(records.conclusion(), args.against.strict);
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
    let scratch = scratch(workspace)?;
    let kit = scratch.path().join("kit");
    let comparable = contest::comparable(tasks);
    // What takes no turns with another version is kept as a record alone.
    let has_kit = !comparable.is_empty();
    if has_kit {
        let here = (suite, workspace, &comparable[..]);
        contest::pack_here(here, (&kit, name), (files, &record.artifacts))?;
    }
    let baselines = workspace.profiles().join(store::BASELINES);
    let kit = has_kit.then_some(kit.as_path());
    let kept = baseline::save(run, kit, &baselines, name, process::id())?;
    note(&format!("baseline {name} kept in {}", shown(&kept, &workspace.root)));
    Ok(())
}

pub(super) fn use_colour() -> bool {
    wants_escapes(io::stdout().is_terminal(), |name| std::env::var_os(name))
}

pub(super) fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

pub(super) fn folder_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn baseline_of(
    suite: &Suite,
    args: &Args,
    workspace: &Workspace,
) -> Result<Option<PathBuf>, Problem> {
    if let Some(name) = &args.output.save_baseline {
        baseline::check_place(&workspace.profiles().join(store::BASELINES), name)?;
    }
    let Some(name) = &args.against.baseline else { return Ok(None) };
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
    if args.against.baseline_lenient {
        note(&format!("warning: no baseline {name:?}; {known}"));
        return Ok(None);
    }
    Err(Problem::NoBaseline { name: name.clone(), known })
}

/// Whether the run is kept.
fn folder_wanted(args: &Args, mode: Mode) -> bool {
    let is_measured = match args.profiling.profile {
        Some(_) => true,
        None => mode != Mode::Check && args.profiling.profile_time.is_none(),
    };
    args.output.out.is_some() || is_measured
}

fn id_of(suite: &Suite, args: &Args, workspace: &Workspace) -> String {
    let id = record::run_id(&workspace.root, suite.name);
    if args.profiling.profile == Some(ProfileKind::Cpu) { format!("{id}-profile") } else { id }
}

/// The folder of a run or comparison called `id`, unless the user names another. Its first page is
/// `page`, which gets the folder's name.
pub(super) fn folder<P: StoredPage>(
    args: &Args,
    workspace: &Workspace,
    id: &str,
    page: &mut P,
) -> Result<RunFolder, Problem> {
    let process = process::id();
    if let Some(out) = &args.output.out {
        let path = as_the_user_means(out);
        page.run_mut().id = folder_name(&path);
        return Ok(RunFolder::begin(&path, page, process)?);
    }
    let runs = workspace.profiles().join(store::RUNS);
    // Two benches may start within a second.
    for number in 0..FOLDERS_MAX {
        let name = if number == 0 { id.to_owned() } else { format!("{id}-{number}") };
        page.run_mut().id.clone_from(&name);
        match RunFolder::begin(&runs.join(name), page, process) {
            Err(StoreError::InUse { .. } | StoreError::NotEmpty { .. }) => {}
            begun => return Ok(begun?),
        }
    }
    Err(StoreError::NotEmpty { path: runs.join(id) }.into())
}

/// Points `latest` to the run `id`; what the record says where that cannot be.
pub(super) fn point_latest(args: &Args, workspace: &Workspace, id: &str) -> Option<String> {
    // A run that is kept elsewhere is none of those.
    let pointed =
        args.output.out.is_none().then(|| store::update_latest(&workspace.profiles(), id))?;
    let error = pointed.err()?;
    Some(format!("`latest` does not point to this run: {error}"))
}

/// Says what clap has to say; help and version are results, the rest is a wrong use.
fn explain(error: &clap::Error) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        note(text.to_string().trim_end());
        return ExitCode::from(exit::WRONG_USE);
    }
    result(&text.to_string());
    ExitCode::SUCCESS
}
