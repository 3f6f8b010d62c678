//! Run folders and baselines on disk. What a run has finished survives a crash at any moment.
//!
//! Two files per run: `samples.csv` only grows, and `record.json` is replaced as a whole and says
//! how much of `samples.csv` belongs to it. Samples are on disk before the record that promises
//! them; what lies beyond the promise comes from a crash between the two and is not read.

use crate::record::{Record, SCHEMA};
use crate::samples::Sample;
use serde::Deserialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// The record's file in a run folder.
pub const RECORD_FILE: &str = "record.json";
/// The raw samples' file in a run folder.
pub const SAMPLES_FILE: &str = "samples.csv";
/// The runs' folder in the profiles' folder.
pub const RUNS: &str = "runs";
/// The baselines' folder in the profiles' folder.
pub const BASELINES: &str = "baselines";
/// The link to the latest run, in the profiles' folder.
pub const LATEST: &str = "latest";
/// How the names of temporary files begin, and those of the copies that baselines point to.
const TEMPORARY: &str = ".caxton-";

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
        "{path} has schema {found}, this version reads {SCHEMA}: read it with the version that \
         wrote it",
        path = path.display()
    )]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u64,
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
        _ => "",
    }
}

/// For `map_err`: a write error at `path`.
fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Write { path: path.to_owned(), source }
}

/// For `map_err`: a read error at `path`.
fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Read { path: path.to_owned(), source }
}

/// The folder of a run that is being made.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Length of the samples that are known to be on disk.
    valid: u64,
    /// True after an append that may have left half a row behind `valid`.
    is_torn: bool,
}

impl RunFolder {
    /// A new, empty run folder at `path`; its parents are made too.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when something is in it, [`StoreError::Write`] when it cannot be
    /// made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(unwritable(path))?;
        if fs::read_dir(path).map_err(unreadable(path))?.next().is_some() {
            return Err(StoreError::NotEmpty { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), valid: 0, is_torn: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds `samples` to `samples.csv` and waits until they are on disk.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the samples that were there before are still valid.
    pub fn append(&mut self, samples: &[Sample]) -> Result<(), StoreError> {
        if samples.is_empty() {
            return Ok(());
        }
        let path = self.path.join(SAMPLES_FILE);
        let mut writer =
            csv::WriterBuilder::new().has_headers(self.valid == 0).from_writer(Vec::new());
        for sample in samples {
            writer.serialize(sample).map_err(io::Error::from).map_err(unwritable(&path))?;
        }
        let rows = writer.into_inner().map_err(|e| unwritable(&path)(e.into_error()))?;
        let torn = self.is_torn.then_some(self.valid);
        self.is_torn = true;
        append_rows(&path, &rows, torn).map_err(unwritable(&path))?;
        self.is_torn = false;
        self.valid += rows.len() as u64;
        Ok(())
    }

    /// Replaces `record.json` by `record`, whose `samples_bytes` becomes what [`Self::append`] put
    /// on disk. A reader sees the old record or the new one, never half of one.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the old record is still there.
    pub fn write(&self, record: &Record) -> Result<(), StoreError> {
        let path = self.path.join(RECORD_FILE);
        let record = Record { samples_bytes: self.valid, ..record.clone() };
        let mut json = serde_json::to_vec_pretty(&record)
            .map_err(io::Error::from)
            .map_err(unwritable(&path))?;
        // A NaN would become `null`, and no later version could read the run: rather the old one.
        serde_json::from_slice::<Record>(&json)
            .map_err(io::Error::from)
            .map_err(unwritable(&path))?;
        json.push(b'\n');
        replace(&path, &json).map_err(unwritable(&path))
    }

    /// The record of the run at `path`, and the samples that belong to it.
    ///
    /// # Errors
    /// Those of [`Self::load_record`], and what is wrong with `samples.csv`.
    pub fn load(path: &Path) -> Result<(Record, Vec<Sample>), StoreError> {
        let record = Self::load_record(path)?;
        let samples = read_samples(&path.join(SAMPLES_FILE), record.samples_bytes)?;
        Ok((record, samples))
    }

    /// The record of the run at `path`, without its samples.
    ///
    /// # Errors
    /// What is wrong with `record.json`.
    pub fn load_record(path: &Path) -> Result<Record, StoreError> {
        /// The part that every version can read.
        #[derive(Deserialize)]
        struct AnySchema {
            schema: u64,
        }
        let file = path.join(RECORD_FILE);
        let json = match fs::read(&file) {
            Ok(json) => json,
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                return Err(StoreError::NoRecord { path: path.to_owned() });
            }
            Err(e) => return Err(unreadable(&file)(e)),
        };
        let bad = |source| StoreError::BadRecord { path: file.clone(), source };
        let AnySchema { schema: found } = serde_json::from_slice(&json).map_err(bad)?;
        if found != u64::from(SCHEMA) {
            return Err(StoreError::OtherSchema { path: file, found });
        }
        serde_json::from_slice(&json).map_err(bad)
    }
}

/// Adds `rows` to the file at `path`, after cutting it to `torn`, and syncs it.
fn append_rows(path: &Path, rows: &[u8], torn: Option<u64>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if let Some(valid) = torn {
        file.set_len(valid)?;
    }
    let valid = file.metadata()?.len();
    let written = file.write_all(rows).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a row helps nobody, and the record may need its room.
        let _ = file.set_len(valid);
    }
    written
}

