//! What the threads of a reference orchestrator share.

use crate::orchestrator::Setup;
use crate::orchestrator::supervision::Supervision;
use crate::orchestrator::watch::{Host, Sleeper};
use std::sync::atomic::{AtomicBool, AtomicU32};

/// What all threads see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) supervision: Supervision,
    pub(super) shards: Vec<Sleeper>,
    /// A command waits for this shard.
    pub(super) commands: Vec<AtomicBool>,
    pub(super) host: Host,
    /// How many agents there are.
    pub(super) agents: AtomicU32,
}

impl Shared {
    pub(super) fn new(setup: Setup, supervision: Supervision) -> Self {
        let shards = setup.shards;
        Self {
            setup,
            supervision,
            shards: (0..shards).map(|_| Sleeper::default()).collect(),
            commands: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            host: Host::default(),
            agents: AtomicU32::new(0),
        }
    }
}
