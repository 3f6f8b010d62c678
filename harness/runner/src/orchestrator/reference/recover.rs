//! Death and return of an agent: what it left is saved, a fresh one takes its place, and gets its
//! mail again.

use super::agent::Place;
use super::shard::Shard;
use crate::orchestrator::supervision::{Delivery, Incident};
use crate::subject::mail::{MailInstance, MailSubject};
use crate::sys::clock::Clock;
use agent_abi::mail::Header;
use caxton_results::case::Outcome;
use std::collections::VecDeque;

/// What a dead agent's mailbox held.
#[derive(Default)]
struct Left {
    /// Handled, and not yet sent on.
    handled: Vec<Vec<u8>>,
    /// The one that it was at.
    at: Option<Vec<u8>>,
    /// Those that it had not come to.
    waiting: Vec<Vec<u8>>,
    /// What was there and is no message any more.
    spoilt: u64,
}

impl<S: MailSubject> Shard<S> {
    /// Before a call: what is to be delivered again is copied, where that is wished.
    pub(super) fn before(&mut self, local: usize, batch: u32) {
        if self.supervision.delivery != Delivery::AtLeastOnce {
            return;
        }
        let agent = &mut self.agents[local];
        let Some(instance) = &agent.instance else { return };
        for slot in agent.head..agent.head + batch {
            let message = instance.slot(slot);
            if let Some(header) = Header::read(message) {
                agent.file.journal.push(message[..header.bytes as usize].to_vec());
            }
        }
    }

    /// After a call that came back, its messages sent on.
    pub(super) fn after(&mut self, local: usize) {
        let now_ns = self.clock.now().0;
        let agent = &mut self.agents[local];
        if let Some(incident) = &mut agent.file.incident {
            incident.succeeded_ns.get_or_insert(now_ns);
            if agent.count == 0 && agent.file.backlog.is_empty() {
                incident.caught_up_ns = Some(now_ns);
                self.incidents.extend(agent.file.incident.take());
                self.agents[local].file.suspect = None;
            }
        }
        let agent = &mut self.agents[local];
        agent.file.since += 1;
        let is_due = self.supervision.checkpoint_every.is_some_and(|n| agent.file.since >= n);
        if is_due && agent.ready == 0 {
            // An agent without checkpoints starts afresh when it dies.
            let _ = self.checkpoint(local);
        }
    }

    /// Keeps the agent's state as it is now.
    pub(super) fn checkpoint(&mut self, local: usize) -> Result<(), String> {
        let agent = self.agents.get_mut(local).ok_or("there is no such agent")?;
        let instance = agent.instance.as_mut().ok_or("it is not run any more")?;
        let taken = self.subject.checkpoint(instance, agent.file.checkpoint.as_ref())?;
        agent.file.checkpoint = Some(taken);
        agent.file.since = 0;
        agent.file.journal.clear();
        Ok(())
    }

    /// Puts the agent back to its last checkpoint; its mail stays.
    pub(super) fn restore(&mut self, local: usize) -> Result<(), String> {
        let agent = self.agents.get_mut(local).ok_or("there is no such agent")?;
        if agent.file.checkpoint.is_none() {
            return Err("there is no checkpoint of it".to_owned());
        }
        let left = self.clear_out(local, 0);
        self.take_place(local, left.waiting.into()).map_err(|outcome| {
            let why = outcome.reason().unwrap_or("it did not come back");
            why.to_owned()
        })
    }

    /// Ends the agent for good.
    pub(super) fn kill(&mut self, local: usize) -> Result<(), String> {
        let agent = self.agents.get_mut(local).ok_or("there is no such agent")?;
        if agent.instance.is_none() {
            return Err("it is not run any more".to_owned());
        }
        let left = self.clear_out(local, 0);
        self.lose(left.waiting.len() as u64 + left.spoilt);
        self.bury(local);
        Ok(())
    }

    /// The agent died in a call over `batch` messages that began at `called_ns`; with a batch of
    /// none it had handled them all and spoilt its mailbox.
    #[cold]
    pub(super) fn fell(&mut self, local: usize, (batch, called_ns): (u32, u64), why: &Outcome) {
        let seen_ns = self.clock.now().0;
        self.stats.failures += 1;
        let instance = self.agents[local].instance.as_ref();
        let handled = instance.map_or(0, |instance| instance.handled(batch));
        self.stats.delivered += u64::from(handled);
        self.agents[local].ready += handled;
        let mut left = self.clear_out(local, u32::from(batch > handled));
        for message in std::mem::take(&mut left.handled) {
            self.strays.push_back(message);
        }
        self.lose(left.spoilt);
        let agent = &mut self.agents[local];
        let mut incident = Incident {
            agent: local as u32 * self.setup.shards + self.number,
            why: why.reason().unwrap_or_default().to_owned(),
            called_ns,
            seen_ns,
            restarted_ns: None,
            succeeded_ns: None,
            caught_up_ns: None,
        };
        let may = agent.file.restarts.allow(seen_ns, self.supervision.intensity);
        let mail = self.mail_again(local, left, handled);
        if may && self.take_place(local, mail).is_ok() {
            self.stats.restarts += 1;
            incident.restarted_ns = Some(self.clock.now().0);
            let agent = &mut self.agents[local];
            if agent.count == 0 {
                self.incidents.push(incident);
            } else if let Some(before) = agent.file.incident.replace(incident) {
                self.incidents.push(before);
            }
        } else {
            self.stats.escalated += u64::from(!may);
            self.incidents.push(incident);
            let backlog = std::mem::take(&mut self.agents[local].file.backlog);
            let waiting = self.agents[local].count as usize + backlog.len();
            self.lose(waiting as u64);
            self.bury(local);
        }
    }

