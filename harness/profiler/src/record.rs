//! What the kernel's records say: one sample, or how many were lost. Nothing is believed: each
//! length is checked against the bytes that are there.
//!
//! The layout is that of perf_event_open(2) for the fields that `sys/perf_ring.rs` asks for.

use caxton_sys::perf_ring::HAS_DUMP;

const LOST: u32 = 2;
const THROTTLE: u32 = 5;
const SAMPLE: u32 = 9;
const LOST_SAMPLES: u32 = 13;

/// From here on an "address" in a chain says whose addresses follow (`PERF_CONTEXT_MAX`).
const CONTEXT_FIRST: u64 = -4095i64 as u64;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum PerfRecord<'a> {
    Sample(PerfSample<'a>),
    /// So many were lost.
    Lost(u64),
    /// The kernel found that sampling costs too much, and waits.
    Throttled,
    /// Nothing that concerns us.
    Other,
}

/// A stack as the kernel saw it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PerfSample<'a> {
    pub(super) process: u32,
    pub(super) thread: u32,
    /// Nanoseconds of the monotonic clock.
    pub(super) time_ns: u64,
    /// The event that took it.
    pub(super) event: u64,
    /// The interrupted address, then return addresses by frame pointers.
    pub(super) chain: Vec<u64>,
    /// What unwinding starts from, where the sample has it.
    pub(super) dump: Option<Dump<'a>>,
}

/// Registers, and the stack from the stack pointer on.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(super) struct Dump<'a> {
    pub(super) ip: u64,
    pub(super) sp: u64,
    pub(super) bp: u64,
    /// The stack's bytes from `sp` on.
    pub(super) stack: &'a [u8],
}

impl Dump<'_> {
    /// The word at `address`, if the dump has it.
    pub(super) fn word(&self, address: u64) -> Option<u64> {
        let at = usize::try_from(address.checked_sub(self.sp)?).ok()?;
        let bytes = self.stack.get(at..at.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.u64()?).ok()
    }
}

/// Reads a record with its header; none if it is cut or makes no sense.
pub(super) fn parse(bytes: &[u8]) -> Option<PerfRecord<'_>> {
    let mut fields = Fields(bytes);
    let kind = fields.u32()?;
    fields.u32()?;
    match kind {
        SAMPLE => sample(fields).map(PerfRecord::Sample),
        LOST => {
            fields.u64()?;
            fields.u64().map(PerfRecord::Lost)
        }
        LOST_SAMPLES => fields.u64().map(PerfRecord::Lost),
        THROTTLE => Some(PerfRecord::Throttled),
        _ => Some(PerfRecord::Other),
    }
}

fn sample(mut fields: Fields<'_>) -> Option<PerfSample<'_>> {
    let ip = fields.u64()?;
    let (process, thread) = (fields.u32()?, fields.u32()?);
    let (time_ns, event) = (fields.u64()?, fields.u64()?);
    let count = fields.length()?;
    let words = fields.take(count.checked_mul(8)?)?.chunks_exact(8);
    let words = words.filter_map(|word| word.try_into().ok().map(u64::from_le_bytes));
    let mut chain: Vec<u64> = words.filter(|word| *word < CONTEXT_FIRST).collect();
    if chain.is_empty() {
        chain.push(ip);
    }
    let dump = if HAS_DUMP { dump(&mut fields)? } else { None };
    Some(PerfSample { process, thread, time_ns, event, chain, dump })
}

/// The dump, if the thread had one to give.
fn dump<'a>(fields: &mut Fields<'a>) -> Option<Option<Dump<'a>>> {
    let registers = match fields.u64()? {
        0 => None,
        _ => Some((fields.u64()?, fields.u64()?, fields.u64()?)),
    };
    let reserved = fields.length()?;
    let stack = fields.take(reserved)?;
    let filled = if reserved == 0 { 0 } else { fields.length()? };
    let stack = stack.get(..filled)?;
    Some(registers.map(|(bp, sp, ip)| Dump { ip, sp, bp, stack }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u32, words: &[u64]) -> Vec<u8> {
        let size = 8 + 8 * words.len() as u64;
        let header = u64::from(kind) | size << 48;
        [header].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect()
    }

    /// A sample of thread 8 of process 7 with a chain of two and a stack of three words, of which
    /// two are filled.
    const WORDS: [u64; 18] = [
        0x40,
        8 << 32 | 7,
        500,
        3,
        3,
        -512i64 as u64,
        0x40,
        0x50,
        2,
        0x9010,
        0x9000,
        0x40,
        24,
        11,
        12,
        0,
        16,
        0,
    ];

    #[test]
    fn a_sample_gives_chain_registers_and_stack() {
        let bytes = record(SAMPLE, &WORDS[..17]);
        let Some(PerfRecord::Sample(sample)) = parse(&bytes) else { panic!("a sample") };
        assert_eq!((sample.process, sample.thread), (7, 8));
        assert_eq!((sample.time_ns, sample.event), (500, 3));
        assert_eq!(sample.chain, [0x40, 0x50]);
        let dump = sample.dump.expect("dumped");
        assert_eq!((dump.ip, dump.sp, dump.bp), (0x40, 0x9000, 0x9010));
        assert_eq!(dump.word(0x9008), Some(12));
        assert_eq!(dump.word(0x9010), None, "reserved, not filled");
        assert_eq!(dump.word(0x8ff8), None);
    }

    #[test]
    fn a_record_cut_anywhere_is_no_sample() {
        let bytes = record(SAMPLE, &WORDS[..17]);
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length]), None, "{length} bytes");
        }
        let mut absurd = WORDS;
        absurd[4] = u64::MAX / 4;
        assert_eq!(parse(&record(SAMPLE, &absurd)), None);
    }

    #[test]
    fn losses_are_told() {
        assert_eq!(parse(&record(LOST, &[3, 17])), Some(PerfRecord::Lost(17)));
        assert_eq!(parse(&record(LOST_SAMPLES, &[4])), Some(PerfRecord::Lost(4)));
        assert_eq!(parse(&record(THROTTLE, &[0, 1, 2])), Some(PerfRecord::Throttled));
        assert_eq!(parse(&record(1, &[0])), Some(PerfRecord::Other));
    }
}
