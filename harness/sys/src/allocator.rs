//! The allocator of the executable: the system's, or one that counts, chosen as a process begins.
//!
//! One executable serves all suites. What a suite needs to know of the heap costs time at each
//! block, so that each process pays for its own suite only: one predictable branch otherwise.

use dhat::Alloc as Dhat;
use stats_alloc::INSTRUMENTED_SYSTEM;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU8, Ordering};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum AllocationDetail {
    /// The system's allocator alone.
    Nothing,
    /// What is held: a few additions for each block.
    Held,
    /// Who allocates: `dhat`, which takes a lock for each block, even where nobody looks.
    Stacks,
}

impl AllocationDetail {
    /// Every choice and its word, as a worker is told it.
    pub const WORDS: [(Self, &'static str); 3] =
        [(Self::Nothing, "nothing"), (Self::Held, "held"), (Self::Stacks, "stacks")];

    /// The word of what this process counts.
    pub fn word() -> &'static str {
        let chosen = COUNTING.load(Ordering::Relaxed);
        let known = Self::WORDS.iter().find(|(what, _)| *what as u8 == chosen);
        known.map_or("nothing", |(_, word)| word)
    }
}

static COUNTING: AtomicU8 = AtomicU8::new(AllocationDetail::Nothing as u8);

/// Chooses what `word` says; of no such word, nothing is counted.
pub fn count_as(word: &str) {
    let known = AllocationDetail::WORDS.iter().find(|(_, known)| *known == word);
    count(known.map_or(AllocationDetail::Nothing, |(what, _)| *what));
}

/// Chooses what is counted from now on. Blocks from before may be freed afterwards: all of these
/// get their memory from the system's allocator.
pub fn count(what: AllocationDetail) {
    COUNTING.store(what as u8, Ordering::Relaxed);
}

/// The allocator to declare as `#[global_allocator]`.
#[derive(Debug)]
pub struct Allocator;

const HELD: u8 = AllocationDetail::Held as u8;
const STACKS: u8 = AllocationDetail::Stacks as u8;

// SAFETY: each method hands its arguments on to an allocator that keeps the contract; all three get
// memory from `System`, so that any of them may free or grow a block of another.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe {
            match COUNTING.load(Ordering::Relaxed) {
                HELD => INSTRUMENTED_SYSTEM.alloc(layout),
                STACKS => Dhat.alloc(layout),
                _ => System.alloc(layout),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe {
            match COUNTING.load(Ordering::Relaxed) {
                HELD => INSTRUMENTED_SYSTEM.dealloc(block, layout),
                STACKS => Dhat.dealloc(block, layout),
                _ => System.dealloc(block, layout),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe {
            match COUNTING.load(Ordering::Relaxed) {
                HELD => INSTRUMENTED_SYSTEM.alloc_zeroed(layout),
                STACKS => Dhat.alloc_zeroed(layout),
                _ => System.alloc_zeroed(layout),
            }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        // SAFETY: the caller keeps the contract of `GlobalAlloc`.
        unsafe {
            match COUNTING.load(Ordering::Relaxed) {
                HELD => INSTRUMENTED_SYSTEM.realloc(block, layout, bytes),
                STACKS => Dhat.realloc(block, layout, bytes),
                _ => System.realloc(block, layout, bytes),
            }
        }
    }
}
