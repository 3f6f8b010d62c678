//! A load as the run sees it: the worker's seconds go to a file and are added up as they come; a
//! threshold may end the load; at the end stands what it came to.

use super::keep;
use super::launch::{Control, launch, some_core};
use super::pictures::unwritable;
use super::run::{Run, RunError};
use crate::guest::files::AgentFiles;
use crate::job::Job;
use crate::job::launch::{Event, Launch};
use crate::job::load::LoadJob;
use crate::job::task::Task;
use caxton_analysis::finding::LimitVerdict;
use caxton_analysis::load::logs;
use caxton_analysis::load::logs::TimeKind;
use caxton_analysis::load::tally::LoadTally;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::load::threshold::ThresholdFinding;
use caxton_model::record::seconds::{SECONDS_FILE, Seconds, read};
use caxton_model::record::store::StoreError;
use caxton_model::units::Nanos;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time that a worker may take before and after the load itself.
const AROUND: Duration = Duration::from_secs(60);
const SECOND_NS: u64 = 1_000_000_000;

/// What a load came to so far, and the file that its seconds are in.
struct LoadProgress {
    tally: LoadTally,
    seconds: Option<Seconds>,
}

/// What became of a load's case, and why the load ended before its plan, if it did.
struct LoadEnd {
    outcome: Outcome,
    ended_early: Option<String>,
}

/// What was watched of a load's worker.
#[derive(Default)]
struct Watched {
    outcome: Option<Outcome>,
    /// The threshold that ended it.
    aborted_by: Option<ThresholdFinding>,
    failed: Option<StoreError>,
}

impl Run<'_> {
    /// Runs a load, or goes on with one, and puts what it comes to into its case.
    pub(super) fn load(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &LoadJob,
    ) -> Result<(), RunError> {
        let mut tally = LoadTally::new(job.plan.clone());
        let folder = self.folder.as_ref().map(|folder| folder.path().join(keep::load_folder(case)));
        let seconds = folder
            .as_deref()
            .map(|folder| Seconds::open(folder, &job.plan, &mut |line| tally.push(&line)))
            .transpose()?;
        let is_done = tally.reached() >= job.plan.granted();
        if tally.is_ended() || is_done {
            // Whatever ended the run, it was not this load.
            let end = LoadEnd { outcome: Outcome::Ran, ended_early: None };
            return self.settle_load(case, &tally, folder, end);
        }
        let mut job = job.clone();
        let planned = job.length();
        job.from_second = tally.next_second();
        job.segment = tally.segments() as u32;
        self.observer.load(planned, job.length());
        let mut progress = LoadProgress { tally, seconds };
        let watched = self.watch_load(case, files, job, &mut progress)?;
        if let Some(error) = watched.failed {
            return Err(error.into());
        }
        let tally = &progress.tally;
        self.settle_load(case, tally, folder, ending(&watched, tally))
    }

    /// Puts down what a load is to be, so that another process can go on with it.
    pub(super) fn keep_load(&self, case: &CaseKey, job: &LoadJob) -> Result<(), RunError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let folder = folder.path().join(keep::load_folder(case));
        let path = folder.join(keep::LOAD_FILE);
        let text = serde_json::to_string_pretty(job).expect("plans are plain data");
        let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, text));
        Ok(written.map_err(unwritable(&path))?)
    }

    fn watch_load(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: LoadJob,
        progress: &mut LoadProgress,
    ) -> Result<Watched, RunError> {
        let LoadProgress { tally, seconds } = progress;
        let plan = &job.plan;
        let time =
            Duration::from_nanos(job.length().0 + plan.timeout.0) + AROUND + self.settings.timeout;
        let core = some_core(&mut fastrand::Rng::with_seed(self.settings.seed));
        let task = Task::new(case.clone(), Job::Load(Box::new(job)));
        let seed = self.settings.seed;
        let order = Launch { seed, core, ..self.order(task, vec![files.clone()], 0) };
        let mut watched = Watched::default();
        let mut engines = BTreeSet::new();
        let observer = self.observer;
        let launched = launch(&order, time, self.stop, &mut |event| match event {
            Event::Load { line, .. } => {
                let written = seconds.as_mut().map_or(Ok(()), |seconds| seconds.append(&line));
                if let Err(error) = written {
                    watched.failed = Some(error);
                    return Control::Enough;
                }
                tally.push(&line);
                observer.load_second(tally);
                watched.aborted_by = aborting(tally);
                if watched.aborted_by.is_some() { Control::Enough } else { Control::Done }
            }
            Event::Engines(used) => {
                engines.extend(used);
                Control::Done
            }
            other => Control::Keep(other),
        })?;
        if let Some(record) = self.record.cases.iter_mut().find(|record| record.key == *case) {
            record.engines = engines;
        }
        watched.outcome = launched.outcome;
        Ok(watched)
    }

    /// Puts what a load came to into its case, and its histograms beside it.
    fn settle_load(
        &mut self,
        case: &CaseKey,
        tally: &LoadTally,
        folder: Option<PathBuf>,
        end: LoadEnd,
    ) -> Result<(), RunError> {
        let load = tally.outcome(end.ended_early);
        self.observer.load_done(&load);
        let record = self.record.cases.iter_mut().find(|record| record.key == *case);
        let record = record.expect("each task's cases are in the record before it begins");
        record.outcome = end.outcome;
        record.launches.granted = 1;
        record.metrics = load.metrics();
        record.profiles.folder = keep::load_folder(case);
        // First of all in the record: what cannot be kept is at least said.
        record.load = Some(Box::new(load));
        if let Some(folder) = folder {
            record.profiles.files = write_logs(&folder, tally)?;
        }
        self.write()
    }
}

