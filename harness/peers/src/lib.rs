//! How often do two other benchmark tools raise a false alarm, and how often do they find a
//! slow-down that is there? Both run the kernel of our own self-test, natively.
//!
//! `src/bin/criterion.rs` and `src/bin/tango.rs` are ordinary benchmarks as a user of either tool
//! would write them. `benches/peers.rs` starts them again and again, with and without a planted
//! slow-down, and counts their verdicts. Old and new version are always the same machine code, so
//! that their layout in memory is equal: with no slow-down planted, each verdict but "unchanged"
//! is wrong.

pub mod kernel;
pub mod peer;
pub mod planted;
pub mod process;
pub mod tally;

/// The agent that our own self-test measures.
#[path = "../../../agents-wasm/vm/src/lib.rs"]
mod vm;
