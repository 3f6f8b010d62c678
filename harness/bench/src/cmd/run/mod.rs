//! `run`: from arguments to a record. Finds the subjects, plans, builds, measures, prints.

mod args;
mod baseline;
mod cases;
mod comparison;
mod config;
mod contest;
mod enough;
pub(crate) mod filter;
pub(crate) mod flags;
mod given;
mod guests;
mod list;
mod loads;
mod manifest;
mod measure;
mod meter;
mod prepare;
mod progress;
mod record;
mod relink;
mod resume;
mod selftest;
mod session;
mod showing;
mod sides;
mod values;

use super::error::CommandError;
use super::output::{note, print};
use super::place::as_the_user_means;
use crate::guest::bench::Bench;
use crate::guest::files::AgentFiles;
use crate::job::Job;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::enough::Wish;
use crate::measure::settings::Settings;
use crate::suite::{Suite, scenarios};
use args::{
    Against, Args, CountKind, Mode, Output, PROFILE_HZ, ProfileKind, Profiling, Subtask, Timing,
};
use cases::Wanted;
use caxton_analysis::exit;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{PROFILE, Record};
use caxton_profiler::counting;
use caxton_sys::allocator::AllocationDetail;
use caxton_sys::clock;
use contest::Comparing;
use enough::Enough;
pub(super) use loads::read_plan;
use measure::{code_of, measure, settings};
use prepare::{Guest, Prepared, prepare};
pub use record::begin as begin_record;
pub(super) use session::{STOP, watch_for_ctrl_c};
use session::{Session, folder_name};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Runs `suite` as `words` and the user's defaults ask, for the workspace of `bench` or in a
/// checkout; the exit code.
pub(super) fn run(
    suite: &Suite,
    words: &[OsString],
    bench: Option<&Bench>,
) -> Result<u8, CommandError> {
    as_asked(suite, &config::with_defaults(suite, words, bench)?, bench)
}

/// The files of the agent of `task`, built if they have to be.
pub(super) fn files_of(task: &Task, bench: Option<&Bench>) -> Result<AgentFiles, CommandError> {
    let session = Session::open(&scenarios::SUITE, &[], bench, true)?;
    let workspace = &session.workspace;
    let known = || workspace.agents.keys().cloned().collect::<Vec<_>>().join(", ");
    let name = task.agent().to_owned();
    if !workspace.agents.contains_key(&name) {
        return Err(CommandError::UnknownAgent { name, near: None, known: known() });
    }
    let mut prepared = prepare(workspace, std::slice::from_ref(task), &BTreeMap::new())?;
    let files = prepared.files.remove(&name).expect("it is there, and needed");
    files.map_err(|outcome| CommandError::Ended { outcome })
}

