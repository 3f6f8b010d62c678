//! Mail: messages that carry their own address, and a mailbox in the agent's memory from which
//! several are handled in one call.
//!
//! An agent that takes mail exports two functions beside the six of the contract
//! ([`crate::export_mail_agent!`]):
//!
//! | export | meaning |
//! |---|---|
//! | `agent_mail_open(channel, slots, slot_bytes) -> i32` | makes a mailbox; the channel's inbox is its first slot, its capacity that of all slots |
//! | `agent_mail_drain(channel, first, count) -> i32` | handles the messages in `count` slots from `first` on, each where it lies; how many it handled |
//!
//! The host writes a message into a slot, has it handled, and finds in the same slot what the agent
//! made of it: a message whose [`Header::to`] says where it goes next. Which slots are in use is
//! the host's own book; a guest that writes elsewhere in its mailbox spoils its own mail only.
//! While it drains, the agent counts in the channel's `reply_bytes` how many messages it has
//! handled, so that after its death the host knows which one it was at.

use crate::{Agent, AgentError};

/// First field of each [`Header`].
pub const MAIL_MAGIC: u32 = u32::from_le_bytes(*b"MAIL");

/// [`Header::to`] and [`Header::from`] of whoever drives the agents.
pub const HOST: u32 = u32::MAX;

/// The most links that an agent numbers; further ones share a number.
pub const LINKS: usize = 16;

/// Slots lie on cache lines.
pub const SLOT_ALIGN_BYTES: usize = 64;

/// What a message asks of its receiver; other values mean what the agents agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// To be passed back to its sender until its hops are used up, then to [`HOST`].
    Pass = 0,
    /// To be answered to [`HOST`].
    Ask = 1,
    /// To be answered to [`HOST`] with the agent's [`Ledger`] in the body.
    Report = 2,
    /// Hold [`Header::hops`] MiB of memory, every page of it written to; answered to [`HOST`].
    Hold = 3,
    /// Write to [`Header::hops`] pages of what is held; answered to [`HOST`].
    Touch = 4,
    /// Trap.
    Trap = 5,
    /// Never return.
    Loop = 6,
    /// Take memory until there is none, and die.
    Exhaust = 7,
    /// Claim a reply longer than its slot.
    Oversize = 8,
    /// Claim a reply to an agent that cannot exist.
    Stray = 9,
    /// Point the channel outside the agent's memory, and trap.
    Wild = 10,
    /// As [`Kind::Pass`], by way of a copy: what handling a message where it lies saves.
    PassCopied = 11,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Pass,
        Self::Ask,
        Self::Report,
        Self::Hold,
        Self::Touch,
        Self::Trap,
        Self::Loop,
        Self::Exhaust,
        Self::Oversize,
        Self::Stray,
        Self::Wild,
        Self::PassCopied,
    ];

    /// The kind behind its number.
    pub fn from_raw(raw: u8) -> Option<Self> {
        Self::ALL.get(usize::from(raw)).copied()
    }
}

/// What each message begins with: 40 bytes, little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Length of the whole message in bytes, header included.
    pub bytes: u32,
    /// [`seal`] of the body and the hops.
    pub hash: u64,
    /// The sender.
    pub from: u32,
    /// The receiver.
    pub to: u32,
    /// Its number on its link, counted by the sender: what was lost, doubled or out of order shows.
    pub sequence: u32,
    /// How many more times it is to be passed on.
    pub hops: u32,
    /// Which of the receiver's links it comes over.
    pub to_link: u8,
    /// Which of the sender's links it went over.
    pub from_link: u8,
    /// What is asked, a [`Kind`].
    pub kind: u8,
    /// True for one that the host made: it is on no link yet and has no sequence.
    pub is_fresh: bool,
    /// Number of the message, its sender's to choose.
    pub id: u32,
}

impl Header {
    /// Its size in a message.
    pub const BYTES: usize = 40;
    /// Where [`Header::bytes`] lies.
    pub const BYTES_OFFSET: usize = 4;
    /// Where [`Header::to`] lies.
    pub const TO_OFFSET: usize = 20;

