//! The memory limit of a store, and what it denied.

use caxton_results::units::Bytes;
use wasmtime::ResourceLimiter;

/// Tables are bounded too: a guest must not spend the host's memory on elements.
const TABLE_ELEMENTS_MAX: usize = 1 << 20;
const TABLES_MAX: usize = 16;

/// What became of the guest's wishes for memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryUse {
    /// Growths asked for, memory's own beginning among them.
    pub asked: u64,
    /// Growths that the limit denied.
    pub denied: u32,
    /// Bytes wished for in the last denied growth.
    pub last_denied: Bytes,
}

/// Bounds linear memory to `limit`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limiter {
    limit: Option<Bytes>,
    pub(super) seen: MemoryUse,
}

impl Limiter {
    pub(super) fn new(limit: Option<Bytes>) -> Self {
        Self { limit, seen: MemoryUse::default() }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.seen.asked += 1;
        let limit = self.limit.map_or(u64::MAX, |limit| limit.0);
        let allowed = desired as u64 <= limit && maximum.is_none_or(|max| desired <= max);
        if !allowed {
            self.seen.denied += 1;
            self.seen.last_denied = Bytes(desired as u64);
        }
        Ok(allowed)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX && maximum.is_none_or(|max| desired <= max))
    }

    /// One, so that the limit of a memory is that of the guest.
    fn memories(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }
}
