//! Every format of the fixtures, word for word, and what names from outside do to them.

#[path = "hostile_tests.rs"]
mod hostile;

use super::*;
use crate::export::known::known;
use caxton_fixture as fixture;
use caxton_model::estimate::Summary;
use caxton_model::metric::Better;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::CaseRecord;
use expect_test::expect_file;
use std::collections::BTreeSet;

/// Whether the bytes of a format are one text that ends as it should.
fn text_of(bytes: Vec<u8>, what: &str) -> String {
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n'), "{what}");
    text
}

fn made(name: &str, record: &Record, samples: &[Sample]) -> String {
    text_of((find(name).unwrap().export)(record, samples).unwrap(), name)
}

/// A load that passed for a 25th of its length says so wherever its verdict is told.
#[test]
fn a_part_of_a_load_is_told_in_every_format() {
    let mut record = fixture::load::loads();
    record.cases.truncate(1);
    let load = record.cases[0].load.as_mut().unwrap();
    assert_eq!((load.told().as_str(), load.part()), ("PASS", None));
    load.whole.took.0 = load.plan.wanted().0 / 25;
    assert_eq!(load.told(), "PASS (4.00 % of the load)");
    let text = |format: &str| made(format, &record, &[]);
    for format in ["summary", "comment", "junit", "markdown"] {
        let told = text(format);
        assert!(told.contains("PASS (4.00 % of the load)"), "{format}: {told}");
    }
    assert!(text("annotations").contains("1 weak or in part"));
    assert!(text("junit").contains("<system-out>PASS (4.00 % of the load)</system-out>"));
    assert!(
        crate::sections::text(&record, &Default::default()).contains("PASS (4.00 % of the load)")
    );
}

#[test]
fn every_format_of_the_fixture_is_as_it_was() {
    let (few, samples) = fixture::few();
    let whole = fixture::rounded(fixture::run().0);
    for exporter in EXPORTERS {
        let record = match exporter.name {
            // The first is the record, the second is made of others.
            "json" | "summary" => continue,
            "svg" | "junit" | "comment" | "annotations" | "markdown" => &whole,
            _ => &few,
        };
        let text = made(exporter.name, record, &samples);
        expect_file![format!("./goldens/{}", exporter.file)].assert_eq(&text);
    }
}

/// What `format` tells of `record`, as lines of case, metric and estimate in order.
fn told(format: &str, record: &Record) -> Vec<String> {
    let text = made(format, record, &[]);
    let json = || serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let mut lines: Vec<String> = match format {
        "csv" => {
            let mut rows = ::csv::Reader::from_reader(text.as_bytes());
            let rows = rows.records().map(Result::unwrap).filter(|row| !row[4].is_empty());
            rows.map(|row| format!("{} {} {}", &row[0], &row[2], &row[4])).collect()
        }
        "bmf" => {
            let cases = json().as_object().unwrap().clone().into_iter().flat_map(|(case, all)| {
                let all = all.as_object().unwrap().clone().into_iter();
                all.map(move |(metric, told)| format!("{case} {metric} {}", told["value"]))
            });
            cases.collect()
        }
        _ => {
            let entries = json().as_array().unwrap().clone().into_iter();
            let name = |entry: &serde_json::Value| entry["name"].as_str().unwrap().to_owned();
            entries.map(|entry| format!("{} {}", name(&entry), entry["value"])).collect()
        }
    };
    lines.sort();
    lines
}

#[test]
fn each_format_of_figures_has_each_of_them_once() {
    for record in [fixture::run().0, fixture::mail::mail(), fixture::load::loads()] {
        let figures = |is_told: fn(Better) -> bool| {
            let told = known(&record).filter(|(_, metric, _)| is_told(metric.metric().better));
            let line = |(case, metric, told): (&CaseRecord, MetricName, &Summary)| {
                format!("{} {metric} {:?}", case.key, told.estimate)
            };
            let mut lines: Vec<String> = told.map(line).collect();
            lines.sort();
            lines
        };
        let all = figures(|_| true);
        assert!(all.len() > 30, "{}", record.run.id);
        assert_eq!(told("csv", &record), all);
        assert_eq!(told("bmf", &record), all);
        assert_eq!(told("gab-bigger", &record), figures(|better| better == Better::Higher));
        assert_eq!(told("gab-smaller", &record), figures(|better| better == Better::Lower));
        let text = made("prometheus", &record, &[]);
        text.lines().for_each(hostile::is_metric);
        let lines = text.lines().filter(|line| !line.starts_with('#')).count();
        let bounds = known(&record).filter(|(.., told)| told.interval.is_some()).count();
        assert_eq!(lines, 1 + record.cases.len() + all.len() + 2 * bounds);
    }
}