    /// Reads the header of `message`; none if it is no message: too short, no magic, or of a length
    /// that is not within `message`.
    #[inline]
    pub fn read(message: &[u8]) -> Option<Self> {
        let head: &[u8; Self::BYTES] = message.first_chunk()?;
        let four = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        let bytes = four(Self::BYTES_OFFSET);
        let fits = bytes as usize >= Self::BYTES && bytes as usize <= message.len();
        if four(0) != MAIL_MAGIC || !fits {
            return None;
        }
        Some(Self {
            bytes,
            hash: u64::from_le_bytes(std::array::from_fn(|i| head[8 + i])),
            from: four(16),
            to: four(Self::TO_OFFSET),
            sequence: four(24),
            hops: four(28),
            to_link: head[32],
            from_link: head[33],
            kind: head[34],
            is_fresh: head[35] != 0,
            id: four(36),
        })
    }

    /// Writes it to the start of `message`.
    ///
    /// # Panics
    /// If `message` is shorter than a header.
    #[inline]
    pub fn write(&self, message: &mut [u8]) {
        let head: &mut [u8; Self::BYTES] =
            message.first_chunk_mut().expect("a message is as long as its header at least");
        head[..4].copy_from_slice(&MAIL_MAGIC.to_le_bytes());
        head[4..8].copy_from_slice(&self.bytes.to_le_bytes());
        head[8..16].copy_from_slice(&self.hash.to_le_bytes());
        head[16..20].copy_from_slice(&self.from.to_le_bytes());
        head[20..24].copy_from_slice(&self.to.to_le_bytes());
        head[24..28].copy_from_slice(&self.sequence.to_le_bytes());
        head[28..32].copy_from_slice(&self.hops.to_le_bytes());
        let small = [self.to_link, self.from_link, self.kind, u8::from(self.is_fresh)];
        head[32..36].copy_from_slice(&small);
        head[36..].copy_from_slice(&self.id.to_le_bytes());
    }

    /// True for a message that is passed on, and finished once its hops are used up.
    #[inline]
    pub const fn is_passed(&self) -> bool {
        self.kind == Kind::Pass as u8 || self.kind == Kind::PassCopied as u8
    }

    /// The same message on its way back, with one hop less.
    #[inline]
    #[must_use]
    pub fn returned(&self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            to_link: self.from_link,
            from_link: self.to_link,
            hops: self.hops.saturating_sub(1),
            is_fresh: false,
            ..*self
        }
    }
}

/// XXH64 of a message's body with seed 0 (Y. Collet, xxHash specification).
#[inline]
pub fn body_hash(body: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, body)
}

/// A body's hash as a message of so many hops carries it: it changes with each hop, and only who
/// has hashed the body can tell the next one.
#[inline]
pub const fn seal(body_hash: u64, hops: u32) -> u64 {
    body_hash ^ (hops as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What an agent that passes mail has done so far, as it reports it: 32 bytes, little-endian.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Messages of [`Kind::Pass`] that it got.
    pub received: u64,
    /// The sum of their seals, modulo 2⁶⁴: the same in whatever order they came.
    pub checksum: u64,
    /// Messages whose sequence was not the next one of their link.
    pub out_of_order: u64,
    /// Messages whose hash was not that of their body.
    pub corrupt: u64,
}

impl Ledger {
    /// Its size in a message's body.
    pub const BYTES: usize = 32;

    /// Reads it from the start of `body`.
    pub fn read(body: &[u8]) -> Option<Self> {
        let words: &[u8; Self::BYTES] = body.first_chunk()?;
        let eight = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| words[at + i]));
        Some(Self {
            received: eight(0),
            checksum: eight(8),
            out_of_order: eight(16),
            corrupt: eight(24),
        })
    }

    /// Writes it to the start of `body`; false if there is no room.
    pub fn write(&self, body: &mut [u8]) -> bool {
        let Some(words) = body.first_chunk_mut::<{ Self::BYTES }>() else { return false };
        let fields = [self.received, self.checksum, self.out_of_order, self.corrupt];
        for (place, field) in words.chunks_exact_mut(8).zip(fields) {
            place.copy_from_slice(&field.to_le_bytes());
        }
        true
    }

    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            checksum: self.checksum.wrapping_add(other.checksum),
            out_of_order: self.out_of_order + other.out_of_order,
            corrupt: self.corrupt + other.corrupt,
        }
    }
}

