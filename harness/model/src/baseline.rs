//! Baselines on disk: `baselines/<name>/<suite>/`, each a copy of a run with the kit that can run
//! it again; and lists of what there is.

use crate::file::{self, fsync, if_it_can};
use crate::paired::comparison::Comparison;
use crate::record::Record;
use crate::record::error::{StoreError, TEMPORARY, unreadable, unwritable};
use crate::record::kit::{KIT, KIT_FILE, Kit};
use crate::record::lock::{FolderLock, LOCK_FILE, entries, name_of, temporary};
use crate::record::store::{
    BASELINES, COMPARISON_FILE, RECORD_FILE, RUNS, RunFolder, SAMPLES_FILE, relink, replace,
};
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How the name of a folder begins whose place a new copy takes.
pub const REPLACED: &str = ".caxton-was-";

/// Keeps the run at `run`, and the kit at `kit` if there is one, as the baseline `name` of the
/// run's suite in the folder `baselines`, in place of an older one; gives its path. `process` is
/// the id of this process: of several that keep the same baseline each waits for the others.
///
/// The copy lies in a hidden folder beside the suite's name, which is a link to it: a link can be
/// replaced in one step, a folder cannot. Where there can be no link, or a folder came back from an
/// archive in its place, the copy itself gets the suite's name.
///
/// # Errors
/// [`StoreError::BadName`], or what is wrong with any of the folders.
pub fn save(
    run: &Path,
    kit: Option<&Path>,
    baselines: &Path,
    name: &str,
    process: u32,
) -> Result<PathBuf, StoreError> {
    check_name(name)?;
    let record = RunFolder::load_record(run)?;
    check_name(&record.run.suite)?;
    let home = baselines.join(name);
    if home.is_symlink() {
        // As an older version kept it: one run, and no executable.
        fs::remove_file(&home).map_err(unwritable(&home))?;
    }
    fs::create_dir_all(&home).map_err(unwritable(&home))?;
    let lock = FolderLock::wait(&home, process)?;
    sweep_home(&home, &lock);
    let copy = temporary(0o777).tempdir_in(&home).map_err(unwritable(&home))?;
    copy_run(run, copy.path(), record.samples_bytes)?;
    if let Some(kit) = kit {
        copy_kit(kit, copy.path())?;
    }
    let link = home.join(&record.run.suite);
    if relink(&link, Path::new(&name_of(copy.path())), &home).is_ok() {
        // From here on the link needs it.
        let _ = copy.keep();
    } else {
        take_place(copy.path(), &link).map_err(unwritable(&link))?;
        let _ = copy.keep();
    }
    sweep_home(&home, &lock);
    Ok(link)
}

/// Fails as [`save`] would, before anything is measured: nothing is left behind.
pub fn check_place(baselines: &Path, name: &str) -> Result<(), StoreError> {
    check_name(name)?;
    let home = baselines.join(name);
    let is_there = |path: &&Path| fs::symlink_metadata(path).is_ok();
    let nearest = home.ancestors().find(is_there).unwrap_or(baselines);
    // A link is what an older version kept: it makes way.
    let folder = if nearest.is_symlink() { baselines } else { nearest };
    temporary(0o666).tempfile_in(folder).map(drop).map_err(unwritable(&home))
}

/// Renames `copy` to `path`. What is there is put back if that fails.
fn take_place(copy: &Path, path: &Path) -> io::Result<()> {
    let was = path.with_file_name(format!("{REPLACED}{}", name_of(path)));
    let is_replaced = fs::symlink_metadata(path).is_ok();
    if is_replaced {
        fs::rename(path, &was)?;
    }
    fs::rename(copy, path).inspect_err(|_| {
        let _ = is_replaced && fs::rename(&was, path).is_ok();
    })
}

