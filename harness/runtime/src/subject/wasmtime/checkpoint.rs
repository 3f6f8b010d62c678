//! The whole state of an agent between two calls, and putting it into a fresh instance.
//!
//! That is linear memory, mutable globals and tables, and where the agent's channel lies. What the
//! host keeps for it is no part of it: counts, fuel, what it printed.
//!
//! A full checkpoint copies memory to an [`Image`], and where memory lies in a slab the image is
//! mapped over it at once: from then on the kernel knows which pages were written to, and the next
//! checkpoint is the same image and those pages alone. It is complete by itself: no checkpoint
//! needs another.
//!
//! Each restore checks what was copied into this process' own memory (variables and pages) against
//! a checksum. It does not check the image: that would cost as much as copying it, and the kernel
//! lets nobody change it.

use super::checkpoint_error::CheckpointError;
use super::expose::Places;
use super::host::HostState;
use super::variables::{Access, Variables};
use caxton_sys::dirty;
use caxton_sys::memfd::Image;
use caxton_sys::slab::Slab;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;
use twox_hash::XxHash64;
use wasmtime::{Instance, Store};

/// Changes are kept in pieces of this size.
pub(super) const PAGE_BYTES: usize = 4096;
/// Of a page of WASM.
pub(super) const WASM_PAGE_BYTES: u64 = 65_536;
/// A new image is made when more than one in so many pages was written to.
const DIRTY_SHARE: usize = 4;

/// How a checkpoint's memory comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RestoreBy {
    /// Mapped over the fresh memory, whatever its size. Where that cannot be (memories that are not
    /// in a slab, a kernel without room for another map) it is copied.
    #[default]
    Map,
    /// Copied.
    Copy,
}

/// The whole state of an agent between two calls.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    pub(super) base: Arc<Image>,
    pub(super) written: Written,
    /// Size of memory; beyond the base it is zero but for what was written.
    pub(super) memory_bytes: u64,
    pub(super) channel: u32,
    pub(super) variables: Variables,
    /// SHA-256 of the module.
    pub(super) module: [u8; 32],
    pub(super) is_full: bool,
    /// Over all but the base.
    pub(super) checksum: u64,
}

/// Pages that differ from the base.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Written {
    /// Their numbers, in order.
    pub(super) pages: Vec<u32>,
    /// Their content, one after the other.
    pub(super) bytes: Vec<u8>,
}

impl Written {
    /// What was written to `memory` since a base was mapped over it; none if that cannot be told or
    /// is so much that a new base is cheaper.
    pub(super) fn to(memory: &[u8]) -> Option<Self> {
        let ranges = dirty::written(memory)?;
        let bytes: usize = ranges.iter().map(Range::len).sum();
        if bytes * DIRTY_SHARE > memory.len() {
            return None;
        }
        let mut written = Self {
            pages: Vec::with_capacity(bytes / PAGE_BYTES),
            bytes: Vec::with_capacity(bytes),
        };
        for range in ranges {
            let pages = range.start / PAGE_BYTES..range.end.div_ceil(PAGE_BYTES);
            written.pages.extend(pages.map(|page| page as u32));
            written.bytes.extend_from_slice(&memory[range]);
        }
        Some(written)
    }

    /// Puts the pages where they were.
    pub(super) fn write(&self, memory: &mut [u8]) -> Result<(), CheckpointError> {
        for (page, bytes) in self.pages.iter().zip(self.bytes.chunks_exact(PAGE_BYTES)) {
            let at = *page as usize * PAGE_BYTES;
            let place = memory.get_mut(at..at + PAGE_BYTES);
            place.ok_or(CheckpointError::Corrupt("page beyond memory"))?.copy_from_slice(bytes);
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Pages of 4 KiB that it copied beside its base; none for a full one, which copied all.
    pub fn dirty_pages(&self) -> Option<u64> {
        (!self.is_full).then_some(self.written.pages.len() as u64)
    }

    /// The agent's memory.
    #[cfg(test)]
    pub(super) fn memory(&self) -> Vec<u8> {
        let mut memory = vec![0; self.memory_bytes as usize];
        self.base.copy_to(&mut memory).expect("an image can be read");
        self.written.write(&mut memory).expect("pages of this memory");
        memory
    }

    /// Refuses what is damaged, or of another module than `module`.
    pub(super) fn verify(&self, module: &[u8; 32]) -> Result<(), CheckpointError> {
        if self.module != *module {
            return Err(CheckpointError::OtherModule);
        }
        if self.sum() != self.checksum {
            return Err(CheckpointError::Corrupt("its checksum is another"));
        }
        Ok(())
    }

    /// Over everything but the base.
    pub fn sum(&self) -> u64 {
        let Self { base, written, memory_bytes, channel, variables, module, .. } = self;
        let mut hasher = XxHash64::with_seed(0);
        (module, memory_bytes, base.bytes(), channel).hash(&mut hasher);
        (self.is_full, variables, written).hash(&mut hasher);
        hasher.finish()
    }
}

/// What a live agent needs to be saved.
pub(super) struct Savable {
    pub(super) places: Arc<Places>,
    pub(super) slab: Option<Arc<Slab>>,
    /// What is mapped over its memory now.
    pub(super) base: Option<Arc<Image>>,
    /// Found when first needed.
    access: Option<Access>,
}

impl Savable {
    pub(super) fn new(places: Arc<Places>, slab: Option<Arc<Slab>>) -> Box<Self> {
        Box::new(Self { places, slab, base: None, access: None })
    }

    pub(super) fn access(&mut self, store: &mut Store<HostState>, instance: &Instance) -> &Access {
        self.access.get_or_insert_with(|| Access::of(store, instance, &self.places))
    }
}
