//! Traffic between agents whose every message can be accounted for.
//!
//! Agents are linked at random, each by as many links as it has messages in flight; two messages go
//! to and fro on each link. In a window each message makes a fixed number of hops and is finished.
//! So it is known how many messages all agents together must have got, and which sum of seals their
//! ledgers must show; what comes over a link must be numbered without a gap.
//!
//! The number in flight is stated, and falls only at the end of a window, when the first messages
//! have used up their hops. Putting the messages in is part of a window, for every orchestrator.

use crate::job::MailLoad;
use agent_abi::mail::{HOST, Header, Kind, LINKS, Ledger, body_hash, seal};
use caxton_model::case::Outcome;
use caxton_runtime::orchestrator::{Orchestrator, PostError};
use caxton_runtime::subject::Attempt;
use std::time::Duration;

/// Bodies that differ: as many as a cache does not hold of the longest.
const BODIES: usize = 64;
/// Length of a report: no mailbox is for shorter messages.
pub const REPORT_BYTES: u32 = (Header::BYTES + Ledger::BYTES) as u32;
/// How long the host sleeps when there is no room for a message.
const NO_ROOM: Duration = Duration::from_micros(50);
/// How long a window may take before its messages count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent, and what must come of it.
#[derive(Debug)]
pub struct Traffic {
    agents: u32,
    messages: Vec<Header>,
    /// Messages with every body, their headers to be written.
    bodies: Vec<(Vec<u8>, u64)>,
    hops: u32,
    sent: u64,
    /// Messages delivered that are none of these.
    others: u64,
    expected: Ledger,
}

impl Traffic {
    /// The messages of `load`, which make one hop in a window.
    pub fn new(load: MailLoad, rng: &mut fastrand::Rng) -> Self {
        let MailLoad { agents, per_agent, bytes, .. } = load;
        let hops = 1;
        let links = (per_agent as usize).min(LINKS) as u32;
        let mut ends: Vec<(u32, u8)> =
            (0..agents).flat_map(|agent| (0..links).map(move |link| (agent, link as u8))).collect();
        rng.shuffle(&mut ends);
        // An odd end is linked with itself.
        if ends.len() % 2 == 1 {
            ends.push(ends[0]);
        }
        let (pairs, _) = ends.as_chunks::<2>();
        let wanted = agents as usize * per_agent as usize;
        let bodies = bodies(bytes, rng);
        let message = |id: usize| {
            let [a, b] = pairs[id % pairs.len()];
            // The first messages of all links go one way, the second ones the other.
            let (from, to) = if (id / pairs.len()).is_multiple_of(2) { (a, b) } else { (b, a) };
            Header {
                bytes,
                hash: seal(bodies[id % BODIES].1, hops),
                from: from.0,
                to: to.0,
                sequence: 0,
                hops,
                to_link: to.1,
                from_link: from.1,
                kind: Kind::Pass as u8,
                is_fresh: true,
                id: id as u32,
            }
        };
        let messages = (0..wanted).map(message).collect();
        Self { agents, messages, bodies, hops, sent: 0, others: 0, expected: Ledger::default() }
    }

    pub fn in_flight(&self) -> u64 {
        self.messages.len() as u64
    }

    pub fn deliveries(&self) -> u64 {
        self.in_flight() * (u64::from(self.hops) + 1)
    }

    /// Messages are handled by way of a copy.
    pub fn copied(&mut self) {
        for header in &mut self.messages {
            header.kind = Kind::PassCopied as u8;
        }
    }

    /// How many hops each message makes in the windows to come.
    pub fn set_hops(&mut self, hops: u32) {
        for (id, header) in self.messages.iter_mut().enumerate() {
            header.hops = hops;
            header.hash = seal(self.bodies[id % BODIES].1, hops);
        }
        self.hops = hops;
    }

    /// The orchestrator delivered `messages` that were no traffic.
    pub fn also_delivered(&mut self, messages: u64) {
        self.others += messages;
    }

    /// Sends all messages and waits until they have made their hops.
    pub fn window(&mut self, orchestrator: &mut dyn Orchestrator) -> Attempt<()> {
        for (id, header) in self.messages.iter().enumerate() {
            let message = &mut self.bodies[id % BODIES].0;
            header.write(message);
            post(orchestrator, message)?;
        }
        self.sent += self.in_flight();
        let goal = self.sent;
        let window =
            Ledger { received: self.deliveries(), checksum: self.checksum(), ..Ledger::default() };
        self.expected = self.expected.plus(window);
        let settled = orchestrator.wait_for(goal, PATIENCE);
        if settled >= goal {
            return Ok(());
        }
        let missing = goal - settled;
        Err(Outcome::TimedOut(format!("{missing} messages not back after {PATIENCE:?}")))
    }

    /// Asks every agent what it got, and compares.
    ///
    /// # Errors
    /// `WrongAnswer`: messages are missing, doubled, damaged or out of order.
    pub fn verify(&self, orchestrator: &mut dyn Orchestrator) -> Attempt<Ledger> {
        let total = ledgers(orchestrator, self.agents)?;
        let stats = orchestrator.stats();
        let expected = self.expected;
        // The agents' reports were delivered too.
        let delivered = expected.received + self.others + u64::from(self.agents);
        if total == expected && stats.gone() == 0 && stats.delivered == delivered {
            return Ok(total);
        }
        Err(Outcome::WrongAnswer(format!(
            "agents report {total:?}, {expected:?} was sent; the orchestrator counts {} delivered \
             and {} gone, {delivered} and 0 were expected",
            stats.delivered,
            stats.gone()
        )))
    }

