//! Comparisons whose executables are shell scripts.

use super::*;
use crate::cmd::args::Command;
use crate::cmd::test_kit;
use caxton_model::record::store::{BASELINES, RunFolder};
use caxton_model::samples::Sample;
use expect_test::expect;

fn parsed(words: &[&str]) -> Compare {
    match test_kit::command(&[&["compare"], words].concat()) {
        Command::Compare(compare) => compare,
        other => panic!("{other:?}"),
    }
}

/// What `compare` gives in a checkout at `root`.
fn code(root: &Path, words: &[&str]) -> Result<u8, CommandError> {
    sides(root, &root.join("profiles"), &parsed(words))
}

/// Records its folder and words, and ends with code 3.
const TELLS: &str = "{ pwd; for word; do echo \"$word\"; done; } > said; exit 3";

#[test]
fn the_candidates_executable_gets_both_kits_and_its_code_is_passed_on() {
    let (_temporary, root) = test_kit::checkout();
    let profiles = root.join("profiles");
    test_kit::baseline(&profiles, "old", "exit 9");
    test_kit::baseline(&profiles, "new", TELLS);
    fs::write(root.join("limits.toml"), "").unwrap();
    let limits = root.join("limits.toml");
    let limits = limits.to_str().unwrap();
    let words = ["old", "new", "--strict", "--table", "--limits", limits, "--", "-x", "json"];
    assert_eq!(code(&root, &words).unwrap(), 3);
    let said = fs::read_to_string(root.join("said")).unwrap();
    expect![[r#"
        ROOT
        --between
        ROOT/profiles/baselines/old/wasm
        ROOT/profiles/baselines/new/wasm
        --limits
        ROOT/limits.toml
        --table
        --strict
        -x
        json
    "#]]
    .assert_eq(&said.replace(root.to_str().unwrap(), "ROOT"));
    let folder = root.join("profiles/baselines/old/wasm");
    assert_eq!(code(&root, &["new/wasm", folder.to_str().unwrap()]).unwrap(), 9, "a folder");
}

#[test]
fn a_missing_name_lists_what_exists_and_is_not_comparable() {
    let (_temporary, root) = test_kit::checkout();
    let profiles = root.join("profiles");
    let says = |words: &[&str]| {
        let failure = code(&root, words).unwrap_err();
        format!("{} {failure}", failure.code()).replace(root.to_str().unwrap(), "ROOT")
    };
    let mut said = vec![says(&["main", "new"])];
    test_kit::baseline(&profiles, "main", "exit 0");
    let record = test_kit::fixture("record-v1");
    test_kit::copy(&record, &profiles.join(BASELINES).join("main/heap"));
    said.push(says(&["mian", "main/wasm"]));
    said.push(says(&["main", "main"]));
    said.push(says(&["main/wasm", "main/none"]));
    said.push(says(&["main/wasm", "../x"]));
    said.push(says(&["main/wasm", "harness"]));
    expect![[r#"
        4 "main" is neither a baseline nor a folder; there is no baseline: make one with --save-baseline NAME
        4 "mian" is neither a baseline nor a folder; there are the baselines main/heap, main/wasm
        2 baseline "main" has several suites: name one of main/heap, main/wasm
        4 "main/none" is neither a baseline nor a folder; there are the baselines main/heap, main/wasm
        4 "../x" is neither a baseline nor a folder; there are the baselines main/heap, main/wasm
        4 "harness" is neither a baseline nor a folder; there are the baselines main/heap, main/wasm"#]].assert_eq(&said.join("\n"));
}

#[test]
fn a_kit_that_was_changed_is_not_started() {
    let (_temporary, root) = test_kit::checkout();
    let profiles = root.join("profiles");
    test_kit::baseline(&profiles, "old", "exit 0");
    let new = test_kit::baseline(&profiles, "new", "exit 0");
    fs::write(new.join("bench"), "#!/bin/sh\ntouch run\n").unwrap();
    let failure = code(&root, &["old", "new"]).unwrap_err();
    assert_eq!(failure.code(), exit::NOT_COMPARABLE, "{failure}");
    assert!(!root.join("run").exists());
}

#[test]
fn a_strangers_executable_is_started_only_where_the_user_trusts_it() {
    let (_temporary, root) = test_kit::checkout();
    test_kit::baseline(&root.join("profiles"), "old", "exit 0");
    let elsewhere = tempfile::tempdir().unwrap();
    let kit = elsewhere.path().join("kit");
    test_kit::kit(&kit, "kit", TELLS);
    let path = kit.to_str().unwrap();
    let wrong = format!("--trust={}", "0".repeat(64));
    for words in [&["old", path][..], &[path, "old"], &["old", path, &wrong]] {
        let failure = code(&root, words).unwrap_err();
        assert_eq!(failure.code(), exit::WRONG_USE, "{failure}");
        let hash = hash(&kit).unwrap();
        assert!(failure.to_string().contains(&format!("say --trust={hash}")), "{failure}");
    }
    assert!(!root.join("said").exists(), "nothing was started");
    let right = format!("--trust={}", hash(&kit).unwrap());
    assert_eq!(code(&root, &["old", path, &right]).unwrap(), 3);
    assert_eq!(code(&root, &["old", path, "--trust"]).unwrap(), 3);
    assert_eq!(code(&root, &["--trust", "old", path]).unwrap(), 3, "it takes no word after it");
    // The profiles of somebody else are no more ours than a folder is.
    let profiles = elsewhere.path().join("profiles");
    test_kit::baseline(&profiles, "theirs", TELLS);
    let theirs = sides(&root, &profiles, &parsed(&["theirs", "theirs"]));
    assert_eq!(theirs.unwrap_err().code(), exit::WRONG_USE);
}

/// A run folder with the stored record, changed.
fn run(folder: &Path, change: impl Fn(&mut Record)) {
    let (mut record, _) = RunFolder::load(&test_kit::fixture("record-v1")).unwrap();
    record.cases.retain(|case| case.key.is_overhead() && case.outcome.reason().is_none());
    record.samples_bytes = 0;
    change(&mut record);
    let mut kept = RunFolder::create(folder).unwrap();
    kept.append::<Sample>(&[]).unwrap();
    kept.write(&record).unwrap();
}

#[test]
fn without_kits_ten_sessions_are_needed() {
    let (_temporary, root) = test_kit::checkout();
    let profiles = root.join("profiles");
    let old = profiles.join(BASELINES).join("old/wasm");
    run(&old, |_| ());
    run(&profiles.join(BASELINES).join("new/wasm"), |record| record.run.id = "new".to_owned());
    assert_eq!(code(&root, &["old", "new"]).unwrap(), exit::NOT_COMPARABLE);
    for number in 0..9 {
        run(&profiles.join("runs").join(format!("r{number}")), |record| {
            record.run.id = format!("session {number}");
        });
    }
    assert_eq!(code(&root, &["old", "new"]).unwrap(), exit::FINE, "the baseline is the tenth");
    for (words, why) in [
        (&["old", "new", "--table"][..], "--table changes nothing here"),
        (&["old", "new", "--", "json"], "what stands behind -- changes nothing here"),
        (&["old/wasm", "new/wasm", "--suite", "heap"], "is of suite wasm, not of heap"),
    ] {
        let failure = code(&root, words).unwrap_err();
        assert_eq!(failure.code(), exit::WRONG_USE);
        assert!(failure.to_string().contains(why), "{words:?}: {failure}");
    }
    assert_eq!(code(&root, &["old", "new", "--suite", "wasm"]).unwrap(), exit::FINE);
    // One kit is none.
    test_kit::kit(&old, "old", "exit 7");
    assert_eq!(code(&root, &["old", "new"]).unwrap(), exit::FINE);
    run(&profiles.join(BASELINES).join("part/wasm"), |record| {
        record.run.id = "part".to_owned();
        record.cases.pop();
    });
    assert_eq!(code(&root, &["old", "part"]).unwrap(), exit::NOT_COMPARABLE);
}
