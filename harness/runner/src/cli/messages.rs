//! What is said to the user, and the exit code that goes with it.

use crate::guest::catalog::CatalogError;
use crate::guest::toolchain::NoToolchain;
use crate::measure::probe::allocations::NOT_COUNTED;
use crate::measure::run::RunError;
use crate::measure::turns::kit::KitError;
use crate::plan::filter::BadFilter;
use caxton_results::exit;
use caxton_results::limits::BadLimits;
use caxton_results::load::check::BadPlan;
use caxton_results::record::store::StoreError;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Why nothing, or no more, could be run.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The agents cannot be listed.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// No compiler for guests.
    #[error(transparent)]
    Toolchain(#[from] NoToolchain),
    /// The builder's folder.
    #[error("{path}: guests cannot be built there: {source}")]
    Builder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A filter.
    #[error(transparent)]
    Filter(#[from] BadFilter),
    /// `--agent`.
    #[error("no agent {name:?}; there are: {known}")]
    UnknownAgent {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// `--guest`.
    #[error("guest {path}: {why}")]
    Guest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// `--baseline`.
    #[error("no baseline {name:?}; {known}")]
    NoBaseline {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// `--save-baseline` where nothing is measured.
    #[error(
        "a smoke or profile run keeps nothing: use --save-baseline with `cargo bench`, or --out"
    )]
    NothingToKeep,
    /// `--profile heap` where allocations are not watched.
    #[error("{NOT_COUNTED}")]
    NoHeap,
    /// The self-test's agent does not run.
    #[error("no self-test: {why}")]
    NoSelfTest {
        /// What became of it.
        why: String,
    },
    /// `--plan`.
    #[error("plan {path}: {source}", path = path.display())]
    PlanFile {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: io::Error,
    },
    /// `--plan` twice.
    #[error("a second load named {name:?}: give it a name of its own")]
    TwoPlans {
        /// The name.
        name: String,
    },
    /// A load makes no sense.
    #[error(transparent)]
    Plan(#[from] BadPlan),
    /// `--resume`.
    #[error("cannot resume {path}: {why}", path = path.display())]
    NoResume {
        /// The run's folder.
        path: PathBuf,
        /// What is in its way.
        why: String,
    },
    /// Ctrl-C before anything was measured.
    #[error("interrupted: nothing was measured")]
    Interrupted,
    /// A full disk behind standard output.
    #[error("cannot write to standard output: {source}; what was kept is kept")]
    Output {
        /// What the system says.
        source: io::Error,
    },
    /// `--relink`.
    #[error("no relink: {why}")]
    NoRelink {
        /// What is in its way.
        why: String,
    },
    /// A run folder or baseline cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// `--limits`.
    #[error(transparent)]
    Limits(#[from] BadLimits),
    /// A kit cannot be made or used.
    #[error(transparent)]
    Kit(#[from] KitError),
    /// The run ended early.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Problem {
    /// The exit code it ends in.
    pub fn code(&self) -> u8 {
        match self {
            // A file that cannot be read or written is a broken set-up; the rest is a baseline that
            // is none any more.
            Self::Kit(KitError::Io { .. }) => exit::WRONG_USE,
            Self::NoBaseline { .. } | Self::Kit(_) => exit::NOT_COMPARABLE,
            Self::Interrupted => exit::INTERRUPTED,
            _ => exit::WRONG_USE,
        }
    }
}

/// Says `problem` in one line on standard error.
pub fn report_problem(problem: &Problem) -> ExitCode {
    note(&format!("error: {problem}"));
    ExitCode::from(problem.code())
}

/// A line on standard error: progress and hints. Nobody there to read it is no error.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The first result that did not get to its reader.
static LOST: Mutex<Option<io::Error>> = Mutex::new(None);

/// A result on standard output. A reader that has gone away is no error; a full disk is one that
/// [`lost_result`] tells when everything else is done.
pub fn result(text: &str) {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Err(error) = written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        LOST.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

/// Why a result of this process did not get to its reader, if one did not.
pub fn lost_result() -> Option<Problem> {
    let source = LOST.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    Some(Problem::Output { source })
}
