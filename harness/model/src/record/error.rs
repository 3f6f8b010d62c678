//! Why a run folder could not be written or read.

use std::io;
use std::path::{Path, PathBuf};

/// How the names of temporary files begin, and those of the copies that baselines point to.
pub(crate) const TEMPORARY: &str = ".caxton-";

/// Why a run folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A new run must not mix with an old one.
    #[error(
        "{path} is not empty: name another folder, or move this one away",
        path = path.display()
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// Another process writes to the folder.
    #[error(
        "{path} is in use by {holder}: wait until it has ended, or name another folder",
        path = path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// `process N`.
        holder: String,
    },
    /// Writing failed.
    #[error("cannot write {path}: {source}{fix}", path = path.display(), fix = write_fix(source))]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Reading failed.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The folder is no run.
    #[error(
        "{path} holds no record.json: run a bench first, or name a folder of profiles/runs",
        path = path.display()
    )]
    NoRecord {
        /// The folder.
        path: PathBuf,
    },
    /// The record does not parse.
    #[error(
        "{path} is no whole record: {source}; it was cut off, edited, or written by another \
         version; take it from a backup or run again",
        path = path.display()
    )]
    BadRecord {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// Another version wrote it.
    #[error(
        "{path} has schema {found}, this version reads {read}: read it with the version that \
         wrote it",
        path = path.display()
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
        /// What is read.
        read: u32,
    },
    /// Samples are gone.
    #[error(
        "{path} has {found} bytes of samples, its record promises {promised}: it was cut off, \
         copy it again",
        path = path.display()
    )]
    ShortSamples {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// What the record says.
        promised: u64,
    },
    /// A row of samples does not parse.
    #[error(
        "{path}, line {line}: {why}; the file was edited, copy it again",
        path = path.display()
    )]
    BadSample {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// A name that cannot be a baseline's.
    #[error("{name:?} is no name of a baseline: 1 to 64 of A-Z a-z 0-9 . _ -, and no dot in front")]
    BadName {
        /// The name.
        name: String,
    },
    /// Something else lies where a link belongs.
    #[error(
        "{path} is a folder, not a link made by this tool: move it away",
        path = path.display()
    )]
    NotALink {
        /// The folder.
        path: PathBuf,
    },
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
