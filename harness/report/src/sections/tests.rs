//! The tables of the fixture run, word for word.

use super::*;
use caxton_fixture as fixture;
use caxton_model::case::Check;
use caxton_model::reading::Missing;
use caxton_model::record::CaseRecord;
use caxton_model::units::Unit;
use caxton_model::words;
use expect_test::{expect, expect_file};
use std::collections::BTreeMap;

#[test]
fn the_report_of_the_fixture_is_as_it_was() {
    let (record, _) = fixture::run();
    let text = text(&record, &Style::default());
    expect_file!["./goldens/report.txt"].assert_eq(&text);
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(112), "{widest:?} columns");
}

#[test]
fn a_hostile_name_reaches_no_terminal() {
    let (record, _) = fixture::run();
    let text = text(&record, &Style::default());
    for c in text.chars().filter(|c| *c != '\n') {
        assert!(!c.is_control() && c != '\u{202e}', "{c:?}");
    }
    assert!(text.lines().any(|line| line.contains(r"\u{202e}evil")));
}

#[test]
fn a_killed_run_shows_what_finished_and_says_so() {
    let (mut record, _) = fixture::run();
    record.run.status = Status::Running;
    record.totals.clear();
    for case in record.cases.iter_mut().skip(1) {
        case.outcome = Outcome::NotRun("the run ended before its turn".to_owned());
        case.metrics.clear();
        case.findings.clear();
        case.launches.granted = 0;
    }
    let tables = tables(&record);
    let shown: Vec<String> =
        tables.iter().take(3).map(|table| paint(table, &Style::default())).collect();
    expect![[r#"
        Run 20260102T030405Z-abc1234-wasm: suite wasm, scale quick: running or killed: 1 of 13 cases finished
          commit abc1234 with uncommitted changes; from 2026-01-02T03:04:05Z to 2026-01-02T03:14:05Z; seed 42
          command: wasm --scale quick
          Incomplete run: results cover only the cases that finished.

        WASM against native: steady-state call
          agent                      native     wasm  wasm/native   95 % interval   n  fuel/call  outcome
          noop                      20.3 ns  90.9 ns       4.479x  [4.459, 4.497]  12      2,790  ran
          json                            —        —            —               —   —          —  not run
          sha256                          —        —            —               —   —          —  not run
          \u{202e}evil\u{1b}[2J\n…        —        —            —               —   —          —  not run
          json, sha256, \u{202e}evil\u{1b}[2J\n…: not run: the run ended before its turn
          noop: 12 of 15 launches done
          geomean of 0 agents (noop not among them): — (the run did not come to its end)

        The same against itself (A/A)
          agent   native/native  interval  wasm/wasm  interval  n  contains 1
          noop                —         —          —         —  —  —
          json                —         —          —         —  —  —
          sha256              —         —          —         —  —  —
          noop native, noop wasm, json native, json wasm, sha256 native, sha256 wasm: not run: the run ended before
            its turn
          Each interval holds at 99.8 %, so that all 6 hold together in 99 % of runs; 0 of 6 contain 1.00, 6 have no
            interval.
    "#]].assert_eq(&shown.join("\n"));
}

#[test]
fn a_status_is_told_in_words() {
    let (mut record, _) = fixture::run();
    let mut shown = Vec::new();
    for status in [Status::Finished, Status::Interrupted, Status::Failed, Status::Running] {
        record.run.status = status;
        shown.push(super::status(&record));
    }
    expect![[r#"
        finished, 11 of 13 cases ran
        interrupted: 13 of 13 cases finished
        the harness failed: 13 of 13 cases finished
        running or killed: 13 of 13 cases finished"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn too_few_launches_are_told() {
    let (mut record, _) = fixture::run();
    let known = record.cases.iter_mut().flat_map(|case| case.metrics.values_mut());
    for reading in known.chain(record.totals.values_mut()) {
        if let Reading::Known(summary) = reading {
            summary.interval = None;
            summary.n = 3;
        }
    }
    let text = text(&record, &Style::default());
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|line| line.contains("n = 3")).collect();
    expect![[r#"
          n = 3 has no interval at 95 %: that takes 6 launches
          geomean of 2 agents (noop not among them): 1.351x (n = 3 has no interval at 95 %: that takes 6 launches)
          n = 3 has no interval at 99.8 %: that takes 11 launches
          n = 3 has no interval at 95 %: that takes 6 launches"#]].assert_eq(&lines.join("\n"));
}

#[test]
fn an_empty_record_makes_a_report() {
    let (mut record, _) = fixture::run();
    record.cases.clear();
    record.artifacts.clear();
    record.totals.clear();
    record.calibration = None;
    record.run.revision.commit = Reading::Missing(Missing::Failed("no git".to_owned()));
    let text = text(&record, &Style::default());
    assert!(text.contains("commit unknown (failed: no git)"), "{text}");
    assert!(!text.contains("steady-state"), "{text}");
}

#[test]
fn settings_of_the_engine_that_differ_by_case_say_whose_they_are() {
    let (mut record, _) = fixture::run();
    let engine = |bounds: &str| {
        let settings = [("bounds checks", bounds), ("calls", "functions")];
        BTreeMap::from(settings.map(|(name, value)| (name.to_owned(), value.to_owned())))
    };
    record.cases.truncate(2);
    record.cases[0].engines.insert(engine("guard pages"));
    record.cases[1].key.workload = "scale".to_owned();
    record.cases[1].engines.insert(engine("explicit"));
    let text = text(&record, &Style::default());
    let has = |name: &str, value: &str| {
        let is_row = |line: &str| line.trim().starts_with(name) && line.ends_with(value);
        text.lines().any(is_row)
    };
    assert!(has("engine bounds checks", "guard pages (overhead)"), "{text}");
    assert!(has("engine bounds checks", "explicit (scale)"), "{text}");
    assert!(has("engine calls", "functions"), "{text}");
}

#[test]
fn a_guest_without_a_native_build_has_the_interval_of_its_own_time_and_is_unchecked() {
    let (mut record, _) = fixture::run();
    let json = |case: &&mut CaseRecord| case.key.is_overhead() && case.key.agent == "json";
    let case = record.cases.iter_mut().find(json).unwrap();
    case.metrics.retain(|name, _| name.as_str() == "wasm_call_ns");
    case.check = Some(Check::Nothing);
    let told = case.metric("wasm_call_ns").unwrap();
    let (interval, n) = (told.interval.expect("launches enough"), told.n);
    let text = text(&record, &Style::default());
    let row = text.lines().find(|line| line.trim_start().starts_with("json ")).unwrap();
    let figure = format!("{}  {n}", words::bounds(&interval, Unit::Nanos));
    assert!(row.contains(&figure) && row.ends_with("ran, unchecked"), "{row}");
    assert!(
        text.contains("json has no manifest or native build to check its answers by"),
        "{text}"
    );
}
