//! What is said to the user, and the exit code that goes with it.

use crate::cli::filter::BadFilter;
use crate::guest::catalog::CatalogError;
use crate::guest::toolchain::NoToolchain;
use crate::measure::run::RunError;
use crate::measure::turns::kit::KitError;
use crate::timing::allocations::NOT_COUNTED;
use caxton_analysis::exit;
use caxton_analysis::limits::BadLimits;
use caxton_model::load::plan::BadPlan;
use caxton_model::record::store::StoreError;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

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
    #[error(
        "no agent {name:?}; {}there are: {known}",
        near.as_ref().map_or(String::new(), |near| format!("did you mean {near}? "))
    )]
    UnknownAgent {
        /// What was asked for.
        name: String,
        /// What was perhaps meant.
        near: Option<String>,
        /// What there is.
        known: String,
    },
    /// Flags that nothing here uses.
    #[error("suite {suite} does not use {flags}: leave it out, or name a bench that does")]
    Unused {
        /// The suite.
        suite: &'static str,
        /// The flags, each with the benches that use it.
        flags: String,
    },
    /// `--memory-limit` without the agent that is put under it.
    #[error("--memory-limit is for agent ballast, which is not asked for: add --agent ballast")]
    NoBallast,
    /// `--guest`.
    #[error("guest {path}: {why}", path = path.display())]
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
        "a checked pass (--test, or no --bench) is not kept: leave --test out, or name a folder \
         with --out"
    )]
    NothingToKeep,
    /// `--test` beside a scale that it would ignore.
    #[error("--test is one pass at smoke scale: leave it out, or leave --scale out")]
    TestIsSmoke,
    /// `--profile heap` where allocations are not watched.
    #[error("{NOT_COUNTED}")]
    NoHeap,
    /// `--profile cpu` where no call is timed.
    #[error("this bench profiles the heap alone: use `cargo bench --bench wasm`")]
    NoCpu,
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

/// Why a result could not be printed: what the system said the first time.
static LOST: OnceLock<String> = OnceLock::new();

/// A result on standard output. A reader that has gone away is no error; a full disk is one, which
/// [`ended`] tells: what is measured meanwhile is still kept.
pub fn result(text: &str) {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let _ = LOST.set(error.to_string());
        }
        _ => {}
    }
}

/// The exit code of a program that would end in `code`: results that were lost are not fine.
pub fn ended(code: ExitCode) -> ExitCode {
    let Some(why) = LOST.get() else { return code };
    note(&format!("error: cannot write to standard output: {why}; what was kept is kept"));
    if code == ExitCode::SUCCESS { ExitCode::from(exit::WRONG_USE) } else { code }
}
