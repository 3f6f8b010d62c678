//! The native twin as a subject.

use super::mail::{MailInstance, MailSubject, Shape};
use super::{AgentInstance, Attempt, HostCounts, status_outcome};
use agent_abi::Status;
use agent_abi::heap::HeapCounts;
use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use caxton_sys::dylib::{NativeCell, NativeLibrary, NativeMailCell};
use std::path::Path;
use std::sync::Arc;

/// A loaded twin, ready to make agents.
#[derive(Debug, Clone)]
pub struct NativeSubject {
    library: Arc<NativeLibrary>,
}

impl NativeSubject {
    /// Loads the twin at `path`.
    ///
    /// # Errors
    /// `Refused` when it is no twin.
    pub fn load(path: &Path) -> Attempt<Self> {
        let library = NativeLibrary::open(path);
        let library = library.map_err(|why| Outcome::Refused(format!("native twin: {why}")))?;
        Ok(Self { library })
    }

    /// Has the twin count the allocations of all its agents from 0 on. False if it has no such
    /// allocator.
    pub fn start_heap(&self) -> bool {
        self.library.start_heap()
    }

    /// What the twin counted; none if it does not count.
    pub fn heap_counts(&self) -> Option<HeapCounts> {
        self.library.heap_counts()
    }

    /// A fresh agent.
    ///
    /// # Errors
    /// `DiedBeforeWork` when there is none to be had.
    pub fn instantiate(&self) -> Attempt<NativeAgent> {
        let cell = NativeCell::new(&self.library).map_err(Outcome::DiedBeforeWork)?;
        Ok(NativeAgent { cell })
    }
}

/// A live native agent.
#[derive(Debug)]
pub struct NativeAgent {
    cell: NativeCell,
}

impl AgentInstance for NativeAgent {
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()> {
        let status = self.cell.reserve(bytes, page_offset);
        if status == Status::Done as i32 && self.cell.inbox_bytes() >= bytes {
            return Ok(());
        }
        Err(status_outcome(Status::NoRoom as i32, &[]))
    }

    #[inline]
    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        let status = self.cell.handle(message);
        if status == Status::Done as i32 {
            return Ok(());
        }
        Err(status_outcome(status, self.cell.reply()))
    }

    fn reply(&self) -> &[u8] {
        self.cell.reply()
    }

    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        let status = self.cell.example(seed);
        if status == Status::Done as i32 {
            return Ok(self.cell.reply().to_vec());
        }
        Err(status_outcome(status, self.cell.reply()))
    }

    fn host_counts(&self) -> HostCounts {
        self.cell.counts()
    }

    fn linear_memory(&self) -> Option<Bytes> {
        None
    }
}

/// A live native agent with a mailbox.
#[derive(Debug)]
pub struct NativeMail {
    cell: NativeMailCell,
    slot_bytes: usize,
    /// How many messages it handled before the one that it refused.
    handled: u32,
}

impl NativeMail {
    fn place(&self, slot: u32) -> std::ops::Range<usize> {
        let start = slot as usize * self.slot_bytes;
        start..start + self.slot_bytes
    }
}

impl MailInstance for NativeMail {
    #[inline]
    fn slot(&self, slot: u32) -> &[u8] {
        &self.cell.mailbox()[self.place(slot)]
    }

    #[inline]
    fn slot_mut(&mut self, slot: u32) -> &mut [u8] {
        let place = self.place(slot);
        &mut self.cell.mailbox_mut()[place]
    }

    #[inline]
    fn drain(&mut self, first: u32, count: u32) -> Attempt<()> {
        let handled = self.cell.drain(first as usize, count as usize);
        if handled == count as i32 {
            return Ok(());
        }
        self.handled = u32::try_from(handled).unwrap_or(0);
        Err(status_outcome(Status::Refused as i32, self.cell.cell().reply()))
    }

    fn handled(&mut self, of: u32) -> u32 {
        self.handled.min(of)
    }
}

impl MailSubject for NativeSubject {
    type Instance = NativeMail;
    /// There is none: a native agent's state is all over the process.
    type Checkpoint = std::convert::Infallible;

    fn spawn(&self, shape: Shape) -> Attempt<NativeMail> {
        let slot_bytes = shape.slot_bytes as usize;
        let cell = NativeMailCell::new(&self.library, shape.slots as usize, slot_bytes);
        let cell = cell.map_err(Outcome::DiedBeforeWork)?;
        Ok(NativeMail { cell, slot_bytes, handled: 0 })
    }

    fn checkpoint(
        &self,
        _: &mut NativeMail,
        _: Option<&Self::Checkpoint>,
    ) -> Result<Self::Checkpoint, String> {
        Err("a native agent has no state that could be told from the process'".to_owned())
    }

    fn restore(&self, _: Shape, checkpoint: &Self::Checkpoint) -> Attempt<NativeMail> {
        match *checkpoint {}
    }
}
