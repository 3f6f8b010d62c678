//! The suites of agents that exchange messages, from end to end: every case runs and is checked, a
//! kill leaves a record, and a baseline of them is a record.

use crate::executable::{Kept, Place, Running, fresh_out, smoke_of, suite};
use caxton_model::case::Outcome;
use caxton_model::record::Status;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::Path;

/// A small run of some cases of a suite, in which nothing failed.
fn ran(name: &'static str, filters: &[&str]) -> Option<Kept> {
    let kept = smoke_of(name, filters)?;
    assert_eq!(kept.said.code, Some(0), "{}\n{}", kept.said.stdout, kept.said.stderr);
    assert!(!kept.record.cases.is_empty(), "{filters:?}");
    for case in &kept.record.cases {
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        assert!(kept.samples.iter().any(|sample| sample.case == case.key), "{}", case.key);
    }
    Some(kept)
}

/// What the engines of the first case whose key has `part` were set to.
fn engine_settings(kept: &Kept, part: &str, setting: &str) -> Vec<String> {
    let case = kept.record.cases.iter().find(|case| case.key.to_string().contains(part));
    let case = case.unwrap_or_else(|| panic!("no case {part}"));
    case.engines.iter().map(|engine| engine[setting].clone()).collect()
}

/// The estimate of `metric` in the first case that has it.
fn estimate(kept: &Kept, metric: &str) -> f64 {
    let found = kept.record.cases.iter().find_map(|case| case.metric(metric).ok());
    found.unwrap_or_else(|| panic!("no case has {metric}")).estimate
}

#[test]
fn two_runtimes_exchange_the_same_messages_and_none_is_lost() {
    let filters =
        ["route/.*agents=10,", "tasks", "batching/.*agents=10$", "pooling", "zero-copy/.*=1024$"];
    let Some(kept) = ran("throughput", &filters) else { return };
    for metric in ["dropped_messages", "out_of_order_messages", "corrupt_messages"] {
        assert!(estimate(&kept, metric).abs() < f64::EPSILON, "{metric}");
    }
    assert!((estimate(&kept, "in_flight_messages") - 80.0).abs() < f64::EPSILON);
    assert!(estimate(&kept, "subject_to_peer_rate") > 0.0);
    assert!(kept.said.stdout.contains("Throughput: messages delivered per second"));
}

#[test]
fn answers_at_a_fixed_rate_have_percentiles_and_a_twin() {
    let Some(kept) = ran("latency", &["agents=100,rate=10000", "round-trip"]) else { return };
    assert!(estimate(&kept, "subject_response_p50_ns") > 0.0);
    assert!(estimate(&kept, "peer_response_p50_ns") > 0.0);
    assert!(estimate(&kept, "round_trip_p50_ns") > 0.0);
    let allocation = engine_settings(&kept, "agents=100", "allocation").join(", ");
    assert!(allocation.contains("instances") || allocation.contains("memories"), "{allocation}");
}

#[test]
fn a_population_is_counted_in_memory_and_messages() {
    let Some(kept) = ran("scalability", &["agents=100$"]) else { return };
    assert!(estimate(&kept, "memory_per_agent_bytes") > 4096.0);
    assert!(estimate(&kept, "message_rate") > 0.0);
    let tier = &kept.record.cases[0].findings["tier"];
    let allocation = engine_settings(&kept, "agents=100", "allocation").join(", ");
    let bounds = engine_settings(&kept, "agents=100", "bounds checks").join(", ");
    if tier.starts_with("fast") {
        assert!(allocation.starts_with("a pool for 100 instances"), "{allocation}");
        assert!(bounds.starts_with("guard pages"), "{bounds}");
    } else {
        assert!(tier.starts_with("dense"), "{tier}");
        assert!(allocation.starts_with("one mapping for 100 memories"), "{allocation}");
        assert!(bounds.starts_with("explicit"), "{bounds}");
    }
}

#[test]
fn agents_that_die_come_back_and_messages_add_up() {
    let filters = ["phases", "heap=1MiB", "fault=trap", "fault=loop"];
    let Some(kept) = ran("resources", &filters) else { return };
    assert!(estimate(&kept, "restarts") >= 10.0);
    assert!(estimate(&kept, "creation_heap_bytes") > 0.0, "its allocator counts");
    assert!(estimate(&kept, "recover_p50_ns") > 0.0);
    assert!(engine_settings(&kept, "fault=loop", "interruption").contains(&"epochs".to_owned()));
    let recovered = engine_settings(&kept, "heap=1MiB", "allocation").join(", ");
    assert!(recovered.contains("one mapping"), "what is checkpointed: {recovered}");
}

#[test]
fn a_kill_in_the_middle_leaves_a_record_that_loads() {
    let (_folder, out) = fresh_out();
    let words = ["--bench", "--scale", "smoke", "--out", &out, "route"];
    let mut run = Running::start(suite("throughput"), &words, &Place::default());
    let record = Path::new(&out).join("record.json");
    let has_some = || fs::read_to_string(&record).is_ok_and(|text| text.contains("\"ran\""));
    if !run.lives_until(has_some) {
        // It ended before: there are no guests here, or it was done.
        return;
    }
    run.signal("KILL");
    run.wait();
    let (record, samples) = RunFolder::load(Path::new(&out)).expect("whole");
    assert_eq!(record.run.status, Status::Running, "killed");
    assert!(!samples.is_empty());
}
