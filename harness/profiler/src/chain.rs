//! Mends the kernel's frame-pointer chains. They lose the direct caller when a sample hits a
//! prologue or a leaf function without a frame, and everything when it hits a library that uses
//! the frame pointer for something else (the C library's `malloc`). Then the stack is unwound from
//! the registers and stack bytes of the sample, by the unwind tables of the files.
//!
//! Knows addresses, not names: those come later.

use super::record::{Dump, PerfSample};
use super::space::{CodeUnit, MapRole, Space, is_fiber_base, is_root};

/// Frames after which an unwinder that still finds some is taken to be lost.
const FRAMES_MAX: usize = 1024;

/// How a stack ends at its root side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// At its thread's first function.
    Root,
    /// At the base of a fiber.
    Fiber,
    /// Before its root, because of the code at this address.
    Cut(u64),
}

/// A stack as it was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Walked {
    /// Addresses inside of instructions, the innermost first.
    pub(super) chain: Vec<u64>,
    pub(super) ending: Ending,
    /// It is not what the kernel said.
    pub(super) is_mended: bool,
}

/// Unwinds where frame pointers do not do.
pub(super) struct Mender {
    unwinder: imp::Unwinder,
    /// How many units of the space it has taken in.
    known: usize,
}

impl Mender {
    /// One that knows no file yet.
    pub(super) fn new() -> Self {
        Self { unwinder: imp::Unwinder::new(), known: 0 }
    }

    /// Takes in the files of `space` that are new, and their unwind tables away.
    pub(super) fn catch_up(&mut self, space: &mut Space) {
        for unit in &mut space.units[self.known..] {
            if let CodeUnit::File(file) = unit {
                self.unwinder.add(file);
            }
        }
        self.known = space.units.len();
    }

    pub(super) fn walk(&mut self, sample: &PerfSample<'_>, space: &Space) -> Walked {
        let kernel = end_of(&inside(&sample.chain), space, false);
        let Some(dump) = sample.dump.filter(|dump| sample.chain.first() == Some(&dump.ip)) else {
            return kernel;
        };
        let is_sound = self.unwinder.caller(&dump) == sample.chain.get(1).copied()
            && doubtful(&kernel.chain[1..], space).is_none()
            && !matches!(kernel.ending, Ending::Cut(_));
        if is_sound {
            return kernel;
        }
        let unwound = self.unwinder.unwind(&dump, &sample.chain);
        let mut mended = end_of(&inside(&unwound.chain), space, true);
        if unwound.is_complete && matches!(mended.ending, Ending::Cut(_)) {
            mended.ending = Ending::Root;
        }
        mended.is_mended = mended.chain != kernel.chain;
        let is_worse = matches!(mended.ending, Ending::Cut(_))
            && (!matches!(kernel.ending, Ending::Cut(_)) || mended.chain.len() == 1);
        if is_worse { kernel } else { mended }
    }
}

/// Return addresses, moved into the call that they return to.
fn inside(chain: &[u64]) -> Vec<u64> {
    let callers = chain.iter().skip(1).map(|address| address.wrapping_sub(1));
    chain.iter().take(1).copied().chain(callers).collect()
}

/// The first address of `chain` in a file that may have been built without frame pointers: any
/// but the harness itself. Code made at run time keeps them.
fn doubtful(chain: &[u64], space: &Space) -> Option<usize> {
    let is_foreign =
        |at: &u64| space.file_at(*at).is_some_and(|(_, file)| file.role != MapRole::Own);
    chain.iter().position(is_foreign)
}

/// A stack that ends at a fiber's base, with `outer` (return addresses) beyond it.
pub(super) fn beyond_fiber(walked: Walked, outer: &[u64], space: &Space) -> Walked {
    let outer = outer.iter().map(|address| address.wrapping_sub(1));
    let chain: Vec<u64> = walked.chain.iter().copied().chain(outer).collect();
    let joined = end_of(&chain, space, true);
    if joined.ending == Ending::Root { Walked { is_mended: true, ..joined } } else { walked }
}

/// A stack that somebody else unwound: the interrupted address, then return addresses.
pub(super) fn ended(chain: &[u64], space: &Space) -> Walked {
    end_of(&inside(chain), space, true)
}

