//! One agent in its shard: its book, which is all that a message for it needs; the agent itself;
//! and what is kept for the time after its death.
//!
//! Messages wait in the arena. The book queues their letters, the first [`QUEUE`] of them in its
//! own cache lines. The agent's memory holds only what it was handed in one call.

use crate::orchestrator::supervision::{Incident, Restarts};
use crate::subject::mail::MailSubject;
use caxton_sys::letters::{Arena, Letter, LetterQueue};
use std::collections::VecDeque;

/// Letters that a book holds itself. Of a mailbox with more slots the others wait in the file.
pub(super) const QUEUE: usize = 32;

/// How an agent died.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    /// In a call over `count` messages that began at `called_ns`, in nanoseconds.
    Called { called_ns: u64, count: u32 },
    /// After one: in so many of its slots, of which this is the first, it left no message.
    Spoilt { first: u32, count: u32, slots: u32 },
}

/// What each message needs of its receiver. Books lie side by side, and begin a cache line: of many
/// agents all else is far away.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Book {
    /// It stands in the queue of those with mail.
    pub(super) is_queued: bool,
    /// It handled messages that found no room. They wait in the file, and it waits with them.
    pub(super) is_blocked: bool,
    /// Something waits behind the mail.
    pub(super) has_backlog: bool,
    /// It died for good.
    pub(super) is_gone: bool,
    pub(super) mail: LetterQueue<QUEUE>,
}

impl Book {
    pub(super) fn new(arena: &Arena) -> Self {
        let mail = LetterQueue::new(arena);
        Self { is_queued: false, is_blocked: false, has_backlog: false, is_gone: false, mail }
    }
}

/// An agent.
#[repr(C, align(64))]
pub(super) struct Agent<S: MailSubject> {
    /// None once it died for good.
    pub(super) instance: Option<S::Instance>,
    /// What is seldom there.
    pub(super) file: Box<File<S>>,
}

/// What is kept of an agent beside its book.
pub(super) struct File<S: MailSubject> {
    pub(super) checkpoint: Option<S::Checkpoint>,
    /// Messages handled since the checkpoint.
    pub(super) since: u32,
    /// Those messages as they were, where they are to be delivered again.
    pub(super) journal: Vec<Letter>,
    /// Handled messages that found no room.
    pub(super) ready: VecDeque<Letter>,
    /// Messages behind those in the book; they come before any new one.
    pub(super) backlog: VecDeque<Letter>,
    /// How many may wait there.
    pub(super) room: usize,
    pub(super) restarts: Restarts,
    /// The message that it died of last time.
    pub(super) suspect: Option<Vec<u8>>,
    /// Its last death, until it has caught up.
    pub(super) incident: Option<Incident>,
}

impl<S: MailSubject> Agent<S> {
    /// A live one, for which so many messages may wait.
    pub(super) fn new(instance: S::Instance, slots: u32) -> Self {
        let file = File {
            checkpoint: None,
            since: 0,
            journal: Vec::new(),
            ready: VecDeque::new(),
            backlog: VecDeque::new(),
            room: (slots as usize).saturating_sub(QUEUE),
            restarts: Restarts::default(),
            suspect: None,
            incident: None,
        };
        Self { instance: Some(instance), file: Box::new(file) }
    }
}
