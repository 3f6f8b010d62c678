//! The life of a run folder: begun by one process, held while it is written to, gone on with later
//! or by the next run cleaned of what a kill left in it.

use super::error::{StoreError, unreadable, unwritable};
use super::lock::{FolderLock, HeldFolder, LOCK_FILE, entries, name_of, sweep, sweep_files};
use super::store::{Empty, RUNS, RunFolder, SAMPLES_FILE, StoredPage, folder_of, refuse_content};
use crate::file::{self, fsync};
use crate::record::Record;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

/// How the name of a run folder begins as long as it has no page.
const UNPUBLISHED: &str = ".caxton-run-";

impl RunFolder {
    /// A new run folder at `path`, held for the process with the id `process`, with `page` as its
    /// first page. A reader sees no folder, or one that loads. It goes with this value unless
    /// something is written to it later on.
    ///
    /// # Errors
    /// [`StoreError::InUse`] and [`StoreError::NotEmpty`] when the folder is another run's,
    /// [`StoreError::Write`] when it cannot be made.
    pub fn begin<P: StoredPage>(path: &Path, page: &P, process: u32) -> Result<Self, StoreError> {
        let parent = folder_of(path);
        fs::create_dir_all(parent).map_err(unwritable(path))?;
        sweep(parent, UNPUBLISHED, process);
        if fs::symlink_metadata(path).is_err()
            && let Some(published) = Self::publish(path, page, process)?
        {
            return Ok(published);
        }
        let empty = match fs::create_dir(path) {
            Ok(()) => Empty::Folder(P::FILE),
            Err(_) if path.is_dir() => Empty::Page(P::FILE),
            Err(error) => return Err(unwritable(path)(error)),
        };
        refuse_content(path)?;
        let lock = FolderLock::take(path, process).inspect_err(|_| {
            // Only if nothing is in it.
            let _ = matches!(empty, Empty::Folder(_)) && fs::remove_dir(path).is_ok();
        })?;
        // Another run may have come and gone between the two calls.
        refuse_content(path)?;
        let folder = Self::at(path, Some(lock), empty);
        folder.put(page)?;
        Ok(folder)
    }

    /// Fails as [`Self::begin`] would for a folder that is another run's.
    pub fn check(path: &Path) -> Result<(), StoreError> {
        if path.is_dir() { refuse_content(path) } else { Ok(()) }
    }

    /// Makes the folder under another name and renames it. None where that cannot be done: the
    /// reason then comes up under the folder's own name.
    fn publish<P: StoredPage>(
        path: &Path,
        page: &P,
        process: u32,
    ) -> Result<Option<Self>, StoreError> {
        let Ok(made) = HeldFolder::new_in(folder_of(path), UNPUBLISHED, process) else {
            return Ok(None);
        };
        if Self::at(made.path(), None, Empty::Nothing).put(page).is_err() {
            return Ok(None);
        }
        match made.renamed(path) {
            Ok(lock) => Ok(Some(Self::at(path, Some(lock), Empty::Folder(P::FILE)))),
            // Two runs began at once, and the other one was first.
            Err(_) => refuse_content(path).map(|()| None),
        }
    }

    /// The folder of a run that ended before it was finished, to go on with, and its record.
    ///
    /// # Errors
    /// Those of [`Self::load_record`]; [`StoreError::InUse`] when the run has not ended.
    pub fn reopen(path: &Path, process: u32) -> Result<(Self, Record), StoreError> {
        Self::load_record(path)?;
        let lock = FolderLock::take(path, process)?;
        sweep_files(path);
        let record = Self::load_record(path)?;
        let samples = path.join(SAMPLES_FILE);
        if fs::symlink_metadata(&samples).is_ok() {
            // It will be cut and added to: never through a link to somebody else's file.
            file::open_within(path, SAMPLES_FILE).map_err(unreadable(&samples))?;
        }
        let mut folder = Self::at(path, Some(lock), Empty::Nothing);
        // What lies beyond the promise is cut off before anything is added.
        (folder.valid, folder.is_torn) = (record.samples_bytes, true);
        Ok((folder, record))
    }

    /// What the record says of a file system that lacks something: locks, or a way to wait until
    /// what was written is on disk.
    pub fn warnings(&self) -> Vec<String> {
        let synced = fsync(&self.path).and_then(|()| match &self.lock {
            Some(_) => fsync(&self.path.join(LOCK_FILE)),
            None => Ok(()),
        });
        let unsynced = synced.err().map(|error| {
            let path = self.path.display();
            format!("{path} cannot be synced ({error}): a power cut may cost what was just kept")
        });
        self.lock.iter().filter_map(FolderLock::warning).chain(unsynced).collect()
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        if self.is_kept.load(Ordering::Relaxed) {
            return;
        }
        let (Empty::Page(page) | Empty::Folder(page)) = self.empty else { return };
        let is_page = |path: &PathBuf| [page, LOCK_FILE].contains(&name_of(path).as_str());
        if !entries(&self.path).iter().all(is_page) {
            return;
        }
        // Nothing came of it: a folder without a case would be listed as a run.
        let _ = fs::remove_file(self.path.join(page));
        self.lock = None;
        if matches!(self.empty, Empty::Folder(_)) {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Removes what killed runs left in the folder `profiles`: folders without a page, locks, and
/// temporary files. Their records stay.
pub fn sweep_runs(profiles: &Path, process: u32) {
    let runs = profiles.join(RUNS);
    sweep(&runs, UNPUBLISHED, process);
    let is_killed =
        |path: &PathBuf| !name_of(path).starts_with('.') && path.join(LOCK_FILE).exists();
    for path in entries(&runs).into_iter().filter(is_killed) {
        if let Ok(lock) = FolderLock::take(&path, process)
            && lock.is_real()
        {
            sweep_files(&path);
        }
    }
}
