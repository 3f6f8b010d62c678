//! Rows about profiles: what sampling costs and how its weight splits; what host and guest
//! allocate.

use super::row::Better::Lower;
use super::row::Rule::{BlockMin, BlockRatio, Median};
use super::row::{Metric, Rule, exact, row};
use crate::units::Unit::{Bytes, Count, Nanos, Ratio, Share};

/// Seven rows per side of a profile: what sampling costs, and how its weight splits.
macro_rules! profiled {
    ($side:literal) => {
        [
            row(
                concat!($side, "_sampling_cost"),
                Ratio,
                Rule::WindowRatio {
                    of: concat!($side, "_sampled_cpu_ns"),
                    to: concat!($side, "_plain_cpu_ns"),
                },
                concat!("CPU time per message with the sampler over without it, ", $side),
            ),
            row(
                concat!($side, "_sampled_cpu_ns"),
                Nanos,
                Median,
                concat!("CPU time per message in windows with the sampler, ", $side),
            ),
            row(
                concat!($side, "_plain_cpu_ns"),
                Nanos,
                Median,
                concat!("CPU time per message in windows without it, ", $side),
            ),
            row(
                concat!($side, "_profile_guest_share"),
                Share,
                Median,
                concat!("share of the samples that the agent pays for, ", $side),
            ),
            row(
                concat!($side, "_profile_boundary_share"),
                Share,
                Median,
                concat!("share of the samples in trampolines and host functions, ", $side),
            ),
            row(
                concat!($side, "_profile_wasmtime_share"),
                Share,
                Median,
                concat!("share of the samples in the engine, ", $side),
            ),
            row(
                concat!($side, "_profile_host_share"),
                Share,
                Median,
                concat!("share of the samples in the harness, ", $side),
            ),
        ]
    };
}

/// Three rows per phase of a heap profile: what the host allocated while a module was compiled,
/// instances were made, messages were handled.
macro_rules! per_phase {
    ($phase:literal, $per:literal) => {
        [
            row(
                concat!("heap_", $phase, "_total_bytes"),
                Bytes,
                Median,
                concat!("bytes the host allocated ", $per),
            ),
            row(
                concat!("heap_", $phase, "_blocks"),
                Count,
                Median,
                concat!("blocks the host allocated ", $per),
            ),
            row(
                concat!("heap_", $phase, "_peak_bytes"),
                Bytes,
                Median,
                concat!("most bytes the host held at once of what it allocated ", $per),
            ),
        ]
    };
}

pub(super) const PROFILES: &[[Metric; 7]] =
    &[profiled!("native"), profiled!("wasm"), profiled!("reference"), profiled!("side")];
pub(super) const HEAP_PHASES: &[[Metric; 3]] = &[
    per_phase!("compile", "to compile and link the module"),
    per_phase!("instantiate", "per instance"),
    per_phase!("run", "per message"),
];

pub(super) const HEAP: &[Metric] = &[
    exact("guest_heap_bytes", Bytes, Lower, "bytes the guest allocated per message"),
    exact("guest_heap_blocks", Count, Lower, "blocks the guest took per message"),
    exact("guest_heap_peak_bytes", Bytes, Lower, "most bytes the guest held at once"),
    exact("native_heap_bytes", Bytes, Lower, "bytes the twin allocated per message"),
    exact("native_heap_blocks", Count, Lower, "blocks the twin took per message"),
    exact("native_heap_peak_bytes", Bytes, Lower, "most bytes the twin held at once"),
    exact("guest_memory_new_bytes", Bytes, Lower, "linear memory of a fresh agent"),
    exact("guest_memory_first_bytes", Bytes, Lower, "linear memory after the first message"),
    exact("guest_memory_end_bytes", Bytes, Lower, "linear memory after the last message"),
    row(
        "guest_resident_new_bytes",
        Bytes,
        Median,
        "part of a fresh agent's linear memory that has pages",
    ),
    row(
        "guest_resident_end_bytes",
        Bytes,
        Median,
        "part of linear memory that has pages after the last message",
    ),
    exact("guest_growths", Count, Lower, "growths of linear memory while messages were handled"),
    row(
        "guest_growth_bytes",
        Bytes,
        Median,
        "bytes of one growth of linear memory while messages were handled",
    ),
    row("heap_plain_call_ns", Nanos, BlockMin, "one message, as measured elsewhere"),
    row("heap_counting_call_ns", Nanos, BlockMin, "one message with an allocator that counts"),
    row(
        "heap_sampling_call_ns",
        Nanos,
        BlockMin,
        "one message with an allocator that counts and lets the host look",
    ),
    row(
        "heap_counting_to_plain_time",
        Ratio,
        BlockRatio { of: "heap_counting_call_ns", to: "heap_plain_call_ns" },
        "what counting costs a message",
    ),
    row(
        "heap_sampling_to_plain_time",
        Ratio,
        BlockRatio { of: "heap_sampling_call_ns", to: "heap_plain_call_ns" },
        "what counting and looking cost a message",
    ),
];
