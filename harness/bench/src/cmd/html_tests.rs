//! Where pages lie, and what of a run's folder they show.

use super::*;
use crate::cmd::test_kit;
use caxton_model::record::Profiles;
use caxton_model::record::store::RECORD_FILE;
use std::os::unix::fs::symlink;

/// A run in `folder` whose first case has profiles with `files`.
fn run(folder: &Path, files: &[&str]) {
    test_kit::copy(&test_kit::fixture("record-v1"), folder);
    let mut record = RunFolder::load_record(folder).unwrap();
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    let folder_of = "cpu/json".to_owned();
    record.cases[0].profiles = Profiles { folder: folder_of, files, ..Profiles::default() };
    fs::write(folder.join(RECORD_FILE), serde_json::to_vec(&record).unwrap()).unwrap();
}

#[test]
fn the_page_of_one_run_lies_in_its_folder_and_its_charts_beside_it() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    test_kit::copy(&test_kit::fixture("record-v1"), &folder);
    write(std::slice::from_ref(&folder), None).unwrap();
    let html = fs::read_to_string(folder.join(PAGE)).unwrap();
    assert!(html.starts_with("<!doctype html>") && html.ends_with("</html>\n"));
    let chart = fs::read_to_string(folder.join(CHARTS).join("overhead.svg")).unwrap();
    assert!(chart.starts_with("<svg ") && chart.contains("prefers-color-scheme"));
    write(std::slice::from_ref(&folder), None).expect("again");
    assert_eq!(fs::read_to_string(folder.join(PAGE)).unwrap(), html);
}

#[test]
fn a_page_of_several_folders_must_be_named() {
    let temporary = tempfile::tempdir().unwrap();
    let dirs = ["record-v1", "comparison-v1"].map(test_kit::fixture);
    assert!(matches!(write(&dirs, None), Err(CommandError::NoPage)));
    let out = temporary.path().join("both.html");
    write(&dirs, Some(&out)).unwrap();
    let html = fs::read_to_string(&out).unwrap();
    assert!(html.contains("REGRESSED") && html.contains("overhead.svg"));
    assert!(temporary.path().join(CHARTS).join("changes.svg").is_file());
}

#[test]
fn pictures_are_shown_from_the_folder_and_from_nowhere_else() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    run(
        &folder,
        &[
            "flame.svg",
            "gone.svg",
            "../../../secret.svg",
            "raw.bin",
            "no flame.svg",
            "link.svg",
            "device.svg",
        ],
    );
    fs::create_dir_all(folder.join("cpu/json")).unwrap();
    fs::write(folder.join("cpu/json/flame.svg"), "<svg></svg>").unwrap();
    fs::write(temporary.path().join("secret.svg"), "<svg>secret</svg>").unwrap();
    symlink("../../../secret.svg", folder.join("cpu/json/link.svg")).unwrap();
    symlink("/dev/zero", folder.join("cpu/json/device.svg")).unwrap();
    let record = RunFolder::load_record(&folder).unwrap();
    let mut room = 15;
    let found = pictures(&folder, &record, &mut room);
    let told: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.text.is_ok())).collect();
    let expected = [
        ("cpu/json/flame.svg", true),
        ("cpu/json/gone.svg", false),
        ("cpu/json/../../../secret.svg", false),
        ("cpu/json/link.svg", false),
        ("cpu/json/device.svg", false),
    ];
    assert_eq!(told, expected);
    assert_eq!(room, 4);
    let again = pictures(&folder, &record, &mut room);
    assert!(again[0].text.as_ref().unwrap_err().contains("too large"), "{again:?}");
}

#[test]
fn without_a_folder_the_page_is_of_the_latest_runs() {
    let temporary = tempfile::tempdir().unwrap();
    let profiles = temporary.path();
    assert!(latest(profiles).is_err(), "nothing there");
    let store = |id: &str, suite: &str| {
        let folder = profiles.join(RUNS).join(id);
        test_kit::copy(&test_kit::fixture("record-v1"), &folder);
        let mut record = RunFolder::load_record(&folder).unwrap();
        id.clone_into(&mut record.run.id);
        suite.clone_into(&mut record.run.suite);
        fs::write(folder.join(RECORD_FILE), serde_json::to_vec(&record).unwrap()).unwrap();
    };
    store("a-wasm", "wasm");
    store("b-wasm", "wasm");
    store("c-latency", "latency");
    caxton_model::record::store::update_latest(profiles, "c-latency").unwrap();
    let names: Vec<_> = latest(profiles).unwrap();
    let expected = ["c-latency", "b-wasm"].map(|id| profiles.join(RUNS).join(id));
    assert_eq!(names, expected);
}
