//! Each number in a load's files, made as large as its file can hold, is refused when it is read.

use caxton_analysis::load::tally::LoadTally;
use caxton_fixture::plans::{self as fixture, SECOND, plan, seconds, steady};
use caxton_model::load::bounds::{LINE_BYTES, *};
use caxton_model::load::frame::{
    LoadLine, LoadSecond, MachineFigure, MachineLook, MessageCounts, MessagesSeen,
};
use caxton_model::load::limits::*;
use caxton_model::load::plan::{Arrivals, LoadPlan, Pacing, Rate, Role, Stage};
use caxton_model::load::quiescence::{Ledger, LedgerRow, Thing};
use caxton_model::load::threshold::Threshold;
use caxton_model::reading::Reading;
use caxton_model::record::seconds::{SECONDS_FILE, Seconds, read};
use caxton_model::units::Nanos;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;

/// A plan with a number of each kind.
fn full_plan() -> LoadPlan {
    let wave = Rate::Sine { mean: 20.0, amplitude: 5.0, period: seconds(2) };
    let stages = vec![
        Stage::new("up", Role::RampUp, seconds(3), Rate::Linear { from: 1.0, to: 20.0 }),
        steady("hold", seconds(4), 20.0),
        Stage::new("wave", Role::Hold, seconds(4), wave),
        Stage::new("again", Role::Hold, seconds(2), Rate::Trace(vec![5, SECOND])),
    ];
    let mut threshold = Threshold::parse("response_time{stage:hold}", "p(99)<1s").unwrap();
    threshold.delay_abort_eval = seconds(1);
    let pacing = Pacing::Closed { in_flight: 7 };
    LoadPlan { thresholds: vec![threshold], pacing, ..plan(Arrivals::Uniform, stages) }
}

fn segment(number: u32, from_second: u64) -> LoadLine {
    LoadLine::Segment(fixture::segment(number, from_second))
}

fn second(second: u64) -> LoadLine {
    let mut seen = MessagesSeen { in_flight_ns: 3.5, ..MessagesSeen::default() };
    let counts = &mut seen.counts;
    (counts.offered, counts.sent, counts.ok, counts.errors) = (9, 8, 4, 1);
    (counts.timed_out, counts.dropped, counts.impossible) = (1, 1, 1);
    for times in [&mut seen.response, &mut seen.service, &mut seen.lateness] {
        times.record(5);
    }
    let figures = BTreeMap::from([(MachineFigure::LiveBytes, Reading::Known(1 << 20))]);
    let looks = vec![MachineLook { at_ns: second * SECOND, figures }];
    let stages = BTreeMap::from([(0, seen)]);
    LoadLine::Second(Box::new(LoadSecond {
        second,
        length_ns: SECOND,
        stages,
        in_flight: 1,
        looks,
    }))
}

fn end() -> LoadLine {
    let row =
        LedgerRow { thing: Thing::Files, before: Reading::Known(3), after: Reading::Known(3) };
    LoadLine::Ended(Ledger { rows: vec![row], messages: 16 })
}

/// The lines of a good file: two processes.
fn lines() -> Vec<Value> {
    let lines = [segment(0, 0), second(0), segment(1, 1), second(1), end()];
    lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect()
}

fn numbers(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Number(_) => all.push(at.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(i, item)| numbers(item, &format!("{at}/{i}"), all));
        }
        Value::Object(keys) => {
            keys.iter().for_each(|(key, item)| numbers(item, &format!("{at}/{key}"), all));
        }
        _ => {}
    }
}

/// As much as a file can hold in place of `number`.
fn huge(number: &Value) -> Value {
    if number.is_f64() { json!(1e300) } else { json!(u64::MAX) }
}

/// Reads `lines` as the file of a load; what is wrong with it.
fn error(plan: &LoadPlan, lines: &[Value]) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    fs::write(folder.path().join(SECONDS_FILE), text).unwrap();
    let mut tally = LoadTally::new(plan.clone());
    let opened = Seconds::open(folder.path(), plan, &mut |line| tally.push(&line));
    opened.err().map(|error| error.to_string())
}

