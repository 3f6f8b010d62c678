//! The table of everything we know how to measure. Tables, exports and comparisons follow from it.

mod as_found;
mod caxton;
mod instructions;
mod load;
mod mail;
mod parts;
mod profiles;
mod row;

pub use row::{Better, Class, Metric, Rule, STDERR_KEPT, WASM_STDERR_BYTES};

use crate::metric::row::Better::{Higher, Lower, Neither};
use crate::metric::row::Rule::{BlockMin, BlockRatio, Median};
use crate::units::Unit::{Bytes, Count, Nanos, Ratio, Share};
use row::{exact, rate, row};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Three rows per counter: native, wasm, and the second over the first.
macro_rules! per_side {
    ($counter:literal, $unit:expr, $doc:literal) => {
        [
            row(concat!("native_", $counter), $unit, Median, concat!($doc, ", native")),
            row(concat!("wasm_", $counter), $unit, Median, concat!($doc, ", WASM")),
            row(
                concat!("wasm_to_native_", $counter),
                Ratio,
                Rule::Ratio { of: concat!("wasm_", $counter), to: concat!("native_", $counter) },
                concat!($doc, ", WASM over native"),
            ),
        ]
    };
}

/// Four rows per level of memory: the call, its rate, its time over the empty agent's, and the
/// call that also writes to 64 random places of what is held.
macro_rules! per_level {
    ($level:literal) => {
        [
            row(
                concat!("level_", $level, "_call_ns"),
                Nanos,
                BlockMin,
                concat!("one message with ", $level, " % of the limit held"),
            ),
            rate(
                concat!("level_", $level, "_rate"),
                concat!("level_", $level, "_call_ns"),
                concat!("messages per second with ", $level, " % of the limit held"),
            ),
            row(
                concat!("level_", $level, "_to_empty_time"),
                Ratio,
                BlockRatio { of: concat!("level_", $level, "_call_ns"), to: "empty_call_ns" },
                concat!("message time with ", $level, " % of the limit held over an empty agent"),
            ),
            row(
                concat!("level_", $level, "_writing_call_ns"),
                Nanos,
                BlockMin,
                concat!("one message that writes to 64 random places of ", $level, " % held"),
            ),
        ]
    };
}

