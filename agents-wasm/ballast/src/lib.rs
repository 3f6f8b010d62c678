//! `ballast`: holds memory on request and does a small piece of work at that level.
//!
//! Requests and answers are those of [`agent_abi::ballast`]; an answer is written over its
//! request. The answer to work depends on the message alone, never on the level or on what came
//! before. Blocks are filled when they are taken, so that they are resident, and are below 2 GiB,
//! as in a guest. `Fill` leaves 1 KiB free; natively it stops at 256 MiB in total, because nothing
//! else might.

use agent_abi::ballast::linear_memory::Grown;
use agent_abi::ballast::{Answer, Request, WORDS_BYTES, check};
use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use std::alloc::{Layout, handle_alloc_error};
use std::hint::black_box;

const STEPS: u64 = 64;
const BODY_BYTES: usize = 1024;
const BASE_BYTES: usize = 64 << 10;
const SCRATCH_BYTES: usize = 256;
const BLOCK_BYTES_MAX: u64 = i32::MAX as u64;
const FILL_BYTES_MAX: u64 = if cfg!(target_family = "wasm") { 1 << 32 } else { 256 << 20 };
/// What [`Request::Fill`] leaves free, so that there is work to be done at a full heap.
const SPARE_BYTES: usize = 1024;
const SHELF_BLOCKS: usize = 64;
/// Long enough for any reason to refuse a message; taken at the first message.
const OUTBOX_BYTES: usize = 64;

/// Blocks on shelves of 64: remembering one more never needs a large block itself.
#[derive(Default)]
struct Blocks {
    shelves: Vec<Vec<Vec<u8>>>,
    count: usize,
    bytes: u64,
}

impl Blocks {
    /// Makes room to remember one more block.
    fn reserve(&mut self) -> bool {
        if self.count < self.shelves.len() * SHELF_BLOCKS {
            return true;
        }
        let mut shelf = Vec::new();
        if shelf.try_reserve_exact(SHELF_BLOCKS).is_err() || self.shelves.try_reserve(1).is_err() {
            return false;
        }
        self.shelves.push(shelf);
        true
    }

    /// Takes and fills a block, unless the allocator refuses.
    fn take(&mut self, bytes: u64) -> bool {
        let Some(length) = block_length(bytes) else { return false };
        let mut block = Vec::new();
        if !self.reserve() || block.try_reserve_exact(length).is_err() {
            return false;
        }
        self.put(block, length);
        true
    }

    /// Takes and fills a block; ends the process or guest if the allocator refuses.
    fn take_or_die(&mut self, length: usize) {
        if !self.reserve() {
            handle_alloc_error(Layout::new::<[Vec<u8>; SHELF_BLOCKS]>());
        }
        self.put(Vec::with_capacity(length), length);
    }

    /// `reserve` was asked before, and `block` has the capacity.
    fn put(&mut self, mut block: Vec<u8>, length: usize) {
        block.resize(length, 0);
        self.shelves[self.count / SHELF_BLOCKS].push(block);
        self.count += 1;
        self.bytes += length as u64;
    }

    fn at(&mut self, index: usize) -> &mut Vec<u8> {
        &mut self.shelves[index / SHELF_BLOCKS][index % SHELF_BLOCKS]
    }

    /// Frees every other block from `first` on and closes the gaps in the list.
    fn thin_out(&mut self, first: usize) {
        let mut kept = first;
        for index in first..self.count {
            let block = std::mem::take(self.at(index));
            if (index - first).is_multiple_of(2) {
                *self.at(kept) = block;
                kept += 1;
            } else {
                self.bytes -= block.len() as u64;
            }
        }
        self.count = kept;
        self.shelves.truncate(kept.div_ceil(SHELF_BLOCKS));
        if let Some(last) = self.shelves.last_mut() {
            last.truncate(kept - (kept - 1) / SHELF_BLOCKS * SHELF_BLOCKS);
        }
    }
}

/// A length that both sides can have: 0 is none, nor is what a guest could not take in one piece.
fn block_length(bytes: u64) -> Option<usize> {
    if bytes == 0 || bytes > BLOCK_BYTES_MAX {
        return None;
    }
    usize::try_from(bytes).ok()
}