    /// The sum of all seals of one window.
    fn checksum(&self) -> u64 {
        let of_body = |(body, (_, hash)): (usize, &(Vec<u8>, u64))| {
            let messages = (self.messages.len() + BODIES - 1 - body) / BODIES;
            let seals = (0..=self.hops).map(|hops| seal(*hash, hops));
            seals.fold(0, u64::wrapping_add).wrapping_mul(messages as u64)
        };
        self.bodies.iter().enumerate().map(of_body).fold(0, u64::wrapping_add)
    }
}

/// Bodies of random bytes, with room for a header, and their hashes.
fn bodies(bytes: u32, rng: &mut fastrand::Rng) -> Vec<(Vec<u8>, u64)> {
    let body = |_| {
        let message: Vec<u8> = (0..bytes).map(|_| rng.u8(..)).collect();
        let hash = body_hash(&message[Header::BYTES..]);
        (message, hash)
    };
    (0..BODIES).map(body).collect()
}

/// A request whose body is always the same, and what its answer must carry.
#[derive(Debug)]
pub struct Question {
    message: Vec<u8>,
    hash: u64,
}

impl Question {
    /// One of `bytes` random bytes, header included.
    pub fn new(bytes: u32, rng: &mut fastrand::Rng) -> Self {
        let message: Vec<u8> = (0..bytes).map(|_| rng.u8(..)).collect();
        let hash = body_hash(&message[Header::BYTES..]);
        Self { message, hash }
    }

    /// The message with that number for `agent`, of that kind.
    #[inline]
    pub fn to(&mut self, kind: Kind, agent: u32, id: u32) -> &[u8] {
        let mut header = request(kind, agent, 0);
        header.id = id;
        header.bytes = self.message.len() as u32;
        header.hash = self.answer();
        header.write(&mut self.message);
        &self.message
    }

    /// The hash that an answer to it carries.
    #[inline]
    pub fn answer(&self) -> u64 {
        seal(self.hash, 0)
    }
}

/// Posts a message; false if there is no room.
#[inline]
pub fn offer(orchestrator: &mut dyn Orchestrator, message: &[u8]) -> Attempt<bool> {
    match orchestrator.post(message) {
        Ok(()) => Ok(true),
        Err(PostError::Full) => Ok(false),
        Err(error) => Err(Outcome::Failed(error.to_string())),
    }
}

/// Posts a message, waiting for room.
pub fn post(orchestrator: &mut dyn Orchestrator, message: &[u8]) -> Attempt<()> {
    while !offer(orchestrator, message)? {
        std::thread::sleep(NO_ROOM);
    }
    Ok(())
}

/// The same, where answers may be what takes the room: they are taken meanwhile.
pub fn post_taking(
    orchestrator: &mut dyn Orchestrator,
    message: &[u8],
    take: &mut dyn FnMut(&[u8]),
) -> Attempt<()> {
    loop {
        orchestrator.replies(take);
        if offer(orchestrator, message)? {
            return Ok(());
        }
        std::thread::sleep(NO_ROOM);
    }
}

pub fn ledgers(orchestrator: &mut dyn Orchestrator, agents: u32) -> Attempt<Ledger> {
    let (mut total, mut reports) = (Ledger::default(), 0);
    let mut add = |reply: &[u8]| {
        if let Some(ledger) = Ledger::read(&reply[Header::BYTES.min(reply.len())..]) {
            total = total.plus(ledger);
            reports += 1;
        }
        reports
    };
    let mut reported = 0;
    for agent in 0..agents {
        let mut message = [0; REPORT_BYTES as usize];
        request(Kind::Report, agent, 0).write_whole(&mut message);
        post_taking(orchestrator, &message, &mut |reply| reported = add(reply))?;
    }
    let turns = PATIENCE.as_micros() / NO_ROOM.as_micros();
    for _ in 0..turns {
        orchestrator.replies(&mut |reply| reported = add(reply));
        if reported == agents {
            return Ok(total);
        }
        std::thread::sleep(NO_ROOM);
    }
    Err(Outcome::TimedOut(format!("{reported} of {agents} agents reported")))
}

/// A message of the host's that asks `agent` for something.
pub fn request(kind: Kind, agent: u32, hops: u32) -> Header {
    Header {
        bytes: Header::BYTES as u32,
        hash: 0,
        from: HOST,
        to: agent,
        sequence: 0,
        hops,
        to_link: 0,
        from_link: 0,
        kind: kind as u8,
        is_fresh: true,
        id: agent,
    }
}

/// Writing a request with its body.
pub trait Whole: Sized {
    /// The same message with that number.
    fn numbered(self, id: u32) -> Self;

    /// Writes the header so that it fits `message`, whose body stays as it is.
    fn write_whole(self, message: &mut [u8]);
}

impl Whole for Header {
    fn numbered(self, id: u32) -> Self {
        Self { id, ..self }
    }

    fn write_whole(mut self, message: &mut [u8]) {
        self.bytes = message.len() as u32;
        self.hash = seal(body_hash(&message[Header::BYTES..]), self.hops);
        self.write(message);
    }
}
