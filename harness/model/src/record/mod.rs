//! A record: what one run measured, under which conditions, and how each case ended.
//!
//! Schema version 1. It is written after each case, so that a late failure loses nothing; the
//! raw samples lie beside it (`store.rs`).

pub(crate) mod error;
pub mod folder;
pub mod kit;
pub mod lock;
pub mod seconds;
pub mod store;

pub use crate::estimate::{Company, Interval, Summary};

use crate::case::{CaseKey, Check, Outcome};
use crate::compiled::Compiled;
use crate::load::outcome::LoadOutcome;
use crate::metric::MetricName;
use crate::profile::changes::Changes;
use crate::profile::{About, Health, SampleWeight, Shares};
use crate::reading::{Missing, Reading};
use crate::units::{Bytes, Nanos};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The schema this version writes; it reads no other.
pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub schema: u32,
    /// What was asked for and how it went.
    pub run: Run,
    pub host: Host,
    /// The WASM engine, as `name -> value`: what all cases share. How each case had it configured
    /// stands with the case.
    pub engine: BTreeMap<String, String>,
    /// What the instrument itself costs.
    pub calibration: Option<Calibration>,
    /// Every guest and twin that was built or given.
    pub artifacts: Vec<Artifact>,
    /// Every planned case, in the plan's order.
    pub cases: Vec<CaseRecord>,
    /// What is said of the run as a whole, by name: `geomean_wasm_to_native_time`.
    #[serde(default)]
    pub totals: BTreeMap<String, Reading<Summary>>,
    /// What the reader should know before believing a number.
    pub warnings: Vec<String>,
    /// Length of the valid part of `samples.csv`.
    pub samples_bytes: u64,
}

/// [`Run::scale`] of a run that was profiled: it has no figures of speed.
pub const PROFILE: &str = "profile";

impl Record {
    /// True for a run that was profiled instead of timed.
    pub fn is_profile(&self) -> bool {
        self.run.scale == PROFILE
    }

    /// True for a run of guests that were given as files, and of nothing that was built here.
    pub fn is_of_given_files(&self) -> bool {
        let wasm = self.artifacts.iter().filter(|artifact| artifact.side == "wasm");
        let is_given =
            |file: &Artifact| matches!(file.rustc, Reading::Missing(Missing::NotRequested(_)));
        wasm.clone().next().is_some() && wasm.into_iter().all(is_given)
    }

    /// Each setting of the engine that was used, its name and value, and the workloads that used
    /// it.
    pub fn engine_settings(&self) -> BTreeMap<[&str; 2], BTreeSet<&str>> {
        let mut settings: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
        for case in &self.cases {
            for (name, value) in case.engines.iter().flatten() {
                settings.entry([name.as_str(), value]).or_default().insert(&case.key.workload);
            }
        }
        settings
    }
}

/// What was asked for, and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Name of the run's folder.
    pub id: String,
    pub suite: String,
    /// `smoke`, `quick`, `full`, or [`PROFILE`].
    pub scale: String,
    pub command: Vec<String>,
    /// Start, UTC, RFC 3339.
    pub started_utc: String,
    /// Last write, UTC, RFC 3339.
    pub updated_utc: String,
    pub status: Status,
    /// Seed of every random choice.
    pub seed: u64,
    pub revision: Revision,
    /// The harness' own build: compiler, profile, flags.
    pub build: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It is going on, or was killed.
    Running,
    Finished,
    Interrupted,
    /// The apparatus failed.
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// Commit, abbreviated; or why there is none.
    pub commit: Reading<String>,
    /// True when files differ from the commit, or are new and not ignored; none where git does
    /// not tell.
    pub dirty: Option<bool>,
}

impl Revision {
    /// How the sources differ from the commit, to be said behind it: nothing where they do not.
    /// `changes` is what a difference is called.
    pub fn differs(&self, changes: &str) -> String {
        match self.dirty {
            Some(false) => String::new(),
            Some(true) => format!(" with {changes}"),
            None => format!(", {changes} unknown"),
        }
    }
}

/// The machine's fingerprint. Nothing measured: no MHz, no bogomips.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Fixed properties, as `name -> value`: cpu_model, cores, kernel, hypervisor, governor, smt,
    /// aslr, perf_event_paranoid, …
    pub fingerprint: BTreeMap<String, Reading<String>>,
    /// What `doctor` found in a short look before the run, by its checks: a state and why. Empty in
    /// smoke runs and older records.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub checks: BTreeMap<String, String>,
    pub memory_bytes: Reading<Bytes>,
    /// One-minute load average at the start.
    pub load_at_start: Reading<f64>,
    /// One-minute load average at the last write.
    pub load_at_end: Reading<f64>,
}

impl Host {
    /// How many cores the run could use; records before it was told so count all of the machine.
    pub fn cores(&self) -> Option<usize> {
        let known = |name: &str| self.fingerprint.get(name).and_then(Reading::known);
        known("cores_allowed").or(known("cores"))?.parse().ok().filter(|cores| *cores > 0)
    }
}

