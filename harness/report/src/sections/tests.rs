//! The tables of the fixture run, word for word.

use super::*;
use crate::checks::{Kind, State, of_run};
use caxton_fixture as fixture;
use caxton_fixture::mail::{self, mail};
use caxton_fixture::rounded;
use caxton_model::case::Check;
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::Conclusion;
use caxton_model::reading::Missing;
use caxton_model::record::CaseRecord;
use caxton_model::units::Unit;
use caxton_model::words;
use expect_test::{expect, expect_file};
use std::collections::BTreeMap;

/// The fixture's run, killed after its first case.
fn killed() -> Record {
    let (mut record, _) = fixture::run();
    record.run.status = Status::Running;
    record.totals.clear();
    for case in record.cases.iter_mut().skip(1) {
        case.outcome = Outcome::NotRun("the run ended before its turn".to_owned());
        case.metrics.clear();
        case.findings.clear();
        case.launches.granted = 0;
    }
    record
}

/// The fixture's run with a figure that may be above its target or below it.
fn unclear() -> Record {
    let (mut record, _) = fixture::run();
    let name = MetricName::parse("wasm_instance_rss_bytes").unwrap();
    let case = record.cases.iter_mut().find(|case| case.key.agent == "json").unwrap();
    case.metrics.insert(name, Reading::Known(fixture::figure(60e6, 120e6)));
    rounded(record)
}

pub(super) fn painted(tables: &[Table]) -> String {
    let shown: Vec<Table> = tables.iter().filter(|table| !table.is_empty()).cloned().collect();
    crate::paint::all(&shown, &Style::default())
}

