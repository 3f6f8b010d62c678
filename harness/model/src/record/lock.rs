//! Folders that one process at a time writes to: a lock file in each says who holds it.
//!
//! The kernel releases a lock when its holder ends, however it ends. So a folder with our prefix
//! that no process holds was left behind by a kill, and the next run removes it.

use super::error::{StoreError, TEMPORARY, unwritable};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The lock's file in a folder that is held.
pub const LOCK_FILE: &str = ".caxton-lock";
/// Attempts to take a lock whose file others remove meanwhile, or to find a name that is free.
const ATTEMPTS_MAX: u32 = 100;
/// Longest text that is read from a lock file: a process id, with or without the next word.
const HOLDER_BYTES_MAX: u64 = 20;
/// Stands before the id of a holder that got no lock. Another process may be able to lock the file:
/// that does not make the folder free.
const UNLOCKED: &str = "unlocked ";

/// A folder that this process holds. Dropping it releases the folder and removes the lock file.
#[derive(Debug)]
pub struct FolderLock {
    file: File,
    path: PathBuf,
    refused: Option<String>,
}

/// What to do about a lock that another process holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IfHeld {
    Refuse,
    Wait,
}

impl FolderLock {
    /// Holds `folder` for the process with the id `process`.
    ///
    /// Where the file system has no locks the lock file alone keeps others out:
    /// [`Self::warning`] says so, and nothing that others left behind is removed.
    ///
    /// # Errors
    /// [`StoreError::InUse`] names the process that holds it; [`StoreError::Write`].
    pub fn take(folder: &Path, process: u32) -> Result<Self, StoreError> {
        Self::attempts(folder, process, IfHeld::Refuse)
    }

    /// The same, after whoever holds it.
    pub fn wait(folder: &Path, process: u32) -> Result<Self, StoreError> {
        Self::attempts(folder, process, IfHeld::Wait)
    }

    /// The process that holds `folder`; none if nobody does.
    pub fn holder(folder: &Path) -> Option<String> {
        let path = folder.join(LOCK_FILE);
        let mut file = is_plain(&path).then(|| File::open(&path).ok())??;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Some(holder_in(&mut file)),
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }

    /// What the record says if the file system has no locks.
    pub fn warning(&self) -> Option<String> {
        let folder = self.path.parent().unwrap_or(&self.path).display();
        let refused = self.refused.as_ref()?;
        Some(format!("{folder} is not locked ({refused}): start no second run that writes to it"))
    }

    /// True if the kernel knows of the lock.
    pub const fn is_real(&self) -> bool {
        self.refused.is_none()
    }

    /// The lock of a folder that was renamed to `folder`.
    pub(super) fn moved_to(mut self, folder: &Path) -> Self {
        self.path = folder.join(LOCK_FILE);
        self
    }

    fn attempts(folder: &Path, process: u32, if_held: IfHeld) -> Result<Self, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            if let Some(mut lock) = Self::attempt(folder, if_held)? {
                // On a full disk the lock holds all the same: only its holder's id is missing.
                let mark = if lock.is_real() { "" } else { UNLOCKED };
                let _ = lock.file.rewind().and_then(|()| lock.file.set_len(0));
                let _ = write!(lock.file, "{mark}{process}");
                return Ok(lock);
            }
        }
        Err(in_use(folder, "another process".to_owned()))
    }

    /// None where the lock file went away on the way.
    fn attempt(folder: &Path, if_held: IfHeld) -> Result<Option<Self>, StoreError> {
        let path = folder.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let (mut file, is_new) = match options.clone().create_new(true).open(&path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(unwritable(&path)(error));
            }
            // A folder from elsewhere may have a link or a pipe in its place.
            Err(error) if !is_plain(&path) && fs::symlink_metadata(&path).is_ok() => {
                return Err(unwritable(&path)(error));
            }
            Err(_) => match options.open(&path) {
                Ok(file) => (file, false),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(unwritable(&path)(error)),
            },
        };
        let locked = match if_held {
            IfHeld::Refuse => file.try_lock(),
            IfHeld::Wait => file.lock().map_err(TryLockError::Error),
        };
        let in_use_unless_killed = |file: &mut File, why: &str| {
            let (holder, path) = (holder_in(file), path.display());
            let unless = format!("unless it was killed: nobody can tell ({why})");
            in_use(folder, format!("{holder}, {unless}; then remove {path}"))
        };
        let refused = match locked {
            Ok(()) if if_held == IfHeld::Refuse && is_unlocked(&mut file) => {
                return Err(in_use_unless_killed(&mut file, "it got no lock"));
            }
            Ok(()) => None,
            Err(TryLockError::Error(error)) if is_new || if_held == IfHeld::Wait => {
                Some(error.to_string())
            }
            Err(TryLockError::WouldBlock) => return Err(in_use(folder, holder_in(&mut file))),
            Err(TryLockError::Error(error)) => {
                return Err(in_use_unless_killed(&mut file, &error.to_string()));
            }
        };
        // Its holder may have removed it between the two calls: then it keeps nobody out.
        let is_there = refused.is_some() || is_same_file(&path, &file);
        // Not before it is known to be ours: dropping it removes the file.
        Ok(is_there.then(|| Self { file, path, refused }))
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Before the kernel releases it: who finds no file makes a new one.
        let _ = fs::remove_file(&self.path);
    }
}

