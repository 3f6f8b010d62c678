//! A block of memory beside its owner: found again without asking the owner where it is.
//!
//! A guest's memory is behind five pointers of its store, each a cache miss where there are ten
//! thousand guests; a message for it needs the last one only.

use std::ptr::NonNull;

/// Whoever owns a block of memory.
pub trait Owner {
    /// The block, wherever it is now.
    fn block(&mut self) -> &mut [u8];
}

/// An owner, and where its block is.
#[derive(Debug)]
pub struct Housed<O: Owner> {
    start: NonNull<u8>,
    bytes: usize,
    /// Boxed: the block may lie in the owner itself, which must not move.
    owner: Box<O>,
}

// SAFETY: the block is its owner's, and goes where the owner goes.
unsafe impl<O: Owner + Send> Send for Housed<O> {}

impl<O: Owner> Housed<O> {
    /// `owner`, which from now on is only seen by [`Housed::with`].
    pub fn new(owner: O) -> Self {
        let mut owner = Box::new(owner);
        let block = owner.block();
        let (start, bytes) = (NonNull::from(&mut *block).cast(), block.len());
        Self { start, bytes, owner }
    }

    /// Does something with the owner; the block may be elsewhere afterwards.
    #[inline]
    pub fn with<R>(&mut self, what: impl FnOnce(&mut O) -> R) -> R {
        let done = what(&mut self.owner);
        let block = self.owner.block();
        (self.start, self.bytes) = (NonNull::from(&mut *block).cast(), block.len());
        done
    }

    /// Tells the CPU that the first `lines` cache lines of the owner will soon be wanted.
    #[inline]
    pub fn prefetch(&self, lines: usize) {
        prefetch_at(std::ptr::from_ref(&*self.owner) as usize, lines);
    }

    #[inline]
    pub fn block(&self) -> &[u8] {
        // SAFETY: the owner gave out this block, and nobody has seen the owner since; for as long
        // as the slice lives nobody will, since that needs `&mut self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.bytes) }
    }

    /// The block, to write to.
    #[inline]
    pub fn block_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `block`; and `&mut self` is the only way to it.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.bytes) }
    }
}

const LINE_BYTES: usize = 64;

/// Tells the CPU that `bytes` will soon be wanted, the first `lines` cache lines of them.
#[inline]
pub fn prefetch(bytes: &[u8], lines: usize) {
    prefetch_at(bytes.as_ptr() as usize, lines.min(bytes.len().div_ceil(LINE_BYTES)));
}

/// The same for the `lines` cache lines from an address on, whatever lies there.
#[inline]
pub fn prefetch_at(address: usize, lines: usize) {
    #[cfg(target_arch = "x86_64")]
    for line in 0..lines {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let line = address.wrapping_add(line * LINE_BYTES);
        // SAFETY: a prefetch reads nothing that anybody sees, changes nothing and cannot fail.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(line)) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (address, lines);
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Inline([u8; 4]);

    impl Owner for Inline {
        fn block(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    struct Growing(Vec<u8>);

    impl Owner for Growing {
        fn block(&mut self) -> &mut [u8] {
            &mut self.0
        }
    }

    #[test]
    fn a_block_is_found_where_it_is_after_it_moved() {
        let mut housed = Housed::new(Growing(vec![1, 2]));
        housed.block_mut()[1] = 5;
        housed.with(|owner| owner.0.resize(1 << 20, 7));
        assert_eq!(housed.block().len(), 1 << 20);
        assert_eq!(housed.block()[..3], [1, 5, 7]);
    }

    #[test]
    fn an_owner_that_holds_its_block_itself_may_move() {
        let mut housed = Housed::new(Inline([1, 2, 3, 4]));
        housed.block_mut()[0] = 9;
        let mut moved = vec![housed];
        assert_eq!(moved[0].block(), [9, 2, 3, 4]);
        prefetch(moved[0].block(), 4);
        assert_eq!(moved.pop().expect("one").with(|owner| owner.0[0]), 9);
    }
}
