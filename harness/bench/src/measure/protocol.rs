//! What a run and its worker processes say to each other: one JSON value per line, version 5.
//!
//! The run writes one [`Launch`] to the worker's standard input; the worker answers with [`Event`]s
//! on its standard output, the last of which is [`Event::End`]. A worker whose answers stop
//! without one has died.

mod load;

pub use self::load::{LoadJob, LoadTarget};

use crate::guest::catalog::Expected;
use crate::guest::toolchain::Variant;
use crate::timing::cost::Cost;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::load::frame::LoadLine;
use caxton_model::metric::MetricName;
use caxton_model::profile::Profile;
use caxton_model::profile::growth::HeapGrowth;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_model::units::{Bytes, Nanos};
use caxton_profiler::EngineName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Version of this protocol; a worker refuses a launch of another one.
pub const PROTOCOL: u32 = 5;

/// The first word by which `cargo bench` has a suite run; the second is the suite's name.
pub const BENCH_ARGUMENT: &str = "__bench";
/// The first argument that makes a bench executable a worker.
pub const WORKER_ARGUMENT: &str = "__worker";

/// What one launch is to do.
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
    /// How much to measure.
    pub effort: Effort,
    /// How to sample, where that is the job.
    pub sampling: Sampling,
    /// The agent's files, then those of the agents that it is measured beside.
    pub files: Vec<AgentFiles>,
    /// An empty folder for the files that the worker writes, where it writes any.
    #[serde(with = "super::path")]
    pub folder: PathBuf,
    /// The cases that it fills; at least one.
    pub cases: Vec<CaseKey>,
    /// What is done.
    pub job: Job,
}

/// How much one launch measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Pairs of blocks per compared pair of sides.
    pub blocks: u32,
    /// Samples in a block, at most.
    pub samples_per_block: u32,
    /// Length of a block.
    pub block: Nanos,
    /// Instances whose creation and first call are timed, per side.
    pub instances: u32,
    /// Time for which counters count, per side.
    pub counting: Nanos,
    /// Windows of traffic between agents, and how long each is.
    pub windows: u32,
    /// The length that a window of traffic aims at.
    pub window: Nanos,
}

/// What is done with an agent: what a plan holds, a worker is sent, and is dispatched by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Native against WASM, and each against itself: as its cases say.
    Overhead,
    /// Fuel of a steady-state call: a pass of its own, because metering changes speed.
    Fuel,
    /// A steady-state WASM call taken apart, beside the agent that does nothing and the one that
    /// echoes; and options of engine and build.
    Parts,
    /// The agent under a memory limit.
    MemoryLimit {
        /// The limit.
        limit: Bytes,
    },
    /// What is allocated while the agent is compiled, instantiated and run.
    Heap,
    /// Calls without measuring, for an outside profiler.
    Spin {
        /// How long, per side.
        time: Nanos,
        /// Whether to write the perf map of the guest's code.
        perf_map: bool,
    },
    /// Calls while a sampler looks on; the twin keeps frame pointers.
    Profile,
    /// A load on many agents, or the rest of one.
    Load(Box<LoadJob>),
    /// Two runtimes, the same traffic, in turns: the subject, and its peer.
    Route {
        /// The two.
        pair: [Runtime; 2],
        /// The traffic.
        load: MailLoad,
    },
    /// Requests to a pool of agents, answered in turn.
    Tasks(Pools),
    /// Requests that are posted several at a time, against requests that are not.
    Batching(Batching),
    /// Requests at a fixed rate.
    Response(Schedule),
    /// One request after the other.
    RoundTrip {
        /// Length of a request in bytes, header included.
        bytes: u32,
    },
    /// Messages from the first agent to all of them.
    Scale(MailLoad),
    /// Memory of agents that exchange messages, phase by phase.
    MemoryPhases,
    /// Their CPU time, phase by phase.
    CpuPhases,
    /// Deaths and returns of an agent.
    Recover {
        /// What it holds, in MiB.
        heap_mib: u32,
    },
    /// Full and incremental checkpoints of an agent.
    Checkpoint {
        /// What it holds, in MiB.
        heap_mib: u32,
    },
    /// Some of many agents die under load.
    Crash(Deaths),
    /// Deaths without end.
    Soak {
        /// How many.
        cycles: u32,
    },
}

