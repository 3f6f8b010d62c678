//! A shard: one thread, its agents, and the way of a message to them.
//!
//! A message stays where it lies in the arena, and its letter goes from the sender's hand to the
//! receiver's book, by a lane where that is another shard's. What a call does with it is in
//! `hand.rs`.

use super::agent::{Agent, Book, QUEUE};
use super::shared::{Addressed, SHARE, Shared};
use crate::orchestrator::supervision::{Delivery, Incident, Supervision};
use crate::orchestrator::{AgentId, Setup, Stats};
use crate::subject::mail::{MailInstance, MailSubject, Shape};
use agent_abi::mail::{HOST, Header};
use caxton_sys::clock::Monotonic;
use caxton_sys::housed::{prefetch, prefetch_at};
use caxton_sys::letters::Letter;
use rtrb::{Consumer, Producer};
use std::collections::VecDeque;
use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Turns without work before a shard lets others have its core, and before it sleeps. To spin on
/// would be to take the core from the very shard that it waits for, where there are more threads
/// than cores; to sleep at once would cost some 20 µs of being woken.
const SPINS: u32 = 100;
const YIELDS: u32 = 150;
/// Messages taken from one lane before the next one's turn.
const LANE_TURN: usize = 256;
/// Agents that are called, and those which wait that are tried again, before lanes are looked at.
const AGENT_TURN: u32 = 64;
/// How many agents before its turn one's book and what stands beside it are brought nearer, and,
/// once these are there, its memory and its messages.
const FAR_AHEAD: usize = 6;
const NEAR_AHEAD: usize = 2;
/// How many messages before its turn the book of one's receiver is.
const BOOKS_AHEAD: usize = 6;
/// Cache lines of a message that are asked for; the CPU fetches those behind them by itself.
const MESSAGE_LINES: usize = 16;
/// How long a shard sleeps that waits for room: nobody wakes it.
const WAIT_FOR_ROOM: Duration = Duration::from_micros(50);

/// Something done by a shard's thread.
pub(super) type Command<S> = Box<dyn FnOnce(&mut Shard<S>) + Send>;

/// One thread's part of the agents.
pub(super) struct Shard<S: MailSubject> {
    pub(super) subject: S,
    pub(super) setup: Setup,
    pub(super) supervision: Supervision,
    pub(super) number: u32,
    /// What one call hands over, at most.
    pub(super) shape: Shape,
    /// How many letters a book queues itself.
    pub(super) book_slots: usize,
    /// Of each agent, at the same place as the agent.
    pub(super) books: Vec<Book>,
    pub(super) agents: Vec<Agent<S>>,
    pub(super) stats: Stats,
    pub(super) incidents: Vec<Incident>,
    pub(super) shared: Arc<Shared>,
    pub(super) is_done: bool,
    pub(super) lanes: Lanes<S>,
    /// Of each inlet, what was taken from it and not delivered yet.
    incoming: Vec<VecDeque<Addressed>>,
    /// Agents with mail.
    pub(super) queue: VecDeque<u32>,
    /// Agents whose handled messages find no room.
    blocked: VecDeque<u32>,
    /// The letters of what an agent was handed, in the order of its slots.
    pub(super) hand: Vec<Letter>,
    /// What it has handled of that, to be sent on.
    pub(super) handled: Vec<Letter>,
    /// Letters whose messages are done.
    pub(super) spare: Vec<Letter>,
    /// Which shards got mail since they were last told.
    touched: u64,
    pub(super) clock: Monotonic,
}

/// How messages and commands come and go.
pub(super) struct Lanes<S: MailSubject> {
    /// From the host, and from each other shard.
    pub(super) inlets: Vec<Consumer<Addressed>>,
    /// To each shard; none to this one.
    pub(super) outlets: Vec<Option<Producer<Addressed>>>,
    /// To the host.
    pub(super) replies: Producer<Letter>,
    pub(super) commands: Receiver<Command<S>>,
}

impl<S: MailSubject> Shard<S> {
    pub(super) fn new(subject: S, number: u32, shared: Arc<Shared>, lanes: Lanes<S>) -> Self {
        Self {
            subject,
            setup: shared.setup,
            supervision: shared.supervision,
            number,
            shape: shared.setup.hand(),
            book_slots: QUEUE.min(shared.setup.shape.slots as usize),
            books: Vec::new(),
            agents: Vec::new(),
            stats: Stats::default(),
            incidents: Vec::new(),
            shared,
            is_done: false,
            incoming: lanes.inlets.iter().map(|_| VecDeque::with_capacity(LANE_TURN)).collect(),
            lanes,
            queue: VecDeque::new(),
            blocked: VecDeque::new(),
            hand: Vec::new(),
            handled: Vec::new(),
            spare: Vec::new(),
            touched: 0,
            clock: Monotonic,
        }
    }