/// Marsaglia's xorshift with his shifts 13, 7, 17; never 0.
struct Shifts(u64);

impl Shifts {
    fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Scales 32 random bits to a place below `length`.
fn place(random: u64, length: usize) -> usize {
    (((random & 0xffff_ffff) * length as u64) >> 32) as usize
}

struct Ballast {
    blocks: Blocks,
    grown: Grown,
    /// What work changes while nothing is held.
    base: Vec<u8>,
    /// Messages of work so far: each goes to other places.
    works: u64,
}

impl Ballast {
    fn answer(&mut self, request: Request<'_>) -> Result<Answer, AgentError> {
        let granted = match request {
            Request::Work { steps, body } => return self.work(steps, body),
            Request::Hold { bytes } => self.blocks.take(bytes).into(),
            Request::Probe { bytes } => {
                let came = |length| black_box(Vec::<u8>::new()).try_reserve_exact(length).is_ok();
                block_length(bytes).is_some_and(came).into()
            }
            Request::HoldOrDie { bytes } => {
                let length = block_length(bytes)
                    .ok_or_else(|| AgentError::new("a block of no or an absurd length"))?;
                self.blocks.take_or_die(length);
                1
            }
            Request::Fill { block_bytes } => self.fill(block_bytes),
            Request::Fragment { bytes, seed } => self.fragment(bytes, seed),
            Request::Release => {
                self.blocks = Blocks::default();
                0
            }
            Request::Grow { pages } => {
                self.grown.grow(pages).map_err(|e| AgentError::new(e.to_string()))?
            }
            Request::TouchGrown => self.grown.touch(),
        };
        Ok(Answer { granted, bytes: self.blocks.bytes, check: 0 })
    }

    fn fill(&mut self, block_bytes: u64) -> u64 {
        // Free again in the end: a heap full to the last byte could not even say that it is full.
        let mut spare = Vec::<u8>::new();
        if spare.try_reserve_exact(SPARE_BYTES).is_err() {
            return 0;
        }
        let mut granted = 0;
        while self.blocks.bytes.saturating_add(block_bytes) <= FILL_BYTES_MAX
            && self.blocks.take(block_bytes)
        {
            granted += 1;
        }
        drop(black_box(spare));
        granted
    }

    fn fragment(&mut self, bytes: u64, seed: u64) -> u64 {
        let mut shifts = Shifts::new(seed);
        let first = self.blocks.count;
        let mut taken = 0;
        while taken < bytes.min(BLOCK_BYTES_MAX) {
            let block_bytes = 256 + shifts.next() % 3841;
            if !self.blocks.take(block_bytes) {
                break;
            }
            taken += block_bytes;
        }
        self.blocks.thin_out(first);
        (self.blocks.count - first) as u64
    }

    fn work(&mut self, steps: u64, body: &[u8]) -> Result<Answer, AgentError> {
        let mut scratch = Vec::<u8>::new();
        if scratch.try_reserve_exact(SCRATCH_BYTES).is_err() {
            return Err(AgentError::new("no memory left to work in"));
        }
        drop(black_box(scratch));
        let check = check(body);
        self.works = self.works.wrapping_add(1);
        let mut shifts = Shifts::new(check ^ self.works.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..steps {
            let block = match self.blocks.count {
                0 => &mut self.base,
                count => self.blocks.at(place(shifts.next(), count)),
            };
            let at = place(shifts.next(), block.len());
            block[at] = block[at].wrapping_add(1);
        }
        Ok(Answer { granted: steps, bytes: 0, check })
    }
}

impl Agent for Ballast {
    fn new(_: Host) -> Self {
        Self {
            blocks: Blocks::default(),
            grown: Grown::default(),
            base: vec![0; BASE_BYTES],
            works: 0,
        }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        // A reason to refuse, given when the heap is full, must find its room.
        let _ = outbox.try_reserve(OUTBOX_BYTES);
        let request =
            Request::decode(inbox).ok_or_else(|| AgentError::new("not a ballast request"))?;
        let answer = self.answer(request)?;
        inbox[..WORDS_BYTES].copy_from_slice(&answer.encode());
        Ok(Reply::Inbox { bytes: WORDS_BYTES })
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let body: Vec<u8> = (0..BODY_BYTES).map(|_| rng.u8(..)).collect();
        Request::Work { steps: STEPS, body: &body }.encode()
    }
}

export_agent!(Ballast);

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(agent: &mut Ballast, request: Request<'_>) -> Result<Answer, AgentError> {
        let mut message = request.encode();
        agent.handle(&mut message, &mut Vec::new())?;
        Ok(Answer::decode(&message[..WORDS_BYTES]).unwrap())
    }

