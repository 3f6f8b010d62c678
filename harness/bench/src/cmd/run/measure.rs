//! Measures what was planned, and prints what came of it.

use super::super::error::CommandError;
use super::super::output::{note, print, style};
use super::args::{Profiling, Timing};
use super::meter::Ahead;
use super::progress::Progress;
use super::session::{STOP, Session, says_little, watch_for_ctrl_c};
use crate::guest::files::BuiltFiles;
use crate::job::Job;
use crate::job::launch::Sampling;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::run::Run;
use crate::measure::settings::{CountWish, Settings};
use caxton_analysis::exit;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_model::units::Nanos;
use caxton_report::sections as report;
use std::path::PathBuf;
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
        instructions: CountWish::No,
        code: PathBuf::new(),
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

/// A run that has ended, and the folder that it is kept in.
pub(super) struct EndedRun {
    pub record: Record,
    pub folder: Option<RunFolder>,
}

impl EndedRun {
    /// Makes it the latest run, if it is kept with the others and no worse than that one.
    pub(super) fn point_latest(&mut self, session: &Session<'_>) -> Result<(), CommandError> {
        let Self { record, folder: Some(folder) } = self else { return Ok(()) };
        if let Some(warning) = session.point_latest(&record.run.id, says_little(record)) {
            record.warnings.push(warning);
            folder.write(record)?;
        }
        Ok(())
    }
}

/// Runs the tasks; what was measured is kept and printed even when the machine fails on the way.
pub(super) fn measure(
    settings: Settings,
    record: Record,
    folder: Option<RunFolder>,
    tasks: &[Task],
    files: &BuiltFiles,
) -> Result<EndedRun, CommandError> {
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
    Ok(EndedRun { record: run.record, folder: run.folder })
}

/// What `tasks` come to: launches, and for loads the time that they are given.
pub(super) fn ahead(tasks: &[Task], settings: &Settings) -> Ahead {
    let mut ahead = Ahead::default();
    for task in tasks {
        match &task.job {
            Job::Load(job) => ahead.loads = Nanos(ahead.loads.0.saturating_add(job.length().0)),
            _ => settings.passes(task).into_iter().for_each(|pass| ahead.add(pass)),
        }
    }
    ahead
}

/// The exit code of a run.
pub(super) fn code_of(record: &Record) -> u8 {
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
