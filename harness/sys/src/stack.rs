//! The calling thread's own stack, walked by frame pointers.

use std::arch::asm;
use std::cell::Cell;
use std::{mem, ptr};

/// Writes the return addresses from the caller's frame outwards into `into`; how many. Ends at the
/// first frame that does not lie further out on this thread's stack.
#[inline(never)]
pub fn callers(into: &mut [u64]) -> usize {
    let (low, high) = bounds();
    let mut frame: usize;
    // SAFETY: reads one register.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("mov {}, rbp", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    // SAFETY: reads one register.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("mov {}, x29", out(reg) frame, options(nomem, nostack, preserves_flags));
    }
    let mut depth = 0;
    while depth < into.len()
        && frame >= low
        && frame.checked_add(16).is_some_and(|end| end <= high)
        && frame.is_multiple_of(8)
    {
        // SAFETY: two aligned words within this thread's stack, which stays mapped and which
        // nobody writes to below the frames of this thread's own callers.
        let (outer, address) = unsafe { *(frame as *const (usize, usize)) };
        if address == 0 {
            break;
        }
        into[depth] = address as u64;
        depth += 1;
        if outer <= frame {
            break;
        }
        frame = outer;
    }
    depth
}

/// Lowest and highest address of this thread's stack; asked for once in a thread.
fn bounds() -> (usize, usize) {
    thread_local! {
        static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }
    BOUNDS.get().unwrap_or_else(|| {
        let bounds = ask_bounds().unwrap_or((0, 0));
        BOUNDS.set(Some(bounds));
        bounds
    })
}

fn ask_bounds() -> Option<(usize, usize)> {
    // SAFETY: an attribute object is filled in, read and destroyed; all-zero is its empty state.
    unsafe {
        let mut attributes: libc::pthread_attr_t = mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
            return None;
        }
        let (mut low, mut bytes) = (ptr::null_mut(), 0);
        let answer =
            libc::pthread_attr_getstack(&raw const attributes, &raw mut low, &raw mut bytes);
        libc::pthread_attr_destroy(&raw mut attributes);
        (answer == 0).then(|| (low as usize, low as usize + bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn outer(into: &mut [u64]) -> usize {
        std::hint::black_box(inner(into))
    }

    #[inline(never)]
    fn inner(into: &mut [u64]) -> usize {
        std::hint::black_box(callers(into))
    }

    #[test]
    fn the_callers_are_found_and_the_end_of_the_room_is_kept() {
        let mut chain = [0; 64];
        let depth = outer(&mut chain);
        let near = |address: u64, function: usize| {
            (address as usize).checked_sub(function).is_some_and(|distance| distance < 256)
        };
        // The first address returns into `inner` or, where `callers` keeps no frame, into `outer`.
        assert!(depth > 3);
        let function = outer as fn(&mut [u64]) -> usize as usize;
        assert!(chain[..3].iter().any(|address| near(*address, function)), "{chain:x?}");
        assert_eq!(outer(&mut chain[..2]), 2);
        assert_eq!(outer(&mut []), 0);
    }
}