    #[test]
    fn the_answer_to_work_is_the_same_at_each_level() {
        let mut agent = Ballast::new(Host::detached());
        let work = Request::Work { steps: 100, body: b"some body" };
        let expected = Ok(Answer { granted: 100, bytes: 0, check: check(b"some body") });
        assert_eq!(ask(&mut agent, work), expected);
        for level in [
            Request::Hold { bytes: 3 },
            Request::Hold { bytes: 1 << 20 },
            Request::Fragment { bytes: 1 << 16, seed: 5 },
            Request::Release,
        ] {
            ask(&mut agent, level).unwrap();
            assert_eq!(ask(&mut agent, work), expected);
        }
        ask(&mut agent, Request::Hold { bytes: 1 << 16 }).unwrap();
        ask(&mut agent, work).unwrap();
        let changed = agent.blocks.at(0).iter().map(|byte| u64::from(*byte)).sum::<u64>();
        assert_eq!(changed, 100);
    }

    #[test]
    fn blocks_add_up_and_are_released() {
        let mut agent = Ballast::new(Host::detached());
        let held = |granted, bytes| Ok(Answer { granted, bytes, check: 0 });
        assert_eq!(ask(&mut agent, Request::Hold { bytes: 1000 }), held(1, 1000));
        assert_eq!(ask(&mut agent, Request::Probe { bytes: 1 << 20 }), held(1, 1000));
        assert_eq!(ask(&mut agent, Request::Probe { bytes: u64::MAX }), held(0, 1000));
        assert_eq!(ask(&mut agent, Request::HoldOrDie { bytes: 24 }), held(1, 1024));
        assert_eq!(ask(&mut agent, Request::Hold { bytes: 0 }), held(0, 1024));
        assert_eq!(ask(&mut agent, Request::Hold { bytes: u64::MAX }), held(0, 1024));
        assert!(ask(&mut agent, Request::HoldOrDie { bytes: u64::MAX }).is_err());
        let fill = Request::Fill { block_bytes: 100 << 20 };
        assert_eq!(ask(&mut agent, fill), held(2, 1024 + (200 << 20)));
        assert_eq!(ask(&mut agent, Request::Release), held(0, 0));
        assert_eq!(ask(&mut agent, Request::TouchGrown), held(0, 0));
    }

    #[test]
    fn fragments_leave_every_other_block() {
        let mut agent = Ballast::new(Host::detached());
        ask(&mut agent, Request::Hold { bytes: 7 }).unwrap();
        let mut shifts = Shifts::new(9);
        let (mut taken, mut expected, mut count) = (0, vec![7], 0);
        while taken < 1 << 20 {
            let block_bytes = 256 + shifts.next() % 3841;
            if count % 2 == 0 {
                expected.push(block_bytes);
            }
            count += 1;
            taken += block_bytes;
        }
        let answer = ask(&mut agent, Request::Fragment { bytes: 1 << 20, seed: 9 }).unwrap();
        assert_eq!(answer.granted, expected.len() as u64 - 1);
        assert_eq!(answer.bytes, expected.iter().sum::<u64>());
        let left: Vec<_> = agent.blocks.shelves.iter().flatten().map(|b| b.len() as u64).collect();
        assert_eq!(left, expected);
        assert!(ask(&mut agent, Request::Hold { bytes: 1 }).is_ok());
        assert_eq!(agent.blocks.at(expected.len()).len(), 1);
    }

    #[test]
    fn malformed_requests_and_growth_are_refused() {
        let mut agent = Ballast::new(Host::detached());
        assert!(agent.handle(&mut [9; 24], &mut Vec::new()).is_err());
        assert!(agent.handle(&mut [], &mut Vec::new()).is_err());
        let grow = ask(&mut agent, Request::Grow { pages: 1 });
        assert_eq!(grow, Err(AgentError::new("no linear memory")));
    }
}
