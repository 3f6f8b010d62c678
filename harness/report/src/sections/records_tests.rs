//! Two records, with and without sessions to judge them by.

use crate::sections::{Style, records_text};
use caxton_analysis::compare::*;
use caxton_analysis::limits::Limits;
use caxton_fixture as fixture;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::{Conclusion, Verdict};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record, Status};
use expect_test::{expect, expect_file};

fn set(record: &mut Record, agent: &str, metric: &str, change: impl Fn(f64) -> f64) {
    let name = MetricName::parse(metric).unwrap();
    let case = record.cases.iter_mut().find(|c| c.key.is_overhead() && c.key.agent == agent);
    if let Some(Reading::Known(summary)) = case.unwrap().metrics.get_mut(&name) {
        summary.estimate = change(summary.estimate);
        if let Some(interval) = &mut summary.interval {
            (interval.lower, interval.upper) = (change(interval.lower), change(interval.upper));
        }
    }
}

fn two() -> [Record; 2] {
    let (mut old, _) = fixture::run();
    old.cases.retain(|case| ["noop", "json"].contains(&case.key.agent.as_str()));
    old.cases.retain(|case| case.key.is_overhead());
    let mut new = old.clone();
    new.run.id = "later".to_owned();
    [old, new]
}

/// Ten sessions like `record`, each a little slower or faster than it.
fn sessions(record: &Record) -> Vec<Record> {
    let of = |number: u32| {
        let mut session = record.clone();
        session.run.id = format!("session-{number}");
        for case in &mut session.cases {
            for reading in case.metrics.values_mut() {
                if let Reading::Known(summary) = reading {
                    summary.estimate *= 0.98 + 0.004 * f64::from(number);
                }
            }
        }
        session
    };
    (0..10).map(of).collect()
}

#[test]
fn records_alone_compare_counts_and_say_what_they_cannot() {
    let (old, _) = fixture::run();
    let mut new = old.clone();
    new.run.id = "later".to_owned();
    new.cases.retain(|case| case.key.agent != "json");
    new.cases.push(CaseRecord {
        key: CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "sort"),
        ..old.cases[0].clone()
    });
    set(&mut new, "noop", "wasm_fuel", |fuel| fuel + 7.0);
    new.host.fingerprint.insert("cores".to_owned(), Reading::Known("64".to_owned()));
    let records = Records::compare(&old, &new, &[], &Limits::default());
    expect_file!["goldens/records.txt"].assert_eq(&records_text(&records, &Style::default()));
    assert_eq!(records.conclusion(), Conclusion::Regressed);
}

#[test]
fn a_run_against_itself_changes_nothing_but_is_no_proof() {
    let [old, new] = two();
    let records = Records::compare(&old, &new, &[], &Limits::default());
    assert_eq!(records.conclusion(), Conclusion::NotComparable, "no sessions");
    assert!(records.exact.iter().all(|(_, exact)| exact.verdict == Verdict::Ok));
    assert!(records.conditions.is_empty());
}

#[test]
fn ten_sessions_advise_with_the_threshold_they_can_see() {
    let [old, mut new] = two();
    let stored = sessions(&old);
    set(&mut new, "json", "wasm_call_ns", |ns| ns * 2.0);
    let records = Records::compare(&old, &new, &stored, &Limits::default());
    expect_file!["goldens/records-sessions.txt"]
        .assert_eq(&records_text(&records, &Style::default()));
    assert_eq!(records.conclusion(), Conclusion::Fine, "advice fails nothing");
    assert!(records.predicted.iter().all(|p| p.says.sessions == 11), "the base is one of them");
}

#[test]
fn sessions_of_other_machines_scales_and_files_do_not_count() {
    let [old, new] = two();
    let changes: [fn(&mut Record); 5] = [
        |r| r.run.scale = "full".to_owned(),
        |r| r.run.status = Status::Interrupted,
        |r| r.host.memory_bytes = Reading::Known(caxton_model::units::Bytes(1)),
        |r| r.artifacts.iter_mut().for_each(|a| a.sha256 = "11".repeat(32)),
        |r| r.run.id = "later".to_owned(),
    ];
    for change in changes {
        let mut stored = sessions(&old);
        stored.iter_mut().for_each(change);
        let records = Records::compare(&old, &new, &stored, &Limits::default());
        assert_eq!(records.conclusion(), Conclusion::NotComparable);
        let json = |p: &&Predicted| p.case.agent == "json";
        assert_eq!(records.predicted.iter().filter(json).count(), 0);
    }
}

#[test]
fn what_the_candidate_lacks_is_never_green() {
    let [old, new] = two();
    let stored = sessions(&old);
    let changes: [fn(&mut Record); 7] = [
        |r| drop(r.cases.pop()),
        |r| r.cases[0].outcome = Outcome::TimedOut("after 60 s".to_owned()),
        |r| r.run.status = Status::Running,
        |r| r.run.suite = "heap".to_owned(),
        |r| r.run.scale = "profile".to_owned(),
        |r| drop(r.engine.insert("wasmtime".to_owned(), "49".to_owned())),
        |r| drop(r.cases[0].metrics.remove(&MetricName::parse("wasm_fuel").unwrap())),
    ];
    let said = changes.map(|change| {
        let mut new = new.clone();
        change(&mut new);
        let records = Records::compare(&old, &new, &stored, &Limits::default());
        assert_eq!(records.conclusion(), Conclusion::NotComparable);
        records.not_compared.into_keys().collect::<Vec<_>>().join("; ")
    });
    expect![[r#"
        the candidate has no such case
        candidate: timed out: after 60 s
        nothing can be run again, and the runs are of different machines, scales or builds of the harness; the run did not come to its end
        nothing can be run again, and the runs are of different machines, scales or builds of the harness; the two are of different suites
        a profiled run has no figures; nothing can be run again, and the runs are of different machines, scales or builds of the harness
        counts need the same compilers and engine on both sides; nothing can be run again, and the runs are of different machines, scales or builds of the harness
        the candidate has no such count"#]].assert_eq(&said.join("\n"));
    let records = Records::compare(&old, &new, &stored, &Limits::default());
    assert_eq!(records.conclusion(), Conclusion::Fine);
}

#[test]
fn a_limit_gives_a_count_its_tolerance() {
    let [old, mut new] = two();
    set(&mut new, "noop", "wasm_fuel", |fuel| fuel * 1.01);
    let text = "[[limit]]\ncase = \"noop\"\nmetric = \"wasm_fuel\"\nmargin = 0.02\n";
    let limits = Limits::parse("limits.toml", text).unwrap();
    let verdict = |limits: &Limits| Records::compare(&old, &new, &[], limits).conclusion();
    assert_eq!(verdict(&Limits::default()), Conclusion::Regressed);
    assert_eq!(verdict(&limits), Conclusion::NotComparable, "of the times only");
}