fn as_asked(suite: &Suite, words: &[OsString], bench: Option<&Bench>) -> Result<u8, CommandError> {
    let args = flags::parse(suite, words, bench)?;
    let mode = args.mode();
    let Args { task, selection, given, sides, timing, output, showing, .. } = args;
    let Args { enough, against, profiling, loads, .. } = args;
    showing.begin();
    let is_between = !against.between.is_empty();
    let needs_agents = !is_between && (given.guest.is_empty() || !selection.agent.is_empty());
    let session = Session::open(suite, words, bench, needs_agents)?;
    if let Some(Subtask::Selftest(trials)) = &task {
        return selftest::run(&session, trials);
    }
    let seed = timing.seed.unwrap_or_else(clock::entropy);
    let is_counted = wants_instructions(&against, &profiling)?;
    let wish = wish(&enough, &against, mode.scale())?;
    let settings = settings(mode.scale(), seed, &timing, &profiling);
    let settings = Settings { wish, ..settings.counting(is_counted, session.code_folder()) };
    let out = output.out.as_deref().map(as_the_user_means);
    let (out, scale, timeout) = (out.as_deref(), settings.scale, settings.timeout);
    let (session, selection, against, enough) = (&session, &selection, &against, &enough);
    let comparing =
        Comparing { session, selection, against, showing, out, scale, seed, timeout, enough };
    if let [base, candidate] = &against.between[..] {
        return comparison::between(&comparing, base, candidate);
    }
    if let Some(run) = &loads.resume {
        return resume::run(session, run, settings, showing);
    }
    check(suite, mode, &timing, &output, &profiling)?;
    let guests = &guests::guests(&given, takes_sides(&output, against, &profiling))?;
    let (loads, profile) = (loads.loads(scale, seed)?, profiling.profile);
    let wanted = Wanted { selection, mode, profile, loads, guests, sides: sides.sides()? };
    let tasks = wanted.tasks(suite, &session.workspace)?;
    if let Some(text) = list::told(selection, mode, &tasks, &settings) {
        print(text);
        return Ok(exit::FINE);
    }
    if tasks.is_empty() {
        let asked = cases::Asked::of(&output, against, mode, session::is_ci());
        return wanted.none(suite, &session.workspace, asked);
    }
    warn_of_uncounted(is_counted, &tasks);
    let baseline = baseline::find(session, &output, against)?;
    session.sweep_leftovers();
    let (tasks, wanted) = (&tasks[..], &wanted);
    if let Some(code) =
        baseline::with_kits(&comparing, &output, wanted, tasks, baseline.as_deref())?
    {
        return Ok(code);
    }
    let baseline = baseline.map(|path| RunFolder::load_record(&path)).transpose()?;
    let is_measured = mode != Mode::Check && settings.spin.is_none();
    let is_kept = out.is_some() || profile.is_some() || is_measured;
    let new = NewRun { session, settings, profile, out, is_kept };
    let measured = new.measure(tasks, wanted.guests)?;
    let record = &measured.record;
    if new.settings.spin.is_none() {
        showing.run(session, record, measured.folder.as_deref());
        showing.targets(session, record, out.is_none() && needs_agents);
    }
    let code = code_of(record);
    if let Some(baseline) = baseline {
        return baseline::compare_records(&comparing, &baseline, record, code);
    }
    if let Some(name) = &output.save_baseline {
        measured.save(session, name, tasks)?;
    }
    Ok(code)
}

/// When a case was measured often enough; refused where nothing would heed it.
fn wish(enough: &Enough, against: &Against, scale: Scale) -> Result<Wish, CommandError> {
    if enough.budget.is_some() && against.relink.is_some() && against.baseline.is_none() {
        return Err(CommandError::BudgetOfRelink);
    }
    let is_given = enough.precision.is_some() || enough.budget.is_some() || enough.until_decided;
    if is_given && scale == Scale::Smoke {
        let flags = "--precision, --budget or --until-decided";
        note(&format!("warning: --scale smoke takes as few launches as it can: no {flags}"));
    }
    Ok(enough.wish())
}

/// Whether instructions are counted beside what is timed; refused where nobody can count them.
fn wants_instructions(against: &Against, profiling: &Profiling) -> Result<bool, CommandError> {
    let is_compared = against.baseline.is_some() || !against.between.is_empty();
    if against.counts == Some(CountKind::Basic) && !is_compared {
        return Err(CommandError::NothingToCompare);
    }
    let is_wanted = against.counts == Some(CountKind::Instructions);
    if is_wanted || profiling.profile == Some(ProfileKind::Instructions) {
        counting::availability().map_err(CommandError::NoValgrind)?;
    }
    Ok(is_wanted)
}

/// Says so where the user asked for instructions and no case has any.
fn warn_of_uncounted(is_asked: bool, tasks: &[Task]) {
    let is_call = |task: &Task| matches!(task.job, Job::Overhead | Job::Sides(_));
    if is_asked && !tasks.iter().any(is_call) {
        note("warning: instructions are counted of overhead cases and sides: none is among these");
    }
}

/// Whether sides are compared or profiled, and no versions.
fn takes_sides(output: &Output, against: &Against, profiling: &Profiling) -> bool {
    let is_kept = output.save_baseline.is_some() || output.pack.is_some();
    let is_compared = against.baseline.is_some() || against.relink.is_some();
    let is_spun = profiling.profile.is_none() && profiling.profile_time.is_some();
    !is_kept && !is_compared && !is_spun
}

