//! Standings by the whole interval, and the table over several runs.

use super::*;
use crate::fixture::{self, figure};
use crate::metric::MetricName;
use crate::reading::Reading;
use crate::report::{Style, paint};
use expect_test::expect;

#[test]
fn a_standing_is_said_of_the_whole_interval() {
    let [throughput, latency] = [TARGETS[0], TARGETS[1]];
    let words = |target: &Target, figure: Summary| {
        let range = target.range(&figure);
        let worst = |standing| Worst { case: String::new(), metrics: &[], figure, standing, range };
        worst(stands(range)).words()
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

#[test]
fn the_worst_case_is_shown_and_what_is_not_measured_is_said() {
    let (mut record, _) = fixture::run();
    let name = MetricName::parse("wasm_instance_rss_bytes").unwrap();
    let case = record.cases.iter_mut().find(|case| case.key.agent == "json").unwrap();
    case.metrics.insert(name, Reading::Known(figure(60e6, 120e6)));
    expect![[r#"
        Targets
          target for               target  acceptable  critical  worst case             interval   n  cases  stands
          message throughput    > 100 k/s    > 50 k/s  > 10 k/s           —                    —   —      —  missing: run suite throughput
          message latency, p50     < 1 ms      < 5 ms   < 10 ms           —                    —   —      —  missing: run suite latency
          message latency, p99    < 10 ms     < 50 ms  < 100 ms           —                    —   —      —  missing: run suite latency
          agent spawn time       < 100 ms    < 500 ms     < 1 s     91.0 µs   [90.7 µs, 91.3 µs]  12      3  TARGET
          memory per agent        < 10 MB     < 50 MB  < 100 MB    85.8 MiB  [57.2 MiB, 114 MiB]  12      3  UNCLEAR
          CPU per agent             < 5 %      < 10 %    < 25 %           —                    —   —      —  missing: run suite resources
          recovery time            < 30 s     < 120 s   < 300 s           —                    —   —      —  missing: run suite resources
          agent spawn time: wasm_instantiate_ns + wasm_first_call_ns; worst is
            wasm/overhead/wasmtime-vs-native/sha256
          memory per agent: wasm_instance_rss_bytes; worst is wasm/overhead/wasmtime-vs-native/json
          Each stands as the whole interval does, of the case that stands worst; UNCLEAR: a level lies in the
            interval.
    "#]].assert_eq(&paint(&table(&[fixture::rounded(record)]), &Style::default()));
}

#[test]
fn the_worst_case_of_all_runs_is_shown() {
    let records = [fixture::run().0, fixture::mail::mail()].map(fixture::rounded);
    expect![[r#"
        Targets
          target for               target  acceptable  critical  worst case              interval   n  cases  stands
          message throughput    > 100 k/s    > 50 k/s  > 10 k/s    1.10 M/s  [1.10 M/s, 1.11 M/s]  12      9  TARGET
          message latency, p50     < 1 ms      < 5 ms   < 10 ms     8.07 µs    [8.05 µs, 8.09 µs]  12      2  TARGET
          message latency, p99    < 10 ms     < 50 ms  < 100 ms     36.4 µs    [36.3 µs, 36.4 µs]  12      2  TARGET
          agent spawn time       < 100 ms    < 500 ms     < 1 s     91.0 µs    [90.7 µs, 91.3 µs]  12      9  TARGET
          memory per agent        < 10 MB     < 50 MB  < 100 MB    89.1 KiB  [88.6 KiB, 89.3 KiB]  12      6  TARGET
          CPU per agent             < 5 %      < 10 %    < 25 %     0.015 %    [0.015 %, 0.015 %]  12      1  TARGET
          recovery time            < 30 s     < 120 s   < 300 s     5.06 ms    [5.04 ms, 5.07 ms]  12      1  TARGET
          message throughput: subject_message_rate; worst is
            throughput/route/reference-vs-native-tokio/courier/agents=10000,bytes=1024
          message latency, p50: subject_response_p50_ns; worst is
            latency/response/reference-vs-idle/courier/agents=100,rate=100000
          message latency, p99: subject_response_p99_ns; worst is
            latency/response/reference-vs-idle/courier/agents=100,rate=100000
          agent spawn time: wasm_instantiate_ns + wasm_first_call_ns; worst is
            wasm/overhead/wasmtime-vs-native/sha256
          memory per agent: wasm_instance_rss_bytes; worst is wasm/overhead/wasmtime-vs-native/noop
          CPU per agent: agent_cpu_share; worst is resources/cpu-phases/reference/courier
          recovery time: crash_steady_ns; worst is resources/crash/reference/courier/agents=100,killed=10,fault=trap
          Each stands as the whole interval does, of the case that stands worst; UNCLEAR: a level lies in the
            interval.
    "#]].assert_eq(&paint(&table(&records), &Style::default()));
}

#[test]
fn a_suite_that_ran_without_a_figure_is_told_from_one_that_did_not_run() {
    let mut record = fixture::mail::mail();
    record.cases.retain(|case| case.key.suite != "resources");
    record.cases.iter_mut().for_each(|case| case.metrics.clear());
    let why = |name: &str| {
        let graded = grade(std::slice::from_ref(&record)).into_iter();
        graded.filter(|g| g.target.name == name).find_map(|g| g.worst.err()).unwrap()
    };
    assert_eq!(why("recovery time"), "run suite resources");
    assert_eq!(
        why("agent spawn time"),
        "run suite wasm; no case of suite scalability has spawn_p50_ns"
    );
}
