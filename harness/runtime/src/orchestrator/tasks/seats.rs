//! What the tasks see of each other: where an agent gets its mail, and what it has counted.

use crate::orchestrator::Stats;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::Sender;

/// What others see of an agent.
#[repr(align(64))]
pub(super) struct Seat {
    pub(super) mail: Sender<Vec<u8>>,
    pub(super) counts: Counts,
}

impl Seat {
    pub(super) fn new(mail: Sender<Vec<u8>>) -> Self {
        Self { mail, counts: Counts::default() }
    }
}

/// What an agent's task has counted. Only the task writes.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: Count,
    pub(super) finished: Count,
    pub(super) undeliverable: Count,
    pub(super) lost: Count,
    pub(super) drains: Count,
    pub(super) failures: Count,
}

/// One of them.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    #[inline]
    pub(super) fn add(&self, more: u64) {
        // One writer: no locked instruction is needed.
        self.0.store(self.0.load(Ordering::Relaxed) + more, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counts {
    pub(super) fn stats(&self) -> Stats {
        Stats {
            delivered: self.delivered.get(),
            finished: self.finished.get(),
            undeliverable: self.undeliverable.get(),
            lost: self.lost.get(),
            failures: self.failures.get(),
            escalated: self.failures.get(),
            drains: self.drains.get(),
            ..Stats::default()
        }
    }
}
