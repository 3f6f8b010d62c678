//! Figures that were made up, and what must be said of them.

use super::*;
use crate::sections::tests::painted;
use caxton_fixture as fixture;
use caxton_model::metric::MetricName;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{Company, Interval, Summary};

fn counted(lower: f64, upper: f64) -> Reading<Summary> {
    let level = if lower == upper { Interval::EXACT } else { Interval::RANGE };
    let (estimate, company) = (lower.midpoint(upper), Company::Unwatched);
    let interval = Some(Interval { lower, upper, level });
    Reading::Known(Summary { estimate, interval, n: 2, samples: 2, company })
}

/// The fixture's run, in which the calls of json were counted.
fn record(set: impl Fn(&mut CaseRecord)) -> Record {
    let (mut record, _) = fixture::run();
    record.cases.retain(|case| case.key.is_overhead() && case.key.agent == "json");
    let case = &mut record.cases[0];
    let mut put = |metric: &str, reading| {
        case.metrics.insert(MetricName::parse(metric).expect("a row"), reading);
    };
    for (side, own) in [("native", 1000.0), ("wasm", 3000.0)] {
        put(&format!("{side}_agent_instructions"), counted(own, own));
        put(&format!("{side}_library_instructions"), counted(100.0, 120.0));
        for part in ["crossing", "engine", "unnamed"] {
            put(&format!("{side}_{part}_instructions"), counted(0.0, 0.0));
        }
        put(&format!("{side}_harness_instructions"), counted(890.0, 890.0));
        put(&format!("{side}_exact_instructions"), counted(own + 990.0, own + 1010.0));
        put(&format!("{side}_simulated_loads"), counted(own / 2.0, own / 2.0));
        put(&format!("{side}_simulated_mispredicts"), counted(3.0, 3.0));
    }
    put("wasm_to_native_exact_instructions", counted(2.0, 2.0));
    put("wasm_to_native_agent_instructions", counted(3.0, 3.0));
    put("wasm_to_native_simulated_loads", counted(3.0, 3.0));
    put("wasm_to_native_simulated_mispredicts", counted(1.0, 1.0));
    put("wasm_to_native_time", counted(1.5, 1.5));
    set(case);
    record
}

#[test]
fn counts_say_whether_they_are_exact_whose_they_are_and_where_time_disagrees() {
    let text = painted(&tables(&record(|_| ())));
    let row = |title: &str, begins: &str| {
        let table = text.split(title).nth(1).expect("a table");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut lines = table.lines().map(words);
        lines.find(|line| line.starts_with(begins)).expect("a row")
    };
    let calls = row("Instructions of a call", "json");
    assert_eq!(calls, "json ≈2,000 ≈4,000 2.000x 1.500x 1,000 3,000 3.000x 2");
    let native = row("Whose instructions", "json native");
    // 890 of 2,000 are neither the agent's nor its libraries'.
    assert_eq!(native, "json native 1,000 ≈110 0 0 890 0 44.50 %");
    let simulated = row("Simulated: events of a call, wasm over native", "json");
    assert_eq!(simulated, "json 3.000x — — 3 → 3 — —", "of three mispredicts there is no ratio");
    assert!(text.contains("they disagree: json 2.000x in instructions, 1.500x in time"), "{text}");
}

#[test]
fn where_they_agree_nothing_is_said_and_what_is_missing_has_its_reason() {
    let put = |case: &mut CaseRecord, metric: &str, reading| {
        case.metrics.insert(MetricName::parse(metric).expect("a row"), reading);
    };
    let agreeing = record(|case| put(case, "wasm_to_native_time", counted(1.9, 1.9)));
    assert!(!painted(&tables(&agreeing)).contains("they disagree"));
    let missing = record(|case| {
        let why = Reading::Missing(Missing::Unsupported("there is no valgrind".to_owned()));
        put(case, "wasm_exact_instructions", why);
    });
    let text = painted(&tables(&missing));
    assert!(text.contains("json: no wasm_exact_instructions: not supported: there is no valgrind"));
    assert!(!text.contains("Whose instructions"), "{text}");
    let (nothing, _) = fixture::run();
    assert_eq!(painted(&tables(&nothing)), "", "of what nobody asked for");
}
