//! Messages in memory that all threads see, each in a slot of its own for all its life. Whoever
//! has a message's [`Letter`] may read and write it, and nobody else: a letter cannot be copied,
//! and goes from thread to thread instead of the message.

use super::mapping::FreshPages;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Each segment is twice as long as the one before; together they hold 2^32 letters.
const SEGMENTS: usize = 32;

/// Slots for messages. There are always more: it grows by segments, and keeps what it has.
#[derive(Debug)]
pub struct Arena {
    /// No other arena of this process has it.
    id: u32,
    slot_bytes: usize,
    /// The first segment holds 2 to the power of this.
    first_log2: u32,
    segments: [OnceLock<FreshPages>; SEGMENTS],
    /// Slots from this one on were never used.
    unused: Mutex<u32>,
}

/// The right to one message of an [`Arena`]. One that is dropped leaves its slot unused for good.
#[derive(Debug)]
pub struct Letter {
    arena: u32,
    slot: u32,
}

impl Arena {
    /// Slots of `slot_bytes`, at first some `letters` of them.
    pub fn new(slot_bytes: usize, letters: u32) -> Self {
        static ARENAS: AtomicU32 = AtomicU32::new(0);
        Self {
            id: ARENAS.fetch_add(1, Ordering::Relaxed),
            slot_bytes,
            first_log2: letters.clamp(1, 1 << 24).next_power_of_two().ilog2(),
            segments: [const { OnceLock::new() }; SEGMENTS],
            unused: Mutex::new(0),
        }
    }

    /// A letter whose slot was never used: its bytes are zero.
    ///
    /// # Errors
    /// The kernel has no more memory, or there are 2^32 letters.
    pub fn fresh(&self) -> io::Result<Letter> {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = *unused;
        let next = slot.checked_add(1).ok_or(io::ErrorKind::OutOfMemory)?;
        let (segment, _) = self.place(slot);
        let home = self.segments.get(segment).ok_or(io::ErrorKind::OutOfMemory)?;
        if home.get().is_none() {
            let letters = 1usize << (self.first_log2 as usize + segment);
            let bytes = letters.checked_mul(self.slot_bytes).ok_or(io::ErrorKind::OutOfMemory)?;
            // Nobody else sets it: that needs the lock.
            let _ = home.set(FreshPages::new(bytes)?);
        }
        *unused = next;
        Ok(Letter { arena: self.id, slot })
    }

    /// How many letters there are: each slot that was ever used is one.
    pub fn letters(&self) -> u32 {
        *self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The letter's bytes, the whole slot.
    ///
    /// # Panics
    /// If it is a letter of another arena.
    #[inline]
    pub fn bytes<'a>(&'a self, letter: &'a Letter) -> &'a [u8] {
        // SAFETY: the slot is this letter's alone, and nobody writes to it while it is borrowed.
        unsafe {
            std::slice::from_raw_parts(self.start(letter.arena, letter.slot), self.slot_bytes)
        }
    }

    /// The same, to write to.
    ///
    /// # Panics
    /// If it is a letter of another arena.
    #[inline]
    pub fn bytes_mut<'a>(&'a self, letter: &'a mut Letter) -> &'a mut [u8] {
        let start = self.start(letter.arena, letter.slot);
        // SAFETY: the slot is this letter's alone, which is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(start, self.slot_bytes) }
    }

    /// The bytes of the letter at that place of a queue, from its front; none if there is none.
    ///
    /// # Panics
    /// If it is a queue of another arena.
    #[inline]
    pub fn queued<'a, const N: usize>(
        &'a self,
        queue: &'a LetterQueue<N>,
        place: usize,
    ) -> Option<&'a [u8]> {
        let slot = queue.slot(place)?;
        // SAFETY: the slot is that of a letter in the queue, which is borrowed.
        Some(unsafe { std::slice::from_raw_parts(self.start(queue.arena, slot), self.slot_bytes) })
    }

    #[inline]
    fn start(&self, arena: u32, slot: u32) -> *mut u8 {
        assert_eq!(arena, self.id, "a letter of another arena");
        let (segment, at) = self.place(slot);
        let home = self.segments[segment].get().expect("a letter's segment is there");
        // SAFETY: a slot of this segment, which holds as many as `place` says.
        unsafe { home.base().add(at * self.slot_bytes) }
    }

    /// In which segment a slot lies, and where there.
    #[inline]
    fn place(&self, slot: u32) -> (usize, usize) {
        let segment = ((slot >> self.first_log2) + 1).ilog2();
        let before = ((1u64 << segment) - 1) << self.first_log2;
        (segment as usize, (u64::from(slot) - before) as usize)
    }
}

/// Up to `N` letters of one arena in their order, without a pointer to follow. An empty one begins
/// at its start again, so that a short queue uses the same few bytes.
#[derive(Debug)]
#[repr(C)]
pub struct LetterQueue<const N: usize> {
    arena: u32,
    head: u16,
    len: u16,
    slots: [u32; N],
}

