//! The page of made-up runs.

use super::series::History;
use crate::hostile;
use caxton_fixture::{HOSTILE, rounded, run, scale};
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::{PROFILE, Record};
use expect_test::expect_file;

fn page(records: &[Record]) -> String {
    super::page(records).unwrap()
}

/// A line that joins runs.
const LINE: &str = "stroke-width=\"2\" points=";

/// The fixture `days` later, on a machine of `cores` cores; call times scaled.
fn later(days: u32, cores: &str, factor: f64) -> Record {
    let (mut record, _) = run();
    record.run.started_utc = format!("2026-01-{:02}T03:04:05Z", 2 + days);
    record.run.id = format!("run-{days}");
    record.run.revision.commit = Reading::Known(format!("c{days}"));
    record.run.revision.dirty = Some(days == 0);
    record.host.fingerprint.insert("cores".to_owned(), Reading::Known(cores.to_owned()));
    scale(&mut record, factor);
    rounded(record)
}

#[test]
fn the_page_of_three_runs_is_as_it_was() {
    let mut records = vec![later(2, "2", 1.1), later(0, "2", 1.0), later(1, "4", 0.5)];
    for record in &mut records {
        let key = |agent: &str| agent == "json";
        record.cases.retain(|case| case.key.is_overhead() && key(&case.key.agent));
        for case in &mut record.cases {
            case.metrics.retain(|m, _| ["wasm_call_ns", "wasm_fuel"].contains(&m.as_str()));
        }
    }
    // Its style is that of all pages, of which a report's golden has a copy.
    let page = super::page(&records).unwrap();
    let (head, rest) = page.split_once("<style>\n").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    expect_file!["./golden.html"].assert_eq(&format!("{head}<style></style>{rest}"));
}

#[test]
fn only_the_same_machine_and_scale_are_joined() {
    let mut records: Vec<Record> = (0..4).map(|day| later(day, "2", 1.0)).collect();
    let lines = |records: &[Record]| page(records).matches(LINE).count();
    let all = lines(&records);
    assert!(all > 0);
    records[1].run.scale = "full".to_owned();
    records[3].host.fingerprint.insert("cores".to_owned(), Reading::Known("8".to_owned()));
    assert_eq!(lines(&records), all, "the two that are left are joined");
    records[0].run.scale = "smoke".to_owned();
    assert_eq!(lines(&records), 0);
    let text = page(&records);
    assert!(text.contains("4 runs of 2 machines"), "machines and not scales");
}

/// Places of the circles of machine A's colour, and of those of which only a pointer knows.
fn places(page: &str, fill: &str) -> Vec<[f64; 2]> {
    let circles = page.split("<circle ").skip(1).filter_map(|rest| rest.split_once('>'));
    let own = circles.filter(|(tag, _)| tag.contains(&format!("fill=\"{fill}\"")));
    let number = |tag: &str, name: &str| -> f64 {
        let (_, rest) = tag.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    own.map(|(tag, _)| ["cx", "cy"].map(|name| number(tag, name))).collect()
}

#[test]
fn marks_stand_where_the_figures_say_and_have_their_words() {
    let mut records: Vec<Record> =
        [1.0, 2.0, 4.0].into_iter().zip(0..).map(|(f, day)| later(day, "2", f)).collect();
    for record in &mut records {
        record.run.revision.dirty = Some(false);
        record.cases.retain(|case| case.key.is_overhead() && case.key.agent == "json");
        for case in &mut record.cases {
            case.metrics.retain(|metric, _| metric.as_str() == "wasm_call_ns");
        }
    }
    let text = page(&records);
    let dots = places(&text, "#0969DA");
    let [a, b, c] = dots.as_slice() else { panic!("{dots:?}") };
    assert!((b[0] - a[0] - (c[0] - b[0])).abs() <= 1.0, "runs are evenly apart: {dots:?}");
    // From 1 to 2 is half as far as from 2 to 4.
    assert!((2.0 * (a[1] - b[1]) - (b[1] - c[1])).abs() <= 2.0, "{dots:?}");
    assert_eq!(places(&text, "transparent"), dots, "words where the dots are");
    assert!(text.contains("<title>2026-01-03T03:04:05Z commit c1, quick: 29."), "{text}");
    records[1].run.revision.dirty = None;
    let text = page(&records);
    assert_eq!(places(&text, "#FFFFFF"), [*b], "hollow");
}

#[test]
fn runs_are_in_order_and_the_oldest_are_left_out() {
    let (record, _) = run();
    let of = |number: usize| {
        let mut record = record.clone();
        record.cases.truncate(1);
        record.run.started_utc = format!("2026-01-01T00:{:02}:{:02}Z", number / 60, number % 60);
        record
    };
    let records: Vec<Record> = (0..130).rev().map(of).collect();
    let history = History::of(&records);
    assert_eq!((history.left_out, history.suites[0].runs.len()), (10, 120));
    let points = &history.suites[0].cases[0].series[0].points;
    assert!(points.is_sorted_by_key(|point| point.at) && points.len() == 120);
    assert_eq!(points[0].run.run.started_utc, "2026-01-01T00:00:10Z");
}

#[test]
fn a_run_that_told_nothing_of_a_metric_ends_its_line() {
    let mut records: Vec<Record> = (0..4).map(|day| later(day, "2", 1.0)).collect();
    let lines = |records: &[Record]| page(records).matches(LINE).count();
    let whole = lines(&records);
    let metric = MetricName::parse("wasm_call_ns").unwrap();
    let case = records[1].cases.iter_mut().find(|case| case.metric("wasm_call_ns").is_ok());
    case.unwrap().metrics.remove(&metric);
    // From the first run to the third nothing leads; from the third to the fourth something does.
    assert_eq!(lines(&records), whole);
    assert_eq!(lines(&records[..3]), whole - 1);
    records[1].run.scale = "full".to_owned();
    assert_eq!(lines(&records[..3]), whole, "what is not of the same scale is no gap");
}

#[test]
fn what_is_hostile_strange_or_not_there_makes_a_page_all_the_same() {
    assert!(page(&[]).contains("There is no run to show."));
    let (mut record, _) = run();
    let evil = format!("{HOSTILE}<script>alert(1)</script>\"'>");
    for case in &mut record.cases {
        case.key.agent = evil.clone();
    }
    hostile::run(&mut record, &evil);
    let extremes = [f64::MAX, f64::MIN, 0.0, -1.0, f64::NAN];
    for (index, reading) in
        record.cases.iter_mut().flat_map(|case| case.metrics.values_mut()).enumerate()
    {
        if let Reading::Known(summary) = reading {
            summary.estimate = extremes[index % extremes.len()];
        }
    }
    let text = page(&[record.clone(), record.clone()]);
    assert!(!text.contains("<script>alert") && !text.contains('\u{202e}'));
    assert!(!text.contains("NaN") && !text.contains("\"inf"));
    record.run.scale = PROFILE.to_owned();
    assert!(page(&[record]).contains("There is no run to show."));
}
