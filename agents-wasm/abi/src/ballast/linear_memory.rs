//! Pages of linear memory that bypass the allocator: what `memory.grow` itself does and costs.
//!
//! Natively there is no linear memory; the same functions exist and say so.
#![allow(unsafe_code, reason = "writes to pages that no allocation covers")]

use std::fmt;

/// What one page of linear memory holds.
pub const PAGE_BYTES: u64 = 64 << 10;

/// One byte per this many is written by [`Grown::touch`].
pub const OS_PAGE_BYTES: u64 = 4 << 10;

/// Runs of pages that can wait to be touched; more need another [`Grown::touch`] in between.
const RUNS_MAX: usize = 8;

/// There is nothing to grow: this is not a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoLinearMemory;

impl fmt::Display for NoLinearMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no linear memory")
    }
}

impl std::error::Error for NoLinearMemory {}

/// Consecutive pages, addressed in pages.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    first: u64,
    end: u64,
}

/// The pages that were grown and not yet touched. They belong to this value alone.
#[derive(Debug, Default)]
pub struct Grown {
    runs: [Run; RUNS_MAX],
    count: usize,
}

impl Grown {
    /// Grows by up to `pages`, one at a time, and says how many came.
    ///
    /// # Errors
    /// Natively always.
    pub fn grow(&mut self, pages: u64) -> Result<u64, NoLinearMemory> {
        if cfg!(not(target_family = "wasm")) {
            return Err(NoLinearMemory);
        }
        let mut granted = 0;
        while granted < pages && self.grow_one() {
            granted += 1;
        }
        Ok(granted)
    }

    /// The allocator may have grown in between, so that pages do not always follow each other.
    fn grow_one(&mut self) -> bool {
        if self.count == RUNS_MAX {
            return false;
        }
        let Some(first) = memory_grow_one() else { return false };
        match self.runs[..self.count].last_mut() {
            Some(run) if run.end == first => run.end += 1,
            _ => {
                self.runs[self.count] = Run { first, end: first + 1 };
                self.count += 1;
            }
        }
        true
    }

    /// Writes one byte to each 4 KiB of the untouched pages and says how often.
    pub fn touch(&mut self) -> u64 {
        let mut touched = 0;
        for run in &self.runs[..self.count] {
            let (start, end) = (run.first * PAGE_BYTES, run.end * PAGE_BYTES);
            for address in (start..end).step_by(OS_PAGE_BYTES as usize) {
                let byte = std::ptr::with_exposed_provenance_mut::<u8>(address as usize);
                // SAFETY: the address lies in a page that `memory.grow` gave to `grow_one`, which
                // recorded it here and nowhere else; linear memory never shrinks.
                unsafe { byte.write_volatile(1) };
                touched += 1;
            }
        }
        self.count = 0;
        touched
    }
}

/// The new page's number, if there is one.
#[cfg(target_family = "wasm")]
fn memory_grow_one() -> Option<u64> {
    let first = core::arch::wasm32::memory_grow::<0>(1);
    (first != usize::MAX).then_some(first as u64)
}

#[cfg(not(target_family = "wasm"))]
fn memory_grow_one() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_there_is_nothing_to_grow_or_touch() {
        let mut grown = Grown::default();
        assert_eq!(grown.grow(1), Err(NoLinearMemory));
        assert_eq!(grown.touch(), 0);
    }
}
