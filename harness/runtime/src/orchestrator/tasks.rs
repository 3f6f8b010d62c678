//! The orchestrator that most people would write: a tokio task and a bounded channel per agent. A
//! message is one vector that goes from task to task; the receiver copies it into its agent's
//! memory, and back out of it.
//!
//! It keeps no checkpoints: an agent that dies stays dead, and what waited for it is lost.

mod actor;
mod seats;

use self::actor::{Actor, Common};
use self::seats::{Seat, Seats};
use super::watch::{Deadline, Host};
use super::{AgentId, Orchestrator, PostError, RequestError, Setup, Stats, WhenFull, check};
use crate::subject::Attempt;
use crate::subject::mail::MailSubject;
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Replies that the host has not taken yet, per thread; then agents wait with theirs.
const REPLIES: usize = 1024;
const NO_CHECKPOINT: &str = "this orchestrator keeps no checkpoints";

/// Agents as tasks, driven from the thread that holds this.
pub struct Tasks<S: MailSubject> {
    name: &'static str,
    subject: S,
    common: Arc<Common>,
    replies: Receiver<Vec<u8>>,
    /// Replies that a request was not for.
    unclaimed: VecDeque<Vec<u8>>,
    /// What became of messages before they got to an agent.
    posted: Stats,
    /// None once it is being dropped.
    runtime: Option<Runtime>,
}

impl<S: MailSubject> Tasks<S> {
    /// All agents of `setup`, spawned and waiting for mail; its batch means nothing here.
    ///
    /// # Errors
    /// What the first agent that could not be had says.
    pub fn start(name: &'static str, subject: &S, setup: Setup) -> Attempt<Self> {
        setup.check()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(setup.shards as usize)
            .thread_name("tasks")
            .build();
        let runtime = runtime.map_err(|e| Outcome::Failed(format!("no runtime: {e}")))?;
        let (sender, replies) = mpsc::channel(REPLIES * setup.shards as usize);
        let (seats, host) = (Seats::default(), Host::default());
        let common = Arc::new(Common { setup, seats, host, replies: sender });
        let started = Self {
            name,
            subject: subject.clone(),
            common,
            replies,
            unclaimed: VecDeque::new(),
            posted: Stats::default(),
            runtime: Some(runtime),
        };
        started.populate()?;
        Ok(started)
    }

    /// Spawns all agents, on all threads at the same time.
    fn populate(&self) -> Attempt<()> {
        let Setup { agents, shards, .. } = self.common.setup;
        let mut shares: Vec<Vec<_>> = (0..shards).map(|_| Vec::new()).collect();
        for agent in 0..agents {
            let (sender, mail) = self.channel();
            self.common.seats.push(Seat::new(sender));
            shares[(agent % shards) as usize].push((agent, mail));
        }
        let (tell, told) = blocking::channel();
        for share in shares {
            let (subject, common, tell) =
                (self.subject.clone(), Arc::clone(&self.common), tell.clone());
            self.handle().spawn(async move {
                let all = share.into_iter().try_for_each(|(agent, mail)| {
                    let actor = Actor::new(&subject, agent, mail, common.setup.shape)?;
                    tokio::spawn(actor.run(Arc::clone(&common)));
                    Ok(())
                });
                // Nobody waits any more once another share has failed.
                let _ = tell.send(all);
            });
        }
        drop(tell);
        for _ in 0..shards {
            told.recv().map_err(|_| Outcome::Failed("a task ended".to_owned()))??;
        }
        Ok(())
    }

    fn channel(&self) -> (Sender<Vec<u8>>, Receiver<Vec<u8>>) {
        mpsc::channel(self.common.setup.shape.slots as usize)
    }

    fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("only a drop takes it").handle()
    }
}

impl<S: MailSubject> Orchestrator for Tasks<S> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn agents(&self) -> u32 {
        self.common.seats.len()
    }

    fn spawn(&mut self) -> Attempt<AgentId> {
        let agent = self.agents();
        let (sender, mail) = self.channel();
        let actor = Actor::new(&self.subject, agent, mail, self.common.setup.shape)?;
        self.common.seats.push(Seat::new(sender));
        self.handle().spawn(actor.run(Arc::clone(&self.common)));
        Ok(agent)
    }

    fn post(&mut self, message: &[u8]) -> Result<(), PostError> {
        let header = check(message, self.agents(), self.common.setup.shape)?;
        let seat = self.common.seats.get(header.to);
        let seat = seat.ok_or(PostError::NoSuchAgent(header.to))?;
        match (seat.mail.try_reserve(), self.common.setup.when_full) {
            (Ok(place), _) => {
                place.send(message.to_vec());
                return Ok(());
            }
            (Err(TrySendError::Closed(())), _) => self.posted.undeliverable += 1,
            (Err(TrySendError::Full(())), WhenFull::Drop) => self.posted.dropped += 1,
            (Err(TrySendError::Full(())), WhenFull::Block | WhenFull::Fail) => {
                return Err(PostError::Full);
            }
        }
        self.common.host.settle(1);
        Ok(())
    }

    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        let mut taken = 0;
        while let Some(reply) = self.unclaimed.pop_front().or_else(|| self.replies.try_recv().ok())
        {
            take(&reply);
            taken += 1;
        }
        taken
    }

    fn wait_for(&mut self, messages: u64, time: Duration) -> u64 {
        self.common.host.wait_for(messages, time)
    }

    fn request(&mut self, message: &[u8], time: Duration) -> Result<Vec<u8>, RequestError> {
        let wanted = check(message, self.agents(), self.common.setup.shape)?.id;
        self.post(message)?;
        let deadline = Deadline::after(time);
        loop {
            match self.replies.try_recv() {
                Ok(reply) if Header::read(&reply).is_some_and(|header| header.id == wanted) => {
                    return Ok(reply);
                }
                Ok(other) => self.unclaimed.push_back(other),
                Err(TryRecvError::Empty) => {
                    let replies = &self.replies;
                    let sleeper = &self.common.host.sleeper;
                    sleeper.sleep(Some(deadline.left()), || !replies.is_empty());
                }
                Err(TryRecvError::Disconnected) => return Err(PostError::Stopped.into()),
            }
            if deadline.left().is_zero() && self.replies.is_empty() {
                return Err(RequestError::TimedOut(time));
            }
        }
    }

    fn checkpoint(&mut self, _: AgentId) -> Result<(), RequestError> {
        Err(RequestError::Refused(NO_CHECKPOINT.to_owned()))
    }

    fn restore(&mut self, _: AgentId) -> Result<(), RequestError> {
        Err(RequestError::Refused(NO_CHECKPOINT.to_owned()))
    }

    fn kill(&mut self, agent: AgentId) -> Result<(), RequestError> {
        let seat = self.common.seats.get(agent);
        let seat = seat.ok_or(RequestError::Post(PostError::NoSuchAgent(agent)))?;
        if seat.is_dead.load(Ordering::Acquire) {
            return Err(RequestError::Refused("it is not run any more".to_owned()));
        }
        seat.kill();
        while !seat.is_dead.load(Ordering::Acquire) {
            self.common.host.sleeper.sleep(None, || seat.is_dead.load(Ordering::Acquire));
        }
        Ok(())
    }

    fn stats(&mut self) -> Stats {
        let seats = (0..self.agents()).filter_map(|agent| self.common.seats.get(agent));
        seats.fold(self.posted, |all, seat| all.plus(seat.counts.stats()))
    }
}

impl<S: MailSubject> Drop for Tasks<S> {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if Handle::try_current().is_ok() {
            // On another runtime's thread none may wait for the end of this one.
            runtime.shutdown_background();
        }
    }
}
