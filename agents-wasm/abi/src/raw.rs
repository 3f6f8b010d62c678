//! The agent's side of the calls: one heap cell per agent that begins with its [`Channel`].
//!
//! The functions here are what `export_agent!` exports; nothing else calls them.
#![allow(unsafe_code, reason = "addresses from the host become references here")]

use crate::mail::{MailAgent, SLOT_ALIGN_BYTES};
use crate::{ABI_VERSION, Agent, CHANNEL_MAGIC, Channel, Host, HostTable, Reply, Status};
use std::alloc::{Layout, alloc, dealloc};

const LINE_BYTES: usize = 64;
const PAGE_BYTES: usize = 4096;

/// `channel` comes first, so that the cell's address is the channel's.
#[repr(C)]
struct Cell<A> {
    channel: Channel,
    inbox: Inbox,
    outbox: Vec<u8>,
    mailbox: Mailbox,
    agent: A,
}

/// Slots for messages, on cache lines. Not written to before the host does: a mailbox takes no more
/// memory than the slots that were ever used.
struct Mailbox {
    start: *mut u8,
    slots: usize,
    slot_bytes: usize,
}

impl Mailbox {
    const NONE: Self = Self { start: std::ptr::null_mut(), slots: 0, slot_bytes: 0 };

    fn layout(slots: usize, slot_bytes: usize) -> Option<Layout> {
        let is_whole = slot_bytes.is_multiple_of(SLOT_ALIGN_BYTES);
        let bytes = slots.checked_mul(slot_bytes).filter(|bytes| *bytes > 0 && is_whole)?;
        Layout::from_size_align(bytes, SLOT_ALIGN_BYTES).ok()
    }

    fn new(slots: usize, slot_bytes: usize) -> Option<Self> {
        let layout = Self::layout(slots, slot_bytes)?;
        // SAFETY: a layout of more than no bytes.
        let start = unsafe { alloc(layout) };
        (!start.is_null()).then_some(Self { start, slots, slot_bytes })
    }

    /// # Safety
    /// The host has written to this slot, all of it or all of its message.
    unsafe fn slot(&mut self, slot: usize) -> &mut [u8] {
        // SAFETY: below the count of slots, each within the one allocation.
        unsafe {
            let start = self.start.add(slot * self.slot_bytes);
            std::slice::from_raw_parts_mut(start, self.slot_bytes)
        }
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        if let Some(layout) = Self::layout(self.slots, self.slot_bytes) {
            // SAFETY: what `new` allocated, with the same layout.
            unsafe { dealloc(self.start, layout) }
        }
    }
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
    let (inbox, outbox, mailbox) = (Inbox::default(), Vec::new(), Mailbox::NONE);
    let cell = Cell { channel, inbox, outbox, mailbox, agent: A::new(host) };
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

/// Behind `agent_mail_open`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A` and was not dropped.
pub unsafe fn mail_open<A: MailAgent>(
    channel: *mut Channel,
    slots: usize,
    slot_bytes: usize,
) -> i32 {
    // SAFETY: passed on from the caller.
    let cell = unsafe { &mut *channel.cast::<Cell<A>>() };
    cell.mailbox = Mailbox::NONE;
    let Some(mailbox) = Mailbox::new(slots, slot_bytes) else { return Status::NoRoom as i32 };
    cell.channel.inbox = mailbox.start as u64;
    cell.channel.inbox_bytes = (slots * slot_bytes) as u64;
    cell.mailbox = mailbox;
    Status::Done as i32
}

/// Behind `agent_mail_drain`: how many of the messages were handled. Where that is less than
/// `count`, the agent refused the next one, and the reply says why.
///
/// # Safety
/// `channel` came from [`new`] with the same `A` and was not dropped; the host has written to each
/// of these slots.
pub unsafe fn mail_drain<A: MailAgent>(channel: *mut Channel, first: usize, count: usize) -> i32 {
    // SAFETY: passed on from the caller.
    let cell = unsafe { &mut *channel.cast::<Cell<A>>() };
    let end = first.saturating_add(count).min(cell.mailbox.slots);
    // As below: a trap in the first message must not leave the last call's count.
    // SAFETY: a field of a live cell.
    unsafe { (&raw mut cell.channel.reply_bytes).write_volatile(0) };
    for (handled, slot) in (first..end).enumerate() {
        // SAFETY: below the count of slots; that the host wrote to it is passed on.
        let slot = unsafe { cell.mailbox.slot(slot) };
        if let Err(why) = cell.agent.receive(slot) {
            cell.outbox.clear();
            cell.outbox.extend_from_slice(why.to_string().as_bytes());
            cell.channel.reply = cell.outbox.as_ptr() as u64;
            cell.channel.reply_bytes = cell.outbox.len() as u64;
            return handled as i32;
        }
        // Who looks after the agent's death sees it too: the compiler must not delay it.
        // SAFETY: a field of a live cell.
        unsafe { (&raw mut cell.channel.reply_bytes).write_volatile(handled as u64 + 1) };
    }
    (end - first.min(end)) as i32
}

/// Behind `agent_drop`.
///
/// # Safety
/// `channel` came from [`new`] with the same `A`; it is not used again.
pub unsafe fn drop<A: Agent>(channel: *mut Channel) {
    // SAFETY: passed on from the caller.
    std::mem::drop(unsafe { Box::from_raw(channel.cast::<Cell<A>>()) });
}

/// Ends the agent at once and without a word: a trap. A native agent panics.
pub fn trap() -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    panic!("a trap was asked for")
}

