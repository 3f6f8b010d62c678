//! Which of an agent's functions allocate: an allocator around the system's that counts blocks
//! and bytes, and once per so many bytes lets the host look at the guest's stack.
//!
//! An agent opts in with one line, [`heap_sampled!`](crate::heap_sampled), which is empty unless
//! this crate is built with its feature `heap`: a measured agent contains none of this. It is no
//! part of the contract: a host asks for the two functions by name and lives without them.
//!
//! | export | meaning |
//! |---|---|
//! | `agent_heap_start(interval, seed)` | counts from 0; a look once per `interval` bytes on average, never when it is 0 |
//! | `agent_heap_counts() -> counts` | the address of a [`HeapCounts`] |
//!
//! A guest imports `heap_alloc(address, bytes, weight) -> i32` and `heap_free(address) -> i32`
//! from [`IMPORT_MODULE`](crate::IMPORT_MODULE); both answer 1 if the host keeps track of the
//! block. A native twin counts and has no such way to its host: the layout of the host table is
//! the contract's.
#![allow(unsafe_code, reason = "an allocator is unsafe by its interface")]

mod sampler;

pub use sampler::Sampler;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

/// What was allocated since the start, as it lies in the agent's memory.
///
/// A block that is made to grow or shrink counts as a further block of its new size, as in DHAT.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeapCounts {
    /// Blocks allocated.
    pub blocks: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Bytes held now, those from before the start included.
    pub live_bytes: u64,
    /// Most bytes held at once since the start.
    pub peak_bytes: u64,
}

impl HeapCounts {
    /// Size of the counts in the agent's memory.
    pub const BYTES: usize = size_of::<HeapCounts>();

    /// Reads counts as they lie in a guest's memory.
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
        Self { blocks: word(0), bytes: word(8), live_bytes: word(16), peak_bytes: word(24) }
    }
}

/// [`HeapCounts`] that change: of the same layout.
#[repr(C)]
#[derive(Debug)]
struct Counters {
    blocks: AtomicU64,
    bytes: AtomicU64,
    live_bytes: AtomicU64,
    peak_bytes: AtomicU64,
}

/// The allocator. Agents are single-threaded: what is read and written back here is so by nobody
/// else, and the atomics are only what a static may hold.
#[derive(Debug)]
pub struct Sampled {
    counters: Counters,
    sampler: Sampler,
    watched: Watched,
}

impl Sampled {
    /// An allocator that counts and lets nobody look.
    #[expect(clippy::new_without_default, reason = "a static needs a const function")]
    pub const fn new() -> Self {
        let counters = Counters {
            blocks: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            live_bytes: AtomicU64::new(0),
            peak_bytes: AtomicU64::new(0),
        };
        Self { counters, sampler: Sampler::idle(), watched: Watched::new() }
    }

    /// Behind `agent_heap_start`.
    pub fn start(&self, interval: u32, seed: u64) {
        self.counters.blocks.store(0, Relaxed);
        self.counters.bytes.store(0, Relaxed);
        self.counters.peak_bytes.store(self.counters.live_bytes.load(Relaxed), Relaxed);
        self.sampler.start(interval, seed);
    }

    /// Behind `agent_heap_counts`.
    pub fn counts(&self) -> *const HeapCounts {
        (&raw const self.counters).cast()
    }

    #[inline]
    fn took(&self, address: *mut u8, bytes: usize) {
        let bytes = bytes as u64;
        let Counters { blocks, bytes: total, live_bytes, peak_bytes } = &self.counters;
        blocks.store(blocks.load(Relaxed) + 1, Relaxed);
        total.store(total.load(Relaxed) + bytes, Relaxed);
        let live = live_bytes.load(Relaxed) + bytes;
        live_bytes.store(live, Relaxed);
        peak_bytes.store(peak_bytes.load(Relaxed).max(live), Relaxed);
        let weight = self.sampler.weight(bytes);
        if weight > 0 {
            self.look(address, bytes, weight);
        }
    }

    #[cold]
    fn look(&self, address: *mut u8, bytes: u64, weight: u64) {
        if host::heap_alloc(address, bytes, weight) == 1 {
            self.watched.add(address);
        }
    }

    #[inline]
    fn gives(&self, address: *mut u8, bytes: usize) {
        let live = &self.counters.live_bytes;
        live.store(live.load(Relaxed).saturating_sub(bytes as u64), Relaxed);
        if self.watched.may_hold(address) && host::heap_free(address) == 1 {
            self.watched.remove(address);
        }
    }
}

// SAFETY: each call is the system allocator's with the same arguments; what is noted beside it
// neither allocates nor touches the blocks.
unsafe impl GlobalAlloc for Sampled {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on from the caller.
        let address = unsafe { System.alloc(layout) };
        if !address.is_null() {
            self.took(address, layout.size());
        }
        address
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on from the caller.
        let address = unsafe { System.alloc_zeroed(layout) };
        if !address.is_null() {
            self.took(address, layout.size());
        }
        address
    }

    unsafe fn dealloc(&self, address: *mut u8, layout: Layout) {
        self.gives(address, layout.size());
        // SAFETY: passed on from the caller.
        unsafe { System.dealloc(address, layout) };
    }

    unsafe fn realloc(&self, address: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: passed on from the caller.
        let new = unsafe { System.realloc(address, layout, new_size) };
        if !new.is_null() {
            self.gives(address, layout.size());
            self.took(new, new_size);
        }
        new
    }
}

const SLOTS_LOG2: u32 = 10;

/// Which addresses the host may keep track of: how many of them fall into each slot. Most frees
/// find their slot empty and stay in the guest.
#[derive(Debug)]
struct Watched {
    slots: [AtomicU16; 1 << SLOTS_LOG2],
}

