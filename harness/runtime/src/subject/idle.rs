//! Nobody at home: mailboxes in the host's memory whose messages are answered without a call. What
//! is left is what the orchestrator costs, and how late the machine lets it be.

use super::Attempt;
use super::mail::{MailInstance, MailSubject, Shape};
use agent_abi::mail::{HOST, Header};

/// Makes mailboxes without agents.
#[derive(Debug, Clone, Copy)]
pub struct IdleSubject;

/// A mailbox without an agent.
#[derive(Debug)]
pub struct IdleMail {
    mailbox: Vec<u8>,
    slot_bytes: usize,
}

impl IdleMail {
    fn place(&self, slot: u32) -> std::ops::Range<usize> {
        let start = slot as usize * self.slot_bytes;
        start..start + self.slot_bytes
    }
}

impl MailInstance for IdleMail {
    #[inline]
    fn slot(&self, slot: u32) -> &[u8] {
        &self.mailbox[self.place(slot)]
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        let place = self.place(slot);
        &mut self.mailbox[place]
    }

    /// Readdresses each message as an agent would; hashes nothing.
    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        for slot in first..first + count {
            let slot = self.slot_mut(slot);
            if let Some(header) = Header::read(slot) {
                let back = header.returned();
                let is_last = !header.is_passed() || header.hops == 0;
                let to = if is_last { HOST } else { back.to };
                Header { to, ..back }.write(slot);
            }
        }
        Ok(())
    }

    fn handled(&mut self, of: u32) -> u32 {
        of
    }
}

impl MailSubject for IdleSubject {
    type Instance = IdleMail;
    /// There is no state.
    type Checkpoint = ();

    fn spawn(&self, shape: Shape) -> Attempt<IdleMail> {
        let slot_bytes = shape.slot_bytes as usize;
        Ok(IdleMail { mailbox: vec![0; shape.bytes()], slot_bytes })
    }

    fn checkpoint(&self, _: &mut IdleMail, _: Option<&()>) -> Result<(), String> {
        Ok(())
    }

    fn restore(&self, shape: Shape, (): &()) -> Attempt<IdleMail> {
        self.spawn(shape)
    }
}
