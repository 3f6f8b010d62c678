//! Why a run folder could not be written or read.

use std::io;
use std::path::{Path, PathBuf};

/// How the names of temporary files begin, and those of the copies that baselines point to.
pub(crate) const TEMPORARY: &str = ".caxton-";

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A new run must not mix with an old one.
    #[error("{path} is not empty: name another folder, or move this one away")]
    NotEmpty { path: PathBuf },
    /// Another process writes to the folder.
    #[error("{path} is in use by {holder}: wait until it has ended, or name another folder")]
    InUse { path: PathBuf, holder: String },
    #[error("cannot write {path}: {source}{fix}", fix = write_fix(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error(
        "{path} holds no record.json: run a bench first, or name a run as `caxton-bench list` does"
    )]
    NoRecord { path: PathBuf },
    #[error(
        "{path} is no whole record: {source}; it was cut off, edited, or written by another \
         version; take it from a backup or run again"
    )]
    BadRecord { path: PathBuf, source: serde_json::Error },
    #[error(
        "{path} has schema {found}, this version reads {read}: read it with the version that \
         wrote it"
    )]
    OtherSchema { path: PathBuf, found: u64, read: u32 },
    #[error(
        "{path} has {found} bytes of samples, its record promises {promised}: it was cut off, \
         copy it again"
    )]
    ShortSamples { path: PathBuf, found: u64, promised: u64 },
    /// A row of samples does not parse.
    #[error("{path}, line {line}: {why}; the file was edited, copy it again")]
    BadSample { path: PathBuf, line: u64, why: String },
    /// A name that cannot be a baseline's.
    #[error("{name:?} is no name of a baseline: 1 to 64 of A-Z a-z 0-9 . _ -, and no dot in front")]
    BadName { name: String },
    /// Something else lies where a link belongs.
    #[error("{path} is a folder, not a link made by this tool: move it away")]
    NotALink { path: PathBuf },
}

/// The advice for a write error.
fn write_fix(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space, what finished before is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; name a folder that you may write to"
        }
        io::ErrorKind::FileTooLarge => {
            "; raise the limit on the size of files (ulimit -f), what finished before is kept"
        }
        _ => "",
    }
}

/// For `map_err`: a write error at `path`.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Write { path: path.to_owned(), source }
}

/// For `map_err`: a read error at `path`.
pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Read { path: path.to_owned(), source }
}