#[test]
fn every_view_of_the_fixtures_is_as_it_was() {
    let (run, _) = fixture::run();
    let (comparison, _) = fixture::paired::comparison();
    let runs = [run.clone(), mail()].map(rounded);
    let every = |table: &Table| table.title.starts_with("Every");
    let full = comparison_tables(&comparison, true).into_iter().filter(every).collect::<Vec<_>>();
    for (name, text) in [
        ("report", text(&run, &Style::default())),
        ("killed", painted(&tables(&killed())[..3])),
        ("mail", painted(&of_mail(&rounded(mail())))),
        ("parts", painted(&parts::tables(&fixture::parts()))),
        ("load", painted(&load::tables(&rounded(fixture::load::loads())))),
        ("comparison", comparison_text(&comparison, false, &Style::default())),
        ("comparison-table", painted(&full)),
        ("caxton", painted(&caxton::tables(&rounded(mail::caxton())))),
        ("runtimes", painted(&[targets::by_runtime(&[&runs[1], &rounded(mail::caxton())])])),
        ("targets", painted(&[&[unclear()][..], &runs].map(targets::table))),
    ] {
        expect_file![format!("./goldens/{name}.txt")].assert_eq(&text);
        let widest = text.lines().map(|line| line.chars().count()).max();
        let is_narrow = ["report", "mail", "parts"].contains(&name);
        assert!(!is_narrow || widest <= Some(112), "{name}: {widest:?} columns");
    }
    assert_eq!(comparison.conclusion(), Conclusion::Regressed);
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
fn a_status_is_told_in_words() {
    let (mut record, _) = fixture::run();
    let mut shown = Vec::new();
    for status in [Status::Finished, Status::Interrupted, Status::Failed, Status::Running] {
        record.run.status = status;
        shown.push(super::status(&record));
    }
    expect![[r#"
        finished, 5 of 7 cases ran
        interrupted: 2 of 7 cases whole, 5 in part
        the harness failed: 2 of 7 cases whole, 5 in part
        running or killed: 2 of 7 cases whole, 5 in part"#]]
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

fn of_mail(record: &Record) -> Vec<Table> {
    let sections = [
        throughput::tables(record),
        latency::tables(record),
        scaling::tables(record),
        resources::tables(record),
        vec![requirements_table(record)],
    ];
    sections.into_iter().flatten().collect()
}

#[test]
fn a_run_that_ended_early_says_what_is_not_there() {
    let mut record = mail();
    for case in &mut record.cases {
        case.outcome = Outcome::NotRun("the run ended before its turn".to_owned());
        case.metrics.clear();
    }
    let tables = of_mail(&record);
    assert!(tables.iter().flat_map(|t| &t.rows).all(|row| row.tone == Tone::Bad));
    let notes: Vec<&str> =
        tables.iter().flat_map(|t| &t.notes).map(|note| note.text.as_str()).collect();
    for words in ["the run ended before its turn", "not fitted, 0 rates of the 4 that it takes"] {
        assert!(notes.iter().any(|note| note.contains(words)), "{words}: {notes:#?}");
    }
    let graded = tables.last().expect("the requirements");
    assert!(graded.rows.iter().all(|row| row.cells[5] == "MISSING"), "{graded:?}");
}

#[test]
fn rates_without_a_law_are_said_to_be() {
    let mut record = rounded(mail());
    let rate = MetricName::parse("message_rate").unwrap();
    let scaled = |case: &&mut CaseRecord| case.key.suite == "scalability";
    for (case, value) in record.cases.iter_mut().filter(scaled).zip([9e6, 1e6, 8e6, 1e6, 9e6, 1e6])
    {
        let Some(Reading::Known(summary)) = case.metrics.get_mut(&rate) else { continue };
        summary.estimate = value;
    }
    let tables = scaling::tables(&record);
    let note = tables
        .last()
        .expect("messages")
        .notes
        .iter()
        .find(|note| note.text.contains("bad fit"))
        .unwrap();
    assert_eq!(note.tone, Tone::Bad);
    assert!(note.text.contains("do not rely on it (R² below 0.9)"), "{}", note.text);
}

#[test]
fn a_suite_that_ran_without_a_figure_is_told_from_one_that_did_not_run() {
    let mut record = mail();
    record.cases.retain(|case| case.key.suite != "resources");
    record.cases.iter_mut().for_each(|case| case.metrics.clear());
    let why = |name: &str| {
        let graded = caxton_analysis::targets::grade(std::slice::from_ref(&record)).into_iter();
        graded.filter(|g| g.target.name == name).find_map(|g| g.worst.err()).unwrap()
    };
    assert_eq!(why("recovery time"), "run suite resources");
    assert_eq!(
        why("agent spawn time"),
        "run suite wasm; no case of suite scalability has spawn_p50_ns"
    );
}

#[test]
fn what_is_unsupported_is_never_good_and_says_why() {
    let record = mail::caxton();
    let lacking = |case: &&CaseRecord| matches!(case.outcome, Outcome::Unsupported(_));
    let lacking: Vec<&CaseRecord> = record.cases.iter().filter(lacking).collect();
    assert_eq!(lacking.len(), 5);
    let checks = of_run(&record);
    for case in lacking {
        assert!(!case.has_failed(), "{}", case.key);
        let told = case.outcome.told();
        let check = checks.iter().find(|check| check.says == told).expect("a check of each case");
        assert_eq!(check.state, State::Open, "{}: neither good nor bad", case.key);
    }
    let prometheus = crate::export::find("prometheus").expect("a format");
    let page = String::from_utf8((prometheus.export)(&record, &[]).unwrap()).unwrap();
    assert!(page.contains("\"deployment\"") && !page.contains("\"delivery\""), "{page}");
    // Of the targets none is met: what caxton does is no figure of theirs.
    assert!(checks.iter().all(|check| check.kind != Kind::Target || check.state == State::Open));
    let table = targets::by_runtime(&[&mail(), &record]);
    for row in &table.rows {
        let cell = &row.cells[4];
        let is_figure = ["agent spawn time", "memory per agent"].contains(&&*row.cells[0]);
        assert_eq!(cell.starts_with("unsupported: "), !is_figure, "{cell}");
        assert_eq!(cell.contains("TARGET"), is_figure, "{cell}");
    }
    let text = targets::by_runtime_text(&[&record], &Style { colour: true, width: None });
    let green = text.lines().filter(|line| line.contains("unsupported"));
    assert!(
        green.clone().count() > 4 && green.into_iter().all(|line| !line.contains("\u{1b}[32m"))
    );
}
