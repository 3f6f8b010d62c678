//! What takes samples of this process: its names, its interface, what it shares with the recording.

use crate::space::Space;
use crate::stacks::RawStacks;
use caxton_sys::clock::CpuTime;
use serde::{Deserialize, Serialize};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineName {
    /// The kernel's `cpu-clock`: true rates, nothing runs in the interrupted threads.
    PerfClock,
    /// The crate `pprof` and SIGPROF: works where the kernel gives no samples.
    Pprof,
}

impl EngineName {
    /// Every engine, the better one first.
    pub const ALL: [Self; 2] = [Self::PerfClock, Self::Pprof];

    /// What it is, in one line.
    pub fn about(self) -> &'static str {
        match self {
            Self::PerfClock => {
                "The kernel's `cpu-clock`: true rates, nothing runs in the interrupted threads"
            }
            Self::Pprof => "The crate `pprof` and SIGPROF: works where the kernel gives no samples",
        }
    }

    /// Its word on the command line and in profiles.
    pub fn word(self) -> &'static str {
        match self {
            Self::PerfClock => "perf-clock",
            Self::Pprof => "pprof",
        }
    }
}

/// Takes samples of this process.
pub(super) trait Sampler: Send {
    fn engine(&self) -> EngineName;

    fn resume(&mut self);

    /// Takes no samples until `resume`.
    fn pause(&mut self);

    /// CPU time of the threads that it has for itself, since they began.
    fn helper_cpu(&self) -> CpuTime;

    /// Ends, with all samples; none if they were lost.
    fn finish(self: Box<Self>) -> Option<RawStacks>;
}

/// What a recording and those who tell it of code share.
pub(super) struct SharedSpace(pub(super) Mutex<Space>);

impl SharedSpace {
    pub(super) fn space(&self) -> MutexGuard<'_, Space> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
