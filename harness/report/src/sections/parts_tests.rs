//! What the tables of parts say of what is not there.

use super::*;
use crate::sections::tests::painted;
use caxton_fixture as fixture;
use caxton_model::metric::MetricName;
use caxton_model::reading::{Missing, Reading};

#[test]
fn a_profile_is_set_beside_the_parts() {
    let mut record = fixture::parts();
    let name = MetricName::parse(BY_SAMPLES).unwrap();
    let profiled = record.cases.iter_mut().find(|case| case.key.is_overhead());
    let profiled = profiled.expect("the fixture has one");
    profiled.key.agent = "json".to_owned();
    let share = Summary { estimate: 0.815, ..*profiled.metric("wasm_call_ns").unwrap() };
    profiled.metrics.insert(name, Reading::Known(share));
    let text = painted(&tables(&record));
    assert!(text.contains("81.50 %"), "{text}");
    assert!(text.contains("not profiled: sort; run --profile cpu"), "{text}");
}

#[test]
fn one_launch_has_numbers_and_no_interval() {
    let mut record = fixture::parts();
    for reading in record.cases.iter_mut().flat_map(|case| case.metrics.values_mut()) {
        if let Reading::Known(summary) = reading {
            (summary.interval, summary.n) = (None, 1);
        }
    }
    let text = painted(&tables(&record));
    assert!(text.contains("n = 1 has no interval at 95 %"), "{text}");
    assert!(text.contains("1.30x "), "{text}");
}

#[test]
fn an_agent_without_a_simd_build_says_why() {
    let mut record = fixture::parts();
    for case in record.cases.iter_mut().filter(|case| case.key.is_parts()) {
        let [call, time] =
            ["option_simd_call_ns", "option_simd_time"].map(|n| MetricName::parse(n).unwrap());
        let why = Reading::Missing(Missing::Failed("wasm build failed: error".to_owned()));
        case.metrics.insert(call, why.clone());
        case.metrics.insert(time, why);
    }
    let text = painted(&tables(&record));
    let line = "json, sort: no option_simd_call_ns: failed: wasm build failed: error";
    assert!(text.contains(line), "{text}");
}

#[test]
fn a_record_without_parts_has_no_such_table() {
    assert!(tables(&fixture::run().0).is_empty());
}
