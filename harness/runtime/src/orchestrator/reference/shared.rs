//! What the threads of a reference orchestrator share.

use crate::orchestrator::Setup;
use crate::orchestrator::supervision::Supervision;
use crate::orchestrator::watch::{Host, Sleeper};
use agent_abi::mail::Header;
use caxton_sys::letters::{Arena, Letter};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Mutex, PoisonError};

/// Messages in flight per agent that lanes and the arena are made for; the arena grows.
pub(super) const LETTERS: u32 = 8;
/// The most free letters that a thread takes at once, and the most that one which journals keeps.
/// If one took all, the next one would find none, and make new ones each time.
pub(super) const SHARE: usize = 128;

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
    /// # Errors
    /// The kernel has no memory for the first messages.
    pub(super) fn new(setup: Setup, supervision: Supervision) -> io::Result<Self> {
        let shards = setup.shards;
        let letters = setup.agents.saturating_mul(LETTERS);
        let arena = Arena::new(setup.shape.slot_bytes as usize, letters);
        let first = arena.fresh()?;
        Ok(Self {
            setup,
            supervision,
            arena,
            free: Mutex::new(vec![first]),
            shards: (0..shards).map(|_| Sleeper::default()).collect(),
            commands: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            host: Host::default(),
            agents: AtomicU32::new(0),
        })
    }

    /// The message of a letter.
    #[inline]
    pub(super) fn message<'a>(&'a self, letter: &'a Letter) -> &'a [u8] {
        let slot = self.arena.bytes(letter);
        let header = Header::read(slot).expect("only messages are written to the arena");
        &slot[..header.bytes as usize]
    }

    /// A letter for a new message: the last of `own`; if that is empty, after it took some that
    /// are free. None where the machine has no more memory.
    #[inline]
    pub(super) fn letter(&self, own: &mut Vec<Letter>) -> Option<Letter> {
        own.pop().or_else(|| self.letter_of_free(own))
    }

    #[cold]
    fn letter_of_free(&self, own: &mut Vec<Letter>) -> Option<Letter> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let left = free.len().saturating_sub(SHARE);
        own.extend(free.drain(left..));
        drop(free);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orchestrator::contract::SETUP;

    #[test]
    fn threads_that_take_and_release_in_bursts_share_the_letters_that_there_are() {
        let shared = Shared::new(SETUP, Supervision::NONE).expect("memory");
        let mut own: [Vec<Letter>; 3] = Default::default();
        let mut most = 0;
        for round in 0..100 {
            let bursts = own.each_mut().map(|own| {
                let letter = || shared.letter(own).expect("memory");
                std::iter::repeat_with(letter).take(300).collect::<Vec<_>>()
            });
            for (own, burst) in own.iter_mut().zip(bursts) {
                own.extend(burst);
                shared.release(own, SHARE);
            }
            if round == 0 {
                most = shared.arena.letters();
            }
        }
        assert!((900..=901).contains(&most), "{most}");
        let letters = shared.arena.letters();
        assert!(letters < most + 3 * SHARE as u32, "{letters}: more each round");
    }
}
