//! Why a command failed, in one line, and the exit code that goes with it.

use crate::suite;
use caxton_analysis::exit;
use caxton_analysis::limits::BadLimits;
use caxton_model::record::store::StoreError;
use caxton_report::export::ExportError;
use caxton_report::html::HtmlError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a program did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProcessError {
    /// It could not be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// The program.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// It ended badly.
    #[error("{program} {how}{}", if said.is_empty() { String::new() } else { format!(": {said}") })]
    Ended {
        /// The program and its first word.
        program: String,
        /// With which code, or by which signal.
        how: String,
        /// The last line that it said.
        said: String,
        /// True where Ctrl-C ended it.
        is_interrupted: bool,
    },
}

impl ProcessError {
    /// True where Ctrl-C ended the program.
    pub(crate) const fn is_interrupted(&self) -> bool {
        matches!(self, Self::Ended { is_interrupted: true, .. })
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Export(#[from] ExportError),
    #[error(transparent)]
    Limits(#[from] BadLimits),
    #[error(transparent)]
    Process(#[from] ProcessError),
    #[error(
        "{path} is no folder: name the one that holds runs and baselines",
        path = path.display()
    )]
    NoFolder { path: PathBuf },
    /// A format that there is of a run only.
    #[error("{format} is for runs: of a comparison there are {known}")]
    NotOfComparison { format: String, known: String },
    /// A baseline beside what has no place for one.
    #[error("--baseline is for the markdown of a run: {why}")]
    NoBaseline { why: &'static str },
    #[error(
        "there is no suite {name}: name one of {}",
        suite::ALL.map(|suite| suite.name).join(", ")
    )]
    NoSuite { name: String },
    /// A flag that changes nothing here.
    #[error("{flag} changes nothing here: {why}; leave it out")]
    Unused { flag: &'static str, why: String },
    #[error("{name} is of suite {found}, not of {wanted}: leave --suite out, or name another one")]
    OtherSuite { name: String, found: String, wanted: String },
    #[error(transparent)]
    Html(#[from] HtmlError),
    #[error("a page of several folders lies in none of them: name it with --out FILE")]
    NoPage,
    #[error("cannot write {path}: {source}", path = path.display())]
    Output { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}", path = path.display())]
    Input { path: PathBuf, source: io::Error },
    /// What was named does not exist.
    #[error("{name:?} is neither a baseline nor a folder; {known}")]
    NoSide { name: String, known: String },
    #[error("baseline {name:?} has several suites: name one of {known}")]
    ManySuites { name: String, known: String },
    /// A kit that somebody else may have made.
    #[error(
        "{path} is not a baseline of this checkout: its executable is a program of whoever made \
         it, and nothing was started. Where you know who that is, say --trust={sha256}, or --trust \
         for any",
        path = path.display()
    )]
    Stranger { path: PathBuf, sha256: String },
    /// A kit that is not what its manifest says.
    #[error("kit {path}: {why}; save the baseline again", path = path.display())]
    BadKit { path: PathBuf, why: String },
    #[error(
        "{base} is of suite {base_suite}, {candidate} of {candidate_suite}: nothing to compare"
    )]
    Suites { base: String, base_suite: String, candidate: String, candidate_suite: String },
    #[error("no checkout of the project at or above {path}: run it there", path = path.display())]
    NoCheckout { path: PathBuf },
    #[error("{name:?} is no revision of this repository: {why}")]
    NoRevision { name: String, why: String },
    #[error("revision {name}: {why}")]
    Revision { name: String, why: String },
    /// A revision that does not build.
    #[error("revision {name} does not build: {source}")]
    Unbuilt { name: String, source: Box<ProcessError>, said: String },
    /// A comparison whose samples say something else.
    #[error("{path}: {why}: it was edited, or written by another version", path = path.display())]
    Contradiction { path: PathBuf, why: String },
}

/// For `map_err`: what keeps `path` from being written.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::Output { path, source }
}

impl Failure {
    /// The exit code it ends in.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NoSide { .. }
            | Self::BadKit { .. }
            | Self::Suites { .. }
            | Self::NoRevision { .. }
            | Self::Contradiction { .. } => exit::NOT_COMPARABLE,
            Self::Process(error) if error.is_interrupted() => exit::INTERRUPTED,
            Self::Unbuilt { source, .. } if source.is_interrupted() => exit::INTERRUPTED,
            _ => exit::WRONG_USE,
        }
    }
}
