//! Baselines: kept, replaced, found, listed.

use crate::store::{folder, written};
use caxton_model::baseline::*;
use caxton_model::record::lock::{FolderLock, entries, name_of};
use caxton_model::record::store::*;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

const PROCESS: u32 = 4321;

#[test]
fn a_baseline_is_a_copy_that_the_next_one_replaces() {
    let (temporary, path) = folder();
    let (run, mut record, samples) = written(&path);
    let baselines = temporary.path().join(BASELINES);
    let kept = save(&path, None, &baselines, "main", PROCESS).unwrap();
    record.run.id = "second".to_owned();
    run.write(&record).unwrap();
    OpenOptions::new()
        .append(true)
        .open(path.join(SAMPLES_FILE))
        .unwrap()
        .write_all(b"from a crash")
        .unwrap();
    assert_ne!(RunFolder::load_record(&kept).unwrap().run.id, "second");
    assert_eq!(save(&path, None, &baselines, "main", PROCESS).unwrap(), kept);
    fs::remove_dir_all(&path).unwrap();
    let (loaded, loaded_samples) = RunFolder::load(&kept).unwrap();
    assert_eq!((loaded.run.id.as_str(), loaded_samples), ("second", samples));
    let length = fs::metadata(kept.join(SAMPLES_FILE)).unwrap().len();
    assert_eq!(length, loaded.samples_bytes);
    assert_eq!(fs::read_dir(baselines.join("main")).unwrap().count(), 2, "the name and its copy");
    let listed = list_baselines(temporary.path()).unwrap();
    assert_eq!(listed.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["main/wasm"]);
}

#[test]
fn a_baseline_of_a_broken_run_leaves_the_old_one() {
    let (temporary, path) = folder();
    written(&path);
    let baselines = temporary.path().join(BASELINES);
    let kept = save(&path, None, &baselines, "main", PROCESS).unwrap();
    let file = OpenOptions::new().write(true).open(path.join(SAMPLES_FILE)).unwrap();
    file.set_len(10).unwrap();
    assert!(matches!(
        save(&path, None, &baselines, "main", PROCESS),
        Err(StoreError::ShortSamples { found: 10, .. })
    ));
    RunFolder::load(&kept).unwrap();
    assert_eq!(fs::read_dir(baselines.join("main")).unwrap().count(), 2, "the failed copy is gone");
    assert!(matches!(
        save(&temporary.path().join("nothing"), None, &baselines, "main", PROCESS),
        Err(StoreError::NoRecord { .. })
    ));
}

#[test]
fn a_name_that_could_leave_its_folder_is_refused() {
    let long = "x".repeat(65);
    for name in ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "ä", "a\n", "a\0", &long] {
        let nowhere = Path::new("nowhere");
        let error = save(nowhere, None, nowhere, name, PROCESS).unwrap_err();
        assert!(matches!(error, StoreError::BadName { .. }), "{name:?}: {error}");
    }
    for name in ["main", "v1.2.3", "A_b-C", &"x".repeat(64)] {
        check_name(name).unwrap();
    }
}

#[test]
fn a_list_shows_good_and_bad_runs_and_no_folder_is_no_error() {
    let (temporary, path) = folder();
    assert!(list_runs(temporary.path()).unwrap().is_empty());
    written(&path);
    fs::create_dir(path.with_file_name("empty")).unwrap();
    fs::create_dir(path.with_file_name(".hidden")).unwrap();
    fs::write(path.with_file_name("file"), "").unwrap();
    std::os::unix::fs::symlink(Path::new("gone"), path.with_file_name("link")).unwrap();
    let listed = list_runs(temporary.path()).unwrap();
    let is_run = |listed: &Listed| matches!(listed, Listed::Run(_));
    let listed: Vec<(&str, bool)> = listed.iter().map(|(n, r)| (n.as_str(), is_run(r))).collect();
    assert_eq!(listed, [("empty", false), ("link", false), ("one", true)]);
}

#[test]
fn a_baseline_that_came_back_from_an_archive_is_replaced() {
    let (temporary, path) = folder();
    let (run, mut record, _) = written(&path);
    let baselines = temporary.path().join(BASELINES);
    let kept = save(&path, None, &baselines, "main", PROCESS).unwrap();
    // Links followed, and hidden folders left out.
    let copy = fs::read_link(&kept).unwrap();
    fs::remove_file(&kept).unwrap();
    fs::rename(baselines.join("main").join(copy), &kept).unwrap();
    record.run.id = "second".to_owned();
    run.write(&record).unwrap();
    check_place(&baselines, "main").unwrap();
    for _ in 0..2 {
        assert_eq!(save(&path, None, &baselines, "main", PROCESS).unwrap(), kept);
        assert_eq!(RunFolder::load_record(&kept).unwrap().run.id, "second");
        let names: Vec<_> = entries(&baselines.join("main")).iter().map(|p| name_of(p)).collect();
        assert!(!names.iter().any(|name| name.starts_with(REPLACED)), "{names:?}");
    }
}

#[test]
fn a_kill_between_two_renames_costs_no_baseline() {
    let (temporary, path) = folder();
    written(&path);
    let baselines = temporary.path().join(BASELINES);
    let home = baselines.join("main");
    fs::create_dir_all(home.join(format!("{REPLACED}wasm"))).unwrap();
    fs::create_dir_all(home.join(".caxton-new")).unwrap();
    sweep_baselines(temporary.path(), PROCESS);
    assert_eq!(entries(&home), [home.join("wasm")]);
}

#[test]
fn of_savers_at_once_the_last_one_stays_and_no_copy_of_the_others() {
    let (temporary, path) = folder();
    written(&path);
    let baselines = temporary.path().join(BASELINES);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| save(&path, None, &baselines, "main", PROCESS).unwrap());
        }
    });
    assert_eq!(fs::read_dir(baselines.join("main")).unwrap().count(), 2, "the name and its copy");
    RunFolder::load_record(&baselines.join("main/wasm")).unwrap();
}

#[test]
fn a_copy_that_a_kill_left_goes_with_the_next_run() {
    let (temporary, path) = folder();
    written(&path);
    let baselines = temporary.path().join(BASELINES);
    let kept = save(&path, None, &baselines, "main", PROCESS).unwrap();
    let home = baselines.join("main");
    fs::create_dir(home.join(".caxton-left")).unwrap();
    fs::write(home.join(".caxton-left/bench"), "38 MB").unwrap();
    let lock = FolderLock::take(&home, 1).unwrap();
    sweep_baselines(temporary.path(), PROCESS);
    assert!(home.join(".caxton-left").exists(), "a saver is at work");
    drop(lock);
    sweep_baselines(temporary.path(), PROCESS);
    assert!(!home.join(".caxton-left").exists());
    RunFolder::load_record(&kept).unwrap();
}

#[test]
fn a_place_that_takes_no_baseline_is_told_beforehand() {
    let temporary = tempfile::tempdir().unwrap();
    let baselines = temporary.path().join(BASELINES);
    check_place(&baselines, "main").unwrap();
    assert!(entries(temporary.path()).is_empty(), "nothing was made");
    fs::write(&baselines, "a file").unwrap();
    let error = check_place(&baselines, "main").unwrap_err().to_string();
    let expected = format!("cannot write {}: ", baselines.join("main").display());
    assert!(error.starts_with(&expected), "{error}");
}
