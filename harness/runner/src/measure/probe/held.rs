//! What the host's heap holds: counts of the allocator of the bench `resources`, cheap enough to
//! leave on while time is measured. It sees no memory mapping, and so no guest's memory.

use caxton_results::reading::Missing;
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};
use std::hint::black_box;

/// What an executable says whose allocator does not count.
const NOT_COUNTED: &str =
    "this executable's allocator does not count: `cargo bench --bench resources` has one that does";

/// Bytes that the process' heap holds now.
///
/// # Errors
/// The allocator does not count.
pub fn held_bytes() -> Result<u64, Missing> {
    let before = INSTRUMENTED_SYSTEM.stats();
    drop(black_box(Box::new([0u8; 64])));
    let stats = INSTRUMENTED_SYSTEM.stats();
    if stats.allocations == before.allocations {
        return Err(Missing::Unsupported(NOT_COUNTED.to_owned()));
    }
    Ok(held(&stats))
}

/// A block that grew in place counts by how much.
fn held(stats: &Stats) -> u64 {
    let all = stats.bytes_allocated as i64 - stats.bytes_deallocated as i64;
    all.max(0).cast_unsigned()
}
