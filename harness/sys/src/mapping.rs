//! Memory of the process' own, page by page as it is first written to.

use crate::clock::Clock;
use crate::memory::page_bytes;
use std::io;
use std::ptr::NonNull;

/// A private anonymous mapping: readable, writable, zero, and without huge pages. It takes
/// addresses; the kernel gives a page when one is written to.
#[derive(Debug)]
pub(crate) struct FreshPages {
    base: NonNull<u8>,
    bytes: usize,
}

// SAFETY: a mapping belongs to no thread; who may look where is the business of who holds it.
unsafe impl Send for FreshPages {}
// SAFETY: as above.
unsafe impl Sync for FreshPages {}

impl FreshPages {
    /// `bytes` of it.
    ///
    /// # Errors
    /// The kernel's refusal, also of no bytes.
    pub(crate) fn new(bytes: usize) -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), bytes, access, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the mapping just made. A kernel without huge pages refuses, and nothing is lost.
        unsafe { libc::madvise(base, bytes, libc::MADV_NOHUGEPAGE) };
        let base = NonNull::new(base.cast()).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { base, bytes })
    }

    /// Its first byte.
    #[inline]
    pub(crate) fn base(&self) -> *mut u8 {
        self.base.as_ptr()
    }
}

/// How long the first write to each of so many fresh pages takes, in nanoseconds, a reading of the
/// clock included.
///
/// # Errors
/// There is no room for the pages.
pub fn first_writes(pages: usize, clock: &dyn Clock) -> io::Result<Vec<u64>> {
    let page_bytes = page_bytes();
    let bytes = pages.checked_mul(page_bytes).ok_or(io::ErrorKind::OutOfMemory)?;
    let mapping = FreshPages::new(bytes)?;
    let first_write = |page: usize| {
        let start = clock.now().0;
        // SAFETY: within the mapping, which nobody else looks at.
        unsafe { mapping.base().add(page * page_bytes).write_volatile(1) };
        clock.now().0 - start
    };
    Ok((0..pages).map(first_write).collect())
}

impl Drop for FreshPages {
    fn drop(&mut self) {
        // SAFETY: all of the mapping, and nobody looks at it any more.
        unsafe {
            libc::munmap(self.base.as_ptr().cast(), self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Monotonic;
    use crate::memory::thread_faults;

    #[test]
    fn each_first_write_is_a_page_fault() {
        assert!(first_writes(0, &Monotonic).is_err());
        let before = thread_faults();
        let took_ns = first_writes(256, &Monotonic).expect("room for a MiB");
        assert_eq!(took_ns.len(), 256);
        assert!(thread_faults() - before >= 256);
    }
}