const OVERHEAD: &[Metric] = &[
    row(
        "wasm_to_native_time",
        Ratio,
        BlockRatio { of: "wasm_call_ns", to: "native_call_ns" },
        "steady-state call time, WASM over native",
    ),
    row("wasm_call_ns", Nanos, BlockMin, "steady-state call, WASM"),
    row("native_call_ns", Nanos, BlockMin, "steady-state call, native"),
    row("wasm_compile_ns", Nanos, Median, "engine, linker and compiling the module, on one CPU"),
    row("native_load_ns", Nanos, Median, "loading the shared library"),
    row("wasm_instantiate_ns", Nanos, Median, "store, instance, constructors, agent"),
    row("native_instantiate_ns", Nanos, Median, "creating the native agent"),
    row("wasm_first_call_ns", Nanos, Median, "first message of a fresh instance"),
    row("native_first_call_ns", Nanos, Median, "first message of a fresh native agent"),
    row("wasm_fresh_ns", Nanos, Median, "making the instance that a call gets"),
    row("wasm_run_ns", Nanos, Median, "running a program, WASM: mean of a launch"),
    row("wasm_end_ns", Nanos, Median, "ending the instance of a call: its memory is given back"),
    row(
        "native_run_ns",
        Nanos,
        Median,
        "running an executable from start to end: mean of a launch",
    ),
    row("empty_process_ns", Nanos, Median, "running `true` from its start to its end"),
    row("wasm_guest_code_ns", Nanos, Median, "guest code in one call of a program"),
    row("wasm_host_functions_ns", Nanos, Median, "host functions in one call of a program"),
    row(
        "wasm_boundary_ns",
        Nanos,
        Median,
        "entering and leaving guest code, lowering and lifting, in one call of a program",
    ),
    exact("wasm_entries", Count, Neither, "times that one call of a program enters guest code"),
    row("native_cpu_ns", Nanos, Median, "user and system time of an executable"),
    exact("wasm_fuel", Count, Lower, "wasmtime fuel of one steady-state call"),
    exact("wasm_file_bytes", Bytes, Lower, "the .wasm file, debug names included"),
    exact(
        "wasm_module_bytes",
        Bytes,
        Lower,
        "the module without what no engine runs: names, debug information",
    ),
    exact("wasm_code_bytes", Bytes, Lower, "machine code compiled from the module"),
    exact("native_file_bytes", Bytes, Lower, "the twin's file"),
    exact("native_code_bytes", Bytes, Lower, "the twin's code section"),
    exact("linear_memory_bytes", Bytes, Lower, "linear memory of one instance"),
    exact(WASM_STDERR_BYTES, Bytes, Lower, "written to standard error for each message, WASM"),
    exact("sent_messages", Count, Neither, "messages sent on for each one handled"),
    row("wasm_instance_rss_bytes", Bytes, Median, "resident memory per WASM instance"),
    row("native_instance_rss_bytes", Bytes, Median, "resident memory per native agent"),
    row(
        "anonymous_rss_bytes",
        Bytes,
        Median,
        "resident memory of the worker process at its end, without pages of files",
    ),
    row("peak_rss_bytes", Bytes, Median, "peak resident memory of the worker process"),
    row(
        "apparatus_share",
        Share,
        Median,
        "share of a timed batch that is clock and sample cost; recorded in parts per billion",
    ),
    row(
        "yardstick_ns",
        Nanos,
        Median,
        "fixed work before each round of blocks: longer when a neighbour takes part of the core",
    ),
    row(
        "probe_latency_ns",
        Nanos,
        Median,
        "the same, one chain of multiplications: longer when the clock is slower",
    ),
    row(
        "aa_time",
        Ratio,
        BlockRatio { of: "again_call_ns", to: "once_call_ns" },
        "steady-state call time of a thing over itself",
    ),
    row(
        "side_to_reference_time",
        Ratio,
        BlockRatio { of: "side_call_ns", to: "reference_call_ns" },
        "steady-state call time of a side over that of the reference",
    ),
    row("side_call_ns", Nanos, BlockMin, "steady-state call of a side"),
    row("reference_call_ns", Nanos, BlockMin, "steady-state call of the reference"),
    row("side_compile_ns", Nanos, Median, "compiling or loading a side"),
    row("reference_compile_ns", Nanos, Median, "compiling or loading the reference"),
    exact("side_code_bytes", Bytes, Lower, "machine code of a side's module"),
    exact("reference_code_bytes", Bytes, Lower, "machine code of the reference"),
    row("once_call_ns", Nanos, BlockMin, "steady-state call, first of two alike"),
    row("again_call_ns", Nanos, BlockMin, "steady-state call, second of two alike"),
];

const COUNTERS: &[[Metric; 3]] = &[
    per_side!("cycles", Count, "CPU cycles per call"),
    per_side!("instructions", Count, "instructions per call"),
    per_side!("branches", Count, "branch instructions per call"),
    per_side!("branch_misses", Count, "mispredicted branches per call"),
    per_side!("cache_references", Count, "last-level cache references per call"),
    per_side!("cache_misses", Count, "last-level cache misses per call"),
    per_side!("l1d_misses", Count, "L1 data cache read misses per call"),
    per_side!("dtlb_misses", Count, "data TLB read misses per call"),
    per_side!("task_clock_ns", Nanos, "time on a CPU per call"),
    per_side!("page_faults", Count, "page faults per call"),
    per_side!("context_switches", Count, "context switches per call"),
    per_side!("cpu_migrations", Count, "moves to another CPU per call"),
];

const DERIVED: &[Metric] = &[
    Metric {
        name: "native_ipc",
        unit: Ratio,
        better: Higher,
        class: Class::Noisy,
        rule: Rule::Ratio { of: "native_instructions", to: "native_cycles" },
        doc: "instructions per cycle, native",
    },
    Metric {
        name: "wasm_ipc",
        unit: Ratio,
        better: Higher,
        class: Class::Noisy,
        rule: Rule::Ratio { of: "wasm_instructions", to: "wasm_cycles" },
        doc: "instructions per cycle, WASM",
    },
    row(
        "hardware_scaling",
        Ratio,
        Median,
        "time hardware counters were enabled over time they counted; counts are scaled by it",
    ),
    row(
        "software_scaling",
        Ratio,
        Median,
        "time software counters were enabled over time they counted; counts are scaled by it",
    ),
];

