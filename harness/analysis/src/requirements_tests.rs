//! Requirements: which case is meant, the whole interval, a ratio of two cases.

use super::*;
use crate::finding::LimitVerdict;
use caxton_fixture as fixture;
use caxton_fixture::figure;
use caxton_fixture::mail::{mail, peers};
use caxton_model::case::{CaseKey, Outcome};

#[test]
fn a_requirement_names_a_metric_and_a_case_that_could_be() {
    let mut names: Vec<&str> = REQUIREMENTS.iter().map(|one| one.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), REQUIREMENTS.len());
    for one in REQUIREMENTS {
        let _ = MetricName::parse(one.metric).expect(one.name);
    }
}

#[test]
fn the_case_with_the_fewest_parameters_is_meant_and_none_with_an_unwanted_one() {
    let record = mail();
    let singly = SINGLY.find(&record).expect("one by one");
    assert_eq!(singly.key.param("batch"), Some("1"));
    let together = with(NATIVE_BUILDS, TEN_KIB).find(&record).expect("batched");
    assert_eq!(together.key.param("batch"), None);
    assert_eq!(with(FAST, MOST).find(&record), None, "100,000 agents are dense");
    let any = Selector { without: None, ..with(NATIVE_BUILDS, TEN_KIB) };
    assert_eq!(any.find(&record), Some(together));
}

#[test]
fn a_ratio_of_two_cases_is_as_wide_as_both_intervals_allow() {
    let ratio = quotient(&figure(180.0, 220.0), &figure(90.0, 110.0)).expect("positive");
    let interval = ratio.interval.expect("both have one");
    assert_eq!(ratio.estimate, 2.0);
    assert_eq!((interval.lower, interval.upper), (180.0 / 110.0, 220.0 / 90.0));
    assert!((interval.level - 0.9).abs() < 1e-12);
    assert!(quotient(&figure(1.0, 2.0), &figure(0.0, 0.0)).is_err());
    let without = Summary { interval: None, ..figure(90.0, 110.0) };
    assert_eq!(quotient(&figure(1.0, 2.0), &without).expect("positive").interval, None);
}

#[test]
fn a_figure_without_an_interval_is_unclear() {
    let without = Summary { interval: None, ..figure(1.0, 2.0) };
    let judge = |figure| crate::finding::judge(Bound::at_most(10.0), figure);
    assert_eq!(judge(&without), LimitVerdict::Unclear);
    assert_eq!(judge(&figure(1.0, 2.0)), LimitVerdict::Met);
}

#[test]
fn only_requirements_of_the_record_are_shown_and_a_case_that_failed_is_told() {
    assert!(grade(&fixture::run().0).is_empty());
    let mut record = mail();
    let key: CaseKey = "scalability/scale/reference/courier/agents=10000".parse().unwrap();
    record.cases.retain(|case| case.key == key);
    record.cases[0].outcome = Outcome::Failed("out of maps".to_owned());
    let graded = grade(&record);
    assert!(!graded.is_empty());
    for graded in graded {
        let why = "failed: out of maps".to_owned();
        assert_eq!((graded.estimate, graded.verdict), (None, LimitVerdict::Unknown(why)));
    }
}

#[test]
fn frameworks_are_requirements_where_they_were_measured() {
    let graded = grade(&peers());
    assert_eq!(graded.len(), 12);
    let of = |subject: &str| {
        let one = graded.iter().find(|one| one.subject == subject).expect(subject);
        one.verdict.word(&LimitVerdict::LIMIT)
    };
    // By the times that the fixture has: 300 and 700 ns over 250, 500.
    assert_eq!(of("msg/s over channel, 10 agents"), "MET");
    assert_eq!(of("msg/s over channel, 10,000 agents"), "MISSED");
    assert_eq!(of("msg/s over kameo, 10 agents"), "MET");
    assert_eq!(of("msg/s over kameo, 10,000 agents"), "MISSED");
    assert_eq!(of("msg/s over actix, 10,000 agents"), "MISSING");
}
