//! Run folders and baselines on disk. What a run has finished survives a crash at any moment.
//!
//! Two files per run: `samples.csv` only grows, and `record.json` (of a comparison:
//! `comparison.json`) is replaced as a whole and says how much of `samples.csv` belongs to it.
//! Samples are on disk before the page that promises them; what lies beyond the promise comes from
//! a crash between the two and is not read.

pub use super::error::StoreError;

use super::error::{unreadable, unwritable};
use super::lock::{FolderLock, LOCK_FILE, temporary};
use crate::file::{self, fsync, if_it_can};
use crate::record::{self, Record, Run};
use crate::samples::Sample;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The record's file in a run folder.
pub const RECORD_FILE: &str = "record.json";
/// The file of a comparison, in place of the record's.
pub const COMPARISON_FILE: &str = "comparison.json";
/// The raw samples' file in a run folder.
pub const SAMPLES_FILE: &str = "samples.csv";
/// The runs' folder in the profiles' folder.
pub const RUNS: &str = "runs";
/// The baselines' folder in the profiles' folder.
pub const BASELINES: &str = "baselines";
/// The link to the latest run, in the profiles' folder.
pub const LATEST: &str = "latest";
/// What is removed of a folder in which nothing was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    Nothing,
    /// The first page: the folder was there before.
    Page(&'static str),
    Folder(&'static str),
}

/// The folder of a run that is being made.
#[derive(Debug)]
pub struct RunFolder {
    pub(super) path: PathBuf,
    /// Length of the samples that are known to be on disk.
    pub(super) valid: u64,
    /// True after an append that may have left half a row behind `valid`.
    pub is_torn: bool,
    /// None for a folder inside one that is held.
    pub(super) lock: Option<FolderLock>,
    /// What goes with this value as long as nothing was measured.
    pub(super) empty: Empty,
    /// True as soon as the run itself wrote something.
    pub(super) is_kept: AtomicBool,
}

impl RunFolder {
    /// A new, empty run folder at `path`, inside one that is held; its parents are made too.
    ///
    /// # Errors
    /// [`StoreError::NotEmpty`] when something is in it, [`StoreError::Write`] when it cannot be
    /// made.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(path).map_err(unwritable(path))?;
        refuse_content(path)?;
        Ok(Self::at(path, None, Empty::Nothing))
    }

    pub(super) fn at(path: &Path, lock: Option<FolderLock>, empty: Empty) -> Self {
        let (path, is_kept) = (path.to_owned(), AtomicBool::new(false));
        Self { path, valid: 0, is_torn: false, lock, empty, is_kept }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds `samples` to `samples.csv` and waits until they are on disk.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the samples that were there before are still valid.
    pub fn append<Row: Serialize>(&mut self, samples: &[Row]) -> Result<(), StoreError> {
        if samples.is_empty() {
            return Ok(());
        }
        self.is_kept.store(true, Ordering::Relaxed);
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

    /// Replaces the folder's page by `page`, whose count of samples becomes what [`Self::append`]
    /// put on disk. A reader sees the old page or the new one, never half of one.
    ///
    /// # Errors
    /// [`StoreError::Write`]; the old page is still there.
    pub fn write<P: StoredPage>(&self, page: &P) -> Result<(), StoreError> {
        self.is_kept.store(true, Ordering::Relaxed);
        self.put(page)
    }

    pub(super) fn put<P: StoredPage>(&self, page: &P) -> Result<(), StoreError> {
        let path = self.path.join(P::FILE);
        let page = page.clone().promising(self.valid);
        let mut json =
            serde_json::to_vec_pretty(&page).map_err(io::Error::from).map_err(unwritable(&path))?;
        // A NaN would become `null`, and no later version could read the run: rather the old one.
        serde_json::from_slice::<P>(&json).map_err(io::Error::from).map_err(unwritable(&path))?;
        json.push(b'\n');
        replace(&path, &json).map_err(unwritable(&path))
    }

    /// The record of the run at `path`, and the samples that belong to it.
    pub fn load(path: &Path) -> Result<(Record, Vec<Sample>), StoreError> {
        load(path)
    }

    /// The record of the run at `path`, without its samples.
    pub fn load_record(path: &Path) -> Result<Record, StoreError> {
        load_page(path)
    }
}

/// Refuses a folder that something is in.
pub(super) fn refuse_content(path: &Path) -> Result<(), StoreError> {
    let listed = fs::read_dir(path).map_err(unwritable(path))?;
    let mut names = listed.flatten().map(|entry| entry.file_name());
    if names.all(|name| name == LOCK_FILE) {
        return Ok(());
    }
    let path = path.to_owned();
    Err(match FolderLock::holder(&path) {
        Some(holder) => StoreError::InUse { path, holder },
        None => StoreError::NotEmpty { path },
    })
}

/// What a folder is about, beside the rows of its `samples.csv`.
pub trait StoredPage: Clone + Serialize + DeserializeOwned {
    const FILE: &'static str;
    const SCHEMA: u32;
    /// The rows beside it.
    type Row: DeserializeOwned;
    /// How many bytes of `samples.csv` belong to it.
    fn samples_bytes(&self) -> u64;
    fn run_mut(&mut self) -> &mut Run;
    /// The same page, with another such number.
    #[must_use]
    fn promising(self, samples_bytes: u64) -> Self;
}

impl StoredPage for Record {
    const FILE: &'static str = RECORD_FILE;
    const SCHEMA: u32 = record::SCHEMA;
    type Row = Sample;

    fn samples_bytes(&self) -> u64 {
        self.samples_bytes
    }

    fn run_mut(&mut self) -> &mut Run {
        &mut self.run
    }

    fn promising(self, samples_bytes: u64) -> Self {
        Self { samples_bytes, ..self }
    }
}

/// The page of a folder and the rows that belong to it.
pub(crate) fn load<P: StoredPage>(path: &Path) -> Result<(P, Vec<P::Row>), StoreError> {
    let page: P = load_page(path)?;
    let rows = read_rows(path, page.samples_bytes())?;
    Ok((page, rows))
}

fn load_page<P: StoredPage>(path: &Path) -> Result<P, StoreError> {
    /// The part that every version can read.
    #[derive(Deserialize)]
    struct AnySchema {
        schema: u64,
    }
    let page = path.join(P::FILE);
    let json = match file::read_within(path, P::FILE, file::PAGE_MAX) {
        Ok(json) => json,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Err(StoreError::NoRecord { path: path.to_owned() });
        }
        Err(e) => return Err(unreadable(&page)(e)),
    };
    let bad = |source| StoreError::BadRecord { path: page.clone(), source };
    let AnySchema { schema: found } = serde_json::from_slice(&json).map_err(bad)?;
    if found != u64::from(P::SCHEMA) {
        return Err(StoreError::OtherSchema { path: page, found, read: P::SCHEMA });
    }
    serde_json::from_slice(&json).map_err(bad)
}

/// Adds `rows` to the file at `path`, after cutting it to `torn`, and syncs it.
fn append_rows(path: &Path, rows: &[u8], torn: Option<u64>) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    if let Some(valid) = torn {
        file.set_len(valid)?;
    }
    let valid = file.metadata()?.len();
    let written = file.write_all(rows).and_then(|()| if_it_can(file.sync_data()));
    if written.is_err() {
        // Half a row helps nobody, and the record may need its room.
        let _ = file.set_len(valid);
    }
    written
}