/// Reads where no agent has memory: a guest traps. A native agent would read whatever is there, and
/// panics instead.
pub fn read_outside() -> ! {
    #[cfg(target_family = "wasm")]
    // SAFETY: none: this is the fault that is asked for, and WASM makes it a trap.
    unsafe {
        std::ptr::without_provenance::<u64>(0xffff_fff8).read_volatile();
    }
    trap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::AgentError;

    struct Upper;

    impl MailAgent for Upper {
        fn receive(&mut self, slot: &mut [u8]) -> Result<(), AgentError> {
            if slot[0] == b'?' {
                return Err(AgentError::new("no questions"));
            }
            slot.make_ascii_uppercase();
            Ok(())
        }
    }

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

    /// Writes `messages` to the slots from `first` on and has them drained.
    fn drain(channel: *mut Channel, first: usize, messages: &[&[u8; 64]]) -> i32 {
        // SAFETY: a live channel with a mailbox of slots of 64 bytes, four of them.
        unsafe {
            let start = ((*channel).inbox as *mut u8).add(first * 64);
            for (i, message) in messages.iter().enumerate() {
                start.add(i * 64).copy_from_nonoverlapping(message.as_ptr(), 64);
            }
            mail_drain::<Upper>(channel, first, messages.len())
        }
    }

    #[test]
    fn mail_is_drained_in_place_up_to_a_message_that_is_refused() {
        let (a, question) = (&[b'a'; 64], &[b'?'; 64]);
        // SAFETY: the contract's own order of calls.
        unsafe {
            let channel = new::<Upper>(std::ptr::null());
            assert_eq!(mail_open::<Upper>(channel, 4, 64), Status::Done as i32);
            assert_eq!((*channel).inbox % 64, 0);
            assert_eq!((*channel).inbox_bytes, 256);
            assert_eq!(drain(channel, 1, &[a, a]), 2);
            assert_eq!((*channel).reply_bytes, 2);
            let handled = std::slice::from_raw_parts(((*channel).inbox as *const u8).add(64), 128);
            assert_eq!(handled, [b'A'; 128]);
            assert_eq!(drain(channel, 0, &[a, question, a]), 1);
            assert_eq!(reply(channel), "no questions");
            assert_eq!(drain(channel, 3, &[a]), 1);
            assert_eq!(mail_drain::<Upper>(channel, 4, 1), 0, "beyond the last slot");
            assert_eq!(mail_open::<Upper>(channel, 4, 65), Status::NoRoom as i32);
            assert_eq!(mail_open::<Upper>(channel, usize::MAX, 64), Status::NoRoom as i32);
            drop::<Upper>(channel);
        }
    }
}
