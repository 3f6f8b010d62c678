//! Conditions that are good and bad.

use super::*;

fn parse(selector: &str, text: &str) -> Threshold {
    Threshold::parse(selector, text).unwrap()
}

#[test]
fn a_condition_is_read_and_shown_as_written() {
    let threshold = parse("response_time{stage:hold}", "p( 99.9 ) <= 1.5s");
    assert_eq!(threshold.metric, LoadMetric::ResponseTime);
    assert_eq!(threshold.stage.as_deref(), Some("hold"));
    assert_eq!(threshold.aggregate, Aggregate::P(99.9));
    assert_eq!(threshold.bound, Bound::at_most(1.5e9));
    assert_eq!(threshold.to_string(), "response_time{stage:hold} p( 99.9 ) <= 1.5s");
    let back: Threshold =
        serde_json::from_str(&serde_json::to_string(&threshold).unwrap()).unwrap();
    assert_eq!(back, threshold);
}

#[test]
fn a_time_without_a_unit_is_milliseconds() {
    let limit = |selector, text| parse(selector, text).bound.limit;
    assert_eq!(limit("service_time", "avg<10"), 1e7);
    assert_eq!(limit("service_time", "avg<0.5"), 5e5);
    assert_eq!(limit("service_time", "med<1e3"), 1e9);
    assert_eq!(limit("service_time", "min<10us"), 1e4);
    assert_eq!(limit("service_time", "max<2m"), 1.2e11);
    assert_eq!(limit("recovery_time", "value<30s"), 3e10);
    assert_eq!(limit("degradation", "value<0.05"), 0.05);
    assert_eq!(limit("messages", "rate>=1e5"), 1e5);
    assert_eq!(limit("messages", "count>100"), 100.0);
    assert_eq!(limit("leak", "value==0"), 0.0);
}

#[test]
fn every_operator_holds_where_it_should() {
    let signs = [">", ">=", "<", "<=", "==", "===", "!="];
    let holds = |sign: &str| {
        let threshold = parse("messages", &format!("count{sign}5"));
        [4.0, 5.0, 6.0].map(|figure| threshold.bound.holds(figure))
    };
    let (no, yes) = (false, true);
    let exact = [
        [no, no, yes],
        [no, yes, yes],
        [yes, no, no],
        [yes, yes, no],
        [no, yes, no],
        [no, yes, no],
        [yes, no, yes],
    ];
    assert_eq!(signs.map(holds), exact);
}

#[test]
fn an_abort_waits_for_its_delay() {
    let mut threshold = parse("errors", "rate<0.01");
    assert!(!threshold.may_abort(Nanos(100)));
    threshold.abort_on_fail = true;
    threshold.delay_abort_eval = Nanos(100);
    assert!(!threshold.may_abort(Nanos(99)));
    assert!(threshold.may_abort(Nanos(100)));
}

/// A selector, a condition, and what is said of them.
const WRONG: &str = r#"
latency | p(99)<1 | "latency" is no metric of a load test; write one of response_time, service_time, success, errors, dropped, messages, leak, degradation, recovery_time
response_time{stage:} | p(99)<1 | write the stage as {stage:NAME}; there are no other selectors
response_time{tag:a} | p(99)<1 | write the stage as {stage:NAME}; there are no other selectors
response_time{stage:a | p(99)<1 | write the stage as {stage:NAME}; there are no other selectors
recovery_time{stage:a} | value<1 | recovery_time is of the whole load test: write it without the stage
response_time |  | "": write aggregation, operator and number, such as p(99)<100ms
response_time | p(99) | "p(99)": write aggregation, operator and number, such as p(99)<100ms
response_time | p(99)=1 | "p(99)=1": the operators are > >= < <= == === !=
response_time | p(99)!1 | "p(99)!1": the operators are > >= < <= == === !=
response_time | p(99)< | "p(99)<": "" is no time: expected a number with its unit, such as 100ms, 10s or 24h
response_time | p(99)<<1 | "p(99)<<1": "<1" is no time: expected a number with its unit, such as 100ms, 10s or 24h
response_time | p(99)<1 fortnight | "p(99)<1 fortnight": "1 fortnight" is no time: expected a number with its unit, such as 100ms, 10s or 24h
response_time | p(99)<nan | "p(99)<nan": "nan" is no time: write 0 or more, such as 100ms
response_time | p(99)<-1 | "p(99)<-1": "-1" is no time: write 0 or more, such as 100ms
response_time | p(101)<1 | "p(101)<1": "p(101)" is no aggregation; response_time has avg, min, max, med, p(N), with N from 0 to 100
response_time | p(x)<1 | "p(x)<1": "p(x)" is no aggregation; response_time has avg, min, max, med, p(N), with N from 0 to 100
response_time | mean<1 | "mean<1": "mean" is no aggregation; response_time has avg, min, max, med, p(N), with N from 0 to 100
response_time | rate<1 | "rate<1": response_time has no rate; it has avg, min, max, med, p(N)
success | avg>0.9 | "avg>0.9": success has no avg; it has rate
success | rate>99 | "rate>99": success is a share from 0 to 1: write 0.99 for 99 %
success | rate>1ms | "rate>1ms": "1ms" is no number; success is no time, and has none of its units
messages | value>1 | "value>1": messages has no value; it has count, rate
messages | count>inf | "count>inf": "inf" is no number; messages is no time, and has none of its units
leak | count<1 | "count<1": leak has no count; it has value
"#;

#[test]
fn what_is_wrong_is_named_with_a_fix() {
    let said = |selector, text| Threshold::parse(selector, text).unwrap_err().to_string();
    for row in WRONG.trim().lines() {
        let [selector, text, why] = row.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        assert_eq!(said(selector, text), format!("threshold {selector:?}: {why}"), "{text}");
    }
    let (long, cut) = ("x".repeat(10_000), "\"xxxxxxxxxxxxxxxxxxxx\"...");
    let metric = "is no metric: write one such as response_time{stage:hold}";
    assert_eq!(said(&long, "p(99)<1"), format!("threshold {cut} {metric}"));
    let of_time = "threshold \"response_time\":";
    let no = "is no condition: write aggregation, operator and number, such as p(99)<100ms";
    assert_eq!(said("response_time", &long), format!("{of_time} {cut} {no}"));
    let odd = said("response_time", "p(99)<1\u{1b}");
    assert_eq!(odd, format!("{of_time} \"p(99)<1\\u{{1b}}\"... {no}"));
}
