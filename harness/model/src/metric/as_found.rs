//! Ratios as this machine had them in this hour, from every launch: beside each ratio that is of
//! quiet launches alone.

use super::row::Better::{Higher, Lower};
use super::row::{Better, Metric, Rule, row};
use crate::units::Unit::Ratio;

/// `name` is what `of` is in every launch, quiet or not.
const fn found(name: &'static str, of: &'static str, better: Better, doc: &'static str) -> Metric {
    row(name, Ratio, Rule::AsFound { of }, doc).better(better)
}

/// The row of a memory limit's level.
macro_rules! level {
    ($level:literal) => {
        found(
            concat!("level_", $level, "_to_empty_time_as_found"),
            concat!("level_", $level, "_to_empty_time"),
            Lower,
            concat!("level_", $level, "_to_empty_time of every launch, quiet or not"),
        )
    };
}

/// The row of an engine option.
macro_rules! option {
    ($name:literal) => {
        found(
            concat!("option_", $name, "_time_as_found"),
            concat!("option_", $name, "_time"),
            Lower,
            concat!("option_", $name, "_time of every launch, quiet or not"),
        )
    };
}

pub(super) const AS_FOUND: &[Metric] = &[
    found(
        "wasm_to_native_time_as_found",
        "wasm_to_native_time",
        Lower,
        "steady-state call time, WASM over native, of every launch, quiet or not",
    ),
    found(
        "side_to_reference_time_as_found",
        "side_to_reference_time",
        Lower,
        "steady-state call time of a side over that of the reference, of every launch",
    ),
    found(
        "part_guest_to_native_time_as_found",
        "part_guest_to_native_time",
        Lower,
        "time of the agent's own code, WASM over native, of every launch, quiet or not",
    ),
    found(
        "subject_to_peer_rate_as_found",
        "subject_to_peer_rate",
        Higher,
        "messages per second, subject over peer, of every launch, quiet or not",
    ),
    found(
        "subject_to_peer_cpu_as_found",
        "subject_to_peer_cpu",
        Lower,
        "CPU time per message, subject over peer, of every launch, quiet or not",
    ),
    found(
        "subject_to_peer_task_rate_as_found",
        "subject_to_peer_task_rate",
        Higher,
        "tasks per second, subject over peer, of every launch, quiet or not",
    ),
    level!("10"),
    level!("50"),
    level!("90"),
    level!("99"),
    option!("bounds"),
    option!("fuel"),
    option!("epoch"),
    option!("opt_none"),
    option!("simd"),
];
