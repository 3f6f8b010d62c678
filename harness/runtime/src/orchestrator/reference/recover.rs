//! Death and return of an agent: what it left is saved, a fresh one takes its place, and gets its
//! mail again.

use super::agent::Death;
use super::shard::Shard;
use crate::orchestrator::supervision::Incident;
use crate::subject::mail::{MailInstance, MailSubject};
use caxton_model::case::Outcome;
use caxton_sys::clock::Clock;
use caxton_sys::letters::Letter;
use std::collections::VecDeque;

/// What a dead agent's last call was over.
#[derive(Debug, Clone, Copy)]
struct Last {
    /// When the call began, in nanoseconds.
    called_ns: u64,
    /// A message killed it. Where that one stands in the journal, if there is a journal.
    has_culprit: bool,
    culprit: Option<usize>,
    /// Other messages that it has spoilt.
    spoilt: u64,
}

/// What a successor is handed before the mail that waits, in order, and what is counted if there is
/// one.
#[derive(Default)]
struct Again {
    mail: VecDeque<Letter>,
    redelivered: u64,
    /// Those of them that were handled and sent on before.
    duplicated: u64,
    /// What is not among them: the message that it died of, and what it spoilt.
    lost: u64,
}

impl<S: MailSubject> Shard<S> {
    /// After a call over `count` messages that came back.
    pub(super) fn after(&mut self, local: usize, count: u32) {
        let file = &mut self.agents[local].file;
        if let Some(incident) = &mut file.incident {
            incident.succeeded_ns.get_or_insert(self.clock.now().0);
        }
        file.since += count;
        let is_due = self.supervision.checkpoint_every.is_some_and(|n| file.since >= n);
        self.catch_up(local);
        if is_due {
            // An agent without checkpoints starts afresh when it dies.
            let _ = self.checkpoint(local);
        }
    }

    /// Closes the incident of an agent that got over its last death: it has handled a message
    /// again, and nothing waits for it or with it.
    pub(super) fn catch_up(&mut self, local: usize) {
        let (book, file) = (&self.books[local], &mut self.agents[local].file);
        let has_succeeded = |incident: &&mut Incident| incident.succeeded_ns.is_some();
        let Some(incident) = file.incident.as_mut().filter(has_succeeded) else { return };
        if book.mail.is_empty() && !book.has_backlog && !book.is_blocked {
            incident.caught_up_ns = Some(self.clock.now().0);
            self.incidents.extend(file.incident.take());
            file.suspect = None;
        }
    }

    /// Keeps the agent's state as it is now.
    pub(super) fn checkpoint(&mut self, local: usize) -> Result<(), String> {
        let agent = self.agents.get_mut(local).ok_or("there is no such agent")?;
        let instance = agent.instance.as_mut().ok_or("it is not run any more")?;
        let taken = self.subject.checkpoint(instance, agent.file.checkpoint.as_ref())?;
        agent.file.checkpoint = Some(taken);
        agent.file.since = 0;
        self.spare.append(&mut agent.file.journal);
        Ok(())
    }

    /// The agent died.
    #[cold]
    pub(super) fn fell(&mut self, local: usize, death: Death, why: &Outcome) {
        let seen_ns = self.clock.now().0;
        self.stats.failures += 1;
        let last = match death {
            Death::Called { called_ns, count } => self.called(local, called_ns, count),
            Death::Spoilt { first, count, slots } => {
                let journal = self.agents[local].file.journal.len();
                let at = journal.checked_sub(count as usize).map(|start| start + first as usize);
                let (has_culprit, spoilt) = (true, u64::from(slots - 1));
                Last { called_ns: seen_ns, has_culprit, culprit: at, spoilt }
            }
        };
        self.send_on(local);
        let again = self.again(local, last);
        let waiting = self.waiting(local);
        let incident = Incident {
            agent: local as u32 * self.setup.shards + self.number,
            why: why.reason().unwrap_or_default().to_owned(),
            called_ns: last.called_ns,
            seen_ns,
            restarted_ns: None,
            succeeded_ns: None,
            caught_up_ns: None,
        };
        let restarts = &mut self.agents[local].file.restarts;
        let may = restarts.allow(seen_ns, self.supervision.intensity);
        let waited = waiting.len() as u64;
        let backlog = &mut self.agents[local].file.backlog;
        backlog.extend(again.mail);
        backlog.extend(waiting);
        if may && self.take_place(local).is_ok() {
            self.stats.restarts += 1;
            self.stats.redelivered += again.redelivered;
            self.stats.duplicated += again.duplicated;
            self.lose(again.lost);
            self.came_back(local, incident);
        } else {
            self.stats.escalated += 1;
            self.lose(waited + u64::from(last.has_culprit) + last.spoilt);
            self.bury(local);
            self.incidents.push(incident);
        }
    }

