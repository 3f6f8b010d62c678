//! A guest with a mailbox.
//!
//! The mailbox's place is checked when it is opened. Linear memory never shrinks, so that each slot
//! stays within it whatever the guest does; what lies in a slot is the guest's word.

use super::allocation::PoolUse;
use super::checkpoint::{Checkpoint, RestoreBy};
use super::engine::WasmSubject;
use super::host::HostState;
use super::instance::{GuestInstance, export};
use crate::subject::mail::{MailInstance, MailSubject, Shape};
use crate::subject::{Attempt, status_outcome};
use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use caxton_sys::housed::{Housed, Owner, prefetch, prefetch_at};
use caxton_sys::slab::address_of;
use std::ops::Range;
use wasmtime::{Store, TypedFunc};

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
    near: Near,
    /// How many messages it handled before the one that it refused. None if it did not come back.
    refused_after: Option<u32>,
}

/// What a call reads of the engine's own structures: the CPU is told where they lie before it needs
/// them one after the other.
#[derive(Debug, Clone, Copy)]
struct Near {
    store: usize,
    function: usize,
}

impl Near {
    fn of(drain: &TypedFunc<(u32, u32, u32), i32>, store: &mut Store<HostState>) -> Self {
        let function = drain.func().to_raw(&mut *store) as usize;
        Self { store: address_of(store), function }
    }

    /// The lines were found with wasmtime 48 by stepping through a call. Others would cost time and
    /// nothing else.
    #[inline]
    fn prefetch(self) {
        const LINE: usize = 64;
        for (first, lines) in [(3, 1), (6, 2), (17, 8)] {
            prefetch_at(self.store + first * LINE, lines);
        }
        // The function lies behind its instance.
        prefetch_at(self.function.wrapping_sub(11 * LINE), 12);
    }
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
        let near = Near::of(&drain, &mut live.store);
        let (live, refused_after) = (Housed::new(live), None);
        Ok(Self { live, mailbox, shape, drain, channel, deadline_ticks, near, refused_after })
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

/// Cache lines of a message that are worth asking for; the CPU fetches those behind them itself.
const SLOT_LINES: usize = 16;
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
    fn expect(&self, slots: u32) {
        const LINES: usize = 5;
        self.near.prefetch();
        self.live.prefetch(1);
        let memory = self.live.block();
        prefetch(&memory[self.channel as usize..], LINES);
        for slot in 0..slots {
            prefetch(self.slot(slot), SLOT_LINES);
        }
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
