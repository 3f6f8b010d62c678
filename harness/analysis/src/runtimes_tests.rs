//! What is unsupported is never a met target, and a runtime's figures are its own.

use super::*;
use caxton_fixture::figure;
use caxton_fixture::mail::{caxton, mail};
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;

/// The cell of caxton, or of another runtime, for the target `name`.
fn cell_of(name: &str, runtime: usize, records: &[&Record]) -> RuntimeCell {
    let rows = by_runtime(records);
    let row = rows.iter().find(|row| row.target.name == name).expect("a target");
    row.cells[runtime].clone()
}

#[test]
fn the_columns_are_there_with_a_run_of_caxton_alone() {
    assert!(by_runtime(&[&mail()]).is_empty());
    let rows = by_runtime(&[&caxton()]);
    assert_eq!(rows.len(), TARGETS.len());
    let ours = cell_of("message throughput", 0, &[&caxton()]);
    assert_eq!(ours, RuntimeCell::NotMeasured("run suite throughput".to_owned()));
}

#[test]
fn what_is_unsupported_meets_no_target_and_says_why() {
    let (caxton, mail) = (caxton(), mail());
    for (name, why) in [
        ("message throughput", "no message reaches an agent"),
        ("message latency, p50", "no agent can reply"),
        ("message latency, p99", "no agent can reply"),
        ("CPU per agent", "no agent is ever busy"),
        ("recovery time", "nobody brings an agent back"),
    ] {
        match cell_of(name, 2, &[&mail, &caxton]) {
            RuntimeCell::Unsupported(told) => assert!(told.starts_with(why), "{name}: {told}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    // And what it does is graded, without a word about the others' targets.
    assert!(matches!(cell_of("agent spawn time", 2, &[&caxton]), RuntimeCell::Figure(_)));
    assert!(crate::targets::grade(&[caxton]).iter().all(|graded| graded.worst.is_err()));
}

#[test]
fn an_unsupported_case_has_no_figure_even_with_one_in_its_record() {
    let mut record = caxton();
    let delivery = record.cases.iter_mut().find(|case| case.key.workload == DELIVERY).unwrap();
    let name = MetricName::parse("message_rate").unwrap();
    delivery.metrics.insert(name, Reading::Known(figure(1e6, 2e6)));
    let cell = cell_of("message throughput", 2, &[&record]);
    assert!(matches!(cell, RuntimeCell::Unsupported(_)), "{cell:?}");
}

#[test]
fn a_failed_case_is_not_measured_and_not_unsupported() {
    let mut record = caxton();
    for case in record.cases.iter_mut().filter(|case| case.key.workload == DEPLOYMENT) {
        case.outcome = Outcome::TimedOut("no answer within 120 s".to_owned());
    }
    let told = "timed out: no answer within 120 s".to_owned();
    let cell = cell_of("agent spawn time", 2, &[&record]);
    assert_eq!(cell, RuntimeCell::NotMeasured(told));
}

#[test]
fn memory_is_of_many_agents_and_in_the_metric_of_the_other_runtimes() {
    let RuntimeCell::Figure(worst) = cell_of("memory per agent", 2, &[&caxton()]) else {
        panic!("caxton has figures of its memory");
    };
    assert_eq!(worst.metrics, ["memory_per_agent_bytes"]);
    assert!(worst.case.ends_with("agents=1000"), "{}", worst.case);
}

#[test]
fn tokio_has_its_own_figures_or_says_why_not() {
    let (mail, caxton) = (mail(), caxton());
    let RuntimeCell::Figure(worst) = cell_of("message throughput", 1, &[&mail, &caxton]) else {
        panic!("the suite throughput measures both");
    };
    assert!(worst.case.starts_with("throughput/route/tokio-vs-native-tokio/"), "{}", worst.case);
    let cell = cell_of("recovery time", 1, &[&mail, &caxton]);
    let told = "the run of suite resources has no such case".to_owned();
    assert_eq!(cell, RuntimeCell::NotMeasured(told));
}

#[test]
fn sources_are_metrics_of_the_targets_units() {
    for target in TARGETS {
        let (_, source) = OF_CAXTON.iter().find(|(name, _)| *name == target.name).unwrap();
        for name in source.metrics {
            let unit = MetricName::parse(name).expect(name).metric().unit;
            assert_eq!(unit, target.unit, "{name}");
        }
    }
    for one in NEAR {
        assert!(TARGETS.iter().any(|target| target.name == one.target), "{}", one.target);
        assert!(near(&one, &[&caxton()]).is_some(), "{}", one.metric);
    }
}