    /// Works until told to stop.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let me = self.number as usize;
        let kept = if self.journals() { SHARE } else { 0 };
        let mut idle = 0;
        while !self.is_done {
            if shared.commands[me].swap(false, Ordering::AcqRel) {
                while let Ok(command) = self.lanes.commands.try_recv() {
                    command(&mut self);
                }
                // Not to sleep on it: whoever gave this command gives no other.
                if self.is_done {
                    break;
                }
            }
            let took = self.take_in();
            let freed = self.unblock();
            let worked = self.work();
            self.tell_touched();
            shared.release(&mut self.spare, kept);
            if took || freed || worked {
                idle = 0;
            } else if idle < SPINS {
                idle += 1;
                spin_loop();
            } else if idle < YIELDS {
                idle += 1;
                std::thread::yield_now();
            } else {
                self.sleep();
                idle = 0;
            }
        }
    }

    fn sleep(&self) {
        let (shared, me) = (&self.shared, self.number as usize);
        let waits =
            !self.blocked.is_empty() || self.incoming.iter().any(|incoming| !incoming.is_empty());
        let longest = waits.then_some(WAIT_FOR_ROOM);
        let inlets = &self.lanes.inlets;
        shared.shards[me].sleep(longest, || {
            // What lies in the lanes of a shard that waits may be what it has no room for.
            shared.commands[me].load(Ordering::Acquire)
                || (!waits && inlets.iter().any(|inlet| !inlet.is_empty()))
        });
    }

    /// Whether messages are kept until the next checkpoint, to be delivered again.
    #[inline]
    pub(super) fn journals(&self) -> bool {
        self.supervision.delivery == Delivery::AtLeastOnce
    }

    /// The agent's place in this shard.
    #[inline]
    pub(super) fn local(&self, agent: AgentId) -> usize {
        (agent / self.setup.shards) as usize
    }

    /// Delivers what came over the lanes; true if anything did.
    fn take_in(&mut self) -> bool {
        let mut any = false;
        for inlet in 0..self.lanes.inlets.len() {
            let mut incoming = std::mem::take(&mut self.incoming[inlet]);
            let lane = &mut self.lanes.inlets[inlet];
            let wanted = lane.slots().min(LANE_TURN.saturating_sub(incoming.len()));
            if let Ok(chunk) = lane.read_chunk(wanted) {
                incoming.extend(chunk);
            }
            any |= self.deliver_all(&mut incoming);
            self.incoming[inlet] = incoming;
        }
        any
    }

    /// Delivers what came over one lane, in its order, as far as there is room; true if anything.
    fn deliver_all(&mut self, incoming: &mut VecDeque<Addressed>) -> bool {
        let before = incoming.len();
        while let Some(Addressed { to, letter }) = incoming.pop_front() {
            if let Some(later) = incoming.get(BOOKS_AHEAD) {
                self.expect_book(later.to);
            }
            if let Err(letter) = self.deliver(to, letter) {
                incoming.push_front(Addressed { to, letter });
                break;
            }
        }
        incoming.len() < before
    }

    /// Puts a message into the book of an agent of this shard.
    ///
    /// # Errors
    /// The letter, if there is no room.
    #[inline]
    fn deliver(&mut self, to: AgentId, letter: Letter) -> Result<(), Letter> {
        let local = self.local(to);
        let Some(book) = self.books.get_mut(local).filter(|book| !book.is_gone) else {
            self.gone(letter);
            return Ok(());
        };
        if book.has_backlog || book.mail.len() >= self.book_slots {
            return self.deliver_behind(local, letter);
        }
        book.mail.push_back(letter);
        self.enqueue(local);
        Ok(())
    }

    /// The same behind what is in the book. An agent that is handed much mail again passes on more
    /// than usual, and would wait for ever for those who wait for it: it has more room.
    #[cold]
    fn deliver_behind(&mut self, local: usize, letter: Letter) -> Result<(), Letter> {
        let file = &mut self.agents[local].file;
        if file.backlog.len() >= file.room {
            return Err(letter);
        }
        file.backlog.push_back(letter);
        self.books[local].has_backlog = true;
        Ok(())
    }

    /// A message to nobody is counted.
    fn gone(&mut self, letter: Letter) {
        self.stats.undeliverable += 1;
        self.shared.host.settle(1);
        self.spare.push(letter);
    }

    /// The agent has mail, and stands in the queue if it does not wait for room: else the shard
    /// would come to it again and again for nothing.
    #[inline]
    pub(super) fn enqueue(&mut self, local: usize) {
        let book = &mut self.books[local];
        if !book.is_queued && !book.is_blocked {
            book.is_queued = true;
            self.queue.push_back(local as u32);
        }
    }

    /// Tries again to send what some agents found no room for; true if anything left.
    fn unblock(&mut self) -> bool {
        let mut any = false;
        for _ in 0..self.blocked.len().min(AGENT_TURN as usize) {
            let local = self.blocked.pop_front().expect("counted") as usize;
            any |= self.flush(local);
        }
        any
    }

    /// Sends on what an agent has handled and found no room; true if anything left.
    fn flush(&mut self, local: usize) -> bool {
        let before = self.agents[local].file.ready.len();
        while let Some(letter) = self.agents[local].file.ready.pop_front() {
            if let Err(letter) = self.send_from(local, letter) {
                self.agents[local].file.ready.push_front(letter);
                break;
            }
        }
        let left = self.agents[local].file.ready.len();
        if left > 0 {
            self.blocked.push_back(local as u32);
        } else {
            self.books[local].is_blocked = false;
            self.settle(local);
            if before > 0 && self.supervision != Supervision::NONE {
                self.catch_up(local);
            }
        }
        left < before
    }

    /// Keeps a message that an agent has handled until there is room for it.
    pub(super) fn hold_back(&mut self, local: usize, letter: Letter) {
        self.agents[local].file.ready.push_back(letter);
        let book = &mut self.books[local];
        if !book.is_blocked {
            book.is_blocked = true;
            self.blocked.push_back(local as u32);
        }
    }

    /// After an agent's mail became less: what waits behind it comes nearer, and the agent stands
    /// in the queue if there is any.
    #[inline]
    pub(super) fn settle(&mut self, local: usize) {
        if self.books[local].has_backlog {
            self.refill(local);
        }
        if !self.books[local].mail.is_empty() {
            self.enqueue(local);
        }
    }

    /// Lets agents with mail handle it; true if any did.
    fn work(&mut self) -> bool {
        for turn in 0..AGENT_TURN {
            let Some(local) = self.queue.pop_front() else { return turn > 0 };
            if let Some(far) = self.queue.get(FAR_AHEAD) {
                prefetch_of(&self.books[*far as usize], 2);
                prefetch_of(&self.agents[*far as usize], 3);
            }
            if let Some(near) = self.queue.get(NEAR_AHEAD) {
                self.expect(*near as usize);
            }
            self.books[local as usize].is_queued = false;
            self.turn(local as usize);
        }
        true
    }

    /// The agent will be called soon: what lies far away may come nearer meanwhile.
    #[inline]
    fn expect(&self, local: usize) {
        let Some(instance) = &self.agents[local].instance else { return };
        instance.expect(self.shape.slots.min(self.books[local].mail.len() as u32));
        self.expect_mail(local);
    }

    /// The messages of the agent's next call will be read soon.
    #[inline]
    pub(super) fn expect_mail(&self, local: usize) {
        for place in 0..self.shape.slots as usize {
            match self.shared.arena.queued(&self.books[local].mail, place) {
                Some(slot) => prefetch(slot, MESSAGE_LINES),
                None => return,
            }
        }
    }

    /// A message for this agent will be delivered soon.
    #[inline]
    pub(super) fn expect_book(&self, to: AgentId) {
        if let Some(book) = self.books.get(self.local(to)) {
            prefetch_of(book, 2);
        }
    }

    /// Sends a message to whom its header names.
    ///
    /// # Errors
    /// The letter, if there is no room.
    #[inline]
    pub(super) fn send(&mut self, letter: Letter) -> Result<(), Letter> {
        let header = Header::read(self.shared.message(&letter)).expect("a message is one");
        if header.to == HOST {
            return self.send_to_host(header.is_passed(), letter);
        }
        if header.to >= self.shared.agents.load(Ordering::Relaxed) {
            self.gone(letter);
            return Ok(());
        }
        let owner = header.to % self.setup.shards;
        if owner == self.number {
            return self.deliver(header.to, letter);
        }
        let outlet = self.lanes.outlets[owner as usize].as_mut();
        let outlet = outlet.expect("to each other shard there is a lane");
        self.touched |= 1 << owner;
        let pushed = outlet.push(Addressed { to: header.to, letter });
        pushed.map_err(|rtrb::PushError::Full(back)| back.letter)
    }

    /// The same for a message that an agent has handled. One to itself always finds room: it cannot
    /// wait for itself.
    #[inline]
    pub(super) fn send_from(&mut self, local: usize, letter: Letter) -> Result<(), Letter> {
        let Err(letter) = self.send(letter) else { return Ok(()) };
        let me = local as u32 * self.setup.shards + self.number;
        let header = Header::read(self.shared.arena.bytes(&letter));
        if header.is_none_or(|header| header.to != me) {
            return Err(letter);
        }
        self.agents[local].file.backlog.push_back(letter);
        self.books[local].has_backlog = true;
        Ok(())
    }

    fn send_to_host(&mut self, is_passed: bool, letter: Letter) -> Result<(), Letter> {
        if is_passed {
            self.stats.finished += 1;
            self.shared.host.settle(1);
            self.spare.push(letter);
            return Ok(());
        }
        let pushed = self.lanes.replies.push(letter);
        self.shared.host.sleeper.wake();
        pushed.map_err(|rtrb::PushError::Full(letter)| letter)
    }

    /// Wakes the shards that got mail.
    #[inline]
    fn tell_touched(&mut self) {
        while self.touched != 0 {
            let shard = self.touched.trailing_zeros();
            self.touched &= self.touched - 1;
            self.shared.shards[shard as usize].wake();
        }
    }
}

/// Brings the first `lines` cache lines of `what` nearer.
#[inline]
fn prefetch_of<T>(what: &T, lines: usize) {
    prefetch_at(std::ptr::from_ref(what) as usize, lines);
}