impl Watched {
    const fn new() -> Self {
        Self { slots: [const { AtomicU16::new(0) }; 1 << SLOTS_LOG2] }
    }

    #[inline]
    fn slot(&self, address: *mut u8) -> &AtomicU16 {
        // Fibonacci hashing (Knuth, TAOCP vol. 3, 6.4); no block begins off a multiple of 8.
        let hash = (address as usize as u32 >> 3).wrapping_mul(0x9E37_79B1);
        &self.slots[(hash >> (u32::BITS - SLOTS_LOG2)) as usize]
    }

    #[inline]
    fn may_hold(&self, address: *mut u8) -> bool {
        self.slot(address).load(Relaxed) > 0
    }

    /// A slot that is full stays so: frees there ask the host for ever, and are right.
    fn add(&self, address: *mut u8) {
        let slot = self.slot(address);
        slot.store(slot.load(Relaxed).saturating_add(1), Relaxed);
    }

    fn remove(&self, address: *mut u8) {
        let slot = self.slot(address);
        let held = slot.load(Relaxed);
        if held < u16::MAX {
            slot.store(held.saturating_sub(1), Relaxed);
        }
    }
}

#[cfg(target_family = "wasm")]
mod host {
    #[link(wasm_import_module = "caxton")]
    unsafe extern "C" {
        pub(super) safe fn heap_alloc(address: *const u8, bytes: u64, weight: u64) -> i32;
        pub(super) safe fn heap_free(address: *const u8) -> i32;
    }
}

/// A native twin's host keeps track of nothing.
#[cfg(not(target_family = "wasm"))]
mod host {
    pub(super) fn heap_alloc(_: *const u8, _: u64, _: u64) -> i32 {
        0
    }

    pub(super) fn heap_free(_: *const u8) -> i32 {
        0
    }
}

/// Lets an agent's heap be profiled where this crate has its feature `heap`; else nothing.
#[cfg(feature = "heap")]
#[macro_export]
macro_rules! heap_sampled {
    () => {
        const _: () = {
            #[global_allocator]
            static HEAP: $crate::heap::Sampled = $crate::heap::Sampled::new();

            #[unsafe(no_mangle)]
            extern "C" fn agent_heap_start(interval: u32, seed: u64) {
                HEAP.start(interval, seed);
            }

            #[unsafe(no_mangle)]
            extern "C" fn agent_heap_counts() -> *const $crate::heap::HeapCounts {
                HEAP.counts()
            }
        };
    };
}

/// Lets an agent's heap be profiled where this crate has its feature `heap`; else nothing.
#[cfg(not(feature = "heap"))]
#[macro_export]
macro_rules! heap_sampled {
    () => {};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(heap: &Sampled) -> HeapCounts {
        // SAFETY: the counters of a live allocator, which only this thread changes.
        unsafe { *heap.counts() }
    }

    #[test]
    fn blocks_and_bytes_are_counted_to_the_last() {
        let heap = Sampled::new();
        let layout = Layout::from_size_align(100, 8).unwrap();
        // SAFETY: each block is freed once, by the layout it has then.
        unsafe {
            let (one, two) = (heap.alloc(layout), heap.alloc_zeroed(layout));
            assert!((0..100).all(|i| *two.add(i) == 0));
            *one = 7;
            let one = heap.realloc(one, layout, 300);
            assert_eq!(*one, 7);
            let grown = HeapCounts { blocks: 3, bytes: 500, live_bytes: 400, peak_bytes: 400 };
            assert_eq!(counts(&heap), grown);
            heap.dealloc(two, layout);
            heap.start(0, 0);
            let anew = HeapCounts { blocks: 0, bytes: 0, live_bytes: 300, peak_bytes: 300 };
            assert_eq!(counts(&heap), anew);
            heap.dealloc(one, Layout::from_size_align(300, 8).unwrap());
            assert_eq!(counts(&heap), HeapCounts { live_bytes: 0, ..anew });
        }
    }

    #[test]
    fn counts_are_read_as_they_lie() {
        let mut bytes = [0; HeapCounts::BYTES];
        for (at, value) in [(0, 1u64), (8, 2), (16, 3), (24, u64::MAX)] {
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }
        let expected = HeapCounts { blocks: 1, bytes: 2, live_bytes: 3, peak_bytes: u64::MAX };
        assert_eq!(HeapCounts::from_bytes(&bytes), expected);
        let counters = Sampled::new().counters;
        assert_eq!(size_of_val(&counters), HeapCounts::BYTES);
    }

    #[test]
    fn an_address_is_watched_until_it_was_removed_as_often_as_added() {
        let watched = Watched::new();
        let address = 0x1000 as *mut u8;
        assert!(!watched.may_hold(address));
        watched.add(address);
        watched.add(address);
        watched.remove(address);
        assert!(watched.may_hold(address));
        watched.remove(address);
        assert!(!watched.may_hold(address));
        let slots: std::collections::BTreeSet<_> =
            (0..1024).map(|i| watched.slot((0x10_0000 + 48 * i) as *mut u8).as_ptr()).collect();
        assert!(slots.len() > 500, "{} slots for 1024 blocks", slots.len());
    }

    #[test]
    fn a_full_slot_never_forgets() {
        let watched = Watched::new();
        let address = 0x1000 as *mut u8;
        (0..=u32::from(u16::MAX)).for_each(|_| watched.add(address));
        (0..=u32::from(u16::MAX)).for_each(|_| watched.remove(address));
        assert!(watched.may_hold(address));
    }
}
