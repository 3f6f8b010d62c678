//! Linear memories in one mapping: slots of equal size, side by side, nothing between them.
//!
//! Only for code that compares each address with its memory's size: there is no guard, and a slot
//! is readable and writable from the start, so that growing is counting. An engine that relies on
//! signals leaves that comparison out wherever a memory has a reservation, and its guests would
//! reach the rest of their slot: [`Creator::refuse_signals`]. A slot that is given back has all its
//! pages taken away. The one file beside `subject/wasmtime/` that names wasmtime, because what it
//! implements is unsafe.

use super::mapping::FreshPages;
use super::memfd::Image;
use super::memory::page_bytes;
use std::ffi::c_void;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use wasmtime::{Engine, LinearMemory, Memory, MemoryCreator, MemoryType, Store};

/// Memory for many guests.
#[derive(Debug)]
pub struct Slab {
    memory: FreshPages,
    slots: u32,
    slot_bytes: usize,
    free: Mutex<Vec<u32>>,
    /// Something else than fresh pages was mapped there.
    is_covered: Vec<AtomicBool>,
}

impl Slab {
    /// Room for `slots` memories of at most `slot_bytes` (a multiple of the page size).
    pub fn new(slots: u32, slot_bytes: usize) -> io::Result<Arc<Self>> {
        let bytes = (slots as usize)
            .checked_mul(slot_bytes)
            .filter(|bytes| *bytes > 0 && slot_bytes.is_multiple_of(page_bytes()))
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let memory = FreshPages::new(bytes)?;
        let free = Mutex::new((0..slots).rev().collect());
        let is_covered = (0..slots).map(|_| AtomicBool::new(false)).collect();
        Ok(Arc::new(Self { memory, slots, slot_bytes, free, is_covered }))
    }

    fn start(&self, slot: u32) -> *mut u8 {
        // SAFETY: slots are numbered below `slots`, so that this stays within the mapping.
        unsafe { self.memory.base().add(slot as usize * self.slot_bytes) }
    }

    fn take(&self) -> Option<u32> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Which slot `address` is the start of.
    fn slot_at(&self, address: usize) -> Option<u32> {
        let offset = address.checked_sub(self.memory.base() as usize)?;
        let is_start = offset.is_multiple_of(self.slot_bytes);
        let slot = u32::try_from(offset / self.slot_bytes).ok()?;
        (is_start && slot < self.slots).then_some(slot)
    }

    /// Maps the first `bytes` of `file` privately over the memory that starts at `address`: it
    /// shows what is in the file, and keeps for itself what is written. False if no memory of this
    /// slab starts there, or the file is longer than a slot.
    ///
    /// # Errors
    /// The kernel's refusal; the slot is as it was.
    ///
    /// # Safety
    /// Nobody else looks at that memory meanwhile, and the file does not change while it is mapped.
    pub unsafe fn cover(&self, address: usize, file: &File, bytes: usize) -> io::Result<bool> {
        let Some(slot) = self.slot_at(address).filter(|_| bytes <= self.slot_bytes) else {
            return Ok(false);
        };
        if bytes == 0 {
            return Ok(true);
        }
        let access = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_FIXED | libc::MAP_NORESERVE;
        let at = self.start(slot).cast::<c_void>();
        // SAFETY: within the slot, which is its guest's alone.
        let mapped = unsafe { libc::mmap(at, bytes, access, flags, file.as_raw_fd(), 0) };
        if mapped == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        self.is_covered[slot as usize].store(true, Ordering::Release);
        Ok(true)
    }

    /// Maps `image` over a guest's `memory`: it shows the image, and keeps for itself what is
    /// written. False if the memory is not one of this slab, or shorter than the image.
    ///
    /// # Errors
    /// The kernel's refusal; the memory is as it was.
    pub fn show<T: 'static>(
        &self,
        memory: &Memory,
        store: &mut Store<T>,
        image: &Image,
    ) -> io::Result<bool> {
        if image.bytes() > memory.data_size(&*store) {
            return Ok(false);
        }
        let address = memory.data_ptr(&*store) as usize;
        // SAFETY: the store is borrowed mutably, so that its guest does not run and nobody holds a
        // slice of its memory; an image is sealed, so that its file never changes.
        unsafe { self.cover(address, image.file(), image.bytes()) }
    }

    /// Takes all pages of a slot away, also those beyond its last memory's size, and makes it free.
    fn give_back(&self, slot: u32) {
        let at = self.start(slot).cast::<c_void>();
        let was_covered = self.is_covered[slot as usize].swap(false, Ordering::AcqRel);
        // SAFETY: within the slot, whose memory is gone.
        let is_clean = unsafe {
            if was_covered {
                let access = libc::PROT_READ | libc::PROT_WRITE;
                let flags =
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
                let is_mapped = libc::mmap(at, self.slot_bytes, access, flags, -1, 0) == at;
                // Else it would stay a map of its own, and might get huge pages.
                libc::madvise(at, self.slot_bytes, libc::MADV_NOHUGEPAGE);
                is_mapped
            } else {
                libc::madvise(at, self.slot_bytes, libc::MADV_DONTNEED) == 0
            }
        };
        // A slot that cannot be cleaned is not used again.
        if is_clean {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
        }
    }
}

/// One guest's memory.
struct Slot {
    slab: Arc<Slab>,
    slot: u32,
    bytes: usize,
}

// SAFETY: the slot is this memory's alone until it is dropped; its bytes are zero at first; it is
// readable and writable up to its capacity, and never moves. Beyond its size it is accessible too,
// which only code may face that compares each address with the size: `Creator::refuse_signals`.
unsafe impl LinearMemory for Slot {
    fn byte_size(&self) -> usize {
        self.bytes
    }

