//! Run folders that two processes want, and those that a kill leaves.

use crate::store::folder;
use caxton_fixture as fixture;
use caxton_model::record::folder::sweep_runs;
use caxton_model::record::lock::{LOCK_FILE, entries, name_of};
use caxton_model::record::store::{
    LATEST, RECORD_FILE, RunFolder, SAMPLES_FILE, StoreError, update_latest,
};
use std::fs;
use std::path::Path;

const PROCESS: u32 = 4321;

fn begin(path: &Path) -> Result<RunFolder, StoreError> {
    RunFolder::begin(path, &fixture::run().0, PROCESS)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = entries(folder).iter().map(|path| name_of(path)).collect();
    names.sort();
    names
}

#[test]
fn a_run_folder_loads_from_the_first_moment_and_belongs_to_one() {
    let (_temporary, path) = folder();
    let (record, samples) = fixture::run();
    let mut run = begin(&path).unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, []);
    assert_eq!(names(path.parent().unwrap()), ["one"]);
    assert_eq!(run.warnings(), [""; 0]);
    let refused = begin(&path).unwrap_err().to_string();
    let expected = format!("{} is in use by process 4321: wait until", path.display());
    assert!(refused.starts_with(&expected), "{refused}");
    let resumed = RunFolder::reopen(&path, 1).unwrap_err();
    assert!(matches!(resumed, StoreError::InUse { .. }), "{resumed}");
    run.append(&samples).unwrap();
    run.write(&record).unwrap();
    drop(run);
    assert_eq!(names(&path), [RECORD_FILE, SAMPLES_FILE]);
    assert!(matches!(begin(&path), Err(StoreError::NotEmpty { .. })));
    let (first, _) = RunFolder::reopen(&path, PROCESS).unwrap();
    assert!(matches!(RunFolder::reopen(&path, 1), Err(StoreError::InUse { .. })), "twice at once");
    drop(first);
    RunFolder::reopen(&path, 1).unwrap();
}

#[test]
fn of_many_that_begin_at_once_one_gets_the_folder() {
    for is_there in [false, true] {
        let (_temporary, path) = folder();
        if is_there {
            fs::create_dir_all(&path).unwrap();
        }
        let (path, barrier) = (&path, std::sync::Barrier::new(8));
        let begun: Vec<_> = std::thread::scope(|scope| {
            let one = || {
                barrier.wait();
                begin(path)
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(begun.iter().filter(|run| run.is_ok()).count(), 1, "{begun:?}");
        for refused in begun.iter().filter_map(|run| run.as_ref().err()) {
            let is_named =
                matches!(refused, StoreError::InUse { .. } | StoreError::NotEmpty { .. });
            assert!(is_named, "{refused}");
        }
        RunFolder::load_record(path).unwrap();
        assert_eq!(names(path.parent().unwrap()), ["one"]);
    }
}

#[test]
fn a_run_that_kept_nothing_leaves_nothing() {
    let (_temporary, path) = folder();
    drop(begin(&path).unwrap());
    assert!(!path.exists());
    fs::create_dir(&path).unwrap();
    drop(begin(&path).unwrap());
    assert_eq!(names(&path), [""; 0], "the user's own folder stays");
    let full = path.join("notes.txt");
    fs::write(&full, "mine").unwrap();
    assert!(matches!(begin(&path), Err(StoreError::NotEmpty { .. })));
    assert_eq!(names(&path), ["notes.txt"]);
    let below = begin(&full.join("run")).unwrap_err().to_string();
    assert!(below.starts_with(&format!("cannot write {}/run: ", full.display())), "{below}");
}

#[test]
fn what_a_kill_leaves_goes_with_the_next_run_and_its_record_stays() {
    let (temporary, path) = folder();
    let (profiles, runs) = (temporary.path(), path.parent().unwrap());
    let (record, _) = fixture::run();
    let live = begin(&runs.join("live")).unwrap();
    live.write(&record).unwrap();
    let killed = begin(&path).unwrap();
    killed.write(&record).unwrap();
    drop(killed);
    // A kill between two renames, with the lock file of a process that is gone.
    for name in [LOCK_FILE, ".caxton-a1b2c3"] {
        fs::write(path.join(name), "1").unwrap();
    }
    let early = runs.join(".caxton-run-x1");
    fs::create_dir(&early).unwrap();
    fs::write(early.join(LOCK_FILE), "1").unwrap();
    update_latest(profiles, "one").unwrap();
    sweep_runs(profiles, PROCESS);
    assert_eq!(names(runs), ["live", "one"]);
    assert_eq!(names(&path), [RECORD_FILE]);
    assert_eq!(names(&runs.join("live")), [LOCK_FILE, RECORD_FILE]);
    RunFolder::load_record(&profiles.join(LATEST)).unwrap();
    sweep_runs(&profiles.join("nothing"), PROCESS);
}
