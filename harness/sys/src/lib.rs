//! The machine: clocks, processes, CPUs, memory, shared libraries, performance counters. The only
//! `unsafe` beside the agents' ABI, and the only real time.
#![allow(unsafe_code, reason = "libc and foreign functions: the edge to the machine")]

pub mod affinity;
pub mod allocator;
pub mod budget;
pub mod build;
pub mod callgrind;
#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
pub mod clock;
pub mod command;
pub mod counters;
pub mod dirty;
pub mod dylib;
pub mod host;
pub mod housed;
pub mod letters;
pub mod lock_file;
pub mod mapping;
pub mod memfd;
pub mod memory;
pub mod perf_ring;
pub mod process;
pub mod refusal;
pub mod sigprof;
#[cfg(feature = "slab")]
pub mod slab;
pub mod stack;
pub mod surroundings;
pub mod target_folder;