#[test]
fn a_number_that_no_load_writes_is_refused_with_its_line() {
    let (plan, good) = (full_plan(), lines());
    assert_eq!(error(&plan, &good), None);
    let mut seen = 0;
    for (index, line) in good.iter().enumerate() {
        let mut places = Vec::new();
        numbers(line, "", &mut places);
        // A sum modulo 2^64 may be any number.
        for place in places.into_iter().filter(|place| !place.ends_with("/due_sum_ns")) {
            let mut bad = good.clone();
            let number = bad[index].pointer_mut(&place).unwrap();
            *number = huge(number);
            let why = error(&plan, &bad).unwrap_or_else(|| panic!("{place} is taken"));
            assert!(why.contains(&format!("line {}", index + 1)), "{place}: {why}");
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen} numbers");
}

#[test]
fn lines_that_do_not_follow_each_other_are_refused() {
    let plan = full_plan();
    let last = (plan.granted().0 + plan.timeout.0 + AFTERWARDS.0) / SECOND;
    let stage = |number: u32| {
        let LoadLine::Second(mut frame) = second(0) else { panic!("a second") };
        let seen = frame.stages.remove(&0).unwrap();
        frame.stages.insert(number, seen);
        LoadLine::Second(frame)
    };
    let table: [(&[LoadLine], Option<&str>); 8] = [
        (&[segment(0, 0), second(last)], None),
        (&[segment(0, 0), second(last + 1)], Some("beyond the plan")),
        (&[segment(0, 0), second(3), second(3)], Some("second 3 after second 3")),
        (&[segment(0, 0), second(3), second(2)], Some("second 2 after second 3")),
        (&[segment(1, 0)], Some("process 1 where 0 is the next")),
        (&[segment(0, last + 1)], Some("from_second")),
        (&[segment(0, 0), stage(3)], None),
        (&[segment(0, 0), stage(4)], Some("stage 4 of a plan with 4")),
    ];
    for (lines, expected) in table {
        let lines: Vec<Value> =
            lines.iter().map(|line| serde_json::to_value(line).unwrap()).collect();
        let why = error(&plan, &lines);
        match expected {
            None => assert_eq!(why, None),
            Some(part) => assert!(why.as_ref().is_some_and(|w| w.contains(part)), "{why:?}"),
        }
    }
}

#[test]
fn sums_are_bounded_and_not_only_what_is_added_up() {
    let (plan, mut bad) = (full_plan(), lines());
    for index in [1, 3] {
        *bad[index].pointer_mut("/second/stages/0/counts/offered").unwrap() = json!(MOST - 3);
    }
    let why = error(&plan, &bad).unwrap();
    assert!(why.contains("line 4") && why.contains("sum of offered"), "{why}");
}

#[test]
fn a_line_without_an_end_is_not_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(SECONDS_FILE);
    let file = fs::File::create(&path).unwrap();
    // A hole: it takes no room on the disk.
    file.set_len(LINE_BYTES * 64).unwrap();
    let why = read(&path, &full_plan(), &mut |_| ()).unwrap_err().to_string();
    assert!(why.contains("line 1: longer than 16 MiB"), "{why}");
}

#[test]
fn a_second_of_more_stages_than_a_plan_has_is_not_kept_while_it_is_read() {
    let line = |stages: usize| {
        let LoadLine::Second(mut frame) = second(0) else { panic!("a second") };
        let seen = frame.stages.remove(&0).unwrap();
        frame.stages = (0..stages as u32).map(|stage| (stage, seen.clone())).collect();
        serde_json::to_string(&LoadLine::Second(frame)).unwrap()
    };
    assert!(serde_json::from_str::<LoadLine>(&line(STAGES)).is_ok());
    let why = serde_json::from_str::<LoadLine>(&line(STAGES + 1)).unwrap_err().to_string();
    assert!(why.contains("more than 64 stages in a second"), "{why}");
}

#[test]
fn a_plan_from_a_file_is_as_one_that_was_checked_before() {
    let good = serde_json::to_value(full_plan()).unwrap();
    let check = |value: &Value| {
        let plan = serde_json::from_value::<LoadPlan>(value.clone()).map_err(|e| e.to_string())?;
        plan.check().map_err(|e| e.to_string())
    };
    assert_eq!(check(&good), Ok(()));
    let mut places = Vec::new();
    numbers(&good, "", &mut places);
    // Any number is a seed.
    places.retain(|place| place != "/seed");
    assert!(places.len() >= 20, "{places:?}");
    for place in places {
        let mut bad = good.clone();
        let number = bad.pointer_mut(&place).unwrap();
        *number = huge(number);
        assert!(check(&bad).is_err(), "{place} is taken");
    }
}

#[test]
fn what_is_summed_stays_at_the_end_of_its_range() {
    let most = MessageCounts {
        offered: u64::MAX,
        ok: u64::MAX,
        dropped: u64::MAX,
        ..MessageCounts::default()
    };
    let sum = most.plus(most);
    assert_eq!((sum.offered, sum.settled(), sum.failed()), (u64::MAX, u64::MAX, u64::MAX));
    let mut long = full_plan();
    for stage in &mut long.stages {
        (stage.wanted, stage.granted) = (Nanos(u64::MAX), Nanos(u64::MAX));
    }
    assert_eq!((long.wanted(), long.granted()), (Nanos(u64::MAX), Nanos(u64::MAX)));
    let mut tally = LoadTally::new(long);
    let LoadLine::Second(mut frame) = second(0) else { panic!("a second") };
    (frame.second, frame.length_ns) = (u64::MAX, u64::MAX);
    for _ in 0..2 {
        tally.push(&LoadLine::Second(frame.clone()));
    }
    assert_eq!((tally.next_second(), tally.reached()), (u64::MAX, Nanos(u64::MAX)));
    assert_eq!(tally.outcome(None).whole.took, Nanos(u64::MAX));
}
