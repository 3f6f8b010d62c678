//! What a run and its worker processes say to each other: one JSON value per line, version 7.
//!
//! The run writes one [`Launch`] to the worker's standard input; the worker answers with [`Event`]s
//! on its standard output, the last of which is [`Event::End`]. A worker whose answers stop
//! without one has died.

use crate::guest::files::AgentFiles;
use crate::job::Job;
use crate::job::cost::Cost;
use crate::job::scale::Effort;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::compiled::Compiled;
use caxton_model::load::frame::LoadLine;
use caxton_model::metric::MetricName;
use caxton_model::profile::Profile;
use caxton_model::profile::growth::HeapGrowth;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_model::units::Nanos;
use caxton_profiler::EngineName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Version of this protocol; a worker refuses a launch of another one.
pub const PROTOCOL: u32 = 7;

/// The first word by which `cargo bench` has a suite run; the second is the suite's name.
pub const BENCH_ARGUMENT: &str = "__bench";
/// The first argument that makes a bench executable a worker.
pub const WORKER_ARGUMENT: &str = "__worker";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Launch {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Number of the launch, from 0; goes into each sample.
    pub launch: u32,
    /// Seed of the launch's own choices: order, coin flips, offsets.
    pub seed: u64,
    /// The CPU to stay on.
    pub core: Option<usize>,
    pub effort: Effort,
    /// How to sample, where that is the job.
    pub sampling: Sampling,
    /// The agent's files, then those of the agents that it is measured beside.
    pub files: Vec<AgentFiles>,
    /// An empty folder for the files that the worker writes, where it writes any.
    #[serde(with = "crate::guest::path")]
    pub folder: PathBuf,
    /// Where compiled code is kept from one launch to the next, where it is kept.
    #[serde(with = "crate::guest::path")]
    pub code: PathBuf,
    /// The cases that it fills; at least one.
    pub cases: Vec<CaseKey>,
    pub job: Job,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sampling {
    /// Who takes the samples; none to choose.
    pub engine: Option<EngineName>,
    /// Samples per second of CPU time.
    pub hz: u32,
    /// Time that is sampled, per side.
    pub time: Nanos,
    /// Threads that call at once.
    pub threads: u32,
    /// Whether guests are called by `call_async`.
    pub asynchronous: bool,
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The agent has begun to handle messages: a death from now on is one in the middle.
    Working,
    /// What the instrument costs in this launch.
    Cost(Cost),
    Sample(Sample),
    /// A reading that cannot be had.
    Missing {
        case: CaseKey,
        metric: MetricName,
        why: Missing,
    },
    Finding {
        case: CaseKey,
        name: String,
        text: String,
    },
    /// What a sampler or an allocator saw of one side.
    Profile {
        case: CaseKey,
        profile: Box<Profile>,
    },
    /// Something that the run keeps as a file.
    Keep {
        case: CaseKey,
        what: Kept,
    },
    /// Where the compiler's time went.
    Compiled {
        case: CaseKey,
        compiled: Box<Compiled>,
    },
    /// Digest of the machine code that the module of a side, `wasm` or `side`, was compiled to.
    Code {
        role: String,
        sha256: String,
    },
    /// A second of a load, or what is about it.
    Load {
        case: CaseKey,
        line: Box<LoadLine>,
    },
    /// Each configuration of the engine that the launch used.
    Engines(BTreeSet<BTreeMap<String, String>>),
    /// How the launch ended; nothing follows.
    End(Outcome),
}

/// What a run keeps as a file in its folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// What the host allocated in a phase, in DHAT's format.
    HostHeap {
        /// `compile`, `instantiate` or `run`.
        phase: String,
        /// Where the worker wrote it.
        #[serde(with = "crate::guest::path")]
        path: PathBuf,
    },
    GuestHeap(Box<Profile>),
    /// How the guest's linear memory grew.
    Growth(HeapGrowth),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line() {
        let end = Event::End(Outcome::DiedInTheMiddle("line\nbreak".to_owned()));
        let line = serde_json::to_string(&end).expect("plain data");
        assert_eq!(line.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Event>(&line).expect("same version"), end);
    }
}
