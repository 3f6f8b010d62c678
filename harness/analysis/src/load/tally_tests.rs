//! Thresholds against figures that are there, and that are not.

use super::*;
use caxton_fixture::plans::{SECOND, plan, seconds, segment, steady};
use caxton_model::load::plan::Arrivals;

const MS: f64 = 1e6;

/// A second of `hold` with a thousand responses up to 1 s and services up to 500 ms, and one of
/// `short` with ten.
fn tally() -> LoadTally {
    let stages = vec![steady("hold", seconds(1), 1000.0), steady("short", seconds(1), 10.0)];
    let mut tally = LoadTally::new(plan(Arrivals::Constant, stages));
    tally.push(&LoadLine::Segment(segment(0, 0)));
    for (stage, ok) in [(0_u32, 1000), (1, 10)] {
        let mut seen = MessagesSeen::default();
        (seen.counts.offered, seen.counts.ok) = (ok, ok);
        for part in 1..=ok {
            seen.response.record(part * SECOND / ok);
            seen.service.record(part * SECOND / ok / 2);
        }
        let (second, stages) = (u64::from(stage), [(stage, seen)].into());
        let frame = LoadSecond { second, length_ns: SECOND, stages, ..LoadSecond::default() };
        tally.push(&LoadLine::Second(Box::new(frame)));
    }
    tally
}

#[test]
fn each_kind_of_metric_is_asked_for_its_own_figure() {
    let tally = tally();
    for (selector, text, figure, is_met) in [
        ("response_time{stage:hold}", "p(90)<2s", 900.0 * MS, true),
        ("response_time{stage:hold}", "p(90)<800ms", 900.0 * MS, false),
        ("service_time", "max<=1s", 500.0 * MS, true),
        ("success", "rate>0.99", 1.0, true),
        ("dropped", "rate<=0", 0.0, true),
        ("messages", "count>=1010", 1010.0, true),
        ("messages{stage:short}", "count>=1010", 10.0, false),
        ("messages", "rate>=1010", 505.0, false),
    ] {
        let judged = tally.judge(&Threshold::parse(selector, text).unwrap());
        let observed = *judged.observed.known().unwrap();
        assert!((observed - figure).abs() <= figure * 1e-3, "{selector} {text}: {observed}");
        let verdict = if is_met { LimitVerdict::Met } else { LimitVerdict::Missed };
        assert_eq!(judged.verdict, verdict, "{selector} {text}");
    }
}

#[test]
fn what_is_not_known_is_no_pass() {
    let tally = tally();
    for (selector, text, why) in [
        ("response_time{stage:short}", "p(99)!=1", "10 times are too few"),
        ("recovery_time", "value<30s", "the plan has no burst"),
        ("leak", "value<1", "nothing but the resident set was sampled"),
    ] {
        let judged = tally.judge(&Threshold::parse(selector, text).unwrap());
        let said = judged.verdict.why().unwrap();
        assert!(said.contains(why), "{selector}: {said}");
        let back: ThresholdFinding =
            serde_json::from_str(&serde_json::to_string(&judged).unwrap()).unwrap();
        assert_eq!(back, judged);
    }
    let threshold = Threshold::parse("response_time", "avg!=1").unwrap();
    let judged = |value| judge(&threshold, Reading::Known(value));
    assert_eq!(judged(f64::NAN).verdict.why(), Some("the figure is NaN"));
    // What never ended is judged, and cannot be told.
    assert_eq!(judged(f64::INFINITY).verdict, LimitVerdict::Met);
    assert_eq!(judged(f64::INFINITY).observed.known(), None);
}

#[test]
fn a_resumed_load_whose_deaths_nobody_told_of_is_no_pass() {
    let mut plan = plan(Arrivals::Constant, vec![steady("crash", seconds(2), 10.0).killing(4)]);
    let threshold = |selector, text| Threshold::parse(selector, text).unwrap();
    plan.thresholds = vec![threshold("messages", "count>0")];
    let mut tally = LoadTally::new(plan);
    for number in 0..2 {
        tally.push(&LoadLine::Segment(segment(number, number.into())));
        let mut seen = MessagesSeen::default();
        (seen.counts.offered, seen.counts.sent, seen.counts.ok) = (10, 10, 10);
        for part in 1..=10 {
            seen.response.record(part);
            seen.lateness.record(part);
        }
        let (second, stages) = (number.into(), [(0, seen)].into());
        let frame = LoadSecond { second, length_ns: SECOND, stages, ..LoadSecond::default() };
        tally.push(&LoadLine::Second(Box::new(frame)));
    }
    let said = "0 of 4 agents were killed: the load was resumed";
    let outcome = tally.outcome(None);
    assert!(outcome.reasons.iter().any(|why| why.starts_with(said)), "{:?}", outcome.reasons);
    // The deaths have nothing before them to be compared with.
    let judged = tally.judge(&threshold("recovery_time", "value<30s"));
    let why = judged.verdict.why().unwrap();
    assert!(why.contains("no stage of a constant rate comes before"), "{why}");
}