    /// The agent died in a call over `count` messages, all of which are in the hand: those that it
    /// had handled are taken back, those that it had not come to wait again.
    fn called(&mut self, local: usize, called_ns: u64, count: u32) -> Last {
        let instance = self.agents[local].instance.as_mut();
        let handled = instance.map_or(0, |instance| instance.handled(count)).min(count);
        self.stats.delivered += u64::from(handled);
        let spoilt = u64::from(self.take_back(local, handled).slots);
        let mut rest = std::mem::take(&mut self.hand);
        let untouched = rest.split_off(rest.len().min(1));
        untouched.into_iter().rev().for_each(|letter| self.books[local].mail.push_front(letter));
        let has_culprit = !rest.is_empty();
        let mut culprit = None;
        if self.journals() {
            let journal = &mut self.agents[local].file.journal;
            culprit = has_culprit.then_some(journal.len());
            journal.append(&mut rest);
        } else {
            self.spare.append(&mut rest);
        }
        Last { called_ns, has_culprit, culprit, spoilt }
    }

    fn came_back(&mut self, local: usize, incident: Incident) {
        let incident = Incident { restarted_ns: Some(self.clock.now().0), ..incident };
        let file = &mut self.agents[local].file;
        if self.books[local].mail.is_empty() {
            file.suspect = None;
            self.incidents.extend(file.incident.take());
            self.incidents.push(Incident { caught_up_ns: incident.restarted_ns, ..incident });
        } else {
            self.incidents.extend(file.incident.replace(incident));
        }
    }

    /// What is handed out again: the journal, but for a message that killed twice.
    fn again(&mut self, local: usize, last: Last) -> Again {
        if !self.journals() {
            let lost = u64::from(last.has_culprit) + last.spoilt;
            return Again { lost, ..Again::default() };
        }
        let file = &mut self.agents[local].file;
        let mut journal = std::mem::take(&mut file.journal);
        let at = last.culprit;
        let suspect = at.and_then(|at| journal.get(at));
        let suspect = suspect.map(|letter| self.shared.message(letter).to_vec());
        let is_again = suspect.is_some() && suspect == file.suspect;
        if let (true, Some(at)) = (is_again, at) {
            self.spare.push(journal.remove(at));
        }
        let comes_again = suspect.is_some() && !is_again;
        file.suspect = suspect;
        Again {
            redelivered: journal.len() as u64,
            duplicated: journal.len() as u64 - u64::from(comes_again) - last.spoilt,
            lost: u64::from(last.has_culprit && !comes_again),
            mail: journal.into(),
        }
    }

    /// Takes all that waits out of the agent's book and from behind it.
    fn waiting(&mut self, local: usize) -> VecDeque<Letter> {
        let book = &mut self.books[local];
        let mut waiting = VecDeque::new();
        while let Some(letter) = book.mail.pop_front() {
            waiting.push_back(letter);
        }
        waiting.append(&mut self.agents[local].file.backlog);
        book.has_backlog = false;
        waiting
    }

    /// A successor for the agent, which gets what is in the backlog.
    fn take_place(&mut self, local: usize) -> Result<(), Outcome> {
        let shape = self.shape;
        let agent = &mut self.agents[local];
        // First the old one goes: its memory may be what the new one needs.
        agent.instance = None;
        agent.instance = Some(match &agent.file.checkpoint {
            Some(checkpoint) => self.subject.restore(shape, checkpoint)?,
            None => self.subject.spawn(shape)?,
        });
        let slots = self.setup.shape.slots;
        // For good: what was handled twice is on its way twice, and needs room where it goes.
        agent.file.room = agent.file.backlog.len() + slots as usize;
        agent.file.since = 0;
        self.books[local].has_backlog = !agent.file.backlog.is_empty();
        self.settle(local);
        Ok(())
    }

    /// Moves what waits behind the mail into it, as far as there is room.
    pub(super) fn refill(&mut self, local: usize) {
        let (book, file) = (&mut self.books[local], &mut self.agents[local].file);
        while book.mail.len() < self.book_slots {
            let Some(letter) = file.backlog.pop_front() else { break };
            book.mail.push_back(letter);
        }
        book.has_backlog = !file.backlog.is_empty();
    }

    /// The agent stays dead; its messages are nobody's.
    fn bury(&mut self, local: usize) {
        let agent = &mut self.agents[local];
        agent.instance = None;
        let file = &mut *agent.file;
        file.checkpoint = None;
        self.incidents.extend(file.incident.take());
        self.spare.extend(file.backlog.drain(..).chain(file.journal.drain(..)));
        self.books[local].is_gone = true;
    }

    fn lose(&mut self, messages: u64) {
        self.stats.lost += messages;
        self.shared.host.settle(messages);
    }
}
