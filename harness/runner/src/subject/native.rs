//! The native twin as a subject.

use super::{AgentInstance, Attempt, HostCounts, status_outcome};
use crate::sys::dylib::{NativeCell, NativeLibrary};
use agent_abi::Status;
use agent_abi::heap::HeapCounts;
use caxton_results::case::Outcome;
use caxton_results::units::Bytes;
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
