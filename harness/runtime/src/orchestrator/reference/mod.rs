//! The reference orchestrator: a thread per core, each with its own agents; all messages in one
//! arena, where each stays; a lane of letters between each two threads. The host's thread is only
//! at its edges.

mod agent;
mod hand;
mod recover;
mod shard;
mod shared;
#[cfg(test)]
mod tests;

use self::agent::{Agent, Book};
use self::shard::{Command, Lanes, Shard};
use self::shared::{Addressed, LETTERS, Shared};
use super::supervision::{Incident, Supervision};
use super::watch::Deadline;
use super::{AgentId, Orchestrator, PostError, RequestError, Setup, Stats, check};
use crate::subject::Attempt;
use crate::subject::mail::{MailInstance, MailSubject};
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use caxton_sys::clock::CpuTime;
use caxton_sys::letters::Letter;
use rtrb::{Consumer, Producer, RingBuffer};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Messages that a lane from the host or to it holds, and the fewest that one between shards does.
const LANE: usize = 4096;

/// How the agents of a shard stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ShardFigures {
    /// Linear memory, in bytes.
    pub linear_bytes: u64,
    /// Agents that did not die for good.
    pub running: u64,
    /// Messages in mailboxes.
    pub waiting: u64,
}

impl ShardFigures {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            linear_bytes: self.linear_bytes + other.linear_bytes,
            running: self.running + other.running,
            waiting: self.waiting + other.waiting,
        }
    }
}

/// Agents on threads of their own, driven from the thread that holds this.
pub struct Reference<S: MailSubject> {
    setup: Setup,
    shared: Arc<Shared>,
    commands: Vec<Sender<Command<S>>>,
    outlets: Vec<Producer<Addressed>>,
    inlets: Vec<Consumer<Letter>>,
    /// Letters for messages to come.
    spare: Vec<Letter>,
    /// Replies that a request was not for.
    unclaimed: VecDeque<Vec<u8>>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: MailSubject> Reference<S> {
    /// All agents of `setup`, spawned and waiting for mail.
    ///
    /// # Errors
    /// What the first agent that could not be had says.
    pub fn start(subject: &S, setup: Setup, supervision: Supervision) -> Attempt<Self> {
        setup.check()?;
        let no_room = |error| Outcome::Refused(format!("no memory for messages: {error}"));
        let shared = Arc::new(Shared::new(setup, supervision).map_err(no_room)?);
        let (mut outlets, mut inlets, mut commands) = (Vec::new(), Vec::new(), Vec::new());
        let mut threads = Vec::new();
        let mut between = lanes_between(setup);
        for (number, mut own) in (0..setup.shards).zip(std::mem::take(&mut between)) {
            let (to_shard, from_host) = RingBuffer::new(LANE);
            let (replies, to_host) = RingBuffer::new(LANE);
            let (command, waiting) = mpsc::channel();
            own.inlets.push(from_host);
            let lanes =
                Lanes { inlets: own.inlets, outlets: own.outlets, replies, commands: waiting };
            let shared = Arc::clone(&shared);
            let subject = subject.clone();
            let spawned = thread::Builder::new().name(format!("shard-{number}")).spawn(move || {
                Shard::new(subject, number, shared, lanes).run();
            });
            threads.push(spawned.map_err(|e| Outcome::Failed(format!("no thread: {e}")))?);
            outlets.push(to_shard);
            inlets.push(to_host);
            commands.push(command);
        }
        let (unclaimed, spare) = (VecDeque::new(), Vec::new());
        let mut started =
            Self { setup, shared, commands, outlets, inlets, spare, unclaimed, threads };
        started.populate()?;
        Ok(started)
    }

    /// Spawns all agents, each shard its own at the same time.
    fn populate(&mut self) -> Attempt<()> {
        let Setup { agents, shards, .. } = self.setup;
        let asked: Vec<_> = (0..shards)
            .map(|number| {
                let share = agents / shards + u32::from(number < agents % shards);
                self.ask(number, move |shard| (0..share).try_for_each(|_| shard.spawn()))
            })
            .collect();
        for answer in asked {
            answer.recv().map_err(|_| Outcome::Failed("a shard ended".to_owned()))??;
        }
        self.shared.agents.store(agents, Ordering::Release);
        Ok(())
    }

    /// Has a shard's thread do something; where its answer comes.
    fn ask<R: Send + 'static>(
        &self,
        number: u32,
        what: impl FnOnce(&mut Shard<S>) -> R + Send + 'static,
    ) -> mpsc::Receiver<R> {
        let (tell, told) = mpsc::channel();
        let command: Command<S> = Box::new(move |shard| {
            // Nobody may be waiting any more.
            let _ = tell.send(what(shard));
        });
        if self.commands[number as usize].send(command).is_ok() {
            self.shared.commands[number as usize].store(true, Ordering::Release);
            self.shared.shards[number as usize].wake();
        }
        told
    }

