//! Measures what was planned, and prints what came of it.

use super::super::error::CommandError;
use super::super::output::{note, print, style};
use super::args::{Profiling, Timing};
use super::meter::Ahead;
use super::progress::Progress;
use super::session::{STOP, Session, watch_for_ctrl_c};
use crate::guest::files::BuiltFiles;
use crate::job::Job;
use crate::job::launch::Sampling;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::run::{Run, Settings};
use caxton_analysis::exit;
use caxton_model::latest::latest_of_each_suite;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_model::units::Nanos;
use caxton_report::sections as report;
use std::time::Duration;

/// For how long each side is profiled unless told otherwise: about 5,000 samples.
const PROFILE_SECONDS: f64 = 5.0;

pub(super) fn settings(
    scale: Scale,
    seed: u64,
    timing: &Timing,
    profiling: &Profiling,
) -> Settings {
    let nanos = |seconds: f64| Nanos((seconds * 1e9) as u64);
    Settings {
        scale,
        seed,
        timeout: Duration::from_secs_f64(timing.timeout),
        spin: profiling.profile_time.filter(|_| profiling.profile.is_none()).map(nanos),
        perf_map: profiling.perf_map,
        full_stacks: profiling.full_stacks,
        sampling: Sampling {
            engine: profiling.profiler,
            hz: profiling.profile_hz,
            time: nanos(profiling.profile_time.unwrap_or(PROFILE_SECONDS)),
            threads: profiling.profile_threads,
            asynchronous: profiling.profile_async,
        },
    }
}

/// Runs the tasks; what was measured is kept and printed even when the machine fails on the way.
pub(super) fn measure(
    settings: Settings,
    record: Record,
    folder: Option<RunFolder>,
    tasks: &[Task],
    files: &BuiltFiles,
) -> Result<Record, CommandError> {
    watch_for_ctrl_c();
    let progress = Progress::new(ahead(tasks, &settings));
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
        print(report::text(&run.record, &style()));
        return Err(error.into());
    }
    Ok(run.record)
}

/// What `tasks` come to: launches, and for loads the time that they are given.
fn ahead(tasks: &[Task], settings: &Settings) -> Ahead {
    let mut ahead = Ahead::default();
    for task in tasks {
        match &task.job {
            Job::Load(job) => ahead.loads = Nanos(ahead.loads.0.saturating_add(job.length().0)),
            _ => ahead.launches += u64::from(settings.launches(task)),
        }
    }
    ahead
}

/// Prints what came of a run, unless it only called agents; its exit code.
pub(super) fn finish(record: &Record, is_measured: bool) -> u8 {
    if is_measured {
        print(report::text(record, &style()));
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
/// machine, stands to the targets. Of a run that is not whole nothing is said.
pub(super) fn print_targets(session: &Session<'_>, record: &Record) {
    let is_timed = record.run.scale != Scale::Smoke.name() && !record.is_profile();
    // They are of a checkout's agents.
    if !is_timed || session.workspace.user.is_some() || record.run.status != Status::Finished {
        return;
    }
    let mut records = latest_of_each_suite(&session.workspace.profiles, record);
    records.retain(|other| other.run.suite != record.run.suite);
    records.push(record.clone());
    records.sort_by(|a, b| a.run.suite.cmp(&b.run.suite));
    print(report::paint(&report::targets::table(&records), &style()));
}