/// Removes the copies in the baseline `home` that no suite points to; the caller holds `lock`. A
/// kill between the two renames of [`take_place`] is undone.
fn sweep_home(home: &Path, lock: &FolderLock) {
    if !lock.is_real() {
        return;
    }
    let pointed_to = |suite: PathBuf| fs::read_link(suite).ok();
    let used: Vec<PathBuf> = entries(home).into_iter().filter_map(pointed_to).collect();
    for path in entries(home) {
        let name = name_of(&path);
        let suite = name.strip_prefix(REPLACED).map(|suite| home.join(suite));
        if let Some(suite) = suite.filter(|suite| fs::symlink_metadata(suite).is_err()) {
            let _ = fs::rename(&path, suite);
            continue;
        }
        let is_ours = name.starts_with(TEMPORARY) && name != LOCK_FILE;
        if is_ours && !used.contains(&PathBuf::from(&name)) {
            let is_folder = fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir());
            let _ = if is_folder { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Removes what killed runs left in the baselines of the folder `profiles`: copies that nothing
/// points to. `process` is the id of this process.
pub fn sweep_baselines(profiles: &Path, process: u32) {
    let is_left = |home: &PathBuf| {
        let unused = |path: PathBuf| name_of(&path).starts_with(TEMPORARY);
        home.is_dir() && !home.is_symlink() && entries(home).into_iter().any(unused)
    };
    for home in entries(&profiles.join(BASELINES)).into_iter().filter(is_left) {
        if let Ok(lock) = FolderLock::take(&home, process) {
            sweep_home(&home, &lock);
        }
    }
}

/// Copies the two files of a run, and of the samples only what the record promises.
fn copy_run(run: &Path, copy: &Path, samples_bytes: u64) -> Result<(), StoreError> {
    let samples = run.join(SAMPLES_FILE);
    if samples_bytes > 0 {
        let from = file::open_within(run, SAMPLES_FILE).map_err(unreadable(&samples))?;
        let path = copy.join(SAMPLES_FILE);
        let mut to = File::create(&path).map_err(unwritable(&path))?;
        let found = io::copy(&mut from.take(samples_bytes), &mut to).map_err(unwritable(&path))?;
        if_it_can(to.sync_all()).map_err(unwritable(&path))?;
        if found < samples_bytes {
            let promised = samples_bytes;
            return Err(StoreError::ShortSamples { path: samples, found, promised });
        }
    }
    let record = run.join(RECORD_FILE);
    let json = file::read_within(run, RECORD_FILE, file::PAGE_MAX).map_err(unreadable(&record))?;
    let path = copy.join(RECORD_FILE);
    replace(&path, &json).map_err(unwritable(&path))
}

/// Copies a kit's files, its manifest last: a folder with a manifest has all of them.
fn copy_kit(kit: &Path, copy: &Path) -> Result<(), StoreError> {
    let Some(manifest) = load_kit(kit)? else { return Ok(()) };
    for file in manifest.files() {
        let (from, to) = (kit.join(&file.file), copy.join(&file.file));
        fs::copy(&from, &to).map_err(unreadable(&from))?;
        if_it_can(fsync(&to)).map_err(unwritable(&to))?;
    }
    let json = fs::read(kit.join(KIT_FILE)).map_err(unreadable(kit))?;
    let path = copy.join(KIT_FILE);
    replace(&path, &json).map_err(unwritable(&path))
}

/// The manifest of the kit in `folder`; none where there is no kit.
///
/// # Errors
/// A manifest that is cut off, was edited, or is of another version.
pub fn load_kit(folder: &Path) -> Result<Option<Kit>, StoreError> {
    /// The part that every version can read.
    #[derive(Deserialize)]
    struct AnyKit {
        kit: u64,
    }
    let path = folder.join(KIT_FILE);
    let json = match file::read_within(folder, KIT_FILE, file::PAGE_MAX) {
        Ok(json) => json,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(unreadable(&path)(e)),
    };
    let bad = |source| StoreError::BadRecord { path: path.clone(), source };
    let AnyKit { kit: found } = serde_json::from_slice(&json).map_err(bad)?;
    if found != u64::from(KIT) {
        return Err(StoreError::OtherSchema { path, found, read: KIT });
    }
    let kit: Kit = serde_json::from_slice(&json).map_err(bad)?;
    // An edited manifest must not lead out of its folder.
    kit.files().try_for_each(|file| check_name(&file.file))?;
    Ok(Some(kit))
}

/// Refuses a name that could leave its folder, hide, or be read as an option.
pub fn check_name(name: &str) -> Result<(), StoreError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.starts_with(['.', '-']);
    if is_good { Ok(()) } else { Err(StoreError::BadName { name: name.to_owned() }) }
}

/// Where the baseline `name` of `suite` is kept in the folder `profiles`; none where there is none.
/// What an older version kept is found under the bare name.
pub fn find(profiles: &Path, name: &str, suite: &str) -> Result<Option<PathBuf>, StoreError> {
    check_name(name)?;
    let home = profiles.join(BASELINES).join(name);
    let of_suite = home.join(suite);
    Ok(if of_suite.is_dir() {
        Some(of_suite)
    } else {
        home.join(RECORD_FILE).is_file().then_some(home)
    })
}

/// What a folder of runs holds.
#[derive(Debug)]
pub enum Listed {
    Run(Box<Record>),
    Comparison(Box<Comparison>),
    Bad(StoreError),
}

/// The runs in the folder `profiles`, by name. None where there is no such folder.
pub fn list_runs(profiles: &Path) -> Result<Vec<(String, Listed)>, StoreError> {
    let named = |path: PathBuf| (name_of(&path), listed(&path));
    Ok(folders(&profiles.join(RUNS))?.into_iter().map(named).collect())
}

/// The records of all runs in the folder `profiles` that can be read.
pub fn stored_records(profiles: &Path) -> Result<Vec<Record>, StoreError> {
    let record = |(_, listed)| match listed {
        Listed::Run(record) => Some(*record),
        Listed::Comparison(_) | Listed::Bad(_) => None,
    };
    Ok(list_runs(profiles)?.into_iter().filter_map(record).collect())
}

/// The baselines in the folder `profiles`, as `name/suite`. None where there is no such folder.
pub fn list_baselines(profiles: &Path) -> Result<Vec<(String, Listed)>, StoreError> {
    let mut found = Vec::new();
    for home in folders(&profiles.join(BASELINES))? {
        let name = name_of(&home);
        if home.is_symlink() {
            found.push((name, listed(&home)));
            continue;
        }
        let suites = folders(&home)?.into_iter();
        found.extend(suites.map(|path| (format!("{name}/{}", name_of(&path)), listed(&path))));
    }
    Ok(found)
}

fn listed(path: &Path) -> Listed {
    if path.join(COMPARISON_FILE).is_file() {
        let loaded = RunFolder::load_comparison(path);
        return loaded.map_or_else(Listed::Bad, |(c, _)| Listed::Comparison(Box::new(c)));
    }
    RunFolder::load_record(path).map_or_else(Listed::Bad, |record| Listed::Run(Box::new(record)))
}

/// The folders in `folder` that are not hidden, by name; links to them, too, and links to nothing.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(unreadable(folder)(e)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable(folder))?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !is_hidden && (entry.path().is_dir() || entry.path().is_symlink()) {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}