/// Puts `bytes` at `path` in one step, and on disk.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut new = temporary(0o666).tempfile_in(folder)?;
    // To the file behind the name: an error then says what is wrong and not the temporary name.
    new.as_file_mut().write_all(bytes)?;
    if_it_can(new.as_file().sync_all())?;
    new.persist(path)?;
    sync_folder(folder)
}

/// The folder that `path` is in; a bare name is in the current one.
pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename is on disk only when its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if_it_can(fsync(folder))
}

/// The first `promised` bytes of the samples in `folder`, as rows.
fn read_rows<Row: DeserializeOwned>(folder: &Path, promised: u64) -> Result<Vec<Row>, StoreError> {
    if promised == 0 {
        return Ok(Vec::new());
    }
    let path = &folder.join(SAMPLES_FILE);
    let file = match file::open_within(folder, SAMPLES_FILE) {
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
pub fn update_latest(profiles: &Path, id: &str) -> Result<(), StoreError> {
    let target = Path::new(RUNS).join(id);
    let run = profiles.join(&target);
    let link = profiles.join(LATEST);
    // The next run finds what a kill leaves in the run's folder, which may be on another device.
    relink(&link, &target, &run).or_else(|_| relink(&link, &target, profiles))
}

/// Makes `link` a symbolic link to `target` in one step, whether or not it was one before. It is
/// made in the folder `via` and renamed.
pub(crate) fn relink(link: &Path, target: &Path, via: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(link).is_ok_and(|found| found.is_dir()) {
        return Err(StoreError::NotALink { path: link.to_owned() });
    }
    let new = temporary(0o666).make_in(via, |path| symlink(target, path));
    let renamed = new.and_then(|new| Ok(new.persist(link)?));
    renamed.and_then(|()| sync_folder(folder_of(link))).map_err(unwritable(link))
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "no symbolic links on this system"))
}
