//! A guest with a mailbox.
//!
//! The mailbox's place is checked when it is opened. Linear memory never shrinks, so that each slot
//! stays within it whatever the guest does; what lies in a slot is the guest's word.

use super::allocation::PoolUse;
use super::checkpoint::{Checkpoint, RestoreBy};
use super::engine::WasmSubject;
use super::instance::{GuestInstance, export};
use crate::subject::mail::{MailInstance, MailSubject, Shape};
use crate::subject::{Attempt, status_outcome};
use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use caxton_sys::housed::{Housed, Owner, prefetch};
use std::ops::Range;
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

    /// How the engine's pool is used; none where it has none.
    pub fn pool_use(&self) -> Option<PoolUse> {
        self.subject.pool_use()
    }
}

/// A live guest with a mailbox.
#[repr(C)]
pub struct WasmMail {
    live: Housed<GuestInstance>,
    /// Where the first slot lies in linear memory.
    mailbox: usize,
    shape: Shape,
    drain: TypedFunc<(u32, u32, u32), i32>,
    channel: u32,
    deadline_ticks: Option<u64>,
    /// How many messages it handled before the one that it refused. None if it did not come back.
    refused_after: Option<u32>,
}

impl Owner for GuestInstance {
    fn block(&mut self) -> &mut [u8] {
        self.memory_bytes_mut()
    }
}

impl WasmMail {
    fn new(mut live: GuestInstance, shape: Shape, deadline_ticks: Option<u64>) -> Attempt<Self> {
        let open = export::<(u32, u32, u32), i32>(&mut live.store, &live.instance, OPEN)?;
        if let Some(ticks) = deadline_ticks {
            live.store.set_epoch_deadline(ticks);
        }
        let wish = (live.channel_at(), shape.slots, shape.slot_bytes);
        let called = open.call(&mut live.store, wish);
        Self::opened(live, shape, deadline_ticks, called)
    }

    /// The agent whose mailbox is open: just now, or, after its memory was put back to a
    /// checkpoint's, where it was then.
    fn opened(
        mut live: GuestInstance,
        shape: Shape,
        deadline_ticks: Option<u64>,
        called: wasmtime::Result<i32>,
    ) -> Attempt<Self> {
        let drain = export(&mut live.store, &live.instance, "agent_mail_drain")?;
        live.opened(OPEN, shape.bytes(), called)?;
        let (mailbox, channel) = (live.inbox_start(), live.channel_at());
        let live = Housed::new(live);
        Ok(Self { live, mailbox, shape, drain, channel, deadline_ticks, refused_after: None })
    }

    /// Size of linear memory.
    pub fn linear_memory(&self) -> Bytes {
        Bytes(self.live.block().len() as u64)
    }

    #[inline]
    fn place(&self, slot: u32) -> Range<usize> {
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
        &self.live.block()[place]
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        let place = self.place(slot);
        &mut self.live.block_mut()[place]
    }

    #[inline]
    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        let (drain, params) = (&self.drain, (self.channel, first, count));
        let deadline_ticks = self.deadline_ticks;
        let called = self.live.with(|live| {
            if let Some(ticks) = deadline_ticks {
                live.store.set_epoch_deadline(ticks);
            }
            drain.call(&mut live.store, params)
        });
        match called {
            Ok(handled) if handled == count as i32 => Ok(()),
            called => Err(self.fell("agent_mail_drain", called)),
        }
    }

    fn linear_bytes(&self) -> Option<u64> {
        Some(self.linear_memory().0)
    }

    fn handled(&mut self, of: u32) -> u32 {
        // The reply of one that refused is its reason.
        let told = self.live.with(|live| live.reply_bytes());
        let counted = told.map_or(0, |told| told.min(u64::from(of)) as u32);
        self.refused_after.map_or(counted, |handled| handled.min(of))
    }

    #[inline]
    fn expect(&self, slot: u32) {
        const LINES: usize = 4;
        let memory = self.live.block();
        prefetch(&memory[self.channel as usize..], LINES);
        prefetch(self.slot(slot), LINES);
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
                self.live.with(|live| match live.replied(call, Ok(0)) {
                    Ok(()) => status_outcome(1, live.reply()),
                    Err(outcome) => outcome,
                })
            }
            Err(error) => self.live.with(|live| live.fell(call, &error)),
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
        agent.live.with(|live| live.checkpoint(previous)).map_err(|error| error.to_string())
    }

    fn restore(&self, shape: Shape, checkpoint: &Checkpoint) -> Attempt<WasmMail> {
        let mut live = self.subject.instantiate(self.limit)?.live;
        let restored = live.restore(checkpoint, self.by);
        restored.map_err(|error| Outcome::Refused(error.to_string()))?;
        WasmMail::opened(live, shape, self.deadline_ticks, Ok(0))
    }
}
