//! Counts that the program alone decides: no statistics, and no tolerance unless the user gives
//! one. A change of one in a million is a fact.

use super::contest::worse_sign;
use caxton_model::metric::{Class, Metric, MetricName};
use caxton_model::paired::comparison::{CountAgreement, ExactVerdict, Verdict};
use caxton_model::paired::{Trial, Turn, Version};
use caxton_stats::summary;
use std::collections::BTreeMap;

/// Least tolerance of a count that differs from process to process.
pub const NEAR_TOLERANCE: f64 = 0.001;
/// Counts that are told and not compared: debug information holds the folder that was built in.
const OF_THE_PLACE: [&str; 2] = ["wasm_file_bytes", "native_file_bytes"];
/// How many times the spread between processes its tolerance is.
const NEAR_SPREADS: f64 = 3.0;

/// What the host allocates: counts, though a hash map with a seed of its own may move them.
const ALLOCATIONS: [&str; 9] = [
    "heap_compile_total_bytes",
    "heap_compile_blocks",
    "heap_compile_peak_bytes",
    "heap_instantiate_total_bytes",
    "heap_instantiate_blocks",
    "heap_instantiate_peak_bytes",
    "heap_run_total_bytes",
    "heap_run_blocks",
    "heap_run_peak_bytes",
];

/// Instructions by which versions are compared: those of the agent's own code, exactly, and all of
/// a call. The other counts of callgrind say where those are, or are its model's.
const INSTRUCTIONS: [&str; 4] = [
    "native_agent_instructions",
    "native_exact_instructions",
    "wasm_agent_instructions",
    "wasm_exact_instructions",
];
/// Counts that are never taken for exact: in them are the C library's heap and the harness.
const NEAR: [&str; 2] = ["native_exact_instructions", "wasm_exact_instructions"];

/// True for a count that two versions are compared by.
pub fn is_compared(metric: &Metric) -> bool {
    let is_count = metric.class == Class::Exact || ALLOCATIONS.contains(&metric.name);
    let is_callgrinds = ["_instructions", "_simulated_"]
        .iter()
        .any(|part| metric.name.contains(part) && metric.class == Class::Exact);
    let is_meant = !is_callgrinds || INSTRUCTIONS.contains(&metric.name);
    is_count && is_meant && !OF_THE_PLACE.contains(&metric.name)
}

/// Judges every count that a version told in two processes at least; one that only the candidate
/// knows is new, and no change. `tolerance` is what the user allows a metric, as a share.
pub fn judge<'a>(
    turns: impl IntoIterator<Item = &'a Turn>,
    tolerance: &dyn Fn(MetricName) -> Option<f64>,
) -> Vec<ExactVerdict> {
    let mut counts: BTreeMap<MetricName, [Vec<f64>; 2]> = BTreeMap::new();
    for turn in turns.into_iter().filter(|turn| turn.trial == Trial::Counts) {
        if is_compared(turn.metric.metric()) {
            let versions = counts.entry(turn.metric).or_default();
            let which = usize::from(turn.version == Version::Candidate);
            versions[which].push(turn.per_iteration());
        }
    }
    counts.into_iter().filter_map(|(m, [b, c])| judge_one(m, &b, &c, tolerance(m))).collect()
}

/// Judges one count by what the processes of each version told; `allowed` is the user's tolerance.
pub(crate) fn judge_one(
    metric: MetricName,
    base: &[f64],
    candidate: &[f64],
    allowed: Option<f64>,
) -> Option<ExactVerdict> {
    let is_told = [base, candidate].map(|counts| counts.len() >= 2);
    if base.is_empty() || is_told == [false; 2] {
        return None;
    }
    let spread = spread(base).max(spread(candidate));
    let (kind, own) = if spread == 0.0 && !NEAR.contains(&metric.as_str()) {
        (CountAgreement::Exact, 0.0)
    } else {
        (CountAgreement::Near { spread }, NEAR_TOLERANCE.max(NEAR_SPREADS * spread))
    };
    // The user may allow more than the count does by itself, and not less.
    let tolerance = own.max(allowed.unwrap_or(0.0));
    let [base, candidate] = [base, candidate].map(summary::median);
    let verdict = match (base, candidate) {
        (Some(base), Some(candidate)) if is_told == [true; 2] => {
            let worse = worse_sign(metric.metric()) * (candidate - base);
            // In proportion, without a division: nothing may become something.
            let allowed = tolerance * base.abs();
            match worse {
                _ if worse > allowed => Verdict::Regressed,
                _ if worse < -allowed => Verdict::Improved,
                _ => Verdict::Ok,
            }
        }
        _ => Verdict::NotComparable,
    };
    Some(ExactVerdict { metric, kind, base, candidate, tolerance, verdict })
}

/// (greatest − least) / greatest: none among equals, and among none.
fn spread(counts: &[f64]) -> f64 {
    match (summary::min(counts), summary::max(counts)) {
        (Some(least), Some(greatest)) if least < greatest => (greatest - least) / greatest,
        _ => 0.0,
    }
}

#[cfg(test)]
#[path = "exact_tests.rs"]
mod tests;
