//! Measures what was planned, and prints what came of it.

use super::super::doctor;
use super::super::error::CommandError;
use super::super::output::{note, print, style};
use super::super::place::profiles;
use super::args::{Profiling, Timing};
use super::meter::Ahead;
use super::progress::Progress;
use super::session::{STOP, Session, says_little, watch_for_ctrl_c};
use crate::guest::files::BuiltFiles;
use crate::job::Job;
use crate::job::launch::Sampling;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::enough::Wish;
use crate::measure::run::Run;
use crate::measure::settings::{CountWish, Settings};
use caxton_analysis::exit;
use caxton_analysis::quiet::Best;
use caxton_model::baseline::stored_records;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_model::units::Nanos;
use caxton_report::sections as report;
use std::path::PathBuf;
use std::time::Duration;

/// For how long each side is profiled unless told otherwise: about 5,000 samples.
const PROFILE_SECONDS: f64 = 5.0;

/// How long the machine is looked at before a run.
const LOOK: Nanos = Nanos(2_000_000_000);

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
        wish: Wish::default(),
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
    let mut record = record;
    // One that goes on was looked at when it began.
    if settings.scale != Scale::Smoke && folder.is_some() && record.host.checks.is_empty() {
        record.host.checks = doctor::summary(LOOK);
    }
    let progress = Progress::new(ahead(tasks, &settings));
    let mut run = Run::new(record, folder, settings, &STOP, &progress);
    run.best = earlier_best(&run.record, &stored_records(&profiles()).unwrap_or_default());
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

/// The quietest moment of `earlier` runs by the same build on a processor such as that of `record`:
/// a neighbour who stays for the whole of a run is else taken for quiet.
fn earlier_best(record: &Record, earlier: &[Record]) -> Best {
    let machine = |record: &Record| {
        let of = |name: &str| record.host.fingerprint.get(name)?.known().cloned();
        Some([of("cpu_model")?, of("cpu_family_model_stepping").unwrap_or_default()])
    };
    let own = machine(record);
    let is_alike = |other: &Record| {
        own.is_some() && machine(other) == own && other.run.build == record.run.build
    };
    let bests = earlier.iter().filter(|other| is_alike(other)).filter_map(|other| {
        let to_latency = other.calibration.as_ref()?.yardstick_to_latency;
        // Not the time itself: the clock of that hour may have been another.
        Some(Best { yardstick_ns: None, to_latency })
    });
    bests.fold(Best::default(), Best::or_better)
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

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture as fixture;
    use caxton_model::reading::Reading;

    #[test]
    fn the_quietest_moment_is_that_of_the_same_build_on_the_same_processor() {
        let of = |to_latency: f64| {
            let (mut record, _) = fixture::run();
            let calibration = record.calibration.as_mut().expect("a calibrated run");
            calibration.yardstick_to_latency = Some(to_latency);
            calibration.yardstick_ns = Some(1.0);
            record
        };
        let (mut elsewhere, mut other_build) = (of(1.0), of(1.5));
        let cpu = Reading::Known("Another CPU".to_owned());
        elsewhere.host.fingerprint.insert("cpu_model".to_owned(), cpu);
        other_build.run.build.insert("rustc".to_owned(), "rustc 1.0.0".to_owned());
        let best = earlier_best(&of(9.0), &[of(2.5), elsewhere, of(2.25), other_build]);
        assert_eq!(best, Best { yardstick_ns: None, to_latency: Some(2.25) });
        assert_eq!(earlier_best(&of(9.0), &[]), Best::default());
    }
}
