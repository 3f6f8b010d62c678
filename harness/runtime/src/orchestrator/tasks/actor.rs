//! One agent's task: takes a message, has it handled, sends on what became of it.

use super::seats::{Count, Seat};
use crate::orchestrator::watch::Host;
use crate::orchestrator::{AgentId, Setup};
use crate::subject::Attempt;
use crate::subject::mail::{MailInstance, MailSubject, Shape};
use agent_abi::mail::{HOST, Header};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender};

/// What all tasks see.
pub(super) struct Common {
    pub(super) setup: Setup,
    /// In the agents' order.
    pub(super) seats: Box<[Seat]>,
    pub(super) host: Host,
    pub(super) replies: Sender<Vec<u8>>,
}

impl Common {
    #[inline]
    pub(super) fn seat(&self, agent: AgentId) -> Option<&Seat> {
        self.seats.get(agent as usize)
    }
}

/// Whether the task goes on.
type Next = ControlFlow<()>;

/// An agent and its channel.
pub(super) struct Actor<I> {
    me: AgentId,
    instance: I,
    mail: Receiver<Vec<u8>>,
    /// Messages to itself for which its channel had no room: it cannot wait for itself.
    to_self: VecDeque<Vec<u8>>,
}

/// What an agent's task sees of the others, and counts.
#[derive(Clone, Copy)]
struct Site<'a> {
    common: &'a Common,
    seat: &'a Seat,
}

impl Site<'_> {
    /// A message is at its end.
    fn gone(self, count: &Count) {
        count.add(1);
        self.common.host.settle(1);
    }

    #[inline]
    async fn send(self, mail: &Sender<Vec<u8>>, message: Vec<u8>) {
        match mail.reserve().await {
            Ok(place) => place.send(message),
            Err(_) => self.gone(&self.seat.counts.undeliverable),
        }
    }

    async fn reply(self, message: Vec<u8>) -> Next {
        let Ok(place) = self.common.replies.reserve().await else {
            self.gone(&self.seat.counts.lost);
            return Next::Break(());
        };
        place.send(message);
        self.common.host.sleeper.wake();
        Next::Continue(())
    }
}

impl<I: MailInstance> Actor<I> {
    /// A fresh agent of `subject` that gets its messages from `mail`.
    pub(super) fn new<S: MailSubject<Instance = I>>(
        subject: &S,
        me: AgentId,
        mail: Receiver<Vec<u8>>,
        shape: Shape,
    ) -> Attempt<Self> {
        let instance = subject.spawn(Shape { slots: 1, ..shape })?;
        Ok(Self { me, instance, mail, to_self: VecDeque::new() })
    }

    /// Works until the agent dies.
    pub(super) async fn run(mut self, common: Arc<Common>) {
        let seat = common.seat(self.me).expect("an agent has its seat before its task");
        let site = Site { common: &common, seat };
        loop {
            self.put_own(site);
            let Some(message) = self.mail.recv().await else { break };
            if self.handle(site, message).await.is_break() {
                break;
            }
        }
        self.bury(site).await;
    }

    #[inline]
    async fn handle(&mut self, site: Site<'_>, mut message: Vec<u8>) -> Next {
        let counts = &site.seat.counts;
        self.instance.slot_mut(0)[..message.len()].copy_from_slice(&message);
        counts.drains.add(1);
        if self.instance.drain(0, 1).is_err() {
            return self.fell(site);
        }
        counts.delivered.add(1);
        let slot = self.instance.slot(0);
        let Some(header) = Header::read(slot) else { return self.fell(site) };
        message.clear();
        message.extend_from_slice(&slot[..header.bytes as usize]);
        match site.common.seat(header.to) {
            Some(_) if header.to == self.me => self.to_self.push_back(message),
            Some(to) => site.send(&to.mail, message).await,
            None if header.to != HOST => site.gone(&counts.undeliverable),
            None if header.is_passed() => site.gone(&counts.finished),
            None => return site.reply(message).await,
        }
        Next::Continue(())
    }

    /// The agent died, and its message with it.
    #[cold]
    fn fell(&mut self, site: Site<'_>) -> Next {
        // Whoever sees that the message is lost sees that no other is taken.
        self.mail.close();
        site.seat.counts.failures.add(1);
        site.gone(&site.seat.counts.lost);
        Next::Break(())
    }

    /// Puts its messages to itself into its channel, as far as there is room.
    #[inline]
    fn put_own(&mut self, site: Site<'_>) {
        while let Some(message) = self.to_self.pop_front() {
            if let Err(TrySendError::Full(message)) = site.seat.mail.try_send(message) {
                self.to_self.push_front(message);
                return;
            }
        }
    }

    /// Takes no more mail; what waits is lost.
    async fn bury(mut self, site: Site<'_>) {
        self.mail.close();
        let mut lost = self.to_self.len() as u64;
        while self.mail.recv().await.is_some() {
            lost += 1;
        }
        site.seat.counts.lost.add(lost);
        site.common.host.settle(lost);
    }
}