/// Refuses arguments that do not go together.
fn check(
    suite: &Suite,
    mode: Mode,
    timing: &Timing,
    output: &Output,
    profiling: &Profiling,
) -> Result<(), CommandError> {
    let has_stacks = suite.counting == AllocationDetail::Stacks;
    match profiling.profile {
        Some(ProfileKind::Heap) if !has_stacks => return Err(CommandError::NoHeap),
        Some(kind) if has_stacks && kind.is_of_calls() => return Err(CommandError::NoCpu),
        _ => {}
    }
    let is_sampled = profiling.profile == Some(ProfileKind::Cpu);
    let is_other = profiling.profile.is_some() || profiling.profile_time.is_some();
    if suite.agent.is_some() && is_other && !is_sampled {
        return Err(CommandError::SamplesOnly);
    }
    let is_sampling_told = profiling.profiler.is_some()
        || profiling.profile_time.is_some()
        || profiling.profile_hz != PROFILE_HZ
        || profiling.profile_threads != 1
        || profiling.profile_async;
    if profiling.profile == Some(ProfileKind::Instructions) && is_sampling_told {
        return Err(CommandError::NoSampling);
    }
    if timing.test && timing.scale.is_some_and(|scale| scale != Scale::Smoke) {
        return Err(CommandError::TestIsSmoke);
    }
    let is_kept = mode != Mode::Check && profiling.profile_time.is_none();
    if output.save_baseline.is_some() && output.out.is_none() && !is_kept {
        return Err(CommandError::NothingToKeep);
    }
    Ok(())
}

/// A run that begins here.
struct NewRun<'a> {
    session: &'a Session<'a>,
    settings: Settings,
    profile: Option<ProfileKind>,
    /// Where the user wants it.
    out: Option<&'a Path>,
    is_kept: bool,
}

/// A run that was measured, and what it was made of.
struct Measured {
    record: Record,
    prepared: Prepared,
    folder: Option<PathBuf>,
}

impl Measured {
    /// Keeps it as baseline `name`, if it is whole.
    fn save(&self, session: &Session<'_>, name: &str, tasks: &[Task]) -> Result<(), CommandError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if baseline::is_whole(&self.record) {
            return baseline::save(session, name, folder, tasks, &self.prepared);
        }
        note(&format!("baseline {name} not kept: the run is not whole, or a case failed"));
        Ok(())
    }
}

impl NewRun<'_> {
    fn is_profile(&self) -> bool {
        self.profile.is_some_and(ProfileKind::is_of_calls)
    }

    fn begin(&self) -> Record {
        let mut record = self.session.begin(self.settings.scale, self.settings.seed);
        if self.is_profile() {
            PROFILE.clone_into(&mut record.run.scale);
        }
        record
    }

    /// First of all, so that an unwritable folder is told before anything is built.
    fn folder(&self) -> Result<RunFolder, CommandError> {
        let id = self.session.id();
        let id = if self.is_profile() { format!("{id}-profile") } else { id };
        self.session.folder(self.out, &id, &mut self.begin())
    }

    fn measure(
        &self,
        tasks: &[Task],
        guests: &BTreeMap<String, Guest>,
    ) -> Result<Measured, CommandError> {
        watch_for_ctrl_c();
        let folder = self.is_kept.then(|| self.folder()).transpose()?;
        let prepared = prepare(&self.session.workspace, tasks, guests)?;
        // Anew: the machine was busy with the build.
        let mut record = self.begin();
        record.artifacts.clone_from(&prepared.artifacts);
        record.warnings.extend(prepared.warnings.iter().cloned());
        if let Some(folder) = &folder {
            record.run.id = folder_name(folder.path());
            record.warnings.extend(folder.warnings());
            folder.write(&record)?;
        }
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let mut ended = measure(self.settings.clone(), record, folder, tasks, &prepared.files)?;
        if self.out.is_none() {
            ended.point_latest(self.session)?;
        }
        let record = ended.record;
        Ok(Measured { record, prepared, folder: path })
    }
}
