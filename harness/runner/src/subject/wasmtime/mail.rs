//! A guest with a mailbox.
//!
//! The mailbox's place is checked when it is opened. Linear memory never shrinks, so that each slot
//! stays within it whatever the guest does; what lies in a slot is the guest's word.

use super::checkpoint::{Checkpoint, RestoreBy};
use super::engine::WasmSubject;
use super::instance::{Live, export};
use crate::subject::mail::{MailInstance, MailSubject, Shape};
use crate::subject::{Attempt, status_outcome};
use caxton_results::case::Outcome;
use caxton_results::units::Bytes;
use wasmtime::TypedFunc;

/// A compiled agent whose instances have mailboxes, and the terms on which they live.
#[derive(Clone)]
pub struct WasmMailSubject {
    subject: WasmSubject,
    /// Ticks of the engine's epoch that a drain may take; none where it is trusted to come back.
    deadline_ticks: Option<u64>,
    /// The most memory that an agent may have.
    limit: Option<Bytes>,
    /// How a checkpoint's memory comes back.
    by: RestoreBy,
}

impl WasmMailSubject {
    /// Agents of `subject` that are trusted to come back from each call.
    pub fn trusted(subject: WasmSubject) -> Self {
        Self { subject, deadline_ticks: None, limit: None, by: RestoreBy::Map }
    }

    /// The same, each drain cut off after `deadline_ticks` of [`WasmMailSubject::tick`], and no
    /// agent larger than `limit`. Its engine must compare epochs.
    #[must_use]
    pub fn bounded(self, deadline_ticks: u64, limit: Bytes) -> Self {
        Self { deadline_ticks: Some(deadline_ticks), limit: Some(limit), ..self }
    }

    /// The same, whose checkpoints come back as `by` says.
    #[must_use]
    pub fn restored(self, by: RestoreBy) -> Self {
        Self { by, ..self }
    }

    /// Counts the engine's epoch up by one.
    pub fn tick(&self) {
        self.subject.tick();
    }
}

/// A live guest with a mailbox.
pub struct WasmMail {
    live: Live,
    drain: TypedFunc<(u32, u32, u32), i32>,
    /// Where the first slot lies in linear memory.
    mailbox: usize,
    shape: Shape,
    deadline_ticks: Option<u64>,
    /// How many messages it handled before the one that it refused. None if it did not come back.
    refused_after: Option<u32>,
}

impl WasmMail {
    fn new(mut live: Live, shape: Shape, deadline_ticks: Option<u64>) -> Attempt<Self> {
        let open = export::<(u32, u32, u32), i32>(&mut live.store, &live.instance, OPEN)?;
        let drain = export(&mut live.store, &live.instance, "agent_mail_drain")?;
        if let Some(ticks) = deadline_ticks {
            live.store.set_epoch_deadline(ticks);
        }
        let wish = (live.channel_at(), shape.slots, shape.slot_bytes);
        let called = open.call(&mut live.store, wish);
        live.opened(OPEN, shape.bytes(), called)?;
        let mailbox = live.inbox_start();
        Ok(Self { live, drain, mailbox, shape, deadline_ticks, refused_after: None })
    }

    /// The same agent after its memory was put back to a checkpoint's: its mailbox is where it was
    /// then.
    fn reopened(mut live: Live, shape: Shape, deadline_ticks: Option<u64>) -> Attempt<Self> {
        let drain = export(&mut live.store, &live.instance, "agent_mail_drain")?;
        live.opened(OPEN, shape.bytes(), Ok(0))?;
        let mailbox = live.inbox_start();
        Ok(Self { live, drain, mailbox, shape, deadline_ticks, refused_after: None })
    }

    /// Size of linear memory.
    pub fn linear_memory(&self) -> Bytes {
        self.live.linear_memory()
    }

    fn place(&self, slot: u32) -> std::ops::Range<usize> {
        assert!(slot < self.shape.slots, "slots are counted by the mailbox's shape");
        let bytes = self.shape.slot_bytes as usize;
        let start = self.mailbox + slot as usize * bytes;
        start..start + bytes
    }
}

const OPEN: &str = "agent_mail_open";

impl MailInstance for WasmMail {
    #[inline]
    fn slot(&self, slot: u32) -> &[u8] {
        let place = self.place(slot);
        &self.live.memory_bytes()[place]
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        let place = self.place(slot);
        &mut self.live.memory_bytes_mut()[place]
    }

    #[inline]
    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        let live = &mut self.live;
        if let Some(ticks) = self.deadline_ticks {
            live.store.set_epoch_deadline(ticks);
        }
        let params = (live.channel_at(), first, count);
        let called = self.drain.call(&mut live.store, params);
        match called {
            Ok(handled) if handled == count as i32 => Ok(()),
            called => Err(self.fell("agent_mail_drain", called)),
        }
    }

    fn handled(&self, of: u32) -> u32 {
        // The reply of one that refused is its reason.
        let counted = || self.live.reply_bytes().map_or(0, |told| told.min(u64::from(of)) as u32);
        self.refused_after.map_or_else(counted, |handled| handled.min(of))
    }
}

impl WasmMail {
    #[cold]
    fn fell(&mut self, call: &str, called: wasmtime::Result<i32>) -> Outcome {
        match called {
            Ok(handled) if handled < 0 || handled as u32 > self.shape.slots => {
                Outcome::DiedInTheMiddle(format!("{call} answered {handled}, which is no count"))
            }
            // What stands in the reply is its reason for refusing the next message.
            Ok(handled) => {
                self.refused_after = Some(handled as u32);
                match self.live.replied(call, Ok(0)) {
                    Ok(()) => status_outcome(1, self.live.reply()),
                    Err(outcome) => outcome,
                }
            }
            Err(error) => self.live.fell(call, &error),
        }
    }
}

impl MailSubject for WasmMailSubject {
    type Instance = WasmMail;
    type Checkpoint = Checkpoint;

    fn spawn(&self, shape: Shape) -> Attempt<WasmMail> {
        let live = self.subject.instantiate(self.limit)?.live;
        WasmMail::new(live, shape, self.deadline_ticks)
    }

    fn checkpoint(
        &self,
        agent: &mut WasmMail,
        previous: Option<&Checkpoint>,
    ) -> Result<Checkpoint, String> {
        agent.live.checkpoint(previous).map_err(|error| error.to_string())
    }

    fn restore(&self, shape: Shape, checkpoint: &Checkpoint) -> Attempt<WasmMail> {
        let mut live = self.subject.instantiate(self.limit)?.live;
        let restored = live.restore(checkpoint, self.by);
        restored.map_err(|error| Outcome::Refused(error.to_string()))?;
        WasmMail::reopened(live, shape, self.deadline_ticks)
    }
}