    fn byte_capacity(&self) -> usize {
        self.slab.slot_bytes
    }

    fn grow_to(&mut self, bytes: usize) -> wasmtime::Result<()> {
        if bytes > self.slab.slot_bytes {
            let most = self.slab.slot_bytes;
            return Err(wasmtime::Error::msg(format!("{bytes} bytes in a slot of {most}")));
        }
        self.bytes = bytes;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.slab.start(self.slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slab.give_back(self.slot);
    }
}

/// Where a store's own data lies: what a call into its guest reads first. To be brought nearer, and
/// for nothing else.
pub fn address_of<T: 'static>(store: &Store<T>) -> usize {
    const { assert!(size_of::<Store<T>>() == size_of::<usize>()) };
    // SAFETY: a store is a box, and no larger than an address: it is one.
    unsafe { std::ptr::from_ref(store).cast::<usize>().read() }
}

#[derive(Debug)]
pub struct Creator(pub Arc<Slab>);

impl Creator {
    /// Refuses an engine whose code may leave the comparison with a memory's size to a signal.
    pub fn refuse_signals(engine: &Engine) -> Result<(), String> {
        if engine.get_signals_based_traps() {
            return Err("memories in a slab need `signals_based_traps(false)`".to_owned());
        }
        Ok(())
    }
}

// SAFETY: what it makes is as its requirements say, or it refuses: a reservation larger than a
// slot, and any guard.
unsafe impl MemoryCreator for Creator {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        _: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let most = self.0.slot_bytes;
        if guard > 0 || reserved.is_some_and(|bytes| bytes > most) {
            return Err("a slot has no guard, and no more than its size".to_owned());
        }
        if minimum > most {
            return Err(format!("its minimum memory of {minimum} bytes exceeds a slot of {most}"));
        }
        let slot = self.0.take();
        let slot = slot.ok_or_else(|| format!("all {} slots are taken", self.0.slots))?;
        Ok(Box::new(Slot { slab: Arc::clone(&self.0), slot, bytes: minimum }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn memory(creator: &Creator) -> Box<dyn LinearMemory> {
        let ty = MemoryType::new(1, None);
        creator.new_memory(ty, 65_536, None, None, 0).expect("there is room")
    }

    fn byte(memory: &dyn LinearMemory, at: usize) -> u8 {
        // SAFETY: within the slot, which the test alone looks at.
        unsafe { *memory.as_ptr().add(at) }
    }

    fn set_byte(memory: &dyn LinearMemory, at: usize, byte: u8) {
        // SAFETY: as above.
        unsafe { *memory.as_ptr().add(at) = byte }
    }

    #[test]
    fn a_slot_is_fresh_again_for_its_next_memory() {
        let creator = Creator(Slab::new(2, 1 << 20).expect("room"));
        let mut first = memory(&creator);
        set_byte(&*first, 100, 7);
        first.grow_to(1 << 20).expect("up to the slot");
        assert!(first.grow_to((1 << 20) + 1).is_err());
        set_byte(&*first, (1 << 20) - 1, 8);
        let at = first.as_ptr();
        let second = memory(&creator);
        assert!(creator.new_memory(MemoryType::new(1, None), 65_536, None, None, 0).is_err());
        drop(first);
        let third = memory(&creator);
        assert_eq!(third.as_ptr(), at);
        assert_eq!((byte(&*third, 100), byte(&*third, (1 << 20) - 1)), (0, 0));
        assert_ne!(second.as_ptr(), at);
        // One that never grew: what lies beyond its size goes too.
        set_byte(&*third, (1 << 20) - 1, 9);
        drop(third);
        let fourth = memory(&creator);
        assert_eq!((fourth.as_ptr(), byte(&*fourth, (1 << 20) - 1)), (at, 0));
    }

    #[test]
    fn an_engine_that_leaves_bounds_to_signals_is_refused() {
        let mut config = wasmtime::Config::new();
        let engine = Engine::new(&config).expect("wasmtime's defaults");
        assert!(Creator::refuse_signals(&engine).is_err());
        config.signals_based_traps(false);
        let engine = Engine::new(&config).expect("a setting of wasmtime's");
        assert_eq!(Creator::refuse_signals(&engine), Ok(()));
    }

    #[test]
    fn a_covered_memory_shows_the_file_and_keeps_its_own_writes() {
        let creator = Creator(Slab::new(2, 1 << 20).expect("room"));
        let mut file = tempfile::tempfile().expect("a place for files");
        file.write_all(&[5; 65_536]).expect("room");
        let memory_of = memory(&creator);
        let address = memory_of.as_ptr() as usize;
        // SAFETY: the test alone looks at it, and leaves the file alone.
        let covered = unsafe { creator.0.cover(address, &file, 65_536) };
        assert!(covered.expect("mapped"));
        assert_eq!(byte(&*memory_of, 65_535), 5);
        set_byte(&*memory_of, 0, 9);
        drop(memory_of);
        let next = memory(&creator);
        assert_eq!(next.as_ptr() as usize, address);
        assert_eq!(byte(&*next, 0), 0, "neither the file nor what was written");
        // SAFETY: nothing is mapped: no memory starts there.
        assert!(!unsafe { creator.0.cover(address + 4096, &file, 1) }.expect("refused"));
    }

    #[test]
    fn what_cannot_be_had_is_refused() {
        assert!(Slab::new(0, 1 << 20).is_err());
        assert!(Slab::new(1, 100).is_err());
        let creator = Creator(Slab::new(1, 1 << 16).expect("room"));
        let ty = || MemoryType::new(1, None);
        assert!(creator.new_memory(ty(), 1 << 17, None, None, 0).is_err(), "over a slot");
        assert!(creator.new_memory(ty(), 1 << 16, None, None, 4096).is_err(), "a guard");
    }
}
