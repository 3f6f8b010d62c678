//! What is done with an agent, as plain data: a plan holds it, a worker is sent it (`launch.rs`)
//! and dispatches by it.

pub mod cost;
pub mod launch;
pub mod load;
pub mod scale;
pub mod sides;
pub mod task;

use self::load::LoadJob;
use self::sides::SideSpec;
use caxton_model::case::CaseKey;
use caxton_model::units::{Bytes, Nanos};
use serde::{Deserialize, Serialize};

/// What is done with an agent: what a plan holds, a worker is sent, and is dispatched by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Job {
    /// Native against WASM, and each against itself: as its cases say.
    Overhead,
    /// Fuel of a steady-state call: a pass of its own, because metering changes speed.
    Fuel,
    /// Where the compiler's time goes: a pass of its own, because the compiler says each step.
    Compiling,
    /// Every instruction of calls, in a worker that callgrind runs.
    Instructions(Instructions),
    /// A steady-state WASM call taken apart, beside the agent that does nothing and the one that
    /// echoes; and options of engine and build.
    Parts,
    /// Two sides of the user's choice, the reference first, and each against itself.
    Sides(Box<[SideSpec; 2]>),
    MemoryLimit {
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
    /// Calls while a sampler looks on; the native build keeps frame pointers.
    Profile,
    /// The same of two sides of the user's choice, the reference first.
    ProfileSides(Box<[SideSpec; 2]>),
    /// A load on many agents, or the rest of one.
    Load(Box<LoadJob>),
    /// Two runtimes, the same traffic, in turns: the subject, and its peer.
    Route {
        pair: [Runtime; 2],
        load: MailLoad,
    },
    /// The same while a sampler looks on.
    ProfileRoute {
        pair: [Runtime; 2],
        load: MailLoad,
    },
    /// Requests to a pool of agents, answered in turn.
    Tasks(Pools),
    /// The same, with and without what watching a host costs it.
    Monitoring(Monitoring),
    /// Requests that are posted several at a time, against requests that are not.
    Batching(Batching),
    /// Requests at a fixed rate.
    Response {
        system: System,
        schedule: Schedule,
    },
    /// One request after the other.
    RoundTrip {
        /// Length of a request in bytes, header included.
        bytes: u32,
    },
    /// Messages from the first agent to all of them.
    Scale(MailLoad),
    /// Memory of agents that exchange messages, phase by phase.
    MemoryPhases,
    CpuPhases,
    /// Deaths and returns of an agent.
    Recover {
        /// What it holds, in MiB.
        heap_mib: u32,
    },
    Checkpoint {
        /// What it holds, in MiB.
        heap_mib: u32,
    },
    /// Some of many agents die under load.
    Crash(Deaths),
    /// Deaths without end.
    Soak {
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
                | Self::Sides(_)
                | Self::Fuel
                | Self::MemoryLimit { .. }
                | Self::Heap
                | Self::Spin { .. }
                | Self::Profile
                | Self::ProfileSides(_)
        )
    }

    /// How long a launch takes at scale quick, on a 2-core virtual machine of 2026: for the time
    /// that is left of a run, and for nothing else.
    pub fn expected(&self) -> Nanos {
        let of = |agents: u32, each_us: u32| u64::from(agents) * u64::from(each_us);
        let us = match self {
            Self::Overhead => 90_000,
            Self::Fuel | Self::RoundTrip { .. } | Self::MemoryPhases => 60_000,
            Self::Compiling => 300_000,
            Self::Instructions(_) => 7_000_000,
            Self::Parts => 350_000,
            Self::Sides(_) => 150_000,
            Self::MemoryLimit { limit } => 90_000 + (limit.0 >> 20) * 2_000,
            Self::Heap => 2_000_000,
            Self::Spin { time, .. } => return Nanos(time.0 * 2),
            Self::Profile | Self::ProfileSides(_) | Self::ProfileRoute { .. } | Self::Load(_) => {
                15_000_000
            }
            Self::Route { load, .. } => 250_000 + of(load.agents, 370),
            Self::Tasks(_) | Self::Monitoring(_) => 400_000,
            Self::Batching(Batching { timeout: Nanos(1..), .. }) => 2_700_000,
            Self::Batching(batching) => 150_000 + of(batching.schedule.agents, 370),
            Self::Response { .. } => 2_950_000,
            Self::Scale(load) => 200_000 + of(load.agents, 270),
            Self::CpuPhases => 540_000,
            Self::Recover { heap_mib } => 500_000 + of(*heap_mib, 4_500),
            Self::Checkpoint { .. } => 460_000,
            Self::Crash(_) => 2_300_000,
            Self::Soak { .. } => 1_000_000,
        };
        Nanos(us * 1_000)
    }

    /// Whether callgrind runs its worker.
    pub fn is_counted(&self) -> bool {
        matches!(self, Self::Instructions(job) if job.phase != CountedPhase::Code)
    }

    /// Whether a sampler looks on.
    pub fn is_profile(&self) -> bool {
        matches!(self, Self::Profile | Self::ProfileSides(_) | Self::ProfileRoute { .. })
    }
}