fn in_use(folder: &Path, holder: String) -> StoreError {
    StoreError::InUse { path: folder.to_owned(), holder }
}

/// What a lock file says of its holder.
fn holder_in(file: &mut File) -> String {
    let text = text_of(file);
    match text.trim_start_matches(UNLOCKED).parse::<u32>() {
        Ok(process) => format!("process {process}"),
        Err(_) => "another process".to_owned(),
    }
}

/// True for the lock file of a holder that got no lock.
fn is_unlocked(file: &mut File) -> bool {
    text_of(file).starts_with(UNLOCKED)
}

fn text_of(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(HOLDER_BYTES_MAX).read_to_string(&mut text));
    read.map(|_| text).unwrap_or_default()
}

fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

#[cfg(unix)]
fn is_same_file(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let found = fs::symlink_metadata(path).and_then(|there| Ok((there, file.metadata()?)));
    found.is_ok_and(|(there, own)| (there.dev(), there.ino()) == (own.dev(), own.ino()))
}

#[cfg(not(unix))]
fn is_same_file(path: &Path, _: &File) -> bool {
    is_plain(path)
}

/// A temporary folder that this process holds. It goes with this value; after a kill, with the next
/// [`sweep`].
#[derive(Debug)]
pub struct HeldFolder {
    // The folder goes first: nobody takes what is still there.
    folder: TempDir,
    lock: FolderLock,
}

impl HeldFolder {
    /// A new folder in `parent` whose name begins with `prefix`, held for `process`.
    pub fn new_in(parent: &Path, prefix: &str, process: u32) -> Result<Self, StoreError> {
        let mut builder: tempfile::Builder<'_, '_> = temporary(0o777);
        builder.prefix(prefix);
        for _ in 0..ATTEMPTS_MAX {
            let folder = builder.tempdir_in(parent).map_err(unwritable(parent))?;
            match FolderLock::take(folder.path(), process) {
                Ok(lock) => return Ok(Self { folder, lock }),
                // A sweep saw the folder before its lock.
                Err(StoreError::InUse { .. }) => {}
                Err(_) if !folder.path().exists() => {}
                Err(error) => return Err(error),
            }
        }
        Err(in_use(parent, "another process".to_owned()))
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Renames it to `path`, where it stays; its lock.
    ///
    /// # Errors
    /// The system's refusal; the folder is gone.
    pub(super) fn renamed(self, path: &Path) -> io::Result<FolderLock> {
        fs::rename(self.folder.path(), path)?;
        // Nothing is left under the old name.
        let _ = self.folder.keep();
        Ok(self.lock.moved_to(path))
    }
}

/// Temporary files and folders with the rights of any new one, not the owner's alone: `mode`
/// before the process' mask is applied.
pub(crate) fn temporary(mode: u32) -> tempfile::Builder<'static, 'static> {
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

/// Removes the folders in `parent` whose names begin with `prefix` and that no process holds.
///
/// Best effort: what cannot be locked or removed stays. `parent` may be shared with other users:
/// their folders stay, too.
pub fn sweep(parent: &Path, prefix: &str, process: u32) {
    let is_left = |path: &Path| {
        let is_folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        is_folder && name_of(path).starts_with(prefix)
    };
    for path in entries(parent).into_iter().filter(|path| is_left(path)) {
        let Ok(lock) = FolderLock::take(&path, process) else { continue };
        if lock.is_real() && is_own(&path, &lock.file) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Removes the temporary files that a kill left in `folder`, which the caller holds.
pub(super) fn sweep_files(folder: &Path) {
    for path in entries(folder) {
        let name = name_of(&path);
        if name.starts_with(TEMPORARY) && name != LOCK_FILE {
            let _ = fs::remove_file(&path);
        }
    }
}

/// What is in `folder`; nothing where it cannot be listed.
pub fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

/// The last part of `path`, for a message.
pub fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// True if the user who owns `file`, which this process made or could write to, owns `folder` too.
#[cfg(unix)]
fn is_own(folder: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let found = fs::symlink_metadata(folder).and_then(|there| Ok((there, file.metadata()?)));
    found.is_ok_and(|(there, own)| there.uid() == own.uid())
}

#[cfg(not(unix))]
fn is_own(_: &Path, _: &File) -> bool {
    true
}

#[cfg(test)]
#[path = "lock_tests.rs"]
mod tests;
