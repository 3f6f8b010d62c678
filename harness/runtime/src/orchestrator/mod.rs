//! Runs many agents that exchange messages: who is where, what is delivered to whom, and what
//! becomes of agents that die.
//!
//! [`Orchestrator`] is what a workload drives. `reference/` is our own: a thread per core, all
//! messages in one arena. `tasks.rs` is what most people would write: a tokio task and a
//! channel per agent. Both run the same agents, as guests or as their native twins, and keep the
//! same contract (`contract.rs`). An orchestrator knows no workload and measures nothing.

pub mod batcher;
#[cfg(test)]
mod contract;
pub mod reference;
pub mod supervision;
pub mod tasks;
mod watch;

use crate::subject::Attempt;
use crate::subject::mail::Shape;
use agent_abi::mail::Header;
use caxton_model::case::Outcome;
use std::time::Duration;

/// Who an agent is: they are numbered from 0.
pub type AgentId = u32;

/// How an orchestrator is set up. Who sends to a full mailbox waits, and with it all that it would
/// do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setup {
    /// How many agents, from the start.
    pub agents: u32,
    /// Threads that run agents.
    pub shards: u32,
    /// How many messages may wait for each agent, and how long each is at most.
    pub shape: Shape,
    /// Most messages that an agent handles before the next one's turn, [`HAND`] in each call.
    pub batch: u32,
}

/// The most threads: they are named by the bits of one word.
pub const SHARDS_MAX: u32 = 64;

/// Messages that one call hands to an agent. A call costs so little of a message that more are not
/// worth the guest's memory that they touch: these share a page with a small agent's own state.
pub const HAND: u32 = 3;

impl Setup {
    /// What an agent's own memory must have room for: the messages of one call.
    #[must_use]
    pub fn hand(self) -> Shape {
        Shape { slots: HAND.min(self.batch).min(self.shape.slots), ..self.shape }
    }

    /// Refuses what could never deliver a message.
    fn check(&self) -> Attempt<()> {
        if self.shards == 0 || self.shards > SHARDS_MAX {
            let why = format!("{} shards: between 1 and {SHARDS_MAX}", self.shards);
            return Err(Outcome::Refused(why));
        }
        if self.shape.bytes() == 0 || self.batch == 0 {
            let why = "mailboxes without room, or batches of no messages".to_owned();
            return Err(Outcome::Refused(why));
        }
        Ok(())
    }
}

/// Why a message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PostError {
    /// There is no room at the moment: try again later.
    #[error("no room for the message: take replies, or try again later")]
    Full,
    /// No such agent.
    #[error("there is no agent {0}")]
    NoSuchAgent(AgentId),
    /// It has no header, or not the length that its header says.
    #[error("no message: its header must be there, and tell its length")]
    NoMessage,
    /// It fits no mailbox.
    #[error("a message of {bytes} bytes does not fit slots of {slot_bytes}")]
    TooLong {
        /// Its length.
        bytes: u32,
        /// The longest that there may be.
        slot_bytes: u32,
    },
    /// The machine has no memory for one more message.
    #[error("no memory for one more message: send fewer at once, or shorter ones")]
    NoMemory,
    /// The orchestrator has stopped.
    #[error("the orchestrator has stopped")]
    Stopped,
}

/// What was asked for and did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It was not taken.
    #[error(transparent)]
    Post(#[from] PostError),
    /// No answer in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// What was asked of the agent cannot be had.
    #[error("{0}")]
    Refused(String),
}

/// What an orchestrator has counted since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages that an agent handled.
    pub delivered: u64,
    /// Messages whose hops were used up.
    pub finished: u64,
    /// Messages to nobody: to an agent that does not exist, or is not run any more.
    pub undeliverable: u64,
    /// Messages that were in a dead agent's hands and were not handed out again.
    pub lost: u64,
    /// Messages that were handed out again after their agent's death.
    pub redelivered: u64,
    /// Of those, the ones that had been handled before: what they caused is there twice.
    pub duplicated: u64,
    /// Agents that died.
    pub failures: u64,
    /// Agents that were started again.
    pub restarts: u64,
    /// Agents that died too often, or could not be had again, and stay dead.
    pub escalated: u64,
    /// Calls into agents.
    pub drains: u64,
}

impl Stats {
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            delivered: self.delivered + other.delivered,
            finished: self.finished + other.finished,
            undeliverable: self.undeliverable + other.undeliverable,
            lost: self.lost + other.lost,
            redelivered: self.redelivered + other.redelivered,
            duplicated: self.duplicated + other.duplicated,
            failures: self.failures + other.failures,
            restarts: self.restarts + other.restarts,
            escalated: self.escalated + other.escalated,
            drains: self.drains + other.drains,
        }
    }

    /// Messages that will never be finished.
    pub const fn gone(&self) -> u64 {
        self.undeliverable + self.lost
    }
}

/// Many agents that exchange messages.
///
/// Messages begin with a [`Header`]. What an agent leaves of a message is delivered to whom its
/// header then names; a message to [`agent_abi::mail::HOST`] is a reply, or, if it was to be passed
/// on and has used up its hops, finished. Messages from one sender to one receiver are delivered in
/// the order in which they were sent.
pub trait Orchestrator {
    /// Takes a message for the agent that its header names.
    ///
    /// # Errors
    /// [`PostError`]; the message was not taken.
    fn post(&mut self, message: &[u8]) -> Result<(), PostError>;

    /// Hands all replies that are there to `take`; how many.
    fn replies(&mut self, take: &mut dyn FnMut(&[u8])) -> usize;

    /// Waits until `messages` are finished or gone since it began, or `time` is over; how many are.
    fn wait_for(&mut self, messages: u64, time: Duration) -> u64;

    /// What was counted so far.
    fn stats(&mut self) -> Stats;
}

/// The header of a message that may be posted.
pub(crate) fn check(message: &[u8], agents: u32, shape: Shape) -> Result<Header, PostError> {
    let header = Header::read(message).filter(|header| header.bytes as usize == message.len());
    let header = header.ok_or(PostError::NoMessage)?;
    if header.bytes > shape.slot_bytes {
        let slot_bytes = shape.slot_bytes;
        return Err(PostError::TooLong { bytes: header.bytes, slot_bytes });
    }
    if header.to >= agents {
        return Err(PostError::NoSuchAgent(header.to));
    }
    Ok(header)
}
