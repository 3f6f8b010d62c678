//! What the host's heap holds: counts of the allocator of the benches `resources` and `scenarios`,
//! cheap enough to leave on while time is measured. It sees no memory mapping, and so no guest's
//! memory.

use caxton_model::reading::Missing;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};
use std::hint::black_box;

/// What an executable says whose allocator does not count.
const NOT_COUNTED: &str =
    "this executable's allocator does not count: those of resources and scenarios do";

/// What the process' heap holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub bytes: u64,
    pub blocks: u64,
}

pub fn held_bytes() -> Result<u64, Missing> {
    held().map(|held| held.bytes)
}

/// What the process' heap holds now.
pub fn held() -> Result<Held, Missing> {
    let before = INSTRUMENTED_SYSTEM.stats();
    drop(black_box(Box::new([0u8; 64])));
    let stats = INSTRUMENTED_SYSTEM.stats();
    if stats.allocations == before.allocations {
        return Err(Missing::Unsupported(NOT_COUNTED.to_owned()));
    }
    Ok(of(&stats))
}

/// A block that grew in place counts by how much.
fn of(stats: &Stats) -> Held {
    let left = |taken: usize, given: usize| (taken as i64 - given as i64).max(0).cast_unsigned();
    Held {
        bytes: left(stats.bytes_allocated, stats.bytes_deallocated),
        blocks: left(stats.allocations, stats.deallocations),
    }
}
