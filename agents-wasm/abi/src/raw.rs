//! The agent's side of the calls: one heap cell per agent that begins with its [`Channel`].
//!
//! The functions here are what `export_agent!` exports; nothing else calls them.
#![allow(unsafe_code, reason = "addresses from the host become references here")]

use crate::{ABI_VERSION, Agent, CHANNEL_MAGIC, Channel, Host, HostTable, Reply, Status};

const LINE_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;

/// `channel` comes first, so that the cell's address is the channel's.
#[repr(C)]
struct Cell<A> {
    channel: Channel,
    inbox: Inbox,
    outbox: Vec<u8>,
    agent: A,
}

/// Bytes at a chosen offset within a page: where a buffer lies moves a copy's speed up to 20x.
#[derive(Default)]
struct Inbox {
    storage: Vec<u8>,
    start: usize,
    bytes: usize,
}

impl Inbox {
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> bool {
        *self = Self::default();
        let Some(total) = bytes.checked_add(PAGE_BYTES) else { return false };
        if self.storage.try_reserve_exact(total).is_err() {
            return false;
        }
        self.storage.resize(total, 0);
        let page_offset = page_offset % PAGE_BYTES / LINE_BYTES * LINE_BYTES;
        let misfit = self.storage.as_ptr() as usize % PAGE_BYTES;
        self.start = (page_offset + PAGE_BYTES - misfit) % PAGE_BYTES;
        self.bytes = bytes;
        true
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.bytes]
    }
}

/// Behind `agent_new`.
///
/// # Safety
/// `host` is null or outlives the agent.
pub unsafe fn new<A: Agent>(host: *const HostTable) -> *mut Channel {
    // SAFETY: passed on from the caller.
    let host = unsafe { Host::from_table(host) };
    let channel = Channel {
        magic: CHANNEL_MAGIC,
        version: ABI_VERSION,
        inbox: 0,
        inbox_bytes: 0,
        reply: 0,
        reply_bytes: 0,
    };
    let cell = Cell { channel, inbox: Inbox::default(), outbox: Vec::new(), agent: A::new(host) };
    Box::into_raw(Box::new(cell)).cast()
}

/// Behind `agent_reserve`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A` and was not dropped.
pub unsafe fn reserve<A: Agent>(channel: *mut Channel, bytes: usize, page_offset: usize) -> i32 {
    // SAFETY: passed on from the caller.
    let cell = unsafe { &mut *channel.cast::<Cell<A>>() };
    let fits = cell.inbox.reserve(bytes, page_offset);
    let room = cell.inbox.room();
    cell.channel.inbox = room.as_mut_ptr() as u64;
    cell.channel.inbox_bytes = room.len() as u64;
    (if fits { Status::Done } else { Status::NoRoom }) as i32
}

/// Behind `agent_handle`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A` and was not dropped.
pub unsafe fn handle<A: Agent>(channel: *mut Channel, bytes: usize) -> i32 {
    // SAFETY: passed on from the caller.
    let cell = unsafe { &mut *channel.cast::<Cell<A>>() };
    let Some(message) = cell.inbox.room().get_mut(..bytes) else {
        return Status::NoRoom as i32;
    };
    cell.outbox.clear();
    let (reply, status) = match cell.agent.handle(message, &mut cell.outbox) {
        Ok(Reply::Outbox) => (&cell.outbox[..], Status::Done),
        Ok(Reply::Inbox { bytes }) => (&message[..bytes.min(message.len())], Status::Done),
        Err(why) => {
            cell.outbox.clear();
            cell.outbox.extend_from_slice(why.to_string().as_bytes());
            (&cell.outbox[..], Status::Refused)
        }
    };
    cell.channel.reply = reply.as_ptr() as u64;
    cell.channel.reply_bytes = reply.len() as u64;
    status as i32
}

/// Behind `agent_example`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A` and was not dropped.
pub unsafe fn example<A: Agent>(channel: *mut Channel, seed: u64) -> i32 {
    // SAFETY: passed on from the caller.
    let cell = unsafe { &mut *channel.cast::<Cell<A>>() };
    cell.outbox = A::example(seed);
    cell.channel.reply = cell.outbox.as_ptr() as u64;
    cell.channel.reply_bytes = cell.outbox.len() as u64;
    Status::Done as i32
}

/// Behind `agent_drop`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A`; it is not used again.
pub unsafe fn drop<A: Agent>(channel: *mut Channel) {
    // SAFETY: passed on from the caller.
    std::mem::drop(unsafe { Box::from_raw(channel.cast::<Cell<A>>()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AgentError;

    struct Upper;

    impl Agent for Upper {
        fn new(_: Host) -> Self {
            Self
        }

        fn handle(&mut self, inbox: &mut [u8], _: &mut Vec<u8>) -> Result<Reply, AgentError> {
            if inbox.is_empty() {
                return Err(AgentError::new("nothing to shout"));
            }
            inbox.make_ascii_uppercase();
            Ok(Reply::Inbox { bytes: inbox.len() })
        }

        fn example(seed: u64) -> Vec<u8> {
            seed.to_string().into_bytes()
        }
    }

    fn reply(channel: *mut Channel) -> String {
        // SAFETY: the channel of a live agent; its reply lies in the agent's memory.
        let bytes = unsafe {
            std::slice::from_raw_parts(
                (*channel).reply as *const u8,
                (*channel).reply_bytes as usize,
            )
        };
        String::from_utf8_lossy(bytes).into_owned()
    }

    fn send(channel: *mut Channel, message: &[u8]) -> i32 {
        // SAFETY: a live channel whose inbox was reserved to hold the message.
        unsafe {
            let inbox = (*channel).inbox as *mut u8;
            inbox.copy_from_nonoverlapping(message.as_ptr(), message.len());
            handle::<Upper>(channel, message.len())
        }
    }

    #[test]
    fn a_message_goes_in_and_its_reply_comes_out_in_place() {
        // SAFETY: the contract's own order of calls.
        unsafe {
            let channel = new::<Upper>(std::ptr::null());
            assert_eq!(reserve::<Upper>(channel, 100, 192), Status::Done as i32);
            assert_eq!((*channel).inbox % 4096, 192);
            assert_eq!((*channel).inbox_bytes, 100);
            assert_eq!(send(channel, b"hello"), Status::Done as i32);
            assert_eq!(reply(channel), "HELLO");
            assert_eq!((*channel).reply, (*channel).inbox);
            assert_eq!(send(channel, b""), Status::Refused as i32);
            assert_eq!(reply(channel), "nothing to shout");
            assert_eq!(handle::<Upper>(channel, 101), Status::NoRoom as i32);
            assert_eq!(example::<Upper>(channel, 7), Status::Done as i32);
            assert_eq!(reply(channel), "7");
            drop::<Upper>(channel);
        }
    }

    #[test]
    fn an_inbox_that_cannot_be_had_is_no_room_and_the_agent_lives_on() {
        // SAFETY: the contract's own order of calls.
        unsafe {
            let channel = new::<Upper>(std::ptr::null());
            assert_eq!(reserve::<Upper>(channel, usize::MAX, 0), Status::NoRoom as i32);
            assert_eq!(reserve::<Upper>(channel, isize::MAX as usize, 0), Status::NoRoom as i32);
            assert_eq!((*channel).inbox_bytes, 0);
            assert_eq!(handle::<Upper>(channel, 1), Status::NoRoom as i32);
            assert_eq!(reserve::<Upper>(channel, 8, 0), Status::Done as i32);
            assert_eq!(send(channel, b"again"), Status::Done as i32);
            drop::<Upper>(channel);
        }
    }
}
