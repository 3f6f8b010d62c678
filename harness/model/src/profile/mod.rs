//! A profile with names: which stacks used the CPU, or hold memory. What a sampler or an allocator
//! saw becomes one [`Profile`]; every picture and export is made from it and from nothing else.

pub mod build;
pub mod changes;
pub mod classify;
pub mod code;
pub mod folded;
pub mod growth;
pub mod health;
pub mod hot;
pub mod names;
mod parts;
mod walk;

use self::hot::HotFunction;
use crate::reading::Reading;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Share of samples above which a defect of the profile is a warning.
pub const DEFECT_SHARE_MAX: f64 = 0.05;

/// The frame that stands for all that runs outside the agent.
pub const HOST: &str = "[host]";

/// The engine that counts each instruction, in [`Health`].
pub const COUNTED_BY: &str = "callgrind";

/// Why something could not be made from a profile, or a profile from something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The profile contradicts itself.
    #[error("the profile is damaged: {0}; profile again")]
    Damaged(String),
    /// A picture or an export could not be made.
    #[error("cannot make {what}: {why}")]
    Cannot { what: &'static str, why: String },
    /// A file of another program could not be read.
    #[error("cannot read {what}: {why}")]
    Unreadable { what: &'static str, why: String },
}

/// Whose code a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The harness, the standard library, the system's libraries.
    Host,
    /// wasmtime and cranelift.
    Wasmtime,
    /// Between host and guest: trampolines, WASI, the host functions an agent imports.
    Boundary,
    /// A function of the agent: compiled WASM, or the native twin.
    Guest,
    /// A function of the agent that was inlined into another one.
    GuestInlined,
    /// Nobody knows: an address without a name, or a marker where a stack was cut.
    Unknown,
}

/// What the weights of a profile count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleWeight {
    /// CPU time in nanoseconds.
    CpuNs,
    Bytes,
    /// Bytes held when most were held.
    PeakBytes,
    /// Instructions executed.
    Instructions,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Frame {
    /// Demangled name.
    pub name: String,
    pub origin: Origin,
    /// Source file, as the debug information names it.
    pub file: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
}

/// A code address and all frames that share it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The address, relative to its mapping's start.
    pub address: u64,
    /// Index into [`Profile::mappings`]; none where nobody knows the address.
    pub mapping: Option<u32>,
    /// Indices into [`Profile::frames`], innermost first: each but the last is inlined into the
    /// next. Never empty.
    pub frames: Vec<u32>,
}

/// A file that code comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Mapping {
    /// Its name without folders: `wasm-0123abcd`, `libc.so.6`, `json.wasm`.
    pub name: String,
    /// Bytes of code.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// The system's number.
    pub id: u32,
    pub name: String,
}

/// One sample: a stack at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackSample {
    /// Nanoseconds since the profile's start; 0 where there is no time.
    pub time_ns: u64,
    /// Index into [`Profile::threads`].
    pub thread: u32,
    /// Index into [`Profile::stacks`].
    pub stack: u32,
    /// Weight in the profile's unit.
    pub weight: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub about: About,
    pub health: Health,
    pub weight: SampleWeight,
    /// Files that code comes from.
    pub mappings: Vec<Mapping>,
    pub frames: Vec<Frame>,
    pub locations: Vec<Location>,
    /// Stacks of indices into `locations`, the root first.
    pub stacks: Vec<Vec<u32>>,
    pub threads: Vec<Thread>,
    /// Samples in the order of time.
    pub samples: Vec<StackSample>,
    /// The agent's hottest functions as machine code, the hottest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hot: Vec<HotFunction>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The case: its key, or the words of a test.
    pub case: String,
    /// `native` or `wasm`, and how it was called where that is not the usual way.
    pub side: String,
    /// Messages handled while it was sampled; 0 where the question has no meaning.
    pub messages: u64,
    /// Counters of the same work, taken without the sampler: name and value per message, or why
    /// there is none.
    pub counters: BTreeMap<String, Reading<f64>>,
}

/// How good a profile is: what was lost, and what has no name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Who took the samples: `perf-clock`, `pprof`, `dhat`; or who counted: `callgrind`.
    pub engine: String,
    /// Samples per second of CPU time that were asked for; none for allocations.
    pub asked_hz: Option<f64>,
    /// Samples per second of CPU time that came.
    pub real_hz: Option<f64>,
    /// CPU time that the samples stand for, in nanoseconds; 0 for allocations.
    pub cpu_ns: u64,
    /// CPU time spent in the kernel meanwhile, which the engine does not see; or why unknown.
    pub kernel_ns: Reading<u64>,
    /// Samples that the engine knows it lost.
    pub lost: u64,
    /// Samples taken; of what is counted the instructions, each one.
    pub samples: u64,
    /// Samples whose innermost frame has no name.
    pub unresolved: u64,
    /// Samples whose stack ends before its thread's first function.
    pub rootless: u64,
    /// Stacks that were mended: by unwinding out of a library, or across a fiber's base.
    pub mended: u64,
    /// What the reader should know: why an engine was not taken, why names are missing.
    pub notes: Vec<String>,
}

/// Where the time of a profile was spent, as shares of its weight that add up to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Shares {
    /// In the agent, and in system libraries that it called.
    pub guest: f64,
    /// In trampolines, WASI and host functions, and what they called.
    pub boundary: f64,
    pub engine: f64,
    pub host: f64,
    pub unknown: f64,
}

/// How the weight of a profile splits, in its unit: the parts add up to its total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WeightParts {
    /// In the agent's own code.
    pub agent: u64,
    /// In system libraries that the agent called.
    pub libraries: u64,
    /// In trampolines, WASI and host functions, and what they called.
    pub boundary: u64,
    pub engine: u64,
    pub host: u64,
    pub unknown: u64,
}

impl Health {
    fn share(part: u64, of: u64) -> f64 {
        if of == 0 { 0.0 } else { part as f64 / of as f64 }
    }

    /// Share of the samples taken that were lost.
    pub fn lost_share(&self) -> f64 {
        Self::share(self.lost, self.samples.saturating_add(self.lost))
    }

    /// Share of the samples kept whose innermost frame has no name.
    pub fn unresolved_share(&self) -> f64 {
        Self::share(self.unresolved, self.samples)
    }

    /// Share of the samples kept whose stack reaches its thread's first function.
    pub fn rooted_share(&self) -> f64 {
        1.0 - Self::share(self.rootless, self.samples)
    }
}