/// What is counted of instructions, and what they are kept for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instructions {
    pub phase: CountedPhase,
    /// Two sides of the user's choice, the reference first; none for native and WASM.
    pub pair: Option<Box<[SideSpec; 2]>>,
    /// Whether the stacks are wanted, or counts alone.
    pub is_profile: bool,
}

impl Instructions {
    /// Of calls of `pair`, or of native and WASM.
    pub fn of(pair: Option<Box<[SideSpec; 2]>>, is_profile: bool) -> Self {
        Self { phase: CountedPhase::Calls, pair, is_profile }
    }

    /// The same of another phase.
    #[must_use]
    pub fn of_phase(&self, phase: CountedPhase) -> Self {
        Self { phase, ..self.clone() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountedPhase {
    /// Nothing is counted: what a module is compiled to without callgrind.
    Code,
    Compile,
    /// Making an instance, its first call, and calls in a steady state.
    Calls,
}

/// Requests that do not wait for answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
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
    pub load: MailLoad,
    /// How many at a time.
    pub tasks: u32,
}

/// A pool of agents, and what its host bears beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Monitoring {
    pub runtime: Runtime,
    pub load: MailLoad,
    /// How many at a time.
    pub tasks: u32,
    pub burden: Burden,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Burden {
    /// Each message is counted.
    Recording,
    /// Strangers press on its endpoint.
    Siege,
}

/// Requests that are posted several at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batching {
    /// When requests are made, of what.
    pub schedule: Schedule,
    pub size: u32,
    /// How long one waits at most.
    pub timeout: Nanos,
}

/// How many die, of how many, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deaths {
    pub agents: u32,
    /// Of those, the ones that die.
    pub killed: u32,
    pub fault: Fault,
    /// Whether what they had handled since their last checkpoint is delivered again.
    pub at_least_once: bool,
}

/// What an agent dies of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// Our own: a thread per core, all messages in one arena.
    Reference,
    /// A tokio task and a channel per agent.
    Tokio,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crew {
    Guests,
    Natives,
    /// Nobody: mailboxes that answer without a call.
    NullResponder,
}

/// How guests' memories are had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestHome {
    /// Slots 4 GiB apart, with images and without bounds checks.
    Pool,
    /// Side by side in one mapping, bounds checked.
    Slab,
}

/// An orchestrator and its agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    pub system: System,
    pub crew: Crew,
    /// Most messages of an agent's turn, where that is not the load's.
    pub batch: Option<u32>,
    /// Messages are handled by way of a copy, and not where they lie.
    pub copies: bool,
    /// Where guests live, where the runtime is not to choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<GuestHome>,
}

impl Runtime {
    /// `crew` on `system`, as the load says.
    pub const fn new(system: System, crew: Crew) -> Self {
        Self { system, crew, batch: None, copies: false, home: None }
    }

    /// Its name in case keys.
    pub const fn name(self) -> &'static str {
        match (self.system, self.crew) {
            (System::Reference, Crew::Guests) => "reference",
            (System::Reference, Crew::Natives) => "native-reference",
            (System::Tokio, Crew::Guests) => "tokio",
            (System::Tokio, Crew::Natives) => "native-tokio",
            (_, Crew::NullResponder) => "idle",
        }
    }
}

/// How much is sent around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailLoad {
    pub agents: u32,
    /// Messages in flight for each.
    pub per_agent: u32,
    /// Length of a message in bytes, header included.
    pub bytes: u32,
    /// Messages that a mailbox holds.
    pub slots: u32,
    /// Most messages of an agent's turn.
    pub batch: u32,
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
