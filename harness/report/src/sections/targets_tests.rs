//! Grades by the whole interval, and the table over several runs.

use crate::paint::paint;
use crate::sections::{Style, targets};
use caxton_analysis::targets::*;
use caxton_fixture as fixture;
use caxton_fixture::figure;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use expect_test::expect;

#[test]
fn the_worst_case_is_shown_and_what_is_not_measured_is_said() {
    let (mut record, _) = fixture::run();
    let name = MetricName::parse("wasm_instance_rss_bytes").unwrap();
    let case = record.cases.iter_mut().find(|case| case.key.agent == "json").unwrap();
    case.metrics.insert(name, Reading::Known(figure(60e6, 120e6)));
    expect![[r#"
        Targets
          target for               target  acceptable  critical  worst case             interval   n  cases  verdict
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
          A row is the worst case, judged by its whole interval; UNCLEAR: the interval contains a level.
    "#]].assert_eq(&paint(&targets::table(&[fixture::rounded(record)]), &Style::default()));
}

#[test]
fn the_worst_case_of_all_runs_is_shown() {
    let records = [fixture::run().0, fixture::mail::mail()].map(fixture::rounded);
    expect![[r#"
        Targets
          target for               target  acceptable  critical  worst case              interval   n  cases  verdict
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
          A row is the worst case, judged by its whole interval; UNCLEAR: the interval contains a level.
    "#]].assert_eq(&paint(&targets::table(&records), &Style::default()));
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