    /// What `of` says of each shard.
    fn each<R: Send + 'static>(&self, of: fn(&mut Shard<S>) -> R) -> Vec<R> {
        let asked: Vec<_> = (0..self.setup.shards).map(|number| self.ask(number, of)).collect();
        asked.into_iter().filter_map(|told| told.recv().ok()).collect()
    }

    /// What happened to agents that died, since this was last asked: those that have caught up, or
    /// will not.
    pub fn incidents(&mut self) -> Vec<Incident> {
        self.each(|shard| std::mem::take(&mut shard.incidents)).into_iter().flatten().collect()
    }

    /// Has a shard do something, and nothing else meanwhile; tells when it is done.
    pub fn hold(&self, shard: u32, what: impl FnOnce() + Send + 'static) -> mpsc::Receiver<()> {
        self.ask(shard, move |_| what())
    }

    /// Asks each shard how its agents stand, and does not wait: it answers when it comes to it.
    pub fn ask_figures(&self) -> Vec<mpsc::Receiver<ShardFigures>> {
        let figures = |shard: &mut Shard<S>| {
            let live = shard.agents.iter().filter_map(|agent| agent.instance.as_ref());
            let waiting = |(book, agent): (&Book, &Agent<S>)| {
                (book.mail.len() + agent.file.backlog.len() + agent.file.ready.len()) as u64
            };
            ShardFigures {
                linear_bytes: live.clone().filter_map(MailInstance::linear_bytes).sum(),
                running: live.count() as u64,
                waiting: shard.books.iter().zip(&shard.agents).map(waiting).sum(),
            }
        };
        (0..self.setup.shards).map(|number| self.ask(number, figures)).collect()
    }

    /// CPU time of all shards, in nanoseconds.
    pub fn cpu_ns(&self) -> u64 {
        self.each(|_| CpuTime::of_thread().total_ns()).into_iter().sum()
    }

    /// Does `what` with an agent, on its thread.
    ///
    /// # Errors
    /// There is no such agent.
    pub fn with_agent<R: Send + 'static>(
        &mut self,
        agent: AgentId,
        what: impl FnOnce(&mut S::Instance) -> R + Send + 'static,
    ) -> Result<R, RequestError> {
        let told = self.ask(agent % self.setup.shards, move |shard| {
            let local = shard.local(agent);
            shard.agents.get_mut(local).and_then(|agent| agent.instance.as_mut()).map(what)
        });
        let told = told.recv().map_err(|_| RequestError::Post(PostError::Stopped))?;
        told.ok_or_else(|| RequestError::Refused("it is not run any more".to_owned()))
    }

    /// How many agents there are, those included that died for good.
    pub fn agents(&self) -> u32 {
        self.shared.agents.load(Ordering::Acquire)
    }

    /// One more agent.
    ///
    /// # Errors
    /// There is none to be had.
    pub fn spawn(&mut self) -> Attempt<AgentId> {
        let agent = self.agents();
        let told = self.ask(agent % self.setup.shards, Shard::spawn);
        told.recv().map_err(|_| Outcome::Failed("the shard ended".to_owned()))??;
        self.shared.agents.store(agent + 1, Ordering::Release);
        Ok(agent)
    }

    /// Sends `message` and waits for the reply with the same id.
    ///
    /// # Errors
    /// [`RequestError`].
    pub fn request(&mut self, message: &[u8], time: Duration) -> Result<Vec<u8>, RequestError> {
        let wanted = check(message, self.agents(), self.setup.shape)?.id;
        self.post(message)?;
        let deadline = Deadline::after(time);
        loop {
            let (mut found, mut others) = (None, VecDeque::new());
            self.read_replies(&mut |reply| {
                let is_wanted = Header::read(reply).is_some_and(|header| header.id == wanted);
                if is_wanted && found.is_none() {
                    found = Some(reply.to_vec());
                } else {
                    others.push_back(reply.to_vec());
                }
            });
            self.unclaimed.append(&mut others);
            if let Some(found) = found {
                return Ok(found);
            }
            let left = deadline.left();
            if left.is_zero() {
                return Err(RequestError::TimedOut(time));
            }
            let inlets = &self.inlets;
            let is_there = || inlets.iter().any(|inlet| !inlet.is_empty());
            self.shared.host.sleeper.sleep(Some(left), is_there);
        }
    }

    /// Keeps the agent's state as it is now, to be started again from when it dies.
    ///
    /// # Errors
    /// [`RequestError::Refused`] where it cannot be had.
    pub fn checkpoint(&mut self, agent: AgentId) -> Result<(), RequestError> {
        let told = self.ask(agent % self.setup.shards, move |shard| {
            let local = shard.local(agent);
            shard.checkpoint(local)
        });
        let told = told.recv().map_err(|_| RequestError::Post(PostError::Stopped))?;
        told.map_err(RequestError::Refused)
    }

    fn read_replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        let mut read = 0;
        for inlet in &mut self.inlets {
            while let Ok(letter) = inlet.pop() {
                take(self.shared.message(&letter));
                self.spare.push(letter);
                read += 1;
            }
        }
        read
    }
}