impl Job {
    /// Whether its worker stays on one CPU from the start. One that compiles seven modules before
    /// it measures does that on every core; one whose agents live on a thread per core measures
    /// there, too.
    pub fn is_pinned(&self) -> bool {
        matches!(
            self,
            Self::Overhead
                | Self::Fuel
                | Self::MemoryLimit { .. }
                | Self::Heap
                | Self::Spin { .. }
                | Self::Profile
        )
    }
}

/// Requests that do not wait for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Of how many agents.
    pub agents: u32,
    /// Requests per second.
    pub per_second: u32,
    /// Length of a request and its answer in bytes, header included.
    pub bytes: u32,
}

/// Two pools of agents, and how much is asked of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pools {
    /// Who runs them, and how many agents each has.
    pub pair: [(Runtime, u32); 2],
    /// The requests.
    pub load: MailLoad,
    /// How many at a time.
    pub tasks: u32,
}

/// Requests that are posted several at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batching {
    /// When requests are made, of what.
    pub schedule: Schedule,
    /// Requests that are enough.
    pub size: u32,
    /// How long one waits at most.
    pub timeout: Nanos,
}

/// How many die, of how many, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deaths {
    /// Agents.
    pub agents: u32,
    /// Of those, the ones that die.
    pub killed: u32,
    /// Of what.
    pub fault: Fault,
    /// Whether what they had handled since their last checkpoint is delivered again.
    pub at_least_once: bool,
}

/// What an agent dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A trap.
    Trap,
    /// Memory without end.
    Exhaust,
    /// A loop without end, cut off by the epoch.
    Loop,
}

impl Fault {
    /// Its name in case keys.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Exhaust => "exhaust",
            Self::Loop => "loop",
        }
    }
}

/// Who runs agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Our own: a thread per core, mailboxes in the agents' memory.
    Reference,
    /// A tokio task and a channel per agent.
    Tokio,
}

/// What the agents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crew {
    /// WASM guests.
    Guests,
    /// Their native twins.
    Twins,
    /// Nobody: mailboxes that answer without a call.
    Idle,
}

/// An orchestrator and its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// Who runs them.
    pub system: System,
    /// What they are.
    pub crew: Crew,
    /// Most messages per call, where that is not the load's.
    pub batch: Option<u32>,
    /// Messages are handled by way of a copy, and not where they lie.
    pub copies: bool,
}

impl Runtime {
    /// `crew` on `system`, as the load says.
    pub const fn new(system: System, crew: Crew) -> Self {
        Self { system, crew, batch: None, copies: false }
    }

    /// Its name in case keys.
    pub const fn name(self) -> &'static str {
        match (self.system, self.crew) {
            (System::Reference, Crew::Guests) => "reference",
            (System::Reference, Crew::Twins) => "native-reference",
            (System::Tokio, Crew::Guests) => "tokio",
            (System::Tokio, Crew::Twins) => "native-tokio",
            (_, Crew::Idle) => "idle",
        }
    }
}

/// How much is sent around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLoad {
    /// How many agents.
    pub agents: u32,
    /// Messages in flight for each.
    pub per_agent: u32,
    /// Length of a message in bytes, header included.
    pub bytes: u32,
    /// Messages that a mailbox holds.
    pub slots: u32,
    /// Most messages per call.
    pub batch: u32,
}

/// How to profile.
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

