//! Death and return of an agent: what it left is saved, a fresh one takes its place, and gets its
//! mail again.

use super::agent::{Death, Place, ring};
use super::shard::Shard;
use crate::orchestrator::supervision::{Delivery, Incident};
use crate::subject::mail::{MailInstance, MailSubject};
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use caxton_sys::clock::Clock;
use std::collections::VecDeque;

/// What a dead agent's mailbox held, but for the message that it died of.
#[derive(Default)]
struct Left {
    /// Handled, and not yet sent on.
    handled: Vec<Vec<u8>>,
    /// Those that it had not come to.
    waiting: Vec<Vec<u8>>,
    /// What was there and is no message any more.
    spoilt: u64,
}

/// What a successor is handed, in order, and what is counted if there is one.
#[derive(Default)]
struct Again {
    mail: VecDeque<Vec<u8>>,
    redelivered: u64,
    duplicated: u64,
    /// One if the message that it died of is not among them.
    lost: u64,
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
            // What a neighbour in the mailbox was spoilt by has its place here all the same.
            let bytes = Header::read(message).map_or(0, |header| header.bytes as usize);
            agent.file.journal.push(message[..bytes].to_vec());
        }
    }

    /// After a call over `batch` messages that came back, its messages sent on if there was room.
    pub(super) fn after(&mut self, local: usize, batch: u32) {
        self.look_up(local);
        let agent = &mut self.agents[local];
        agent.file.since += batch;
        let is_due = self.supervision.checkpoint_every.is_some_and(|n| agent.file.since >= n);
        if is_due && agent.ready == 0 {
            // An agent without checkpoints starts afresh when it dies.
            let _ = self.checkpoint(local);
        }
    }

    /// Whether the agent has got over its last death.
    pub(super) fn look_up(&mut self, local: usize) {
        let agent = &mut self.agents[local];
        let Some(incident) = &mut agent.file.incident else { return };
        let now_ns = self.clock.now().0;
        incident.succeeded_ns.get_or_insert(now_ns);
        if agent.count == 0 && agent.file.backlog.is_empty() {
            incident.caught_up_ns = Some(now_ns);
            self.incidents.extend(agent.file.incident.take());
            agent.file.suspect = None;
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

    /// The agent died.
    #[cold]
    pub(super) fn fell(&mut self, local: usize, death: Death, why: &Outcome) {
        let seen_ns = self.clock.now().0;
        self.stats.failures += 1;
        let agent = &mut self.agents[local];
        let (handled, called_ns, culprit) = match death {
            Death::Called { batch, called_ns } => {
                let handled = agent.instance.as_mut().map_or(0, |it| it.handled(batch));
                (handled, called_ns, (handled < batch).then_some(handled))
            }
            Death::Spoilt => (0, seen_ns, Some(0)),
        };
        self.stats.delivered += u64::from(handled);
        agent.ready += handled;
        let may = agent.file.restarts.allow(seen_ns, self.supervision.intensity);
        let again = self.again(local, death, culprit);
        let left = self.clear_out(local, culprit);
        self.strays.extend(left.handled);
        self.lose(left.spoilt);
        let incident = Incident {
            agent: local as u32 * self.setup.shards + self.number,
            why: why.reason().unwrap_or_default().to_owned(),
            called_ns,
            seen_ns,
            restarted_ns: None,
            succeeded_ns: None,
            caught_up_ns: None,
        };
        let mut mail = again.mail;
        mail.extend(left.waiting.iter().cloned());
        if may && self.take_place(local, mail).is_ok() {
            self.stats.restarts += 1;
            self.stats.redelivered += again.redelivered;
            self.stats.duplicated += again.duplicated;
            self.lose(again.lost);
            self.came_back(local, incident);
        } else {
            self.stats.escalated += 1;
            self.lose(left.waiting.len() as u64 + u64::from(culprit.is_some()));
            self.agents[local].file.backlog.clear();
            self.agents[local].has_backlog = false;
            self.bury(local);
            self.incidents.push(incident);
        }
    }

    fn came_back(&mut self, local: usize, incident: Incident) {
        let incident = Incident { restarted_ns: Some(self.clock.now().0), ..incident };
        let agent = &mut self.agents[local];
        if agent.count == 0 {
            agent.file.suspect = None;
            self.incidents.extend(agent.file.incident.take());
            self.incidents.push(incident);
        } else {
            self.incidents.extend(agent.file.incident.replace(incident));
        }
    }

    /// What is handed out again; `culprit` is the place in the mailbox of the message that it died
    /// of.
    fn again(&mut self, local: usize, death: Death, culprit: Option<u32>) -> Again {
        let agent = &mut self.agents[local];
        if self.supervision.delivery == Delivery::AtMostOnce {
            return Again { lost: u64::from(culprit.is_some()), ..Again::default() };
        }
        let mut journal = std::mem::take(&mut agent.file.journal);
        // The journal ends with the messages of the last call.
        let at = match death {
            Death::Called { batch, .. } => {
                let first = journal.len().saturating_sub(batch as usize);
                let at = first + culprit.unwrap_or(batch) as usize;
                journal.truncate(at + usize::from(culprit.is_some()));
                culprit.map(|_| at)
            }
            // None where a checkpoint was taken before its messages were sent on.
            Death::Spoilt => journal.len().checked_sub(agent.ready as usize),
        };
        let suspect = at.and_then(|at| journal.get(at)).cloned();
        let is_again = suspect.is_some() && suspect == agent.file.suspect;
        if let (true, Some(at)) = (is_again, at) {
            journal.remove(at);
        }
        let comes_again = suspect.is_some() && !is_again;
        agent.file.suspect = suspect;
        journal.retain(|message| !message.is_empty());
        Again {
            redelivered: journal.len() as u64,
            duplicated: journal.len() as u64 - u64::from(comes_again),
            lost: u64::from(culprit.is_some() && !comes_again),
            mail: journal.into(),
        }
    }

    /// Takes everything out of the mailbox of an agent that is not called again, but for what lies
    /// at the place `culprit`.
    fn clear_out(&mut self, local: usize, culprit: Option<u32>) -> Left {
        let shape = self.setup.shape;
        let journals = self.supervision.delivery == Delivery::AtLeastOnce;
        let agent = &mut self.agents[local];
        let mut left = Left::default();
        let places = (0..agent.count).filter(|place| Some(*place) != culprit);
        for place in places {
            let Some(instance) = &agent.instance else { break };
            let message = instance.slot(ring(agent.head + place, shape));
            let copy = Header::read(message).map(|h| message[..h.bytes as usize].to_vec());
            let was_handled = place < agent.ready;
            match copy {
                Some(copy) if was_handled => left.handled.push(copy),
                Some(copy) => left.waiting.push(copy),
                // It is in the journal, and handed out again.
                None if was_handled && journals => {}
                None => left.spoilt += 1,
            }
        }
        left.waiting.extend(agent.file.backlog.drain(..));
        agent.has_backlog = false;
        (agent.head, agent.count, agent.ready) = (0, 0, 0);
        left
    }

    /// A successor for the agent, with `mail` waiting for it.
    fn take_place(&mut self, local: usize, mail: VecDeque<Vec<u8>>) -> Result<(), Outcome> {
        let shape = self.setup.shape;
        let agent = &mut self.agents[local];
        // First the old one goes: its memory may be what the new one needs.
        agent.instance = None;
        agent.file.room = mail.len() + shape.slots as usize;
        agent.has_backlog = !mail.is_empty();
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
        if self.agents[local].has_backlog {
            self.refill_some(local);
        }
    }

    fn refill_some(&mut self, local: usize) {
        let shape = self.setup.shape;
        let mut backlog = std::mem::take(&mut self.agents[local].file.backlog);
        self.agents[local].has_backlog = false;
        while let Some(message) = backlog.front() {
            let agent = &mut self.agents[local];
            // The backlog was taken out: only the mailbox counts.
            let Place::Slot(slot) = agent.place(shape) else { break };
            let instance = agent.instance.as_mut().expect("it has a slot");
            instance.slot_mut(slot)[..message.len()].copy_from_slice(message);
            backlog.pop_front();
            self.enqueue(local);
        }
        self.agents[local].has_backlog = !backlog.is_empty();
        self.agents[local].file.backlog = backlog;
    }

    /// The agent stays dead; what waited beside its mailbox is lost.
    fn bury(&mut self, local: usize) {
        let agent = &mut self.agents[local];
        agent.instance = None;
        let file = std::mem::take(&mut *agent.file);
        (agent.head, agent.count, agent.ready) = (0, 0, 0);
        self.incidents.extend(file.incident);
        self.lose(file.backlog.len() as u64);
    }

    fn lose(&mut self, messages: u64) {
        self.stats.lost += messages;
        self.shared.host.settle(messages);
    }
}