/// Finds the end of a stack and leaves out what is beyond it. Of a chain that was not `unwound`,
/// what a frame pointer led to from a library's frame may be anything.
fn end_of(chain: &[u64], space: &Space, unwound: bool) -> Walked {
    let at = |is_wanted: fn(&str) -> bool| {
        let is_in = |address: &u64| {
            space.file_at(*address).is_some_and(|(_, file)| file.is_in(*address, is_wanted))
        };
        chain.iter().rposition(is_in)
    };
    let (end, ending) = match (at(is_root), at(is_fiber_base)) {
        (Some(end), _) => (end, Ending::Root),
        (None, Some(end)) => (end, Ending::Fiber),
        (None, None) => {
            let culprit = doubtful(chain, space).unwrap_or(chain.len().saturating_sub(1));
            let all = chain.len().saturating_sub(1);
            let end = if culprit == 0 || unwound { all } else { culprit };
            (end, Ending::Cut(chain.get(culprit).copied().unwrap_or(0)))
        }
    };
    let chain = chain[..chain.len().min(end + 1)].to_vec();
    Walked { chain, ending, is_mended: false }
}

struct Unwound {
    /// The leaf, then return addresses.
    chain: Vec<u64>,
    /// The tables said that there is no caller.
    is_complete: bool,
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use crate::chain::{Dump, FRAMES_MAX, Unwound};
    use crate::space::Mapped;
    use framehop::x86_64::UnwindRegsX86_64;
    use framehop::{
        CacheNative, ExplicitModuleSectionInfo, FrameAddress, MayAllocateDuringUnwind, Module,
        Unwinder as _, UnwinderNative,
    };

    /// Unwinds by tables where there are some, else by frame pointers.
    pub(super) struct Unwinder {
        unwinder: UnwinderNative<Vec<u8>, MayAllocateDuringUnwind>,
        cache: CacheNative<MayAllocateDuringUnwind>,
    }

    impl Unwinder {
        pub(super) fn new() -> Self {
            Self { unwinder: UnwinderNative::new(), cache: CacheNative::new() }
        }

        pub(super) fn add(&mut self, file: &mut Mapped) {
            let tables = std::mem::take(&mut file.layout.tables);
            let mut info = ExplicitModuleSectionInfo::<Vec<u8>> {
                text_svma: tables.text,
                got_svma: tables.got,
                ..Default::default()
            };
            (info.eh_frame_svma, info.eh_frame) = tables.frames.unzip();
            (info.eh_frame_hdr_svma, info.eh_frame_hdr) = tables.index.unzip();
            // At the same address a later file replaces an earlier one.
            self.unwinder.remove_module(file.range.start);
            let (range, base) = (file.range.clone(), file.bias);
            self.unwinder.add_module(Module::new(file.name.clone(), range, base, info));
        }

        fn step(
            &mut self,
            at: FrameAddress,
            registers: &mut UnwindRegsX86_64,
            dump: &Dump<'_>,
        ) -> Result<Option<u64>, framehop::Error> {
            let mut read = |address| dump.word(address).ok_or(());
            self.unwinder.unwind_frame(at, registers, &mut self.cache, &mut read)
        }

        /// The return address of the interrupted function.
        pub(super) fn caller(&mut self, dump: &Dump<'_>) -> Option<u64> {
            let mut registers = UnwindRegsX86_64::new(dump.ip, dump.sp, dump.bp);
            let leaf = FrameAddress::from_instruction_pointer(dump.ip);
            self.step(leaf, &mut registers, dump).ok().flatten()
        }

        /// Unwinds as far as the dump goes, and from there on as the kernel's chain does if that
        /// came by the same frame.
        pub(super) fn unwind(&mut self, dump: &Dump<'_>, kernel: &[u64]) -> Unwound {
            let mut registers = UnwindRegsX86_64::new(dump.ip, dump.sp, dump.bp);
            let mut at = FrameAddress::from_instruction_pointer(dump.ip);
            let mut chain = vec![dump.ip];
            let is_complete = loop {
                let next = match self.step(at, &mut registers, dump) {
                    Ok(Some(next)) if chain.len() < FRAMES_MAX => next,
                    Ok(end) => break end.is_none(),
                    Err(_) => {
                        chain.extend(beyond(dump, kernel, registers.bp()));
                        break false;
                    }
                };
                let Some(address) = FrameAddress::from_return_address(next) else { break true };
                chain.push(next);
                at = address;
            };
            Unwound { chain, is_complete }
        }
    }

