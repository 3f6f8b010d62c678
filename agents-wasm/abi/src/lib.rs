//! The contract between an agent and whoever runs it, version 1.
//!
//! An agent is state plus `handle(message) -> reply`. The same source is built twice: as a
//! wasm32-wasip1 reactor module and as a native shared library, its *twin*. Both export the same
//! six functions, and the address that [`export_agent!`]'s `agent_new` returns is in both the
//! address of a [`Channel`], so that a host drives either through one shape of interface.
//!
//! | export | meaning |
//! |---|---|
//! | `agent_abi_version() -> u32` | [`ABI_VERSION`] of the agent |
//! | `agent_new(host) -> channel` | a fresh agent; 0 if it cannot be had. WASM passes 0 as `host` |
//! | `agent_reserve(channel, bytes, page_offset) -> i32` | makes the inbox hold `bytes`, its start at `page_offset` (a multiple of 64) modulo 4096 |
//! | `agent_handle(channel, bytes) -> i32` | handles the message of `bytes` that the host wrote to the inbox |
//! | `agent_example(channel, seed) -> i32` | replies with the message a benchmark sends to this agent |
//! | `agent_drop(channel)` | frees the agent |
//!
//! The three calls that return `i32` answer with a [`Status`]. Memory belongs to the agent: the
//! host writes a message straight into the inbox and reads the reply where it lies. To the host
//! each address and length in a channel is hostile and is checked on every use.
//!
//! A WASM agent imports `send`, `log` and `clock_ns` from module [`IMPORT_MODULE`]; a native one
//! is handed the same three as a [`HostTable`].
//!
//! This file holds what agents and hosts say to each other; `raw.rs` holds the agent's side of the
//! calls, `host.rs` the way back to the host. `mail.rs` is for agents that exchange messages and
//! take several in one call. `heap.rs` is for heap profiles only, and in no measured agent.

#![warn(missing_docs)]

pub mod ballast;
pub mod heap;
mod host;
pub mod mail;
#[doc(hidden)]
pub mod raw;

pub use host::{Host, HostTable, SendError};
use std::fmt;

/// Version of this contract; a host refuses an agent of another version.
pub const ABI_VERSION: u32 = 1;

/// First field of each [`Channel`]: tells a channel from a stray address.
pub const CHANNEL_MAGIC: u32 = u32::from_le_bytes(*b"CXTN");

/// The module name under which a WASM agent imports its host functions.
pub const IMPORT_MODULE: &str = "caxton";

/// Where host and agent meet: 40 bytes in the agent's memory, little-endian, of the same layout
/// in a 32-bit guest and a 64-bit twin.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Channel {
    /// [`CHANNEL_MAGIC`].
    pub magic: u32,
    /// [`ABI_VERSION`].
    pub version: u32,
    /// Address of the inbox.
    pub inbox: u64,
    /// Capacity of the inbox in bytes.
    pub inbox_bytes: u64,
    /// Address of the last reply; valid until the next call into the agent.
    pub reply: u64,
    /// Length of the last reply in bytes.
    pub reply_bytes: u64,
}

impl Channel {
    /// Size of a channel in the agent's memory.
    pub const BYTES: usize = size_of::<Channel>();

    /// Offset of `reply`, which `reply_bytes` follows directly.
    pub const REPLY_OFFSET: usize = std::mem::offset_of!(Channel, reply);

    /// Reads a channel as it lies in a guest's memory.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let four = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        let eight = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self {
            magic: four(0),
            version: four(4),
            inbox: eight(8),
            inbox_bytes: eight(16),
            reply: eight(24),
            reply_bytes: eight(32),
        }
    }
}

/// What `agent_reserve`, `agent_handle` and `agent_example` answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Status {
    /// Done; for `agent_handle` and `agent_example` the channel holds the reply.
    Done = 0,
    /// The agent refused the message; the reply is a text that says why.
    Refused = 1,
    /// The message is longer than the inbox, or the inbox cannot be made that long.
    NoRoom = 2,
}

impl Status {
    /// The status behind a raw answer, if it is one.
    pub fn from_raw(raw: i32) -> Option<Self> {
        [Self::Done, Self::Refused, Self::NoRoom].into_iter().find(|s| *s as i32 == raw)
    }
}

/// State plus `handle`: what an agent's author writes.
pub trait Agent: Sized {
    /// A fresh agent. `host` stays valid as long as the agent lives.
    fn new(host: Host) -> Self;

    /// Handles one message. `inbox` is the message, to be read or changed in place; `outbox` is
    /// empty and keeps its capacity from call to call.
    ///
    /// # Errors
    /// A message the agent cannot make sense of. State must be as before the call.
    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError>;

    /// The message that benchmarks send: a pure function of `seed`, the same in guest and twin.
    fn example(seed: u64) -> Vec<u8>;
}

/// Where [`Agent::handle`] left its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// In the outbox.
    Outbox,
    /// In the first `bytes` of the inbox, which the agent changed in place.
    Inbox {
        /// Length of the reply; more than the message is cut to the message.
        bytes: usize,
    },
}

/// Why an agent refused a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentError(String);

impl AgentError {
    /// An error with the given reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AgentError {}

/// Exports an [`Agent`] under this contract: one line per agent crate.
#[macro_export]
macro_rules! export_agent {
    ($agent:ty) => {
        const _: () = {
            #[unsafe(no_mangle)]
            extern "C" fn agent_abi_version() -> u32 {
                $crate::ABI_VERSION
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_new(host: *const $crate::HostTable) -> *mut $crate::Channel {
                // SAFETY: the host keeps the contract of `agent_new`, which is `raw::new`'s.
                unsafe { $crate::raw::new::<$agent>(host) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_reserve(
                channel: *mut $crate::Channel,
                bytes: usize,
                page_offset: usize,
            ) -> i32 {
                // SAFETY: the host passes an address that `agent_new` returned.
                unsafe { $crate::raw::reserve::<$agent>(channel, bytes, page_offset) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_handle(channel: *mut $crate::Channel, bytes: usize) -> i32 {
                // SAFETY: the host passes an address that `agent_new` returned.
                unsafe { $crate::raw::handle::<$agent>(channel, bytes) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_example(channel: *mut $crate::Channel, seed: u64) -> i32 {
                // SAFETY: the host passes an address that `agent_new` returned.
                unsafe { $crate::raw::example::<$agent>(channel, seed) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_drop(channel: *mut $crate::Channel) {
                // SAFETY: the host passes an address that `agent_new` returned, once.
                unsafe { $crate::raw::drop::<$agent>(channel) }
            }
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_read_as_it_is_laid_out() {
        let mut bytes = [0u8; Channel::BYTES];
        bytes[..4].copy_from_slice(b"CXTN");
        bytes[4] = 1;
        for (field, value) in [(8, 11u64), (16, 22), (24, 33), (32, 44)] {
            bytes[field..field + 8].copy_from_slice(&value.to_le_bytes());
        }
        let expected = Channel {
            magic: CHANNEL_MAGIC,
            version: ABI_VERSION,
            inbox: 11,
            inbox_bytes: 22,
            reply: 33,
            reply_bytes: 44,
        };
        assert_eq!(Channel::from_bytes(&bytes), expected);
        assert_eq!((Channel::BYTES, Channel::REPLY_OFFSET), (40, 24));
    }

    #[test]
    fn an_unknown_status_is_none() {
        assert_eq!(Status::from_raw(1), Some(Status::Refused));
        assert_eq!(Status::from_raw(3), None);
        assert_eq!(Status::from_raw(-1), None);
    }
}
