//! What runs an agent: native code or wasmtime, behind one shape of interface.
//!
//! Compile, instantiate and execute are three values, so that misuse does not type-check. A
//! subject knows no workload, no probe and no clock. What goes wrong is told as the [`Outcome`]
//! that it means for the case.

pub mod command;
pub mod crossings;
pub mod idle;
pub mod mail;
pub mod native;
#[cfg(test)]
pub mod scripted_mail;
pub mod wasmtime;
mod words;

use agent_abi::Status;
use caxton_model::case::Outcome;
use caxton_model::units::{Bytes, Nanos};
use crossings::Crossings;
use std::ops::AddAssign;
use words::one_line;

/// A result whose error is what became of the case.
pub type Attempt<T> = Result<T, Outcome>;

/// Longest reply that is read: a lying length must not make the host read for minutes.
pub const REPLY_BYTES_MAX: usize = 64 << 20;

/// What is kept of an agent's reason for a refusal.
const REASON_BYTES_MAX: usize = 4096;

/// What an agent did through its host interface.
pub use caxton_sys::dylib::HostCounts;

/// What of a call is repeated: all of it, or one step without the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Step {
    /// The message is copied in and handled, the reply found.
    #[default]
    Whole,
    /// What lies in the inbox is handled again, without a copy.
    InPlace,
    /// The message is copied to the inbox, and nothing called.
    CopyIn,
    /// The last reply is copied to memory of the host's, and nothing called.
    CopyOut,
}

impl Step {
    /// True for a step in which the agent handles a message.
    pub const fn is_call(self) -> bool {
        matches!(self, Self::Whole | Self::InPlace)
    }
}

/// Where the time of a subject's calls went, where it tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallTimes {
    /// Calls that ended well.
    pub calls: u64,
    /// Making the instances that the calls got.
    pub instantiate: Nanos,
    /// Running them.
    pub run: Nanos,
    /// Ending the instances of the calls before: each gives its memory back.
    pub end: Nanos,
    /// Processor time, user and system, of a program that is a process of its own.
    pub cpu: Option<Nanos>,
    /// Between the marks that the program sets; none where it sets none.
    pub section: Option<Nanos>,
}

impl AddAssign for CallTimes {
    fn add_assign(&mut self, more: Self) {
        let sum = |one: Option<Nanos>, other: Option<Nanos>| match (one, other) {
            (Some(one), Some(other)) => Some(Nanos(one.0 + other.0)),
            (one, other) => one.or(other),
        };
        *self = Self {
            calls: self.calls + more.calls,
            instantiate: Nanos(self.instantiate.0 + more.instantiate.0),
            run: Nanos(self.run.0 + more.run.0),
            end: Nanos(self.end.0 + more.end.0),
            cpu: sum(self.cpu, more.cpu),
            section: sum(self.section, more.section),
        };
    }
}

/// A live agent, ready for messages.
pub trait AgentInstance {
    /// Makes the inbox hold `bytes`, its start at `page_offset` modulo 4096.
    ///
    /// # Errors
    /// The agent has no room, or died.
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()>;

    /// Copies `message` to the inbox, has it handled, and checks where the reply lies.
    ///
    /// # Errors
    /// The agent refused, died or lied.
    fn call(&mut self, message: &[u8]) -> Attempt<()>;

    /// The last reply, where it lies in the agent's memory.
    fn reply(&self) -> &[u8];

    /// The message that benchmarks send to this agent.
    ///
    /// # Errors
    /// The agent died or lied.
    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>>;

    /// What the agent did through its host interface so far.
    fn host_counts(&self) -> HostCounts;

    /// Bytes that the agent wrote to standard error so far; none for native code, whose standard
    /// error is the process' own.
    fn stderr_bytes(&self) -> Option<u64> {
        None
    }

    /// Whether another process does its work, whose events and memory this one does not see.
    fn is_process(&self) -> bool {
        false
    }

    /// Fuel used so far; 0 without metering, and for native code.
    fn fuel_used(&self) -> u64 {
        0
    }

    /// Size of linear memory; none for native code.
    fn linear_memory(&self) -> Option<Bytes>;

    /// Where the time of its calls went since this was last asked; none where it cannot tell.
    fn take_spent(&mut self) -> Option<CallTimes> {
        None
    }

    /// Goes on in an instance of its own in which each crossing between host and guest is noted,
    /// which makes calls slower. False where it cannot tell.
    ///
    /// # Errors
    /// What became of the new instance.
    fn watch_crossings(&mut self) -> Attempt<bool> {
        Ok(false)
    }

    /// The crossings since this was last asked; none where nobody watches them.
    fn take_crossings(&mut self) -> Option<Crossings> {
        None
    }

    /// `iterations` times the same `message`. In the trait so that each implementation's loop
    /// contains its own call and one dynamic call covers the batch.
    ///
    /// # Errors
    /// That of the first call that failed.
    fn batch(&mut self, message: &[u8], iterations: u64) -> Attempt<()> {
        for _ in 0..iterations {
            self.call(message)?;
        }
        Ok(())
    }

    /// `iterations` times one step of a call.
    ///
    /// # Errors
    /// As [`Self::batch`]; `Failed` where a call cannot be taken apart.
    fn batch_of(&mut self, step: Step, message: &[u8], iterations: u64) -> Attempt<()> {
        match step {
            Step::Whole => self.batch(message, iterations),
            Step::InPlace | Step::CopyIn | Step::CopyOut => {
                Err(Outcome::Failed("only a WASM call is taken apart".to_owned()))
            }
        }
    }
}

/// What a status other than `Done` means. `reply` is the agent's text for a refusal.
pub fn status_outcome(raw: i32, reply: &[u8]) -> Outcome {
    let why = match Status::from_raw(raw) {
        Some(Status::Refused) => {
            let words = String::from_utf8_lossy(&reply[..reply.len().min(REASON_BYTES_MAX)]);
            format!("the agent refused the message: {}", one_line(&words))
        }
        Some(Status::NoRoom) => "the message does not fit the agent's inbox".to_owned(),
        Some(Status::Done) => "done".to_owned(),
        None => format!("the agent answered with unknown status {raw}"),
    };
    Outcome::DiedInTheMiddle(why)
}
