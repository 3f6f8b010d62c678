//! One agent in its shard: the host's book of its mailbox, and what is kept for the time after its
//! death.
//!
//! The mailbox is a ring of slots in the agent's memory, of which the agent knows nothing: the host
//! alone counts. From `head` on lie `ready` messages that were handled and not yet sent on, then
//! those that wait. When it is empty it begins at its first slot again, so that an agent with
//! little mail uses the same few lines of cache.

use crate::orchestrator::supervision::{Incident, Restarts};
use crate::subject::mail::{MailSubject, Shape};
use std::collections::VecDeque;

/// How an agent died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// In a call over `batch` messages that began at `called_ns`.
    Called {
        /// How many it was handed.
        batch: u32,
        /// In nanoseconds.
        called_ns: u64,
    },
    /// After one: what it left at the head of its mailbox is no message.
    Spoilt,
}

/// An agent and its book. What each message needs of it comes first and begins a cache line: of
/// many agents all else is far away.
#[repr(C, align(64))]
pub(super) struct Agent<S: MailSubject> {
    pub(super) head: u32,
    pub(super) count: u32,
    pub(super) ready: u32,
    /// It stands in the queue of those with mail.
    pub(super) is_queued: bool,
    /// Something waits beside the mailbox.
    pub(super) has_backlog: bool,
    /// None once it died for good.
    pub(super) instance: Option<S::Instance>,
    /// What is seldom there.
    pub(super) file: Box<File<S>>,
}

/// What supervision keeps of an agent.
pub(super) struct File<S: MailSubject> {
    pub(super) checkpoint: Option<S::Checkpoint>,
    /// Messages handled since the checkpoint; copies of them where they are to be delivered again.
    pub(super) since: u32,
    pub(super) journal: Vec<Vec<u8>>,
    /// Messages for which there was no slot after a restart; they come before any new one.
    pub(super) backlog: VecDeque<Vec<u8>>,
    /// How many may wait there.
    pub(super) room: usize,
    pub(super) restarts: Restarts,
    /// The message that it died of last time.
    pub(super) suspect: Option<Vec<u8>>,
    /// Its last death, until it has caught up.
    pub(super) incident: Option<Incident>,
}

impl<S: MailSubject> Default for File<S> {
    fn default() -> Self {
        Self {
            checkpoint: None,
            since: 0,
            journal: Vec::new(),
            backlog: VecDeque::new(),
            room: 0,
            restarts: Restarts::default(),
            suspect: None,
            incident: None,
        }
    }
}

/// Whether a message may be put into a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Into this slot.
    Slot(u32),
    /// Behind what waits beside the mailbox. An agent that is handed much mail again passes on more
    /// than usual, and would wait for ever for those who wait for it.
    Backlog,
    /// There is none free.
    Full,
    /// The agent is not run any more.
    Gone,
}

impl<S: MailSubject> Agent<S> {
    pub(super) fn new(instance: S::Instance) -> Self {
        let file = Box::default();
        let (is_queued, has_backlog) = (false, false);
        let instance = Some(instance);
        Self { head: 0, count: 0, ready: 0, is_queued, has_backlog, instance, file }
    }

    /// Where the next message would go.
    #[inline]
    pub(super) fn place(&self, shape: Shape) -> Place {
        if self.instance.is_none() {
            return Place::Gone;
        }
        if self.has_backlog {
            return self.place_behind();
        }
        if self.count == shape.slots {
            return Place::Full;
        }
        Place::Slot(ring(self.head + self.count, shape))
    }

    #[cold]
    fn place_behind(&self) -> Place {
        if self.file.backlog.len() < self.file.room { Place::Backlog } else { Place::Full }
    }

    /// How many messages the next call may hand over: as many as lie in a row.
    #[inline]
    pub(super) fn batch(&self, most: u32, shape: Shape) -> u32 {
        self.count.min(most).min(shape.slots - self.head)
    }

    /// The message at the head has left.
    #[inline]
    pub(super) fn advance(&mut self, shape: Shape) {
        self.count -= 1;
        self.ready -= 1;
        self.head = if self.count == 0 { 0 } else { ring(self.head + 1, shape) };
    }
}

/// The slot that many steps from the first one.
#[inline]
pub(super) fn ring(steps: u32, shape: Shape) -> u32 {
    if steps >= shape.slots { steps - shape.slots } else { steps }
}
