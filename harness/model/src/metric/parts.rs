//! Rows of the workload that takes a steady-state WASM call apart, and of the options of engine
//! and build that change the guest's code.
//!
//! Every difference is taken block by block inside a launch, and stays on the linear scale: it may
//! be zero or less.

use super::row::Better::Lower;
use super::row::Rule::{BlockDifference, BlockMin, BlockRatio};
use super::row::{Metric, Rule, exact, row};
use crate::units::Unit::{Count, Nanos, Ratio};

/// Two rows per option: the call with it, and its time over the default's.
macro_rules! option {
    ($name:literal, $doc:literal) => {
        [
            row(
                concat!("option_", $name, "_call_ns"),
                Nanos,
                BlockMin,
                concat!("steady-state call, ", $doc),
            ),
            row(
                concat!("option_", $name, "_time"),
                Ratio,
                BlockRatio { of: concat!("option_", $name, "_call_ns"), to: "part_call_ns" },
                concat!("steady-state call time, ", $doc, ", over the default's"),
            ),
        ]
    };
}

const fn time(name: &'static str, doc: &'static str) -> Metric {
    row(name, Nanos, BlockMin, doc)
}

const fn difference(
    name: &'static str,
    of: &'static str,
    less: &'static [&'static str],
    doc: &'static str,
) -> Metric {
    row(name, Nanos, BlockDifference { of, less }, doc)
}

pub(super) const PARTS: &[Metric] = &[
    time("part_call_ns", "steady-state call, WASM, default engine"),
    time("part_boundary_ns", "the agent that does nothing, called without a message"),
    time("part_copy_in_ns", "copying the message to the agent's inbox, and no call"),
    time("part_in_place_ns", "the agent called on the message that lies in its inbox already"),
    time("part_echo_ns", "the agent that echoes, with a message of the same length"),
    time("part_copy_out_ns", "copying the reply to the host, which no call does"),
    difference(
        "part_guest_ns",
        "part_in_place_ns",
        &["part_boundary_ns"],
        "the agent's own code: called without a copy, less the boundary",
    ),
    difference(
        "part_unexplained_ns",
        "part_call_ns",
        &["part_copy_in_ns", "part_in_place_ns"],
        "the call less its parts: copying in, boundary and the agent's own code",
    ),
    difference(
        "part_guest_by_echo_ns",
        "part_call_ns",
        &["part_echo_ns"],
        "the agent's own code: the call less an echo of the same length",
    ),
    difference(
        "part_unexplained_by_echo_ns",
        "part_echo_ns",
        &["part_boundary_ns", "part_copy_in_ns"],
        "an echo less boundary and copying in",
    ),
    time("part_native_call_ns", "steady-state call, native twin, beside the parts"),
    time("part_native_echo_ns", "the native echo, with a message of the same length"),
    difference(
        "part_native_guest_ns",
        "part_native_call_ns",
        &["part_native_echo_ns"],
        "the native agent's own code: the call less an echo of the same length",
    ),
    row(
        "part_guest_to_native_time",
        Ratio,
        Rule::DifferenceRatio { of: "part_guest_by_echo_ns", to: "part_native_guest_ns" },
        "time of the agent's own code, WASM over native: each call less an echo of its length",
    ),
    exact(
        "part_memory_grows",
        Count,
        Lower,
        "times that memory was asked to grow, per steady-state call",
    ),
    exact("part_wasi_calls", Count, Lower, "WASI calls per steady-state call"),
    exact("part_host_calls", Count, Lower, "messages sent and lines logged per steady-state call"),
];

/// What changes the guest's code.
pub(super) const OPTIONS: &[[Metric; 2]] = &[
    option!("bounds", "every access checked against the memory's size, no guard pages"),
    option!("fuel", "fuel counted"),
    option!("epoch", "epochs checked, the deadline out of reach"),
    option!("opt_none", "compiled without optimisation"),
    option!("simd", "guest built with SIMD instructions"),
];
