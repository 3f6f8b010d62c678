//! Every format of the fixtures, word for word, and what names from outside do to them.

#[path = "hostile_tests.rs"]
mod hostile;

use super::*;
use caxton_fixture as fixture;
use caxton_model::reading::Reading;
use expect_test::expect_file;

/// Whether the bytes of a format are one text that ends as it should.
fn text_of(bytes: Vec<u8>, what: &str) -> String {
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n'), "{what}");
    text
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
    let text = |format: &str| {
        let exporter = EXPORTERS.iter().find(|exporter| exporter.name == format).expect(format);
        String::from_utf8((exporter.export)(&record, &[]).unwrap()).unwrap()
    };
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
    let (record, samples) = fixture::run();
    let record = fixture::rounded(record);
    for exporter in EXPORTERS {
        let text = text_of((exporter.export)(&record, &samples).unwrap(), exporter.name);
        if exporter.name != "json" {
            expect_file![format!("./goldens/{}", exporter.file)].assert_eq(&text);
        }
    }
}

#[test]
fn what_is_asked_of_loads_is_as_it_was() {
    let record = fixture::rounded(fixture::load::loads());
    for name in ["junit", "annotations", "summary", "comment", "prometheus", "markdown"] {
        let exporter = find(name).unwrap();
        let text = text_of((exporter.export)(&record, &[]).unwrap(), name);
        expect_file![format!("./goldens/load/{}", exporter.file)].assert_eq(&text);
    }
}

#[test]
fn every_format_of_a_comparison_is_as_it_was() {
    let (comparison, _) = fixture::paired::comparison();
    for exporter in COMPARISON_EXPORTERS {
        let file = find(exporter.name).expect("a format of runs too").file;
        let text = text_of((exporter.export)(&comparison), exporter.name);
        expect_file![format!("./goldens/comparison/{file}")].assert_eq(&text);
    }
}

#[test]
fn the_reports_of_mail_and_of_a_pair_are_as_they_were() {
    let mail = fixture::rounded(fixture::mail::mail());
    let export = find("markdown").unwrap().export;
    expect_file!["./goldens/mail/report.md"]
        .assert_eq(&text_of(export(&mail, &[]).unwrap(), "mail"));
    let mut slower = mail.clone();
    slower.run.id = "20260103T030405Z-def5678-wasm".to_owned();
    let readings = slower.cases.iter_mut().flat_map(|case| case.metrics.values_mut());
    for reading in readings {
        if let Reading::Known(summary) = reading {
            summary.estimate *= 1.5;
            summary
                .interval
                .iter_mut()
                .for_each(|i| (i.lower, i.upper) = (i.lower * 1.5, i.upper * 1.5));
        }
    }
    slower.cases.remove(0);
    let text = text_of(markdown_against(&slower, &mail), "a pair");
    expect_file!["./goldens/pair/report.md"].assert_eq(&text);
    assert_eq!(markdown_against(&slower, &mail), text.into_bytes());
}

#[test]
fn the_snapshot_of_mail_is_as_it_was() {
    let mail = fixture::rounded(fixture::mail::mail());
    let text = text_of((find("prometheus").unwrap().export)(&mail, &[]).unwrap(), "prometheus");
    expect_file!["./goldens/mail/metrics.prom"].assert_eq(&text);
}

#[test]
fn a_json_export_is_a_record_that_loads() {
    let (record, samples) = fixture::run();
    let json = (find("json").unwrap().export)(&record, &samples).unwrap();
    assert_eq!(serde_json::from_slice::<Record>(&json).unwrap(), record);
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
fn names_are_unique() {
    let names: std::collections::BTreeSet<_> = EXPORTERS.iter().map(|e| e.name).collect();
    assert_eq!(names.len(), EXPORTERS.len());
    let files: std::collections::BTreeSet<_> = EXPORTERS.iter().map(|e| e.file).collect();
    assert_eq!(files.len(), EXPORTERS.len());
}
