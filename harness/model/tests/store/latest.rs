//! The newest stored record that is like another.

use caxton_fixture as fixture;
use caxton_model::latest::{SMOKE, latest_of_each_suite, latest_profile};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::store::{RUNS, RunFolder};
use caxton_model::record::{PROFILE, Record, Status};
use std::path::Path;

/// Stores the fixture's run as `id` after `change`.
fn store(profiles: &Path, id: &str, change: impl FnOnce(&mut Record)) {
    let mut record = fixture::run().0;
    record.run.id = id.to_owned();
    record.run.started_utc = format!("2026-01-02T03:04:{:02}Z", id.len());
    change(&mut record);
    let folder = RunFolder::create(&profiles.join(RUNS).join(id)).unwrap();
    folder.write(&record).unwrap();
}

#[test]
fn the_newest_whole_run_of_each_suite_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let profiles = folder.path();
    let like = fixture::run().0;
    assert!(latest_of_each_suite(profiles, &like).is_empty(), "no such folder");
    assert!(latest_profile(profiles, &like).is_none());
    store(profiles, "a", |_| {});
    store(profiles, "bb", |_| {});
    store(profiles, "ccc", |record| record.run.status = Status::Interrupted);
    store(profiles, "dddd", |record| SMOKE.clone_into(&mut record.run.scale));
    store(profiles, "eeeee", |record| PROFILE.clone_into(&mut record.run.scale));
    store(profiles, "ffffff", |record| record.run.revision.dirty = Some(false));
    store(profiles, "ggggggg", |record| record.host.fingerprint.clear());
    store(profiles, "hh", |record| "throughput".clone_into(&mut record.run.suite));
    let latest = latest_of_each_suite(profiles, &like);
    let ids: Vec<&str> = latest.iter().map(|record| record.run.id.as_str()).collect();
    assert_eq!(ids, ["hh", "bb"], "by suite: throughput, wasm");
    assert_eq!(latest_profile(profiles, &like).unwrap().run.id, "eeeee");
}

#[test]
fn runs_of_an_unknown_commit_are_not_told_together() {
    let folder = tempfile::tempdir().unwrap();
    let unknown = |record: &mut Record| {
        let why = Missing::Failed("no git".to_owned());
        record.run.revision.commit = Reading::Missing(why);
    };
    store(folder.path(), "a", unknown);
    let mut like = fixture::run().0;
    unknown(&mut like);
    assert!(latest_of_each_suite(folder.path(), &like).is_empty());
}
