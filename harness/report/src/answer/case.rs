//! What a case is called in a line, and the figures that tell of it.

use crate::sections::figures::is_unclear;
use crate::sections::grid::sides;
use crate::sections::parts;
use caxton_analysis::reduce::HEADLINE;
use caxton_model::case::Outcome;
use caxton_model::record::CaseRecord;

pub(super) const WASM: &str = "wasm_call_ns";
pub(super) const NATIVE: &str = "native_call_ns";
pub(super) const SIDE: &str = "side_to_reference_time";
pub(super) const SAME: &str = "aa_time";

/// The figures that tell of a case, by what they are called: the first row whose first figure it
/// has. That one is shown with its interval.
const FIGURES: [&[(&str, &str)]; 11] = [
    &[(HEADLINE, "of native"), (WASM, "a call")],
    &[(WASM, "a call")],
    &[(SIDE, "of the first side"), ("side_call_ns", "a call")],
    &[(parts::CALL, "a call")],
    &[("subject_to_peer_rate", "of the peer's rate"), ("subject_message_rate", "messages")],
    &[("subject_to_peer_task_rate", "of the peer's rate"), ("subject_task_rate", "tasks")],
    &[("subject_response_p50_ns", "p50"), ("subject_response_p99_ns", "p99")],
    &[("round_trip_p50_ns", "p50"), ("round_trip_p99_ns", "p99")],
    &[("message_rate", "messages"), ("spawn_p50_ns", "a spawn")],
    &[("recover_p50_ns", "p50"), ("recover_p99_ns", "p99")],
    &[("total_bytes", "in small blocks"), ("grow_ns", "a page")],
];

/// The figures that tell of a case that ran; none for one that only serves another.
pub(crate) fn figures_of(case: &CaseRecord) -> Option<&'static [(&'static str, &'static str)]> {
    let ran = case.outcome == Outcome::Ran;
    let is_told = |metric: &str| case.metric(metric).is_ok() || is_unclear(case, metric);
    let own = FIGURES.iter().find(|figures| is_told(figures[0].0));
    own.filter(|_| ran).copied()
}

/// What a case is called among those of its suite.
pub(crate) fn label(case: &CaseRecord) -> String {
    let key = &case.key;
    let params: Vec<String> =
        key.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let words = if key.is_of_sides() {
        vec![key.agent.clone(), sides(case).0.to_owned()]
    } else if key.is_overhead() || key.is_memory_limit() {
        vec![key.agent.clone()]
    } else if key.suite == "wasm" {
        vec![key.agent.clone(), key.workload.clone()]
    } else {
        vec![key.workload.clone()]
    };
    words.into_iter().chain(params).collect::<Vec<_>>().join(" ")
}
