//! What this process allocates: `dhat` around a piece of work.
//!
//! It sees every block of the executable whose global allocator is `dhat::Alloc`: that of the
//! bench `heap`, and of no other, for it takes a lock for each block even where nobody looks. It
//! sees no memory mapping and nothing of a shared library with an allocator of its own. While it
//! looks, allocating is many times slower: nothing is timed meanwhile.

use caxton_model::reading::Missing;
use dhat::{HeapStats, Profiler};
use std::hint::black_box;
use std::path::Path;

/// What an executable says that is asked for a heap profile and has no counting allocator.
pub const NOT_COUNTED: &str = "this bench does not count allocations: a heap profile is made by \
                               `cargo bench --bench heap`";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocated {
    pub bytes: u64,
    /// Blocks in all; one that grows is a further one.
    pub blocks: u64,
    /// Most bytes held at once.
    pub peak_bytes: u64,
}

impl Allocated {
    fn so_far() -> Self {
        let stats = HeapStats::get();
        let peak_bytes = stats.max_bytes as u64;
        Self { bytes: stats.total_bytes, blocks: stats.total_blocks, peak_bytes }
    }
}

/// True if this executable's allocator counts.
pub fn are_counted() -> bool {
    counted(|| drop(black_box(Box::new([0u8; 64])))).1.blocks > 0
}

/// What `work` allocates. One at a time in a process.
pub fn counted<T>(work: impl FnOnce() -> T) -> (T, Allocated) {
    // A profiler under test writes no file.
    let profiler = Profiler::builder().testing().build();
    let done = work();
    let allocated = Allocated::so_far();
    drop(profiler);
    (done, allocated)
}

/// The same, and who allocates it as a file of DHAT's format at `path`. Stacks are whole: cut from
/// their roots they would make no flame graph.
pub fn profiled<T>(path: &Path, work: impl FnOnce() -> T) -> (T, Allocated, Result<(), Missing>) {
    let profiler = Profiler::builder().file_name(path).trim_backtraces(None).build();
    let done = work();
    let allocated = Allocated::so_far();
    // Writes the file; that it could not it tells nobody but standard error.
    drop(profiler);
    let name = path.file_name().unwrap_or_default().display();
    let written = match std::fs::metadata(path) {
        Ok(file) if file.len() > 0 => Ok(()),
        Ok(_) => Err(Missing::Failed(format!("{name} is empty"))),
        Err(error) => Err(Missing::Failed(format!("{name} was not written: {error}"))),
    };
    (done, allocated, written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_without_the_allocator_knows_that_it_sees_nothing() {
        // The tests' own executable: 0 blocks would be a lie, and is told as one.
        assert!(!are_counted());
    }
}