    /// What a successor is handed, in order.
    fn mail_again(&mut self, local: usize, left: Left, handled: u32) -> VecDeque<Vec<u8>> {
        let mut again = VecDeque::new();
        let file = &mut self.agents[local].file;
        let id = left.at.as_deref().and_then(Header::read).map(|header| header.id);
        let is_poison = id.is_some() && file.suspect == id;
        file.suspect = id;
        match self.supervision.delivery {
            Delivery::AtMostOnce => self.lose(u64::from(left.at.is_some())),
            Delivery::AtLeastOnce => {
                // The journal ends with this call's messages: those handled, the one it died of,
                // and those it had not come to, which are among the waiting ones too.
                let mut journal = std::mem::take(&mut file.journal);
                let waiting = left.waiting.len();
                let called = usize::from(left.at.is_some()) + handled as usize;
                let not_reached = journal.len().min(waiting);
                let before = journal.len().saturating_sub(called + not_reached);
                let done = (before + handled as usize).min(journal.len());
                journal.truncate(done);
                self.stats.duplicated += journal.len() as u64;
                again.extend(journal);
                match left.at {
                    Some(_) if is_poison => self.lose(1),
                    Some(at) => again.push_back(at),
                    None => {}
                }
            }
        }
        self.stats.redelivered += again.len() as u64;
        again.extend(left.waiting);
        again
    }

    /// Takes everything out of the mailbox of an agent that is not called again: `at` is how many
    /// messages it was at.
    fn clear_out(&mut self, local: usize, at: u32) -> Left {
        let agent = &mut self.agents[local];
        let mut left = Left::default();
        if let Some(instance) = &agent.instance {
            for place in 0..agent.count {
                let slot = super::agent::ring(agent.head + place, self.setup.shape);
                let message = instance.slot(slot);
                let copy = Header::read(message).map(|h| message[..h.bytes as usize].to_vec());
                match copy {
                    Some(copy) if place < agent.ready => left.handled.push(copy),
                    Some(copy) if place < agent.ready + at => left.at = Some(copy),
                    Some(copy) => left.waiting.push(copy),
                    None => left.spoilt += 1,
                }
            }
        }
        left.waiting.extend(agent.file.backlog.drain(..));
        (agent.head, agent.count, agent.ready) = (0, 0, 0);
        left
    }

    /// A successor for the agent, with `mail` waiting for it.
    fn take_place(&mut self, local: usize, mail: VecDeque<Vec<u8>>) -> Result<(), Outcome> {
        let shape = self.setup.shape;
        let agent = &mut self.agents[local];
        // First the old one goes: its memory may be what the new one needs.
        agent.instance = None;
        agent.file.backlog = mail;
        agent.file.since = 0;
        agent.instance = Some(match &agent.file.checkpoint {
            Some(checkpoint) => self.subject.restore(shape, checkpoint)?,
            None => self.subject.spawn(shape)?,
        });
        self.refill(local);
        Ok(())
    }

    /// Moves what waits beside the mailbox into it.
    #[inline]
    pub(super) fn refill(&mut self, local: usize) {
        if !self.agents[local].file.backlog.is_empty() {
            self.refill_some(local);
        }
    }

    fn refill_some(&mut self, local: usize) {
        let shape = self.setup.shape;
        let mut backlog = std::mem::take(&mut self.agents[local].file.backlog);
        while let Some(message) = backlog.front() {
            let agent = &mut self.agents[local];
            let Place::Slot(slot) = agent.place(shape) else { break };
            let instance = agent.instance.as_mut().expect("it has a slot");
            instance.slot_mut(slot)[..message.len()].copy_from_slice(message);
            backlog.pop_front();
            self.enqueue(local);
        }
        self.agents[local].file.backlog = backlog;
    }

    fn bury(&mut self, local: usize) {
        let agent = &mut self.agents[local];
        agent.instance = None;
        agent.file = Box::default();
        (agent.head, agent.count, agent.ready) = (0, 0, 0);
    }

    fn lose(&mut self, messages: u64) {
        self.stats.lost += messages;
        self.shared.host.settle(messages);
    }
}