/// Puts `bytes` at `path` in one step, and on disk.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut new = temporary(0o666).tempfile_in(folder)?;
    // To the file behind the name: an error then says what is wrong and not the temporary name.
    new.as_file_mut().write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    sync_folder(folder)
}

/// The folder that `path` is in; a bare name is in the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files and folders with the rights of any new one, not the owner's alone: `mode`
/// before the process' mask is applied.
fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = mode;
    builder
}

/// A rename is on disk only when its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The first `promised` bytes of the file at `path`, as samples.
fn read_samples(path: &Path, promised: u64) -> Result<Vec<Sample>, StoreError> {
    if promised == 0 {
        return Ok(Vec::new());
    }
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(StoreError::ShortSamples { path: path.to_owned(), found: 0, promised });
        }
        Err(e) => return Err(unreadable(path)(e)),
    };
    let found = file.metadata().map_err(unreadable(path))?.len();
    if found < promised {
        return Err(StoreError::ShortSamples { path: path.to_owned(), found, promised });
    }
    let mut rows = csv::Reader::from_reader(BufReader::new(file.take(promised)));
    let mut samples = Vec::new();
    let mut line = rows.position().line();
    let bad = |line, error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => StoreError::Read { path: path.to_owned(), source },
        csv::ErrorKind::Deserialize { pos, err } => StoreError::BadSample {
            path: path.to_owned(),
            line: pos.map_or(line, |pos| pos.line()),
            why: err.to_string(),
        },
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => StoreError::BadSample {
            path: path.to_owned(),
            line: pos.map_or(line, |pos| pos.line()),
            why: format!("{len} fields where {expected_len} belong"),
        },
        csv::ErrorKind::Utf8 { pos, err } => StoreError::BadSample {
            path: path.to_owned(),
            line: pos.map_or(line, |pos| pos.line()),
            why: err.to_string(),
        },
        kind => StoreError::BadSample { path: path.to_owned(), line, why: format!("{kind:?}") },
    };
    let mut reader = rows.deserialize();
    while let Some(row) = reader.next() {
        samples.push(row.map_err(|e| bad(line, e))?);
        line = reader.reader().position().line();
    }
    Ok(samples)
}

/// Points the link `latest` in the folder `profiles` to `runs/<id>`.
///
/// # Errors
/// [`StoreError::Write`], [`StoreError::NotALink`].
pub fn update_latest(profiles: &Path, id: &str) -> Result<(), StoreError> {
    relink(&profiles.join(LATEST), &Path::new(RUNS).join(id))
}

