//! What one call hands to an agent, and what becomes of it.
//!
//! The messages are copied from the arena into the first slots of the agent's own memory, handled
//! there, and copied back to where they came from: to lines of cache that were read just before. A
//! copy from agent to agent would write to cold memory instead, which costs several times as much
//! as reading it.

use super::agent::Death;
use super::shard::Shard;
use crate::orchestrator::supervision::Supervision;
use crate::subject::mail::{MailInstance, MailSubject};
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use caxton_sys::clock::Clock;

/// Which slots hold no message after a call.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Garbled {
    pub(super) first: Option<u32>,
    pub(super) slots: u32,
}

impl<S: MailSubject> Shard<S> {
    /// An agent's turn: calls until its mail is handled, or as much of it as is one turn's.
    pub(super) fn turn(&mut self, local: usize) {
        let hand = self.shape.slots;
        let mut left = self.setup.batch;
        // Handled messages that wait for room come first: the agent waits with them.
        while left > 0 && !self.books[local].is_blocked {
            let count = self.call(local, hand.min(left));
            if count == 0 {
                break;
            }
            left -= count;
        }
        self.settle(local);
    }

    /// One call into an agent, over at most so many messages; over how many it was.
    #[inline]
    fn call(&mut self, local: usize, most: u32) -> u32 {
        let book = &mut self.books[local];
        let Some(instance) = &mut self.agents[local].instance else { return 0 };
        let mut count = 0;
        while count < most {
            let Some(letter) = book.mail.pop_front() else { break };
            let message = self.shared.message(&letter);
            instance.slot_mut(count)[..message.len()].copy_from_slice(message);
            self.hand.push(letter);
            count += 1;
        }
        if count == 0 {
            return 0;
        }
        // Those of the next call.
        self.expect_mail(local);
        let supervised = self.supervision != Supervision::NONE;
        let called_ns = if supervised { self.clock.now().0 } else { 0 };
        self.stats.drains += 1;
        let Some(instance) = &mut self.agents[local].instance else { return 0 };
        if let Err(outcome) = instance.drain(0, count) {
            self.fell(local, Death::Called { called_ns, count }, &outcome);
            return 0;
        }
        self.stats.delivered += u64::from(count);
        let garbled = self.take_back(local, count);
        if let Some(first) = garbled.first {
            let why = "left no message in its slot: no header, or a length beyond the slot";
            let outcome = Outcome::DiedInTheMiddle(why.to_owned());
            self.fell(local, Death::Spoilt { first, count, slots: garbled.slots }, &outcome);
            return 0;
        }
        self.send_on(local);
        if supervised {
            self.after(local, count);
        }
        count
    }

    /// Takes what an agent has made of the first `count` messages in the hand out of its slots.
    #[inline]
    pub(super) fn take_back(&mut self, local: usize, count: u32) -> Garbled {
        let journals = self.journals();
        let mut hand = std::mem::take(&mut self.hand);
        let mut garbled = Garbled::default();
        for (slot, mut letter) in (0..count).zip(hand.drain(..count as usize)) {
            let agent = &mut self.agents[local];
            if journals {
                let other = self.shared.letter(&mut self.spare);
                let other = other.expect("the kernel has memory for one more message");
                agent.file.journal.push(std::mem::replace(&mut letter, other));
            }
            let message = agent.instance.as_ref().map_or(&[][..], |instance| instance.slot(slot));
            let Some(header) = Header::read(message) else {
                garbled.first = garbled.first.or(Some(slot));
                garbled.slots += 1;
                self.spare.push(letter);
                continue;
            };
            let bytes = header.bytes as usize;
            self.shared.arena.bytes_mut(&mut letter)[..bytes].copy_from_slice(&message[..bytes]);
            if header.to % self.setup.shards == self.number {
                self.expect_book(header.to);
            }
            self.handled.push(letter);
        }
        self.hand = hand;
        garbled
    }

    /// Sends on what the agent has handled. What finds no room is kept, and all that is behind it.
    #[inline]
    pub(super) fn send_on(&mut self, local: usize) {
        let mut handled = std::mem::take(&mut self.handled);
        for letter in handled.drain(..) {
            let sent = match self.books[local].is_blocked {
                true => Err(letter),
                false => self.send_from(local, letter),
            };
            if let Err(letter) = sent {
                self.hold_back(local, letter);
            }
        }
        self.handled = handled;
    }
}
