//! The file of a load's seconds: torn, foreign, and gone on with.

use caxton_analysis::load::tally::LoadTally;
use caxton_fixture::plans as fixture;
use caxton_model::load::frame::{LoadLine, LoadSecond, MessageCounts, MessagesSeen};
use caxton_model::load::plan::{Arrivals, LoadPlan};
use caxton_model::record::seconds::*;
use caxton_model::record::store::StoreError;
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

fn open(folder: &Path, tally: &mut LoadTally) -> Result<Seconds, StoreError> {
    Seconds::open(folder, &plan(), &mut |line| tally.push(&line))
}

fn plan() -> LoadPlan {
    fixture::plan(Arrivals::Constant, vec![fixture::steady("hold", fixture::seconds(9), 10.0)])
}

fn segment(number: u32, from_second: u64) -> LoadLine {
    LoadLine::Segment(fixture::segment(number, from_second))
}

fn second(second: u64, in_flight: u64) -> LoadLine {
    let counts =
        MessageCounts { offered: 10, sent: 10, ok: 10 - in_flight, ..MessageCounts::default() };
    let stages = BTreeMap::from([(0, MessagesSeen { counts, ..MessagesSeen::default() })]);
    let length_ns = 1_000_000_000;
    LoadLine::Second(Box::new(LoadSecond {
        second,
        length_ns,
        stages,
        in_flight,
        ..LoadSecond::default()
    }))
}

#[test]
fn a_load_that_was_killed_goes_on_where_it_was_and_adds_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = open(folder.path(), &mut LoadTally::new(plan())).unwrap();
    for line in [segment(0, 0), second(0, 0), second(1, 3)] {
        first.append(&line).unwrap();
    }
    // A kill in the middle of a line.
    let path = folder.path().join(SECONDS_FILE);
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"{\"second\":{\"sec").unwrap();
    let mut tally = LoadTally::new(plan());
    let mut again = open(folder.path(), &mut tally).unwrap();
    assert_eq!(tally.next_second(), 2);
    for line in [segment(1, 2), second(2, 0)] {
        again.append(&line).unwrap();
        tally.push(&line);
    }
    let mut whole = LoadTally::new(plan());
    read(&path, &plan(), &mut |line| whole.push(&line)).unwrap();
    let [counts, once_more] = [tally.counts(), whole.counts()];
    assert_eq!(counts, once_more);
    let outcome = whole.outcome(None);
    assert_eq!((counts.offered, counts.ok, outcome.cut_off), (30, 27, 3));
    assert_eq!(counts.offered, counts.settled() + outcome.cut_off);
    assert_eq!(outcome.segments.len(), 2);
}

#[test]
fn a_line_in_the_middle_that_is_none_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SECONDS_FILE);
    fs::write(&path, "{\"nonsense\":1}\n").unwrap();
    let error = open(folder.path(), &mut LoadTally::new(plan())).unwrap_err();
    assert!(error.to_string().contains("line 1"), "{error}");
}