fn ending(watched: &Watched, tally: &LoadTally) -> LoadEnd {
    let at = tally.reached();
    let (outcome, ended_early) = match (&watched.aborted_by, &watched.outcome) {
        (Some(judged), _) => {
            (Outcome::Ran, Some(format!("ended after {at} by threshold {}", judged.threshold)))
        }
        (None, None) => (Outcome::Ran, Some(format!("interrupted after {at}"))),
        (None, Some(Outcome::Ran)) => (Outcome::Ran, None),
        (None, Some(other)) => {
            let why = other.reason().unwrap_or("no reason").to_owned();
            (other.clone(), Some(format!("ended after {at}: {why}")))
        }
    };
    LoadEnd { outcome, ended_early }
}

/// The first threshold that is missed and may end the load by now.
fn aborting(tally: &LoadTally) -> Option<ThresholdFinding> {
    let elapsed = Nanos(tally.next_second() * SECOND_NS);
    let thresholds = tally.plan().thresholds.iter();
    let mut judged =
        thresholds.filter(|threshold| threshold.may_abort(elapsed)).map(|t| tally.judge(t));
    judged.find(|judged| judged.verdict == LimitVerdict::Missed)
}

/// Writes the histograms of a load's seconds; the names of all files.
fn write_logs(folder: &Path, tally: &LoadTally) -> Result<Vec<String>, StoreError> {
    let mut names = vec![SECONDS_FILE.to_owned()];
    let stages: Vec<&str> = tally.plan().stages.iter().map(|stage| stage.name.as_str()).collect();
    for kind in [TimeKind::Response, TimeKind::Service] {
        let [log, distribution] = ["hlog", "hgrm"].map(|end| format!("{}.{end}", kind.name()));
        let path = folder.join(&log);
        let mut writer = BufWriter::new(File::create(&path).map_err(unwritable(&path))?);
        let start = tally.start_unix_ms();
        let all = logs::hlog(kind, &stages, start, &mut writer, |take| {
            let read = read(&folder.join(SECONDS_FILE), tally.plan(), take);
            read.map(drop).map_err(io::Error::other)
        });
        let all = all.and_then(|all| writer.flush().map(|()| all)).map_err(unwritable(&path))?;
        let path = folder.join(&distribution);
        fs::write(&path, logs::hgrm(&all)).map_err(unwritable(&path))?;
        names.extend([log, distribution]);
    }
    Ok(names)
}
