//! The memory limit of a store, what it denied, and when memory grew where somebody wants to know.
//!
//! The limit holds for a guest's linear memory and GC heap together: to the store the heap is a
//! second memory. A guest for which nobody set a limit has a default one, an eighth of what the
//! machine has, so that a worker with its few instances cannot take all of it.

use caxton_model::units::{Bytes, Nanos};
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::memory;
use std::sync::LazyLock;
use wasmtime::ResourceLimiter;

/// Tables are bounded too: a guest must not spend the host's memory on elements.
const TABLE_ELEMENTS_MAX: usize = 1 << 20;
const TABLES_MAX: usize = 16;

/// The part of the machine's memory that a guest may have where no limit is set.
const DEFAULT_LIMIT_SHARE: u64 = 8;

/// The most memory of a guest for which nobody set a limit. None where the machine does not tell
/// how much it has.
fn default_limit() -> Option<Bytes> {
    static LIMIT: LazyLock<Option<Bytes>> =
        LazyLock::new(|| Some(Bytes(memory::usable().ok()?.0 / DEFAULT_LIMIT_SHARE)));
    *LIMIT
}

/// How wasmtime names the one failure of a growth that it does not ask about first.
const BEYOND_ITS_TYPE: &str = "memory growth exceeds memory type's limits";

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

/// One growth of linear memory; its creation is one from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// When it was granted, by the host's monotonic clock.
    pub at: Nanos,
    /// Size before it.
    pub old: Bytes,
    /// Size after it.
    pub new: Bytes,
}

/// Growths that are kept: a guest can ask for 65,536 pages one by one.
const GROWTHS_MAX: usize = 4096;

/// The growths of one guest, up to a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Growths {
    /// In order.
    pub seen: Vec<Growth>,
    /// How many more there were.
    pub lost: u64,
}

impl Growths {
    /// Forgets what was allowed and did not come about, for the system had no memory: now there
    /// are only `bytes`.
    pub(super) fn forget_beyond(&mut self, bytes: Bytes) {
        if self.seen.last().is_some_and(|last| last.new > bytes) {
            self.seen.pop();
        }
    }
}

/// Bounds linear memory and GC heap, together, to `limit`.
#[derive(Debug, Clone)]
pub(super) struct Limiter {
    limit: Option<Bytes>,
    /// The size of all memories.
    held_bytes: usize,
    /// By how much the last growth that was granted makes that more.
    granted_bytes: usize,
    pub(super) seen: MemoryUse,
    pub(super) memories_max: usize,
    /// None where nobody asked.
    pub(super) growths: Option<Growths>,
}

impl Limiter {
    pub(super) fn new(limit: Option<Bytes>) -> Self {
        let seen = MemoryUse::default();
        Self { limit, held_bytes: 0, granted_bytes: 0, seen, memories_max: 1, growths: None }
    }

    /// The limit that holds.
    pub(super) fn limit(&self) -> Option<Bytes> {
        self.limit.or_else(default_limit)
    }

    /// Which growth was denied last, and what set the limit.
    pub(super) fn denial(&self) -> Option<String> {
        if self.seen.denied == 0 {
            return None;
        }
        let wanted = self.seen.last_denied;
        Some(match (self.limit, default_limit()) {
            (None, Some(limit)) => format!(
                "growth to {wanted} was denied: no guest gets more than {limit}, \
                 1/{DEFAULT_LIMIT_SHARE} of this machine's memory"
            ),
            _ => format!("growth to {wanted} was denied"),
        })
    }

    fn note(&mut self, current: usize, desired: usize) {
        let Some(growths) = &mut self.growths else { return };
        growths.forget_beyond(Bytes(current as u64));
        if growths.seen.len() == GROWTHS_MAX {
            growths.lost += 1;
            return;
        }
        let (old, new) = (Bytes(current as u64), Bytes(desired as u64));
        growths.seen.push(Growth { at: Monotonic.now(), old, new });
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.seen.asked += 1;
        let limit = self.limit().map_or(u64::MAX, |limit| limit.0);
        let more = desired.saturating_sub(current);
        let held = self.held_bytes.saturating_add(more);
        let allowed = held as u64 <= limit && maximum.is_none_or(|max| desired <= max);
        if !allowed {
            self.seen.denied += 1;
            self.seen.last_denied = Bytes(desired as u64);
        } else {
            (self.held_bytes, self.granted_bytes) = (held, more);
            self.note(current, desired);
        }
        Ok(allowed)
    }

    /// Takes back what was granted and did not come about: the slot is full, the system refuses.
    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        // Of this one nobody asked: what was granted last did come about.
        if error.to_string() != BEYOND_ITS_TYPE {
            self.held_bytes -= std::mem::take(&mut self.granted_bytes);
        }
        Ok(())
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS_MAX && maximum.is_none_or(|max| desired <= max))
    }

    fn memories(&self) -> usize {
        self.memories_max
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(limiter: &Limiter) -> Vec<(u64, u64)> {
        let growths = limiter.growths.as_ref().expect("asked for");
        growths.seen.iter().map(|growth| (growth.old.0, growth.new.0)).collect()
    }

    #[test]
    fn growths_are_noted_only_where_asked_for_and_only_those_that_came_about() {
        let mut limiter = Limiter::new(Some(Bytes(400)));
        limiter.memory_growing(0, 100, None).expect("no trap");
        assert_eq!(limiter.growths, None);
        limiter.growths = Some(Growths::default());
        // The system refuses the first 300; the limit refuses 500.
        for (old, new) in [(100, 200), (200, 300), (200, 300), (300, 500)] {
            limiter.memory_growing(old, new, None).expect("no trap");
        }
        assert_eq!(sizes(&limiter), [(100, 200), (200, 300)]);
        assert_eq!(limiter.seen.denied, 1);
    }

    #[test]
    fn growths_are_bounded() {
        let mut limiter = Limiter::new(None);
        limiter.growths = Some(Growths::default());
        for page in 0..GROWTHS_MAX + 5 {
            limiter.memory_growing(page, page + 1, None).expect("no trap");
        }
        assert_eq!(sizes(&limiter).len(), GROWTHS_MAX);
        assert_eq!(limiter.growths.expect("asked for").lost, 5);
    }
}
