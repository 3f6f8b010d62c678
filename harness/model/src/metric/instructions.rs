//! Rows about instructions, which callgrind counts one by one, and what its model of a processor
//! makes of them.

use super::row::Better::Lower;
use super::row::{Metric, Rule, exact, row};
use crate::units::Unit::{Count, Ratio};

/// Rows of one side: instructions of a call in all and by whose code they are, its phases, and
/// what callgrind's model makes of a call.
macro_rules! counted {
    ($side:literal) => {
        [
            exact(
                concat!($side, "_exact_instructions"),
                Count,
                Lower,
                concat!("instructions of a steady-state call, ", $side, ", counted by callgrind"),
            ),
            exact(
                concat!($side, "_agent_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of the agent's own code, ", $side),
            ),
            exact(
                concat!($side, "_library_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of system libraries that the agent called, ", $side),
            ),
            exact(
                concat!($side, "_crossing_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of trampolines, WASI and host functions, ", $side),
            ),
            exact(
                concat!($side, "_engine_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of wasmtime itself, ", $side),
            ),
            exact(
                concat!($side, "_harness_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of the harness, which copies the message, ", $side),
            ),
            exact(
                concat!($side, "_unnamed_instructions"),
                Count,
                Lower,
                concat!("of those, the ones of code that nobody knows, ", $side),
            ),
            row(
                concat!($side, "_compile_instructions"),
                Count,
                Rule::Median,
                concat!("instructions of compiling the module and linking it, ", $side),
            ),
            row(
                concat!($side, "_instantiate_instructions"),
                Count,
                Rule::Median,
                concat!("instructions of making an instance ready for messages, ", $side),
            ),
            exact(
                concat!($side, "_first_call_instructions"),
                Count,
                Lower,
                concat!("instructions of the first call of a fresh instance, ", $side),
            ),
            exact(
                concat!($side, "_simulated_loads"),
                Count,
                Lower,
                concat!("reads of memory of a call, ", $side, ", as callgrind's model counts"),
            ),
            exact(
                concat!($side, "_simulated_stores"),
                Count,
                Lower,
                concat!("writes to memory of a call, ", $side, ", as callgrind's model counts"),
            ),
            exact(
                concat!($side, "_simulated_branches"),
                Count,
                Lower,
                concat!("conditional branches of a call, ", $side, ", as callgrind's model counts"),
            ),
            exact(
                concat!($side, "_simulated_mispredicts"),
                Count,
                Lower,
                concat!("branches of a call that callgrind's model guesses wrong, ", $side),
            ),
            exact(
                concat!($side, "_simulated_l1_misses"),
                Count,
                Lower,
                concat!("misses of the first cache of a call in callgrind's model, ", $side),
            ),
            exact(
                concat!($side, "_simulated_llc_misses"),
                Count,
                Lower,
                concat!("misses of the last cache of a call in callgrind's model, ", $side),
            ),
        ]
    };
}

/// One side over the other.
macro_rules! over {
    ($ratio:literal, $side:literal, $reference:literal, $count:literal) => {
        row(
            concat!($ratio, "_", $count),
            Ratio,
            Rule::Ratio { of: concat!($side, "_", $count), to: concat!($reference, "_", $count) },
            concat!($count, " of a call: ", $side, " over ", $reference),
        )
    };
}

macro_rules! ratios {
    ($ratio:literal, $side:literal, $reference:literal) => {
        [
            over!($ratio, $side, $reference, "exact_instructions"),
            over!($ratio, $side, $reference, "agent_instructions"),
            over!($ratio, $side, $reference, "simulated_loads"),
            over!($ratio, $side, $reference, "simulated_stores"),
            over!($ratio, $side, $reference, "simulated_branches"),
            over!($ratio, $side, $reference, "simulated_mispredicts"),
            over!($ratio, $side, $reference, "simulated_l1_misses"),
            over!($ratio, $side, $reference, "simulated_llc_misses"),
        ]
    };
}

pub(super) const INSTRUCTIONS: &[[Metric; 16]] =
    &[counted!("native"), counted!("wasm"), counted!("reference"), counted!("side")];

pub(super) const INSTRUCTION_RATIOS: &[[Metric; 8]] = &[
    ratios!("wasm_to_native", "wasm", "native"),
    ratios!("side_to_reference", "side", "reference"),
];
