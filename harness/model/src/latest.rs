//! The newest run of each suite that may be told together with another one: of the same source, on
//! the same machine. Profiles and smoke runs have no figures to tell.

use crate::baseline::stored_records;
use crate::case::Outcome;
use crate::record::{Record, Status};
use std::collections::BTreeMap;
use std::path::Path;

/// [`crate::record::Run::scale`] of a run that only shows that everything works.
pub const SMOKE: &str = "smoke";

/// The newest finished run of each suite in the folder `profiles` with the commit and the machine
/// of `like`, by suite. A folder that cannot be read has none, and so have runs of an unknown
/// commit or with unknown changes: nothing says that they are of the same source.
pub fn latest_of_each_suite(profiles: &Path, like: &Record) -> Vec<Record> {
    let mut latest: BTreeMap<String, Record> = BTreeMap::new();
    let stored = stored_records(profiles).unwrap_or_default();
    for record in stored.into_iter().filter(|record| may_be_told_with(record, like)) {
        let is_newer = |old: &Record| age(old) < age(&record);
        if latest.get(&record.run.suite).is_none_or(is_newer) {
            latest.insert(record.run.suite.clone(), record);
        }
    }
    latest.into_values().collect()
}

/// The newest finished profiled run in the folder `profiles` with the commit and the machine of
/// `like`.
pub fn latest_profile(profiles: &Path, like: &Record) -> Option<Record> {
    let stored = stored_records(profiles).unwrap_or_default().into_iter();
    let profiled = stored.filter(|record| record.is_profile() && is_of_the_same(record, like));
    profiled.max_by(|a, b| age(a).cmp(&age(b)))
}

/// Guests that were given as files are no part of what a suite measures.
fn may_be_told_with(record: &Record, like: &Record) -> bool {
    let ran = record.cases.iter().any(|case| case.outcome == Outcome::Ran);
    let has_figures = !record.is_profile() && record.run.scale != SMOKE && ran;
    has_figures && !record.is_of_given_files() && is_of_the_same(record, like)
}

fn is_of_the_same(record: &Record, like: &Record) -> bool {
    record.run.status == Status::Finished
        && record.run.revision.commit.known().is_some()
        && record.run.revision.dirty.is_some()
        && record.run.revision == like.run.revision
        && record.host.fingerprint == like.host.fingerprint
}

/// Times as RFC 3339 in UTC are in the order of their letters.
fn age(record: &Record) -> (&str, &str) {
    (&record.run.started_utc, &record.run.id)
}