/// An agent that takes mail.
pub trait MailAgent: Agent {
    /// Handles the message at the start of `slot`, and leaves there what goes on.
    ///
    /// # Errors
    /// A message the agent cannot make sense of. State must be as before the call.
    fn receive(&mut self, slot: &mut [u8]) -> Result<(), AgentError>;
}

/// Exports a [`MailAgent`] under the contract, with the two functions of its mailbox.
#[macro_export]
macro_rules! export_mail_agent {
    ($agent:ty) => {
        $crate::export_agent!($agent);
        const _: () = {
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_mail_open(
                channel: *mut $crate::Channel,
                slots: usize,
                slot_bytes: usize,
            ) -> i32 {
                // SAFETY: the host passes an address that `agent_new` returned.
                unsafe { $crate::raw::mail_open::<$agent>(channel, slots, slot_bytes) }
            }
            #[unsafe(no_mangle)]
            unsafe extern "C" fn agent_mail_drain(
                channel: *mut $crate::Channel,
                first: usize,
                count: usize,
            ) -> i32 {
                // SAFETY: the host passes an address that `agent_new` returned, and wrote a message
                // into each of these slots.
                unsafe { $crate::raw::mail_drain::<$agent>(channel, first, count) }
            }
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        bytes: 48,
        hash: 0x0102_0304_0506_0708,
        from: 3,
        to: 4,
        sequence: 5,
        hops: 6,
        to_link: 7,
        from_link: 8,
        kind: 1,
        is_fresh: false,
        id: 9,
    };

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let mut message = [0; 48];
        HEADER.write(&mut message);
        assert_eq!(Header::read(&message), Some(HEADER));
        assert_eq!(&message[..4], b"MAIL");
        assert_eq!(message[Header::TO_OFFSET], 4);
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        let mut message = [0; 48];
        HEADER.write(&mut message);
        assert_eq!(Header::read(&message[..47]), None, "longer than where it lies");
        assert_eq!(Header::read(&message[..39]), None);
        assert_eq!(Header::read(&[0; 64]), None, "no magic");
        Header { bytes: 39, ..HEADER }.write(&mut message);
        assert_eq!(Header::read(&message), None, "shorter than its header");
    }

    #[test]
    fn a_message_goes_back_the_way_it_came() {
        let back = HEADER.returned();
        assert_eq!((back.from, back.to, back.to_link, back.from_link), (4, 3, 8, 7));
        assert_eq!(back.hops, 5);
        assert_eq!(back.returned(), Header { hops: 4, ..HEADER });
        assert_eq!(Header { hops: 0, ..HEADER }.returned().hops, 0);
    }

    #[test]
    fn a_seal_is_of_a_body_and_a_number_of_hops() {
        // XXH64 of nothing with seed 0, from the specification.
        assert_eq!(body_hash(b""), 0xef46_db37_51d8_e999);
        assert_ne!(seal(1, 2), seal(1, 3));
        assert_ne!(seal(1, 2), seal(2, 2));
    }

    #[test]
    fn a_ledger_is_read_as_it_was_written() {
        let ledger = Ledger { received: 1, checksum: u64::MAX, out_of_order: 3, corrupt: 4 };
        let mut body = [0; 40];
        assert!(ledger.write(&mut body));
        assert_eq!(Ledger::read(&body), Some(ledger));
        assert_eq!(ledger.plus(ledger).checksum, u64::MAX - 1);
        assert!(!ledger.write(&mut body[..31]));
    }

    #[test]
    fn kinds_have_the_numbers_of_their_places() {
        for (i, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!((kind as usize, Kind::from_raw(i as u8)), (i, Some(kind)));
        }
        assert_eq!(Kind::from_raw(12), None);
    }
}
