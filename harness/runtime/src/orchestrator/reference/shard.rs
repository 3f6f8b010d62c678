//! A shard: one thread, its agents, and the way of a message.
//!
//! A message is copied once from the sender's slot to the receiver's, or, to an agent of another
//! shard, once into the lane between the two and once out of it. One call hands an agent all that
//! lies in a row in its mailbox, up to the batch.

use super::agent::{Agent, Death, Place};
use super::shared::Shared;
use crate::orchestrator::supervision::{Incident, Supervision};
use crate::orchestrator::{AgentId, Setup, Stats};
use crate::subject::mail::{MailInstance, MailSubject};
use agent_abi::mail::{HOST, Header};
use caxton_model::case::Outcome;
use caxton_sys::clock::{Clock, Monotonic};
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
const LANE_TURN: u32 = 256;
/// Agents that are called before lanes are looked at again.
const AGENT_TURN: u32 = 64;
/// How many agents before its turn one is brought nearer. More than this does harm: looking up the
/// receivers of messages in advance, and their slots, was measured at 1.7 times the cost at 10,000
/// agents.
const AHEAD: usize = 1;
/// How long a shard sleeps that waits for room: nobody wakes it.
const WAIT_FOR_ROOM: Duration = Duration::from_micros(50);

/// Something done by a shard's thread.
pub(super) type Command<S> = Box<dyn FnOnce(&mut Shard<S>) + Send>;

/// What became of a message on its way out of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    /// It has left.
    Left,
    /// There is no room where it goes.
    Blocked,
    /// It is no message: its agent lied.
    Garbled,
}

/// One thread's part of the agents.
pub(super) struct Shard<S: MailSubject> {
    pub(super) subject: S,
    pub(super) setup: Setup,
    pub(super) supervision: Supervision,
    pub(super) number: u32,
    pub(super) agents: Vec<Agent<S>>,
    pub(super) stats: Stats,
    pub(super) incidents: Vec<Incident>,
    pub(super) shared: Arc<Shared>,
    pub(super) is_done: bool,
    pub(super) lanes: Lanes<S>,
    /// Agents with mail.
    pub(super) queue: VecDeque<u32>,
    /// Agents whose handled messages find no room.
    blocked: VecDeque<u32>,
    /// Messages that have no slot to wait in: a dead agent's last ones.
    pub(super) strays: VecDeque<Vec<u8>>,
    /// Which shards got mail since they were last told.
    touched: u64,
    /// A message from an agent to itself, on its way.
    scratch: Vec<u8>,
    pub(super) clock: Monotonic,
}

/// How messages and commands come and go.
pub(super) struct Lanes<S: MailSubject> {
    /// From the host, and from each other shard.
    pub(super) inlets: Vec<Consumer<u8>>,
    /// To each shard; none to this one.
    pub(super) outlets: Vec<Option<Producer<u8>>>,
    /// To the host.
    pub(super) replies: Producer<u8>,
    pub(super) commands: Receiver<Command<S>>,
}

impl<S: MailSubject> Shard<S> {
    pub(super) fn new(subject: S, number: u32, shared: Arc<Shared>, lanes: Lanes<S>) -> Self {
        Self {
            subject,
            setup: shared.setup,
            supervision: shared.supervision,
            number,
            agents: Vec::new(),
            stats: Stats::default(),
            incidents: Vec::new(),
            shared,
            is_done: false,
            lanes,
            queue: VecDeque::new(),
            blocked: VecDeque::new(),
            strays: VecDeque::new(),
            touched: 0,
            scratch: Vec::new(),
            clock: Monotonic,
        }
    }

