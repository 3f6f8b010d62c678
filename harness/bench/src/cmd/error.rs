//! Why a command failed, in one line, and the exit code that goes with it.

use super::run::filter::BadFilter;
use crate::guest::catalog::CatalogError;
use crate::guest::toolchain::NoToolchain;
use crate::measure::run::RunError;
use crate::measure::turns::kit::KitError;
use crate::suite;
use crate::timing::allocations::NOT_COUNTED;
use caxton_analysis::exit;
use caxton_analysis::limits::BadLimits;
use caxton_model::case::Outcome;
use caxton_model::load::plan::BadPlan;
use caxton_model::load::threshold::BadThreshold;
use caxton_model::reading::Missing;
use caxton_model::record::store::StoreError;
use caxton_monitor::TooManyObjectives;
use caxton_report::export::ExportError;
use caxton_report::html::HtmlError;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why a program did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    #[error("cannot start {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("{program} {how}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended {
        program: String,
        how: String,
        /// The last line that it said.
        said: String,
        is_interrupted: bool,
    },
}

impl ProcessError {
    /// True where Ctrl-C ended the program.
    pub(super) const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Ended { is_interrupted: true, .. })
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// What clap says of the words; help and version, too.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Toolchain(#[from] NoToolchain),
    #[error(transparent)]
    Filter(#[from] BadFilter),
    #[error(transparent)]
    Limits(#[from] BadLimits),
    #[error(transparent)]
    Plan(#[from] BadPlan),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Kit(#[from] KitError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Html(#[from] HtmlError),
    #[error("cannot write {path}: {source}", path = path.display())]
    Output { path: PathBuf, source: io::Error },
    #[error("objective {text:?}: {source}")]
    Objective { text: String, source: BadThreshold },
    #[error(
        "--counts compares: name a version with --baseline; or count instructions of this one \
         with --counts instructions"
    )]
    NothingToCompare,
    #[error(
        "--profile instructions counts each one, in one thread: leave out --profiler, \
         --profile-hz, --profile-time, --profile-threads and --profile-async"
    )]
    NoSampling,
    #[error("--relink takes all its launches: leave out --budget")]
    BudgetOfRelink,
    #[error("instructions cannot be counted: {0}")]
    NoValgrind(Missing),
    #[error("no objective: name a condition on a percentile of response_time, success or errors")]
    NoObjective,
    #[error("{address}: /metrics cannot be served there: {source}; name another --address")]
    Endpoint { address: SocketAddr, source: io::Error },
    #[error("nothing can be watched: {0}")]
    Watch(io::Error),
    #[error(transparent)]
    Objectives(#[from] TooManyObjectives),
    #[error(
        "unsupported: there is no {program} here: apt-get install prometheus \
         prometheus-alertmanager"
    )]
    NoServer { program: &'static str },
    #[error("{program} is not ready after {seconds} s")]
    NotReady { program: &'static str, seconds: u64 },
    #[error("{}: {}", outcome.name(), outcome.reason().unwrap_or("no reason"))]
    Ended { outcome: Outcome },
    #[error("{path}: {why}", path = path.display())]
    Config { path: PathBuf, why: String },
    #[error("cannot read {path}: {source}", path = path.display())]
    Input { path: PathBuf, source: io::Error },
    #[error("{path}: guests cannot be built there: {source}")]
    Builder { path: PathBuf, source: io::Error },
    #[error(
        "there is no suite {name}: name one of {}; or a guest: a .wasm or .wat file, a folder \
         (./{name}) or a .toml manifest",
        suite::ALL.map(|suite| suite.name).join(", ")
    )]
    NoSuite { name: String },
    #[error(
        "no agent {name:?}; {}there are: {known}",
        near.as_ref().map_or(String::new(), |near| format!("did you mean {near}? "))
    )]
    UnknownAgent { name: String, near: Option<String>, known: String },
    #[error("suite {suite} does not use {flags}: leave it out, or name a bench that does")]
    NotOfSuite { suite: &'static str, flags: String },
    #[error("--memory-limit is for agent ballast, which is not asked for: add --agent ballast")]
    NoBallast,
    #[error("guest {path}: {why}", path = path.display())]
    Guest { path: PathBuf, why: String },
    #[error("{flag} '{value}': {why}")]
    GivenFlag { flag: String, value: String, why: String },
    #[error("no baseline {name:?}; {known}")]
    NoBaseline { name: String, known: String },
    #[error(
        "a checked pass (--test, or no --bench) is not kept: leave --test out, or name a folder \
         with --out"
    )]
    NothingToKeep,
    #[error("--test is one pass at smoke scale: leave it out, or leave --scale out")]
    TestIsSmoke,
    #[error("{NOT_COUNTED}")]
    NoHeap,
    #[error("this bench profiles the heap alone: use `cargo bench --bench wasm`")]
    NoCpu,
    #[error(
        "this bench takes samples of messages alone: say --profile cpu [--profile-time SECONDS]"
    )]
    SamplesOnly,
    #[error("no self-test: {why}")]
    NoSelfTest { why: String },
    #[error("plan {path}: {source}", path = path.display())]
    PlanFile { path: PathBuf, source: io::Error },
    #[error("a second load named {name:?}: give it a name of its own")]
    TwoPlans { name: String },
    #[error("cannot resume {path}: {why}", path = path.display())]
    NoResume { path: PathBuf, why: String },
    #[error("interrupted: nothing was measured")]
    Interrupted,
    #[error("no relink: {why}")]
    NoRelink { why: String },
    #[error(
        "{path} is no folder: name the one that holds runs and baselines",
        path = path.display()
    )]
    NoFolder { path: PathBuf },
    #[error("{format} is for runs: of a comparison there are {known}")]
    NotOfComparison { format: String, known: String },
    #[error("--baseline is for the markdown of a run: {why}")]
    BaselineUnused { why: &'static str },
    #[error("{flag} cannot be used here: {why}")]
    Elsewhere { flag: String, why: &'static str },
    #[error("{flag} changes nothing here: {why}; leave it out")]
    Unused { flag: &'static str, why: &'static str },
    #[error("{name} is of suite {found}, not of {wanted}: leave --suite out, or name another one")]
    OtherSuite { name: String, found: String, wanted: String },
    #[error("a page of several folders lies in none of them: name it with --out FILE")]
    NoPage,
    #[error("{name:?} is neither a baseline nor a folder; {known}")]
    NoSide { name: String, known: String },
    #[error("baseline {name:?} has several suites: name one of {known}")]
    ManySuites { name: String, known: String },
    #[error(
        "{path} is not a baseline of this checkout: its executable is a program of whoever made \
         it, and nothing was started. Where you know who that is, say --trust={sha256}, or --trust \
         for any",
        path = path.display()
    )]
    Stranger { path: PathBuf, sha256: String },
    #[error(
        "{base} is of suite {base_suite}, {candidate} of {candidate_suite}: nothing to compare"
    )]
    Suites { base: String, base_suite: String, candidate: String, candidate_suite: String },
    #[error("{name:?} is no revision of this repository: {why}")]
    NoRevision { name: String, why: String },
    #[error("revision {name}: {why}")]
    Revision { name: String, why: String },
    #[error("revision {name} does not build: {source}")]
    Unbuilt { name: String, source: Box<ProcessError>, said: String },
    /// A comparison whose samples say something else.
    #[error("{path}: {why}: it was edited, or written by another version", path = path.display())]
    Contradiction { path: PathBuf, why: String },
}

/// For `map_err`: what keeps `path` from being written.
pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> CommandError {
    let path = path.to_owned();
    move |source| CommandError::Output { path, source }
}

/// For `map_err`: what keeps `path` from being read.
pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> CommandError {
    let path = path.to_owned();
    move |source| CommandError::Input { path, source }
}

impl CommandError {
    pub(super) fn code(&self) -> u8 {
        match self {
            // A file that cannot be read or written is a broken set-up; the rest is a baseline that
            // is none any more.
            Self::Kit(KitError::Io { .. }) => exit::WRONG_USE,
            Self::Kit(_)
            | Self::NoBaseline { .. }
            | Self::NoSide { .. }
            | Self::Suites { .. }
            | Self::NoRevision { .. }
            | Self::Contradiction { .. } => exit::NOT_COMPARABLE,
            Self::NoServer { .. } => exit::NOT_COMPARABLE,
            Self::Ended { .. } => exit::FAILED,
            Self::Interrupted => exit::INTERRUPTED,
            Self::Process(error) if error.is_interrupted() => exit::INTERRUPTED,
            Self::Unbuilt { source, .. } if source.is_interrupted() => exit::INTERRUPTED,
            _ => exit::WRONG_USE,
        }
    }
}