/// One agent's files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentFiles {
    /// Its name.
    pub name: String,
    /// The module.
    #[serde(with = "super::path")]
    pub wasm: PathBuf,
    /// The twin; none for a guest that was given as a file.
    pub native: Option<PathBuf>,
    /// The answer it must give; none for a guest that was given as a file.
    pub expected: Option<Expected>,
    /// Its builds for profiles, those that the suite asks for, or why one failed.
    pub variants: BTreeMap<Variant, Result<VariantFiles, String>>,
}

/// Both sides of an agent, built for a profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantFiles {
    /// The module.
    pub wasm: PathBuf,
    /// The twin.
    pub native: PathBuf,
}

/// Which two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// WASM over native.
    Overhead,
    /// Native over native.
    NativeAgain,
    /// WASM over WASM.
    WasmAgain,
}

impl Pair {
    /// The subject part of its case key.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Overhead => "wasmtime-vs-native",
            Self::NativeAgain => "native-vs-native",
            Self::WasmAgain => "wasmtime-vs-wasmtime",
        }
    }

    /// The two sides of `case`; of one that compares none, WASM's alone.
    pub fn of(case: &CaseKey) -> Self {
        let known = [Self::Overhead, Self::NativeAgain];
        let named = known.into_iter().find(|pair| pair.subject() == case.subject);
        named.unwrap_or(Self::WasmAgain)
    }
}

/// What a worker tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The agent has begun to handle messages: a death from now on is one in the middle.
    Working,
    /// What the instrument costs in this launch.
    Cost(Cost),
    /// A reading.
    Sample(Sample),
    /// A reading that cannot be had.
    Missing {
        /// The case.
        case: CaseKey,
        /// The metric.
        metric: MetricName,
        /// Why.
        why: Missing,
    },
    /// A finding that is words.
    Finding {
        /// The case.
        case: CaseKey,
        /// What was asked.
        name: String,
        /// What was found.
        text: String,
    },
    /// What a sampler or an allocator saw of one side.
    Profile {
        /// The case.
        case: CaseKey,
        /// The profile.
        profile: Box<Profile>,
    },
    /// Something that the run keeps as a file.
    Keep {
        /// The case.
        case: CaseKey,
        /// What.
        what: Kept,
    },
    /// A second of a load, or what is about it.
    Load {
        /// The case.
        case: CaseKey,
        /// What its file gets.
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
        #[serde(with = "super::path")]
        path: PathBuf,
    },
    /// Which of the guest's functions allocate.
    GuestHeap(Box<Profile>),
    /// How the guest's linear memory grew.
    Growth(HeapGrowth),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_and_its_events_survive_the_wire() {
        let case = CaseKey::new("wasm", "memory-limit", "wasmtime", "ballast");
        let agent = AgentFiles {
            name: "ballast".to_owned(),
            wasm: PathBuf::from("a.wasm"),
            native: None,
            expected: None,
            variants: BTreeMap::new(),
        };
        let effort = Effort {
            blocks: 10,
            samples_per_block: 12,
            block: Nanos(1_000_000),
            instances: 8,
            counting: Nanos(5_000_000),
            windows: 6,
            window: Nanos(50_000_000),
        };
        let limit = Bytes::mebi(10);
        let launch = Launch {
            protocol: PROTOCOL,
            launch: 3,
            seed: u64::MAX,
            core: Some(1),
            effort,
            sampling: Sampling::default(),
            files: vec![agent],
            folder: PathBuf::new(),
            cases: vec![case],
            job: Job::MemoryLimit { limit },
        };
        let line = serde_json::to_string(&launch).expect("plain data");
        assert_eq!(line.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Launch>(&line).expect("same version"), launch);
        let end = Event::End(Outcome::DiedInTheMiddle("line\nbreak".to_owned()));
        let line = serde_json::to_string(&end).expect("plain data");
        assert_eq!(line.lines().count(), 1);
        assert_eq!(serde_json::from_str::<Event>(&line).expect("same version"), end);
    }
}
