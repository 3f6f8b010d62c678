//! The machine: clock, processes, CPUs, memory, shared libraries. The only `unsafe`, the only
//! real time and the only child processes of this crate.
#![allow(unsafe_code, reason = "libc and foreign functions: the edge to the machine")]

pub mod affinity;
pub mod budget;
pub mod clock;
pub mod dirty;
pub mod dylib;
pub mod host;
pub mod housed;
pub mod memfd;
pub mod memory;
pub mod perf_ring;
pub mod process;
pub mod refusal;
pub mod sigprof;
pub mod slab;
pub mod stack;