/// Keeps the run at `run` as the baseline `name` in the folder `baselines`, in place of an older
/// one of that name; gives its path.
///
/// The copy lies in a hidden folder beside the name, which is a link to it: a link can be replaced
/// in one step, a folder cannot. A crash on the way can leave a hidden folder that nothing names.
///
/// # Errors
/// [`StoreError::BadName`], or what is wrong with either folder.
pub fn save_baseline(run: &Path, baselines: &Path, name: &str) -> Result<PathBuf, StoreError> {
    check_baseline_name(name)?;
    let record = RunFolder::load_record(run)?;
    fs::create_dir_all(baselines).map_err(unwritable(baselines))?;
    let link = baselines.join(name);
    let old = fs::read_link(&link).ok();
    let copy = temporary(0o777).tempdir_in(baselines).map_err(unwritable(baselines))?;
    copy_run(run, copy.path(), record.samples_bytes)?;
    let target = copy.path().file_name().expect("a temporary folder has a name");
    relink(&link, Path::new(target))?;
    // From here on the link needs it.
    let _ = copy.keep();
    if let Some(old) = old {
        // Best effort: a copy that nothing points to does no harm.
        let is_ours = old.components().count() == 1 && old.to_string_lossy().starts_with(TEMPORARY);
        let _ = is_ours.then(|| fs::remove_dir_all(baselines.join(old)));
    }
    Ok(link)
}

/// Copies the two files of a run, and of the samples only what the record promises.
fn copy_run(run: &Path, copy: &Path, samples_bytes: u64) -> Result<(), StoreError> {
    let samples = run.join(SAMPLES_FILE);
    if samples_bytes > 0 {
        let from = File::open(&samples).map_err(unreadable(&samples))?;
        let path = copy.join(SAMPLES_FILE);
        let mut to = File::create(&path).map_err(unwritable(&path))?;
        let found = io::copy(&mut from.take(samples_bytes), &mut to).map_err(unwritable(&path))?;
        to.sync_all().map_err(unwritable(&path))?;
        if found < samples_bytes {
            let promised = samples_bytes;
            return Err(StoreError::ShortSamples { path: samples, found, promised });
        }
    }
    let record = run.join(RECORD_FILE);
    let json = fs::read(&record).map_err(unreadable(&record))?;
    let path = copy.join(RECORD_FILE);
    replace(&path, &json).map_err(unwritable(&path))
}

/// Refuses a name that could leave its folder, hide, or be read as an option.
///
/// # Errors
/// [`StoreError::BadName`].
pub fn check_baseline_name(name: &str) -> Result<(), StoreError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.starts_with(['.', '-']);
    if is_good { Ok(()) } else { Err(StoreError::BadName { name: name.to_owned() }) }
}

/// Makes `link` a symbolic link to `target` in one step, whether or not it was one before.
fn relink(link: &Path, target: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(link).is_ok_and(|found| found.is_dir()) {
        return Err(StoreError::NotALink { path: link.to_owned() });
    }
    let folder = folder_of(link);
    let new = temporary(0o666).make_in(folder, |path| symlink(target, path));
    let renamed = new.and_then(|new| Ok(new.persist(link)?));
    renamed.and_then(|()| sync_folder(folder)).map_err(unwritable(link))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "no symbolic links on this system"))
}

/// A folder with a run in it, by name, or what is wrong with it.
pub type Listed = (String, Result<Record, StoreError>);

/// The runs in the folder `profiles`, by name. None where there is no such folder.
///
/// # Errors
/// [`StoreError::Read`] when the folder cannot be listed.
pub fn list_runs(profiles: &Path) -> Result<Vec<Listed>, StoreError> {
    list(&profiles.join(RUNS))
}

/// The baselines in the folder `profiles`, by name. None where there is no such folder.
///
/// # Errors
/// [`StoreError::Read`] when the folder cannot be listed.
pub fn list_baselines(profiles: &Path) -> Result<Vec<Listed>, StoreError> {
    list(&profiles.join(BASELINES))
}

fn list(folder: &Path) -> Result<Vec<Listed>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(folder)(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable(folder))?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        // Follows links: a baseline is one. A link to nothing is listed, with its error.
        if !is_hidden && (entry.path().is_dir() || entry.path().is_symlink()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, RunFolder::load_record(&path))
    };
    Ok(paths.into_iter().map(named).collect())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
