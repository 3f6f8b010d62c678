//! What a host says of itself beside its messages: told as often as it likes, and read when
//! somebody asks. What it does not say is absent, and not 0.

use std::collections::BTreeMap;

/// In what state an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentState {
    Running,
    /// It died, and is started again.
    Restarting,
    /// It died too often, and stays dead.
    Dead,
}

impl AgentState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Dead => "dead",
        }
    }
}

/// Which memory of the agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryKind {
    /// Linear memory, touched or not.
    Linear,
    /// Resident memory of the process.
    Resident,
    /// The kernel's page tables of the process.
    PageTables,
}

impl MemoryKind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Resident => "resident",
            Self::PageTables => "page_tables",
        }
    }
}

/// Why an agent was started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RestartReason {
    Trap,
    /// It ran for too long.
    Epoch,
    /// It wanted more memory than it may have.
    Memory,
    /// It left a message that is none.
    Garbled,
}

impl RestartReason {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Epoch => "epoch",
            Self::Memory => "memory",
            Self::Garbled => "garbled",
        }
    }
}

/// An engine's pool, as wasmtime's `Engine::pooling_allocator_metrics` has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PoolFigures {
    /// Slots of memories in use.
    pub live_memories: u64,
    /// Slots that are free, and mapped as their last module left them.
    pub warm_memories: u64,
    /// Bytes that free slots keep resident.
    pub warm_bytes: u64,
}

/// What a host says of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostFigures {
    pub agents: BTreeMap<AgentState, u64>,
    /// Messages that wait in mailboxes.
    pub mailbox_messages: Option<u64>,
    /// In bytes.
    pub memory_bytes: BTreeMap<MemoryKind, u64>,
    /// How often an agent wanted more memory than it may have, since the start.
    pub growths_denied: Option<u64>,
    /// Fuel that guests used, since the start.
    pub fuel: Option<u64>,
    pub pool: Option<PoolFigures>,
    /// How long the guest's module took to compile, in seconds.
    pub compile_s: Option<f64>,
}