    /// Works until told to stop.
    pub(super) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let me = self.number as usize;
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
            if took || freed || worked {
                idle = 0;
            } else if idle < SPINS {
                idle += 1;
                spin_loop();
            } else if idle < YIELDS {
                idle += 1;
                std::thread::yield_now();
            } else {
                let waits = !self.blocked.is_empty() || !self.strays.is_empty();
                let longest = waits.then_some(WAIT_FOR_ROOM);
                let inlets = &self.lanes.inlets;
                shared.shards[me].sleep(longest, || {
                    // What lies in the lanes of a shard that waits may be what it has no room for.
                    shared.commands[me].load(Ordering::Acquire)
                        || (!waits && inlets.iter().any(|inlet| !inlet.is_empty()))
                });
                idle = 0;
            }
        }
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
            for _ in 0..LANE_TURN {
                if !self.take_one(inlet) {
                    break;
                }
                any = true;
            }
        }
        any
    }

    /// Delivers the next message of a lane; false if there is none, or no room for it.
    fn take_one(&mut self, inlet: usize) -> bool {
        let lane = &mut self.lanes.inlets[inlet];
        let Some((bytes, to)) = peek(lane) else { return false };
        let local = (to / self.setup.shards) as usize;
        let shape = self.setup.shape;
        let place = self.agents.get(local).map_or(Place::Gone, |agent| agent.place(shape));
        match place {
            Place::Slot(slot) => {
                let agent = &mut self.agents[local];
                let instance = agent.instance.as_mut().expect("it has a slot");
                let target = &mut instance.slot_mut(slot)[..bytes];
                lane.pop_entire_slice(target).expect("a message is pushed whole");
                self.enqueue(local);
            }
            Place::Backlog => {
                let mut message = vec![0; bytes];
                lane.pop_entire_slice(&mut message).expect("a message is pushed whole");
                self.agents[local].file.backlog.push_back(message);
            }
            Place::Full => return false,
            Place::Gone => {
                let all = lane.read_chunk(bytes).expect("a message is pushed whole");
                all.commit_all();
                self.gone();
            }
        }
        true
    }

    /// A message to nobody is counted.
    fn gone(&mut self) {
        self.stats.undeliverable += 1;
        self.shared.host.settle(1);
    }

    /// The agent has one message more.
    #[inline]
    pub(super) fn enqueue(&mut self, local: usize) {
        let agent = &mut self.agents[local];
        agent.count += 1;
        if !agent.is_queued {
            agent.is_queued = true;
            self.queue.push_back(local as u32);
        }
    }

    /// Tries again to send what found no room; true if anything left.
    fn unblock(&mut self) -> bool {
        let mut any = false;
        // Where one finds no room, none overtakes it. Bits are shards, the highest one the host.
        let mut shut = 0u128;
        for _ in 0..self.strays.len() {
            let stray = self.strays.pop_front().expect("counted");
            let to = Header::read(&stray).map_or(HOST, |header| header.to);
            let way = if to == HOST { 1 << 127 } else { 1 << (to % self.setup.shards) };
            if shut & way == 0 && self.send_copy(&stray) != Sent::Blocked {
                any = true;
            } else {
                shut |= way;
                self.strays.push_back(stray);
            }
        }
        for _ in 0..self.blocked.len() {
            let local = self.blocked.pop_front().expect("counted") as usize;
            let before = self.agents[local].ready;
            let lives = self.flush(local);
            any |= self.agents[local].ready < before;
            if lives && self.agents[local].ready == 0 && self.supervision != Supervision::NONE {
                self.look_up(local);
            }
        }
        any
    }

    /// Lets agents with mail handle it; true if any did.
    fn work(&mut self) -> bool {
        for turn in 0..AGENT_TURN {
            let Some(local) = self.queue.pop_front() else { return turn > 0 };
            if let Some(next) = self.queue.get(AHEAD) {
                self.expect(*next as usize);
            }
            self.agents[local as usize].is_queued = false;
            self.drain(local as usize);
        }
        true
    }

    /// One call into an agent.
    #[inline]
    fn drain(&mut self, local: usize) {
        let shape = self.setup.shape;
        let agent = &mut self.agents[local];
        let batch = agent.batch(self.setup.batch, shape);
        // Handled messages that wait for room come first: the agent waits with them.
        if agent.ready > 0 || batch == 0 {
            return;
        }
        let supervised = self.supervision != Supervision::NONE;
        if supervised {
            self.before(local, batch);
        }
        let called_ns = if supervised { self.clock.now().0 } else { 0 };
        let agent = &mut self.agents[local];
        let Some(instance) = &mut agent.instance else { return };
        self.stats.drains += 1;
        match instance.drain(agent.head, batch) {
            Ok(()) => {
                agent.ready = batch;
                self.stats.delivered += u64::from(batch);
                if self.flush(local) && supervised {
                    self.after(local, batch);
                }
            }
            Err(outcome) => self.fell(local, Death::Called { batch, called_ns }, &outcome),
        }
    }

    /// The agent will be called soon: what lies far away may come nearer meanwhile.
    #[inline]
    fn expect(&self, local: usize) {
        let agent = &self.agents[local];
        if let Some(instance) = &agent.instance {
            instance.expect(agent.head);
        }
    }

    /// Sends on what the agent has handled, as far as there is room; false if that was its death.
    pub(super) fn flush(&mut self, local: usize) -> bool {
        let shape = self.setup.shape;
        while self.agents[local].ready > 0 {
            match self.send_on(local) {
                Sent::Left => self.agents[local].advance(shape),
                Sent::Blocked => {
                    self.blocked.push_back(local as u32);
                    return true;
                }
                Sent::Garbled => {
                    let why = "left no message in its slot: no header, or a length beyond the slot";
                    let outcome = Outcome::DiedInTheMiddle(why.to_owned());
                    self.fell(local, Death::Spoilt, &outcome);
                    return false;
                }
            }
        }
        self.refill(local);
        let agent = &mut self.agents[local];
        if agent.count > 0 && !agent.is_queued {
            agent.is_queued = true;
            self.queue.push_back(local as u32);
        }
        true
    }

    /// Sends on the message at the head of an agent's mailbox.
    #[inline]
    fn send_on(&mut self, local: usize) -> Sent {
        let agent = &self.agents[local];
        let Some(instance) = &agent.instance else { return Sent::Garbled };
        let slot = agent.head;
        let message = instance.slot(slot);
        let Some(header) = Header::read(message) else { return Sent::Garbled };
        let bytes = header.bytes as usize;
        if header.to >= self.shared.agents.load(Ordering::Relaxed) {
            return self.leave(header, local, slot);
        }
        let owner = header.to % self.setup.shards;
        if owner != self.number {
            let outlet = self.lanes.outlets[owner as usize].as_mut();
            let outlet = outlet.expect("to each other shard there is a lane");
            if outlet.push_entire_slice(&message[..bytes]).is_err() {
                return Sent::Blocked;
            }
            self.touched |= 1 << owner;
            return Sent::Left;
        }
        let to = self.local(header.to);
        match self.agents[to].place(self.setup.shape) {
            Place::Slot(target) if to == local => {
                self.scratch.clear();
                self.scratch.extend_from_slice(&message[..bytes]);
                let instance = self.agents[local].instance.as_mut().expect("it lives");
                instance.slot_mut(target)[..bytes].copy_from_slice(&self.scratch);
            }
            Place::Slot(target) => {
                let pair = self.agents.get_disjoint_mut([local, to]).expect("two agents");
                let [Some(from), Some(to)] = pair.map(|agent| agent.instance.as_mut()) else {
                    return Sent::Garbled;
                };
                to.slot_mut(target)[..bytes].copy_from_slice(&from.slot(slot)[..bytes]);
            }
            // It leaves the slot that it needs: the last one is where it lies.
            Place::Full if to == local && self.agents[to].file.backlog.is_empty() => {}
            Place::Full if to != local => return Sent::Blocked,
            Place::Backlog | Place::Full => {
                let copy = message[..bytes].to_vec();
                self.agents[to].file.backlog.push_back(copy);
                return Sent::Left;
            }
            Place::Gone => {
                self.gone();
                return Sent::Left;
            }
        }
        self.enqueue(to);
        Sent::Left
    }

    /// A message to the host, or to nobody.
    fn leave(&mut self, header: Header, local: usize, slot: u32) -> Sent {
        if header.to != HOST {
            self.gone();
        } else if header.is_passed() {
            self.stats.finished += 1;
            self.shared.host.settle(1);
        } else {
            let Some(instance) = &self.agents[local].instance else { return Sent::Garbled };
            let message = &instance.slot(slot)[..header.bytes as usize];
            if self.lanes.replies.push_entire_slice(message).is_err() {
                return Sent::Blocked;
            }
            self.shared.host.sleeper.wake();
        }
        Sent::Left
    }

    /// Sends a message that lies in the host's memory.
    fn send_copy(&mut self, message: &[u8]) -> Sent {
        let Some(header) = Header::read(message) else { return Sent::Garbled };
        if header.to == HOST && header.is_passed() {
            self.stats.finished += 1;
            self.shared.host.settle(1);
            return Sent::Left;
        }
        let lane = match header.to {
            HOST => &mut self.lanes.replies,
            to if to >= self.shared.agents.load(Ordering::Relaxed) => {
                self.gone();
                return Sent::Left;
            }
            to if to % self.setup.shards == self.number => return self.put_copy(to, message),
            to => {
                let owner = to % self.setup.shards;
                self.touched |= 1 << owner;
                let outlet = self.lanes.outlets[owner as usize].as_mut();
                outlet.expect("to each other shard there is a lane")
            }
        };
        let pushed = lane.push_entire_slice(message).is_ok();
        if header.to == HOST {
            self.shared.host.sleeper.wake();
        }
        if pushed { Sent::Left } else { Sent::Blocked }
    }

    fn put_copy(&mut self, to: AgentId, message: &[u8]) -> Sent {
        let local = self.local(to);
        match self.agents[local].place(self.setup.shape) {
            Place::Slot(slot) => {
                let instance = self.agents[local].instance.as_mut().expect("it has a slot");
                instance.slot_mut(slot)[..message.len()].copy_from_slice(message);
                self.enqueue(local);
            }
            Place::Backlog => self.agents[local].file.backlog.push_back(message.to_vec()),
            Place::Full => return Sent::Blocked,
            Place::Gone => self.gone(),
        }
        Sent::Left
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

/// Length and receiver of the next message in a lane; none if it is empty.
#[inline]
pub(super) fn peek(lane: &mut Consumer<u8>) -> Option<(usize, AgentId)> {
    let chunk = lane.read_chunk(Header::BYTES).ok()?;
    let mut head = [0; Header::BYTES];
    let (first, second) = chunk.as_slices();
    head[..first.len()].copy_from_slice(first);
    head[first.len()..].copy_from_slice(second);
    let number = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| head[at + i]));
    Some((number(Header::BYTES_OFFSET) as usize, number(Header::TO_OFFSET)))
}
