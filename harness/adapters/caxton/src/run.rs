//! The parent: launches each case, and keeps what it found in an ordinary run folder.

use crate::plan::PlannedCase;
use crate::process::launch;
use crate::report::ProbeReading;
use caxton_analysis::reduce::{Levels, reduce};
use caxton_model::case::{CAXTON, CaseKey, Outcome};
use caxton_model::metric::{MetricName, metrics};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::store::{RUNS, RunFolder, StoreError};
use caxton_model::record::{Budget, CaseRecord, Profiles, Record, Run, SCHEMA, Status};
use caxton_model::samples::Sample;
use caxton_sys::{build, clock, host, lock_file, memory};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A launch that takes longer is killed, and its case has failed.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Load above which absolute times are the machine's, as in the other suites.
const LOAD_MAX: f64 = 0.5;
/// Which versions are measured.
const LOCK_FILE: &str = include_str!("../Cargo.lock");

/// A run that is going on.
pub(crate) struct CaxtonRun {
    record: Record,
    folder: RunFolder,
}

impl CaxtonRun {
    /// Begins a run of `cases` in the checkout at `root`, with `launches` of each that is measured.
    ///
    /// # Errors
    /// The run's folder cannot be made.
    pub(crate) fn begin(
        root: &Path,
        cases: &[PlannedCase],
        launches: u32,
    ) -> Result<Self, StoreError> {
        let mut record = first_page(root);
        record.cases = cases.iter().map(|case| planned(case, launches)).collect();
        let path = root.join("profiles").join(RUNS).join(&record.run.id);
        let folder = RunFolder::begin(&path, &record, std::process::id())?;
        record.warnings.extend(folder.warnings());
        folder.write(&record)?;
        Ok(Self { record, folder })
    }

    /// Where it is kept.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Runs every case; how many of them failed.
    ///
    /// # Errors
    /// The folder cannot be written. What was measured before is in it.
    pub(crate) fn all(&mut self, cases: &[PlannedCase]) -> Result<usize, StoreError> {
        for (at, case) in cases.iter().enumerate() {
            tell(&format!("{:>2}/{} {} ", at + 1, cases.len(), case.key));
            let mut samples = Vec::new();
            let mut ended = Outcome::Ran;
            let Budget { wanted, mut granted } = self.record.cases[at].launches;
            while granted < wanted && ended == Outcome::Ran {
                ended = match launch(&case.key.to_string(), TIMEOUT) {
                    Ok(report) => {
                        let readings = report.readings.into_iter();
                        samples.extend(readings.map(|read| sample(&case.key, granted, &read)));
                        report.outcome
                    }
                    Err(outcome) => outcome,
                };
                let is_done = matches!(ended, Outcome::Ran | Outcome::Unsupported(_));
                granted += u32::from(is_done);
                tell(".");
            }
            self.folder.append(&samples)?;
            let record = &mut self.record.cases[at];
            record.launches.granted = granted;
            settle(record, case, &samples, ended);
            tell(&format!(" {}\n", record.outcome.told()));
            self.write()?;
        }
        self.record.run.status = Status::Finished;
        self.write()?;
        Ok(self.record.cases.iter().filter(|case| case.has_failed()).count())
    }

    fn write(&mut self) -> Result<(), StoreError> {
        self.record.run.updated_utc = clock::utc();
        self.record.host.load_at_end = memory::load_average().into();
        self.folder.write(&self.record)
    }
}

fn sample(case: &CaseKey, launch: u32, read: &ProbeReading) -> Sample {
    let ProbeReading { metric, block, iterations, value } = *read;
    Sample { case: case.clone(), launch, metric, block, index: 0, iterations, value }
}

fn planned(case: &PlannedCase, launches: u32) -> CaseRecord {
    // What cannot be done cannot be done again.
    let wanted = if case.is_trial() { 1 } else { launches };
    CaseRecord {
        key: case.key.clone(),
        outcome: Outcome::NotRun("the run has not come to it".to_owned()),
        engines: BTreeSet::new(),
        check: None,
        launches: Budget { wanted, granted: 0 },
        metrics: BTreeMap::new(),
        findings: BTreeMap::new(),
        profiles: Profiles::default(),
        load: None,
        compiled: None,
    }
}