impl<const N: usize> LetterQueue<N> {
    /// An empty one.
    pub fn new(arena: &Arena) -> Self {
        const { assert!(N > 0 && N <= u16::MAX as usize) };
        Self { arena: arena.id, head: 0, len: 0, slots: [0; N] }
    }

    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.len)
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a letter behind the others.
    ///
    /// # Panics
    /// If there is no room, or it is a letter of another arena.
    #[inline]
    pub fn push_back(&mut self, Letter { arena, slot }: Letter) {
        assert!(self.len() < N, "a full queue");
        assert_eq!(arena, self.arena, "a letter of another arena");
        self.slots[(usize::from(self.head) + self.len()) % N] = slot;
        self.len += 1;
    }

    /// Puts a letter before the others.
    ///
    /// # Panics
    /// If there is no room, or it is a letter of another arena.
    pub fn push_front(&mut self, Letter { arena, slot }: Letter) {
        assert!(self.len() < N, "a full queue");
        assert_eq!(arena, self.arena, "a letter of another arena");
        self.head = ((usize::from(self.head) + N - 1) % N) as u16;
        self.slots[usize::from(self.head)] = slot;
        self.len += 1;
    }

    /// Takes the first letter.
    #[inline]
    pub fn pop_front(&mut self) -> Option<Letter> {
        let slot = self.slot(0)?;
        self.len -= 1;
        let next = (usize::from(self.head) + 1) % N;
        self.head = if self.len == 0 { 0 } else { next as u16 };
        Some(Letter { arena: self.arena, slot })
    }

    #[inline]
    fn slot(&self, place: usize) -> Option<u32> {
        (place < self.len()).then(|| self.slots[(usize::from(self.head) + place) % N])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Arc;

    #[test]
    fn each_letter_has_bytes_of_its_own_however_many_there_are() {
        let arena = Arena::new(64, 3);
        let mut letters: Vec<Letter> = (0..1000).map(|_| arena.fresh().expect("room")).collect();
        for (number, letter) in (0u64..).zip(&mut letters) {
            assert_eq!(arena.bytes(letter), [0; 64]);
            arena.bytes_mut(letter)[56..].copy_from_slice(&number.to_le_bytes());
        }
        for (number, letter) in (0u64..).zip(&letters) {
            assert_eq!(arena.bytes(letter)[56..], number.to_le_bytes());
        }
    }

    #[test]
    fn slots_fill_their_segments_without_gap_or_overlap() {
        for (letters, first) in [(1, 1), (3, 4), (4, 4)] {
            let arena = Arena::new(64, letters);
            let mut expected = (0, 0);
            for slot in 0..10_000 {
                assert_eq!(arena.place(slot), expected);
                expected.1 += 1;
                if expected.1 == first << expected.0 {
                    expected = (expected.0 + 1, 0);
                }
            }
            let (segment, at) = arena.place(u32::MAX - 1);
            assert!(at < first << segment && segment < SEGMENTS);
        }
    }

    #[test]
    fn a_letter_that_went_to_another_thread_is_read_there() {
        let arena = Arc::new(Arena::new(64, 8));
        let mut letter = arena.fresh().expect("room");
        arena.bytes_mut(&mut letter)[0] = 7;
        let theirs = Arc::clone(&arena);
        let thread = std::thread::spawn(move || {
            theirs.bytes_mut(&mut letter)[0] += 1;
            letter
        });
        assert_eq!(arena.bytes(&thread.join().expect("no panic"))[0], 8);
    }

    #[test]
    #[should_panic(expected = "a letter of another arena")]
    fn a_letter_opens_nothing_in_another_arena() {
        let arenas = [Arena::new(64, 8), Arena::new(64, 8)];
        let letter = arenas[0].fresh().expect("room");
        arenas[1].bytes(&letter);
    }

    #[test]
    fn a_queue_does_what_a_deque_does() {
        let arena = Arena::new(64, 8);
        let mut random = fastrand::Rng::with_seed(7);
        let mut queue = LetterQueue::<5>::new(&arena);
        let mut expected = VecDeque::new();
        for _ in 0..10_000 {
            match random.u8(..4) {
                0 | 1 if queue.len() < 5 => {
                    let letter = arena.fresh().expect("room");
                    let is_front = random.bool();
                    if is_front {
                        expected.push_front(letter.slot);
                        queue.push_front(letter);
                    } else {
                        expected.push_back(letter.slot);
                        queue.push_back(letter);
                    }
                }
                _ => {
                    let popped = queue.pop_front();
                    assert_eq!(popped.map(|letter| letter.slot), expected.pop_front());
                }
            }
            assert_eq!(queue.len(), expected.len());
            let slots: Vec<u32> = (0..6).filter_map(|place| queue.slot(place)).collect();
            assert_eq!(slots, expected.iter().copied().collect::<Vec<_>>());
            assert!(!queue.is_empty() || queue.head == 0, "it begins at its start again");
        }
    }
}
