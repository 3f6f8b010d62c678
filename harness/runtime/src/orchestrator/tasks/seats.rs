//! All agents' addresses: read by every task at every message, added to while they run.

use crate::orchestrator::{AgentId, Stats};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Waker;
use tokio::sync::mpsc::Sender;

/// The first block's size; each further one is twice as large.
const FIRST: u32 = 64;
const BLOCKS: usize = 26;

/// What others see of an agent.
#[repr(align(64))]
pub(super) struct Seat {
    pub(super) mail: Sender<Vec<u8>>,
    pub(super) counts: Counts,
    is_killed: AtomicBool,
    /// It takes no mail any more, and what it had is counted.
    pub(super) is_dead: AtomicBool,
    /// Its task's, which is the same at every poll.
    waker: OnceLock<Waker>,
}

impl Seat {
    pub(super) fn new(mail: Sender<Vec<u8>>) -> Self {
        let (is_killed, is_dead) = (AtomicBool::new(false), AtomicBool::new(false));
        let (counts, waker) = (Counts::default(), OnceLock::new());
        Self { mail, counts, is_killed, is_dead, waker }
    }

    /// Tells the task to end, wherever it waits.
    pub(super) fn kill(&self) {
        self.is_killed.store(true, Ordering::SeqCst);
        if let Some(waker) = self.waker.get() {
            waker.wake_by_ref();
        }
    }

    /// Whom to wake for that.
    pub(super) fn wakes(&self, waker: Waker) {
        // A task has one waker.
        let _ = self.waker.set(waker);
    }

    #[inline]
    pub(super) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::SeqCst)
    }
}

/// What an agent's task has counted. Only the task writes.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: Count,
    pub(super) finished: Count,
    pub(super) dropped: Count,
    pub(super) refused: Count,
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
            dropped: self.dropped.get(),
            refused: self.refused.get(),
            undeliverable: self.undeliverable.get(),
            lost: self.lost.get(),
            failures: self.failures.get(),
            escalated: self.failures.get(),
            drains: self.drains.get(),
            ..Stats::default()
        }
    }
}

type Block = Box<[OnceLock<Seat>]>;

/// All seats, in blocks that never move: reading one takes no lock.
#[derive(Default)]
pub(super) struct Seats {
    blocks: [OnceLock<Block>; BLOCKS],
    len: AtomicU32,
}

impl Seats {
    /// How many there are.
    #[inline]
    pub(super) fn len(&self) -> u32 {
        self.len.load(Ordering::Acquire)
    }

    /// One more; only the host adds.
    pub(super) fn push(&self, seat: Seat) {
        let agent = self.len();
        let (block, place) = Self::place(agent);
        let block = self.blocks[block]
            .get_or_init(|| (0..FIRST << block).map(|_| OnceLock::new()).collect());
        assert!(block[place].set(seat).is_ok(), "each seat is taken once");
        self.len.store(agent + 1, Ordering::Release);
    }

    /// The seat of `agent`, if there is such an agent.
    #[inline]
    pub(super) fn get(&self, agent: AgentId) -> Option<&Seat> {
        if agent >= self.len() {
            return None;
        }
        let (block, place) = Self::place(agent);
        self.blocks[block].get()?[place].get()
    }

    /// In which block, and where in it.
    #[inline]
    fn place(agent: AgentId) -> (usize, usize) {
        let shifted = u64::from(agent) + u64::from(FIRST);
        let block = shifted.ilog2() - FIRST.ilog2();
        (block as usize, (shifted - (u64::from(FIRST) << block)) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[test]
    fn each_agent_has_a_place_of_its_own() {
        assert_eq!(
            [0, 63, 64, 191, 192].map(Seats::place),
            [(0, 0), (0, 63), (1, 0), (1, 127), (2, 0)]
        );
        assert!(Seats::place(AgentId::MAX).0 <= BLOCKS);
        let seats = Seats::default();
        for agent in 0..200u32 {
            assert!(seats.get(agent).is_none());
            let seat = Seat::new(mpsc::channel(1).0);
            seat.counts.drains.add(agent.into());
            seats.push(seat);
        }
        let drains = |agent| seats.get(agent).map(|seat| seat.counts.stats().drains);
        assert_eq!((drains(0), drains(64), drains(199)), (Some(0), Some(64), Some(199)));
    }
}