/// Puts how a case `ended` into its `record`, with its figures or why it has none.
fn settle(record: &mut CaseRecord, case: &PlannedCase, samples: &[Sample], ended: Outcome) {
    record.metrics = match &ended {
        Outcome::Ran => reduce(samples, &Levels::for_run(1)),
        Outcome::Unsupported(why) => {
            let lacks = case.lacks.iter().filter_map(|name| MetricName::parse(name).ok());
            let missing = Reading::Missing(Missing::Unsupported(why.clone()));
            lacks.map(|name| (name, missing.clone())).collect()
        }
        _ => BTreeMap::new(),
    };
    if ended == Outcome::Ran {
        explain_percentiles(record);
    }
    record.outcome = ended;
}

/// Says why there is no 99th percentile where there is a median: see `Readings::percentiles`.
fn explain_percentiles(record: &mut CaseRecord) {
    let why = Missing::Undefined("of fewer than 100 readings it would be the longest".to_owned());
    for metric in metrics().filter(|metric| metric.name.ends_with("_p99_ns")) {
        let median = MetricName::parse(&metric.name.replace("_p99_", "_p50_"));
        if median.is_ok_and(|median| record.metrics.contains_key(&median)) {
            let reading = Reading::Missing(why.clone());
            record.metrics.entry(metric.into()).or_insert(reading);
        }
    }
}

fn first_page(root: &Path) -> Record {
    let started = clock::utc();
    let host = host::fingerprint();
    let load = host.load_at_start.known().filter(|load| **load > LOAD_MAX);
    let warnings = load
        .map(|load| format!("load average {load:.2} at the start: do not believe absolute times"));
    let warnings = warnings.into_iter().collect();
    Record {
        schema: SCHEMA,
        run: Run {
            id: host::run_id(root, CAXTON),
            suite: CAXTON.to_owned(),
            scale: "full".to_owned(),
            command: std::iter::once("scripts/caxton".to_owned())
                .chain(std::env::args().skip(1))
                .collect(),
            updated_utc: started.clone(),
            started_utc: started,
            status: Status::Running,
            // Nothing is chosen by chance.
            seed: 0,
            revision: host::revision(root),
            build: build::entries(),
        },
        host,
        engine: ["caxton", "wasmtime"]
            .map(|name| (name.to_owned(), lock_file::version(LOCK_FILE, name).to_owned()))
            .into(),
        calibration: None,
        artifacts: Vec::new(),
        cases: Vec::new(),
        totals: BTreeMap::new(),
        warnings,
        samples_bytes: 0,
    }
}

/// Says how the run goes, on standard error.
fn tell(text: &str) {
    let _ = write!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cases;

    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        assert_eq!(lock_file::version(LOCK_FILE, "caxton"), "0.1.4");
        assert!(lock_file::version(LOCK_FILE, "wasmtime").starts_with("27."));
        assert_eq!(lock_file::version(LOCK_FILE, "no-such-package"), "unknown");
    }

    fn settled(is_trial: bool, ended: Outcome) -> CaseRecord {
        let cases = cases();
        let case = cases.iter().find(|case| case.is_trial() == is_trial).expect("both kinds");
        let read = |launch| Sample {
            case: case.key.clone(),
            launch,
            metric: MetricName::parse("deploy_p50_ns").expect("a row"),
            block: 0,
            index: 0,
            iterations: 1,
            value: 200_000 + u64::from(launch),
        };
        let mut record = planned(case, 6);
        settle(&mut record, case, &(0..6).map(read).collect::<Vec<_>>(), ended);
        record
    }

    #[test]
    fn what_failed_has_no_figure_and_what_is_unsupported_says_why() {
        let ran = settled(false, Outcome::Ran);
        assert_eq!(ran.metric("deploy_p50_ns").map(|figure| figure.n), Ok(6));
        assert!(matches!(ran.metric("deploy_p99_ns"), Err(Missing::Undefined(_))));
        let wrong = settled(false, Outcome::WrongAnswer("1 of 2 came".to_owned()));
        assert!(wrong.metrics.is_empty() && wrong.has_failed());
        let lacking = settled(true, Outcome::Unsupported("no such thing".to_owned()));
        let why = Missing::Unsupported("no such thing".to_owned());
        assert!(lacking.metrics.values().all(|reading| *reading == Reading::Missing(why.clone())));
        assert!(!lacking.metrics.is_empty() && !lacking.has_failed());
        assert_eq!(lacking.told(), "unsupported: no such thing");
    }
}