/// What the instrument costs: medians over the run's launches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// One read of the clock, in nanoseconds.
    pub clock_read_ns: f64,
    /// One timed, empty sample: two clock reads and what keeps the sample, in nanoseconds.
    pub sample_ns: f64,
    /// One turn of the batch loop around a call, in nanoseconds.
    pub loop_turn_ns: f64,
    /// The run's shortest yardstick: how long its fixed work takes in quiet, in nanoseconds.
    #[serde(default)]
    pub yardstick_ns: Option<f64>,
    /// The least that this work took over the work that is bound by the clock alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yardstick_to_latency: Option<f64>,
    /// Length of batch that is aimed at (median), so that a sample's own cost stays below 1 %.
    pub batch_min: Nanos,
    pub launches: u32,
}

/// One built or given file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub agent: String,
    /// `wasm` or `native`.
    pub side: String,
    /// The compiler's own words (`rustc -V`), or why they are unknown.
    pub rustc: Reading<String>,
    /// Target triple.
    pub target: String,
    /// Compiler flags beyond the profile's.
    pub flags: Vec<String>,
    pub bytes: Bytes,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Hash of sources, toolchain and flags it was built from; none for a file that was given.
    pub source_hash: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseRecord {
    pub key: CaseKey,
    pub outcome: Outcome,
    /// Each configuration of the WASM engine that the processes of its launches used, as
    /// `name -> value`. Empty where they had none, and in records that knew one for all cases.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub engines: BTreeSet<BTreeMap<String, String>>,
    /// What its answers were held against; none in records that do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// Launches: asked for, and done.
    pub launches: Budget,
    /// What its samples say, by metric.
    pub metrics: BTreeMap<MetricName, Reading<Summary>>,
    /// Findings that are words: what the guest saw at the limit.
    pub findings: BTreeMap<String, String>,
    /// What a profile of it came to.
    #[serde(default, skip_serializing_if = "Profiles::is_empty")]
    pub profiles: Profiles,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Box<LoadOutcome>>,
    /// Where the compiler's time went, and what code it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiled: Option<Box<Compiled>>,
}

/// What profiles of one case came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profiles {
    pub taken: Vec<ProfileRecord>,
    /// What changed from native to WASM, by function.
    #[serde(default)]
    pub changes: Option<Changes>,
    /// Where the files are, relative to the run's folder.
    pub folder: String,
    pub files: Vec<String>,
}

impl Profiles {
    /// The pictures among its files, by their paths in the run's folder.
    pub fn pictures(&self) -> impl Iterator<Item = String> {
        self.files_of(".svg")
    }

    /// The listings of machine code among its files, by their paths in the run's folder.
    pub fn listings(&self) -> impl Iterator<Item = String> {
        self.files_of("hot.txt")
    }

    fn files_of(&self, end: &'static str) -> impl Iterator<Item = String> {
        // `no …` is why a file is not there.
        let is_it = move |file: &&String| file.ends_with(end) && !file.starts_with("no ");
        self.files.iter().filter(is_it).map(|file| format!("{}/{file}", self.folder))
    }

    /// True when none was taken and nothing was kept.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.files.is_empty()
    }
}

/// A profile without its samples: those lie beside the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfileRecord {
    pub about: About,
    pub weight: SampleWeight,
    pub total: u64,
    pub health: Health,
    pub shares: Shares,
}

impl CaseRecord {
    /// True for a case that should have run and did not. A limit below an agent's minimum is an
    /// answer; a machine too small for a limit is said in the table.
    pub fn has_failed(&self) -> bool {
        match self.outcome {
            Outcome::Ran | Outcome::NotRun(_) | Outcome::Unsupported(_) => false,
            Outcome::Refused(_) => !self.key.is_memory_limit(),
            _ => true,
        }
    }

    /// How it ended, as it is shown: `ran, unchecked` where nothing says that answers are right,
    /// `ran, compared` where the sides' answers agree and nothing says that they are right.
    pub const fn ending(&self) -> &'static str {
        match (&self.outcome, self.check) {
            (Outcome::Ran, Some(Check::Nothing)) => "ran, unchecked",
            (Outcome::Ran, Some(Check::NativeBuild)) => "ran, compared",
            (outcome, _) => outcome.name(),
        }
    }

    /// How it ended, and why.
    pub fn told(&self) -> String {
        match self.outcome.reason() {
            None => self.ending().to_owned(),
            Some(_) => self.outcome.told(),
        }
    }

    /// The summary of `name`, or why there is none.
    pub fn metric(&self, name: &str) -> Result<&Summary, Missing> {
        let reading = MetricName::parse(name).ok().and_then(|name| self.metrics.get(&name));
        match reading {
            Some(Reading::Known(summary)) => Ok(summary),
            Some(Reading::Missing(why)) => Err(why.clone()),
            None => Err(Missing::NotRequested("no such metric in this case".to_owned())),
        }
    }
}

/// What was wanted, and what was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    pub wanted: u32,
    pub granted: u32,
}
