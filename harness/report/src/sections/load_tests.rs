//! The tables of loads, word for word.

use super::*;
use crate::paint::paint;
use crate::sections::Style;
use caxton_fixture::load::loads;
use caxton_fixture::rounded;
use expect_test::expect_file;

#[test]
fn the_report_of_loads_is_as_it_was() {
    let tables = tables(&rounded(loads()));
    let painted: Vec<String> = tables.iter().map(|t| paint(t, &Style::default())).collect();
    expect_file!["./goldens/load.txt"].assert_eq(&painted.join("\n"));
}

#[test]
fn the_fixture_has_every_verdict() {
    let record = loads();
    let all: Vec<Verdict> =
        record.cases.iter().filter_map(|case| Some(case.load.as_ref()?.verdict)).collect();
    let expected = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Invalid,
        Verdict::Unclear,
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Unclear,
    ];
    assert_eq!(all, expected);
    let kinds = |case: usize| {
        let leak = record.cases[case].load.as_ref().unwrap().leak.as_ref().unwrap();
        (leak.verdict.clone(), leak.trends.iter().any(|t| matches!(t.verdict, LeakVerdict::Leak)))
    };
    assert_eq!((kinds(0), kinds(1)), ((LeakVerdict::Clean, false), (LeakVerdict::Leak, true)));
    assert!(matches!(kinds(2).0, LeakVerdict::Invalid(_)));
}

#[test]
fn a_run_without_loads_has_none_of_these_tables() {
    assert!(tables(&caxton_fixture::run().0).is_empty());
}
