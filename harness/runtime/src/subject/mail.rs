//! Agents that take mail: a mailbox in the agent's own memory, from which one call handles several
//! messages. What `agent_abi::mail` says, as the host sees it.
//!
//! Which slots are in use, and in which order, is not known here: that is the orchestrator's book.

use super::Attempt;
use agent_abi::mail::SLOT_ALIGN_BYTES;

/// The size of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many messages it holds.
    pub slots: u32,
    /// How long each may be; a multiple of [`SLOT_ALIGN_BYTES`].
    pub slot_bytes: u32,
}

impl Shape {
    /// A mailbox of `slots` messages of at most `message_bytes`.
    pub fn of(slots: u32, message_bytes: u32) -> Self {
        Self { slots, slot_bytes: message_bytes.next_multiple_of(SLOT_ALIGN_BYTES as u32) }
    }

    /// Its size in bytes.
    pub fn bytes(self) -> usize {
        self.slots as usize * self.slot_bytes as usize
    }
}

/// A live agent with a mailbox.
pub trait MailInstance: Send + 'static {
    /// The slot's bytes.
    ///
    /// # Panics
    /// If there is no such slot.
    fn slot(&self, slot: u32) -> &[u8];

    /// The slot's bytes, to write a message there.
    ///
    /// # Panics
    /// If there is no such slot.
    fn slot_mut(&mut self, slot: u32) -> &mut [u8];

    /// Has the messages in `count` slots from `first` on handled, each where it lies.
    ///
    /// # Errors
    /// The agent refused one of them, died, or did not come back in time.
    fn drain(&mut self, first: u32, count: u32) -> Attempt<()>;

    /// Tells the CPU that the agent will soon be called for the messages in its first `slots`.
    #[inline]
    fn expect(&self, slots: u32) {
        let _ = slots;
    }

    /// Size of its linear memory in bytes; none for an agent that has none.
    fn linear_bytes(&self) -> Option<u64> {
        None
    }

    /// How many messages of the last drain were handled, by the agent's own word and at most `of`:
    /// what its death left.
    fn handled(&mut self, of: u32) -> u32;
}

/// What makes agents with mailboxes: a compiled module, a loaded twin.
pub trait MailSubject: Clone + Send + Sync + 'static {
    /// Its agents.
    type Instance: MailInstance;
    /// What brings an agent back to a state that it had.
    type Checkpoint: Send + Sync + 'static;

    /// A fresh agent with a mailbox.
    ///
    /// # Errors
    /// There is none to be had.
    fn spawn(&self, shape: Shape) -> Attempt<Self::Instance>;

    /// The agent's state, between two drains; `previous` is an earlier one of the same agent, on
    /// which this may build.
    ///
    /// # Errors
    /// Why it cannot be had.
    fn checkpoint(
        &self,
        agent: &mut Self::Instance,
        previous: Option<&Self::Checkpoint>,
    ) -> Result<Self::Checkpoint, String>;

    /// A fresh agent in the state of `checkpoint`.
    ///
    /// # Errors
    /// There is none to be had, or the checkpoint is not one of this subject.
    fn restore(&self, shape: Shape, checkpoint: &Self::Checkpoint) -> Attempt<Self::Instance>;
}
