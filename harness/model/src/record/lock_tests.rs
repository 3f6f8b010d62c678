//! Locks that are held, left behind, and forged.

use super::*;
use std::os::unix::fs::symlink;

const PROCESS: u32 = 4321;

fn in_use_by(result: Result<FolderLock, StoreError>) -> String {
    match result.unwrap_err() {
        StoreError::InUse { holder, .. } => holder,
        other => panic!("{other}"),
    }
}

#[test]
fn a_held_folder_names_its_holder_and_is_free_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_eq!(FolderLock::holder(folder), None);
    let lock = FolderLock::take(folder, PROCESS).unwrap();
    assert_eq!((lock.is_real(), lock.warning()), (true, None));
    assert_eq!(in_use_by(FolderLock::take(folder, 1)), "process 4321");
    assert_eq!(FolderLock::holder(folder).as_deref(), Some("process 4321"));
    drop(lock);
    assert_eq!(FolderLock::holder(folder), None);
    assert!(entries(folder).is_empty(), "its file is gone");
    FolderLock::take(folder, 1).unwrap();
}

#[test]
fn a_lock_file_that_a_kill_left_locks_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(LOCK_FILE), "99999").unwrap();
    assert_eq!(FolderLock::holder(folder.path()), None);
    let lock = FolderLock::take(folder.path(), PROCESS).unwrap();
    assert_eq!(in_use_by(FolderLock::take(folder.path(), 1)), "process 4321", "not 99999");
    drop(lock);
}

#[test]
fn a_folder_whose_holder_got_no_lock_is_neither_taken_nor_swept() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("kits-x");
    fs::create_dir(&folder).unwrap();
    // As a process leaves it that no lock was given to, where this one would get it.
    fs::write(folder.join(LOCK_FILE), format!("{UNLOCKED}77")).unwrap();
    let holder = in_use_by(FolderLock::take(&folder, PROCESS));
    assert!(holder.starts_with("process 77, unless it was killed"), "{holder}");
    assert!(holder.ends_with(LOCK_FILE), "what to remove: {holder}");
    sweep(parent.path(), "kits-", PROCESS);
    assert!(folder.exists());
}

#[test]
fn who_waits_gets_the_lock_when_its_holder_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut lock = Some(FolderLock::take(path, PROCESS).unwrap());
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..4)
            .map(|number| scope.spawn(move || drop(FolderLock::wait(path, number).unwrap())))
            .collect();
        lock.take();
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
    });
    assert!(entries(path).is_empty());
}

#[test]
fn a_lock_file_that_is_none_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (mine, path) = (folder.path().join("mine"), folder.path().join("run"));
    fs::write(&mine, "precious").unwrap();
    fs::create_dir(&path).unwrap();
    symlink(&mine, path.join(LOCK_FILE)).unwrap();
    let error = FolderLock::take(&path, PROCESS).unwrap_err();
    assert!(matches!(error, StoreError::Write { .. }), "{error}");
    assert_eq!(fs::read_to_string(&mine).unwrap(), "precious");
    assert_eq!(FolderLock::holder(&path), None);
}

#[test]
fn a_sweep_removes_what_nobody_holds_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let parent = folder.path();
    let held = HeldFolder::new_in(parent, "kits-", PROCESS).unwrap();
    let left = HeldFolder::new_in(parent, "kits-", PROCESS).unwrap();
    fs::write(left.path().join("bench"), "38 MB").unwrap();
    // As a kill leaves it: the folder with its lock file, and the lock released.
    let (left, lock) = (left.folder.keep(), left.lock);
    let file = lock.file.try_clone().unwrap();
    std::mem::forget(lock);
    file.unlock().unwrap();
    // As a version without locks left it.
    let old = parent.join("kits-old");
    fs::create_dir(&old).unwrap();
    let others = [parent.join("guests"), parent.join("kits.txt")];
    fs::create_dir(&others[0]).unwrap();
    fs::write(&others[1], "").unwrap();
    symlink(&others[0], parent.join("kits-link")).unwrap();
    sweep(parent, "kits-", 1);
    assert!(!left.exists() && !old.exists());
    assert!(held.path().exists() && others.iter().all(|path| path.exists()));
    let path = held.path().to_owned();
    drop(held);
    assert!(!path.exists());
    sweep(&parent.join("nothing"), "kits-", 1);
}
