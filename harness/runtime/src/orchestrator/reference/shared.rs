//! What the threads of a reference orchestrator share.

use crate::orchestrator::Setup;
use crate::orchestrator::supervision::Supervision;
use crate::orchestrator::watch::{Host, Sleeper};
use agent_abi::mail::Header;
use caxton_sys::letters::{Arena, Letter};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Mutex, PoisonError};

/// Letters per agent that the arena has at first; it grows.
const LETTERS: u32 = 8;

/// What all threads see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) setup: Setup,
    pub(super) supervision: Supervision,
    /// Where all messages lie.
    pub(super) arena: Arena,
    /// Letters whose messages are done, for whoever needs one.
    free: Mutex<Vec<Letter>>,
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
        let letters = setup.agents.saturating_mul(LETTERS);
        Self {
            setup,
            supervision,
            arena: Arena::new(setup.shape.slot_bytes as usize, letters),
            free: Mutex::new(Vec::new()),
            shards: (0..shards).map(|_| Sleeper::default()).collect(),
            commands: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            host: Host::default(),
            agents: AtomicU32::new(0),
        }
    }

    /// The message of a letter.
    #[inline]
    pub(super) fn message<'a>(&'a self, letter: &'a Letter) -> &'a [u8] {
        let slot = self.arena.bytes(letter);
        let header = Header::read(slot).expect("only messages are written to the arena");
        &slot[..header.bytes as usize]
    }

    /// A letter for a new message: the last of `own`; if that is empty, after it took all that
    /// are free. None where the machine has no more memory.
    #[inline]
    pub(super) fn letter(&self, own: &mut Vec<Letter>) -> Option<Letter> {
        own.pop().or_else(|| self.letter_of_all(own))
    }

    #[cold]
    fn letter_of_all(&self, own: &mut Vec<Letter>) -> Option<Letter> {
        own.append(&mut self.free.lock().unwrap_or_else(PoisonError::into_inner));
        own.pop().or_else(|| self.arena.fresh().ok())
    }

    /// Gives all but `kept` of `letters` to whoever needs one.
    #[inline]
    pub(super) fn release(&self, letters: &mut Vec<Letter>, kept: usize) {
        if letters.len() > kept {
            let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
            free.extend(letters.drain(kept..));
        }
    }
}

/// A message on its way to a shard.
#[derive(Debug)]
pub(super) struct Addressed {
    /// The agent.
    pub(super) to: u32,
    pub(super) letter: Letter,
}
