//! The orchestrator that most people would write: a tokio task and a bounded channel per agent. A
//! message is one vector that goes from task to task; the receiver copies it into its agent's
//! memory, and back out of it.
//!
//! It keeps no checkpoints: an agent that dies stays dead, and what waited for it is lost.

mod actor;
mod seats;

use self::actor::{Actor, Common};
use self::seats::Seat;
use super::watch::Host;
use super::{Orchestrator, PostError, Setup, Stats, check};
use crate::subject::Attempt;
use crate::subject::mail::MailSubject;
use caxton_model::case::Outcome;
use std::sync::{Arc, mpsc as blocking};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver};

/// Replies that the host has not taken yet, per thread; then agents wait with theirs.
const REPLIES: usize = 1024;

/// Agents as tasks, driven from the thread that holds this.
pub struct Tasks {
    common: Arc<Common>,
    replies: Receiver<Vec<u8>>,
    /// What became of messages before they got to an agent.
    posted: Stats,
    /// None once it is being dropped.
    runtime: Option<Runtime>,
}

impl Tasks {
    /// All agents of `setup`, spawned and waiting for mail; its batch means nothing here.
    ///
    /// # Errors
    /// What the first agent that could not be had says.
    pub fn start<S: MailSubject>(subject: &S, setup: Setup) -> Attempt<Self> {
        setup.check()?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(setup.shards as usize)
            .thread_name("tasks")
            .build();
        let runtime = runtime.map_err(|e| Outcome::Failed(format!("no runtime: {e}")))?;
        let (sender, replies) = mpsc::channel(REPLIES * setup.shards as usize);
        let slots = setup.shape.slots as usize;
        let (seats, mail): (Vec<_>, Vec<_>) = (0..setup.agents)
            .map(|_| mpsc::channel(slots))
            .map(|(sender, mail)| (Seat::new(sender), mail))
            .unzip();
        let (seats, host) = (seats.into_boxed_slice(), Host::default());
        let common = Arc::new(Common { setup, seats, host, replies: sender });
        let posted = Stats::default();
        let started = Self { common, replies, posted, runtime: Some(runtime) };
        started.populate(subject, mail)?;
        Ok(started)
    }

    /// Spawns all agents, on all threads at the same time.
    fn populate<S: MailSubject>(&self, subject: &S, mail: Vec<Receiver<Vec<u8>>>) -> Attempt<()> {
        let runtime = self.runtime.as_ref().expect("only a drop takes it");
        let shards = self.common.setup.shards;
        let mut shares: Vec<Vec<_>> = (0..shards).map(|_| Vec::new()).collect();
        for (agent, mail) in (0..).zip(mail) {
            shares[(agent % shards) as usize].push((agent, mail));
        }
        let (tell, told) = blocking::channel();
        for share in shares {
            let (subject, common, tell) = (subject.clone(), Arc::clone(&self.common), tell.clone());
            runtime.spawn(async move {
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
}

impl Orchestrator for Tasks {
    fn post(&mut self, message: &[u8]) -> Result<(), PostError> {
        let Common { setup, seats, host, .. } = &*self.common;
        let header = check(message, seats.len() as u32, setup.shape)?;
        let seat = self.common.seat(header.to).ok_or(PostError::NoSuchAgent(header.to))?;
        match seat.mail.try_reserve() {
            Ok(place) => place.send(message.to_vec()),
            Err(TrySendError::Full(())) => return Err(PostError::Full),
            Err(TrySendError::Closed(())) => {
                self.posted.undeliverable += 1;
                host.settle(1);
            }
        }
        Ok(())
    }

    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize {
        let mut taken = 0;
        while let Ok(reply) = self.replies.try_recv() {
            take(&reply);
            taken += 1;
        }
        taken
    }

    fn wait_for(&mut self, messages: u64, time: Duration) -> u64 {
        self.common.host.wait_for(messages, time)
    }

    fn stats(&mut self) -> Stats {
        self.common.seats.iter().fold(self.posted, |all, seat| all.plus(seat.counts.stats()))
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if Handle::try_current().is_ok() {
            // On another runtime's thread none may wait for the end of this one.
            runtime.shutdown_background();
        }
    }
}
