//! Grades by the whole interval, and where figures come from.

use super::*;
use caxton_fixture as fixture;
use caxton_fixture::figure;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;

#[test]
fn a_grade_is_said_of_the_whole_interval() {
    let [throughput, latency] = [TARGETS[0], TARGETS[1]];
    let words = |target: &Target, figure: Summary| {
        let levels = target.bounds().map(|bound| judge(bound, &figure));
        Worst { case: String::new(), metrics: &[], figure, levels }.words()
    };
    for (lower, upper, expected) in [
        (0.1, 0.9, "TARGET"),
        (0.9, 1.0, "UNCLEAR, at least ACCEPTABLE"),
        (0.01, 1.28, "UNCLEAR, at least ACCEPTABLE"),
        (1.0, 4.9, "ACCEPTABLE"),
        (4.0, 6.0, "UNCLEAR, at least CRITICAL"),
        (5.0, 9.0, "CRITICAL"),
        (9.0, 11.0, "UNCLEAR"),
        (10.0, 11.0, "MISSED"),
    ] {
        assert_eq!(words(&latency, figure(lower * MS, upper * MS)), expected, "{lower}");
    }
    for (lower, upper, expected) in [
        (1.1e5, 2e5, "TARGET"),
        (9e4, 2e5, "UNCLEAR, at least ACCEPTABLE"),
        (6e4, 1e5, "ACCEPTABLE"),
        (2e4, 2e5, "UNCLEAR, at least CRITICAL"),
        (9e3, 2e5, "UNCLEAR"),
        (8e3, 9e3, "MISSED"),
    ] {
        assert_eq!(words(&throughput, figure(lower, upper)), expected, "{lower}");
    }
    let without = Summary { interval: None, ..figure(1.0, 2.0) };
    assert_eq!(words(&latency, without), "UNCLEAR");
}

#[test]
fn an_agents_share_of_the_runtime_is_told_of_many_agents_only() {
    let mut record = fixture::mail::mail();
    record.cases.retain(|case| case.key.workload == SCALE);
    let name = MetricName::parse("memory_per_agent_bytes").unwrap();
    let memory = |record: &Record| {
        let graded = grade(std::slice::from_ref(record)).into_iter();
        graded.filter(|g| g.target.name == "memory per agent").find_map(|g| g.worst.ok())
    };
    // The process of one agent is no agent's memory.
    let mut few = record.cases[0].clone();
    few.key.params = vec![("agents".to_owned(), "1".to_owned())];
    few.metrics.insert(name, Reading::Known(figure(6e6, 7e6)));
    record.cases.push(few);
    let worst = memory(&record).unwrap();
    assert!(worst.figure.estimate < 1e6 && !worst.case.ends_with("agents=1"), "{worst:?}");
    record.cases.retain(|case| case.key.param("agents") == Some("1"));
    assert_eq!(memory(&record), None);
    let why = grade(&[record])
        .into_iter()
        .find_map(|g| (g.target.name == "memory per agent").then(|| g.worst.unwrap_err()));
    assert!(why.unwrap().contains("1000 agents"));
}

#[test]
fn sources_are_metrics_and_levels_are_ordered() {
    for target in TARGETS {
        let [a, b, c] = target.levels;
        assert!((a < b && b < c) || (a > b && b > c), "{}", target.name);
        for name in target.sources.iter().flat_map(|source| source.metrics) {
            let unit = MetricName::parse(name).expect(name).metric().unit;
            assert_eq!(unit, target.unit, "{name}");
        }
    }
}