const LIMITS: &[Metric] = &[
    exact("single_bytes", Bytes, Higher, "largest single allocation, to the byte"),
    exact(
        "single_fragmented_bytes",
        Bytes,
        Higher,
        "largest single allocation, to the byte, in a fragmented heap",
    ),
    exact("total_bytes", Bytes, Higher, "most bytes held at once, in small blocks"),
    exact(
        "total_fragmented_bytes",
        Bytes,
        Higher,
        "most bytes held at once, in small blocks, in a fragmented heap",
    ),
    row("grow_ns", Nanos, Median, "memory.grow by one 64 KiB page"),
    row("first_touch_ns", Nanos, Median, "first write to a 4 KiB page after a grow"),
    row("resident_bytes", Bytes, Median, "host memory resident at the limit"),
    row("empty_call_ns", Nanos, BlockMin, "one message, nothing held"),
];

const LEVELS: &[[Metric; 4]] =
    &[per_level!("10"), per_level!("50"), per_level!("90"), per_level!("99")];

/// Everything we know how to measure, in the order in which it is printed.
pub fn metrics() -> impl Iterator<Item = &'static Metric> {
    OVERHEAD
        .iter()
        .chain(COUNTERS.as_flattened())
        .chain(DERIVED)
        .chain(instructions::INSTRUCTIONS.as_flattened())
        .chain(instructions::INSTRUCTION_RATIOS.as_flattened())
        .chain(LIMITS)
        .chain(LEVELS.as_flattened())
        .chain(profiles::PROFILES.as_flattened())
        .chain(parts::PARTS)
        .chain(parts::OPTIONS.as_flattened())
        .chain(profiles::HEAP_PHASES.as_flattened())
        .chain(profiles::HEAP)
        .chain(load::LOADS)
        .chain(mail::COMPARISONS)
        .chain(mail::RESPONSES.as_flattened())
        .chain(mail::LATENCY)
        .chain(mail::SCALING)
        .chain(mail::MEMORY_PHASES.as_flattened())
        .chain(mail::RESOURCES)
        .chain(caxton::CAXTON)
        .chain(as_found::AS_FOUND)
}

/// The name of a metric of the table; a name outside it does not parse.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricName(&'static str);

/// A name that is in no row of the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no metric of this version")]
pub struct UnknownMetric(String);

impl MetricName {
    /// The metric called `name`.
    pub fn parse(name: &str) -> Result<Self, UnknownMetric> {
        let found = metrics().find(|m| m.name == name);
        found.map(|m| Self(m.name)).ok_or_else(|| UnknownMetric(name.to_owned()))
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }

    pub fn metric(self) -> &'static Metric {
        metrics().find(|m| m.name == self.0).expect("a MetricName is made from a row only")
    }
}

impl From<&'static Metric> for MetricName {
    fn from(metric: &'static Metric) -> Self {
        Self(metric.name)
    }
}

impl Serialize for MetricName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for MetricName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(D::Error::custom)
    }
}

impl fmt::Debug for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_fit_a_bencher_slug() {
        let mut seen = BTreeSet::new();
        for metric in metrics() {
            assert!(seen.insert(metric.name), "{} is there twice", metric.name);
            assert!(metric.name.len() <= 64, "{}", metric.name);
            assert!(metric.name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')));
        }
    }

    #[test]
    fn a_rule_refers_to_rows_that_are_measured() {
        for metric in metrics() {
            let names = match metric.rule {
                BlockRatio { of, to } | Rule::WindowRatio { of, to } | Rule::Ratio { of, to } => {
                    vec![of, to]
                }
                Rule::BlockDifference { of, less } => [&[of], less].concat(),
                Rule::DifferenceRatio { of, to } => {
                    for name in [of, to] {
                        let input = MetricName::parse(name).expect(name).metric();
                        assert!(matches!(input.rule, Rule::BlockDifference { .. }), "{name}");
                    }
                    continue;
                }
                Rule::Rate { of } => vec![of],
                Rule::AsFound { of } => {
                    let quiet = MetricName::parse(of).expect(of).metric();
                    assert_eq!((quiet.unit, quiet.better), (metric.unit, metric.better), "{of}");
                    continue;
                }
                BlockMin | Median | Rule::Exact => continue,
            };
            for name in names {
                let input = MetricName::parse(name).expect(name).metric();
                assert!(!input.is_derived(), "{} refers to the derived {name}", metric.name);
            }
        }
    }

    #[test]
    fn an_unknown_name_does_not_parse() {
        let error = MetricName::parse("wasm_speed").expect_err("no such row");
        assert_eq!(error.to_string(), "\"wasm_speed\" is no metric of this version");
    }
}