#[test]
fn reports_and_summaries_hold_every_table_of_their_run() {
    for record in [fixture::run().0, fixture::mail::mail(), fixture::load::loads()] {
        let report = made("markdown", &record, &[]);
        let tables = crate::sections::tables(&record);
        assert!(tables.len() > 10, "{}", tables.len());
        for table in &tables {
            let text = crate::markdown::markdown(table, 3);
            assert_eq!(report.matches(&text).count(), 1, "{text}");
        }
        // A summary is a comment without its mark, and then every table.
        let [summary, comment] = ["summary", "comment"].map(|name| made(name, &record, &[]));
        let comment = comment.strip_prefix(crate::ci::MARKER).unwrap().trim_start();
        let tables = crate::markdown::all(&tables, 4);
        assert_eq!(summary, format!("{comment}{tables}"));
    }
}

#[test]
fn what_is_asked_of_loads_is_as_it_was() {
    let record = fixture::rounded(fixture::load::loads());
    for name in ["junit", "annotations", "comment"] {
        let file = find(name).unwrap().file;
        let text = made(name, &record, &[]);
        expect_file![format!("./goldens/load/{file}")].assert_eq(&text);
    }
}

/// The texts of a comparison are those of a job that compared its two versions.
#[test]
fn every_format_of_a_comparison_is_as_it_was() {
    let (comparison, _) = fixture::paired::comparison();
    let job = Job {
        base: "main",
        head: "this checkout",
        outcome: Outcome::Compared(&comparison),
        code: exit::REGRESSED,
        again: &again(&comparison.run),
    };
    let made = |name: &str| text_of(find_comparison(name).unwrap().export(&comparison), name);
    assert_eq!(made("junit"), crate::ci::junit(&job));
    assert_eq!(made("summary"), crate::ci::summary(&job));
    assert_eq!(made("comment"), crate::ci::comment(&job));
    assert_eq!(made("annotations"), crate::ci::annotations(&job));
    expect_file!["./goldens/comparison/report.md"].assert_eq(&made("markdown"));
    assert_eq!(COMPARISON_EXPORTERS.len(), 5);
}

#[test]
fn the_report_of_a_pair_is_as_it_was() {
    let mut mail = fixture::rounded(fixture::mail::mail());
    let mut workloads = BTreeSet::new();
    mail.cases.retain(|case| workloads.insert(case.key.workload.clone()));
    let mut slower = mail.clone();
    slower.run.id = "20260103T030405Z-def5678-wasm".to_owned();
    fixture::scale(&mut slower, 1.5);
    slower.cases.remove(0);
    let text = text_of(markdown_against(&slower, &mail), "a pair");
    let (own, tables) = text.split_once("## Every table\n\n").unwrap();
    expect_file!["./goldens/pair/report.md"].assert_eq(own);
    assert!(made("markdown", &slower, &[]).ends_with(tables), "as of the run alone");
    assert_eq!(markdown_against(&slower, &mail), text.into_bytes());
}

#[test]
fn a_json_export_is_a_record_that_loads() {
    let (record, samples) = fixture::run();
    let json = made("json", &record, &samples);
    assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
}

#[test]
fn a_number_that_json_cannot_hold_is_an_error_or_left_out() {
    let (mut record, samples) = fixture::run();
    let case = &mut record.cases[0];
    for reading in case.metrics.values_mut() {
        if let Reading::Known(summary) = reading {
            summary.estimate = f64::NAN;
        }
    }
    let error = (find("json").unwrap().export)(&record, &samples).unwrap_err();
    assert!(error.to_string().contains("is no finite number"), "{error}");
    let bmf = (find("bmf").unwrap().export)(&record, &samples).unwrap();
    assert!(!String::from_utf8(bmf).unwrap().contains("null"));
}

#[test]
fn names_and_files_are_unique() {
    for of in [|exporter: &Exporter| exporter.name, |exporter: &Exporter| exporter.file] {
        let all: BTreeSet<&str> = EXPORTERS.iter().map(of).collect();
        assert_eq!(all.len(), EXPORTERS.len(), "{all:?}");
    }
}