    /// The part of the kernel's chain behind the frame whose frame pointer is `pointer`.
    fn beyond<'a>(dump: &Dump<'_>, kernel: &'a [u64], pointer: u64) -> &'a [u64] {
        let mut frame = Some(dump.bp);
        for index in 1..kernel.len() {
            if frame == Some(pointer) {
                return &kernel[index..];
            }
            frame = frame.and_then(|frame| dump.word(frame));
        }
        &[]
    }
}

/// Elsewhere libraries keep frame pointers, and samples have no dump.
#[cfg(not(target_arch = "x86_64"))]
mod imp {
    use crate::chain::{Dump, Unwound};
    use crate::space::Mapped;

    pub(super) struct Unwinder;

    impl Unwinder {
        pub(super) fn new() -> Self {
            Self
        }

        pub(super) fn add(&mut self, _: &mut Mapped) {}

        pub(super) fn caller(&mut self, _: &Dump<'_>) -> Option<u64> {
            None
        }

        pub(super) fn unwind(&mut self, dump: &Dump<'_>, _: &[u64]) -> Unwound {
            Unwound { chain: vec![dump.ip], is_complete: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stands in the symbol table as the base of a fiber does where wasmtime is linked.
    #[inline(never)]
    fn fiber_start_of_a_test() -> u64 {
        std::hint::black_box(7)
    }

    /// An address inside of a function of ours, by a test on its mangled name.
    fn address_in(space: &Space, is_wanted: fn(&str) -> bool) -> u64 {
        let own = space.units.iter().find_map(|unit| match unit {
            CodeUnit::File(file) if file.role == MapRole::Own => Some(file),
            _ => None,
        });
        let own = own.expect("mapped");
        let symbols = own.layout.symbols.iter();
        let symbol = symbols.rev().find(|symbol| is_wanted(&symbol.name)).expect("a function");
        own.bias + symbol.start + 4
    }

    fn library(space: &Space) -> u64 {
        let file = space.units.iter().find_map(|unit| match unit {
            CodeUnit::File(file) if file.name.starts_with("libc.") => Some(file),
            _ => None,
        });
        file.expect("mapped").range.start + 0x1000
    }

    #[test]
    fn what_is_beyond_the_root_is_left_out_and_a_library_cuts_what_only_frame_pointers_tell() {
        let space = Space::new();
        let (root, libc) = (address_in(&space, is_root), library(&space));
        let walked = ended(&[7, root, libc, 9], &space);
        assert_eq!((walked.chain, walked.ending), (vec![7, root - 1], Ending::Root));
        let walked = end_of(&[7, libc, 9], &space, false);
        assert_eq!((walked.chain, walked.ending), (vec![7, libc], Ending::Cut(libc)));
        let walked = end_of(&[libc, 8, 9], &space, true);
        assert_eq!((walked.chain, walked.ending), (vec![libc, 8, 9], Ending::Cut(libc)));
    }

    #[test]
    fn a_stack_that_ends_at_a_fiber_s_base_goes_on_where_the_fiber_was_resumed() {
        assert_eq!(fiber_start_of_a_test(), 7);
        let space = Space::new();
        let base = address_in(&space, is_fiber_base);
        let root = address_in(&space, is_root);
        let on_fiber = ended(&[7, base, 9], &space);
        assert_eq!((&on_fiber.chain, on_fiber.ending), (&vec![7, base - 1], Ending::Fiber));
        let short = Walked { chain: on_fiber.chain.clone(), ..on_fiber };
        let joined = beyond_fiber(on_fiber, &[21, root, 31], &space);
        assert_eq!(joined.chain, [7, base - 1, 20, root - 1]);
        assert_eq!((joined.ending, joined.is_mended), (Ending::Root, true));
        let lost = beyond_fiber(short, &[21], &space);
        assert_eq!(lost.ending, Ending::Fiber, "a note that reaches no root does not help");
        assert_eq!(lost.chain, [7, base - 1]);
    }
}
