//! Baselines on disk: `baselines/<name>/<suite>/`, each a copy of a run with the kit that can run
//! it again; and lists of what there is.

use super::kit::{KIT, KIT_FILE, Kit};
use super::store::{
    BASELINES, COMPARISON_FILE, RECORD_FILE, RUNS, RunFolder, SAMPLES_FILE, StoreError, TEMPORARY,
    relink, replace, temporary, unreadable, unwritable,
};
use crate::file;
use crate::paired::comparison::Comparison;
use crate::record::Record;
use serde::Deserialize;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Keeps the run at `run`, and the kit at `kit` if there is one, as the baseline `name` of the
/// run's suite in the folder `baselines`, in place of an older one; gives its path.
///
/// The copy lies in a hidden folder beside the suite's name, which is a link to it: a link can be
/// replaced in one step, a folder cannot. A crash on the way can leave a hidden folder that nothing
/// names.
///
/// # Errors
/// [`StoreError::BadName`], or what is wrong with any of the folders.
pub fn save(
    run: &Path,
    kit: Option<&Path>,
    (baselines, name): (&Path, &str),
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
    let link = home.join(&record.run.suite);
    let old = fs::read_link(&link).ok();
    let copy = temporary(0o777).tempdir_in(&home).map_err(unwritable(&home))?;
    copy_run(run, copy.path(), record.samples_bytes)?;
    if let Some(kit) = kit {
        copy_kit(kit, copy.path())?;
    }
    let target = copy.path().file_name().expect("a temporary folder has a name");
    relink(&link, Path::new(target))?;
    // From here on the link needs it.
    let _ = copy.keep();
    if let Some(old) = old {
        // Best effort: a copy that nothing points to does no harm.
        let is_ours = old.components().count() == 1 && old.to_string_lossy().starts_with(TEMPORARY);
        let _ = is_ours.then(|| fs::remove_dir_all(home.join(old)));
    }
    Ok(link)
}

/// Copies the two files of a run, and of the samples only what the record promises.
fn copy_run(run: &Path, copy: &Path, samples_bytes: u64) -> Result<(), StoreError> {
    let samples = run.join(SAMPLES_FILE);
    if samples_bytes > 0 {
        let from = file::open_within(run, SAMPLES_FILE).map_err(unreadable(&samples))?;
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
        File::open(&to).and_then(|file| file.sync_all()).map_err(unwritable(&to))?;
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
///
/// # Errors
/// [`StoreError::BadName`].
pub fn check_name(name: &str) -> Result<(), StoreError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let is_good = (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.starts_with(['.', '-']);
    if is_good { Ok(()) } else { Err(StoreError::BadName { name: name.to_owned() }) }
}

/// Where the baseline `name` of `suite` is kept in the folder `profiles`; none where there is none.
/// What an older version kept is found under the bare name.
///
/// # Errors
/// [`StoreError::BadName`].
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
    /// A run.
    Run(Box<Record>),
    /// A comparison.
    Comparison(Box<Comparison>),
    /// What is wrong with it.
    Bad(StoreError),
}

/// The runs in the folder `profiles`, by name. None where there is no such folder.
///
/// # Errors
/// [`StoreError::Read`] when the folder cannot be listed.
pub fn list_runs(profiles: &Path) -> Result<Vec<(String, Listed)>, StoreError> {
    let named = |path: PathBuf| (file_name(&path), listed(&path));
    Ok(folders(&profiles.join(RUNS))?.into_iter().map(named).collect())
}

/// The records of all runs in the folder `profiles` that can be read.
///
/// # Errors
/// [`StoreError::Read`] when the folder cannot be listed.
pub fn stored_records(profiles: &Path) -> Result<Vec<Record>, StoreError> {
    let record = |(_, listed)| match listed {
        Listed::Run(record) => Some(*record),
        Listed::Comparison(_) | Listed::Bad(_) => None,
    };
    Ok(list_runs(profiles)?.into_iter().filter_map(record).collect())
}

/// The baselines in the folder `profiles`, as `name/suite`. None where there is no such folder.
///
/// # Errors
/// [`StoreError::Read`] when a folder cannot be listed.
pub fn list_baselines(profiles: &Path) -> Result<Vec<(String, Listed)>, StoreError> {
    let mut found = Vec::new();
    for home in folders(&profiles.join(BASELINES))? {
        let name = file_name(&home);
        if home.is_symlink() {
            found.push((name, listed(&home)));
            continue;
        }
        let suites = folders(&home)?.into_iter();
        found.extend(suites.map(|path| (format!("{name}/{}", file_name(&path)), listed(&path))));
    }
    Ok(found)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
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

#[cfg(test)]
#[path = "baseline_tests.rs"]
mod tests;