impl<S: MailSubject> Shard<S> {
    fn spawn(&mut self) -> Attempt<()> {
        let instance = self.subject.spawn(self.shape)?;
        self.agents.push(Agent::new(instance, self.setup.shape.slots));
        self.books.push(Book::new(&self.shared.arena));
        Ok(())
    }
}

/// The lanes of one shard.
#[derive(Default)]
struct Own {
    inlets: Vec<Consumer<Addressed>>,
    outlets: Vec<Option<Producer<Addressed>>>,
}

/// A lane from each shard to each other one. It holds what the agents of one shard have in flight:
/// where lanes fill up, agents wait for room, and shards try again and again for each of them.
fn lanes_between(setup: Setup) -> Vec<Own> {
    let in_flight = setup.agents.div_ceil(setup.shards).saturating_mul(LETTERS);
    let lane = LANE.max(in_flight as usize);
    let mut all: Vec<Own> = (0..setup.shards).map(|_| Own::default()).collect();
    for from in 0..setup.shards as usize {
        for to in 0..setup.shards as usize {
            if from == to {
                all[from].outlets.push(None);
                continue;
            }
            let (outlet, inlet) = RingBuffer::new(lane);
            all[from].outlets.push(Some(outlet));
            all[to].inlets.push(inlet);
        }
    }
    all
}

impl<S: MailSubject> Orchestrator for Reference<S> {
    fn post(&mut self, message: &[u8]) -> Result<(), PostError> {
        let header = check(message, self.agents(), self.setup.shape)?;
        let owner = (header.to % self.setup.shards) as usize;
        let outlet = &mut self.outlets[owner];
        if outlet.is_full() {
            return Err(PostError::Full);
        }
        let letter = self.shared.letter(&mut self.spare);
        let mut letter = letter.ok_or(PostError::NoMemory)?;
        self.shared.arena.bytes_mut(&mut letter)[..message.len()].copy_from_slice(message);
        // It is not full, and nobody else writes to it.
        let _ = outlet.push(Addressed { to: header.to, letter });
        self.shared.shards[owner].wake();
        Ok(())
    }

    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        let kept = std::mem::take(&mut self.unclaimed);
        kept.iter().for_each(|reply| take(reply));
        kept.len() + self.read_replies(take)
    }

    fn wait_for(&mut self, messages: u64, time: Duration) -> u64 {
        self.shared.host.wait_for(messages, time)
    }

    fn stats(&mut self) -> Stats {
        self.each(|shard| shard.stats).into_iter().fold(Stats::default(), Stats::plus)
    }
}

impl<S: MailSubject> Drop for Reference<S> {
    fn drop(&mut self) {
        drop(self.each(|shard| shard.is_done = true));
        for thread in self.threads.drain(..) {
            // A shard that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}
