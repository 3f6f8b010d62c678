//! `sort`: sorts numbers (unstable sort) and named records (stable sort), in place.
//!
//! Message and reply: how many numbers, how many records (u64 each), the numbers (u64 each), the
//! records (12 bytes of name, u32 of key). Numbers come back ascending; records by name, those of
//! one name in the order they came.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

const NUMBERS: u64 = 4096;
const RECORDS: u64 = 1024;
/// Of numbers and of records.
const COUNT_MAX: u64 = 1 << 16;
const HEAD_BYTES: usize = 16;
const NUMBER_BYTES: usize = 8;
const NAME_BYTES: usize = 12;
const RECORD_BYTES: usize = NAME_BYTES + 4;

#[derive(Clone, Copy)]
struct Record {
    name: [u8; NAME_BYTES],
    key: [u8; 4],
}

/// Buffers kept from call to call.
struct Sort {
    numbers: Vec<u64>,
    records: Vec<Record>,
}

impl Agent for Sort {
    fn new(_: Host) -> Self {
        Self { numbers: Vec::new(), records: Vec::new() }
    }

    fn handle(&mut self, inbox: &mut [u8], _: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (numbers, records) =
            parts(inbox).ok_or_else(|| AgentError::new("counts and length do not agree"))?;
        let (words, _) = numbers.as_chunks::<NUMBER_BYTES>();
        self.numbers.clear();
        self.numbers.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
        self.numbers.sort_unstable();
        for (word, number) in
            numbers.as_chunks_mut::<NUMBER_BYTES>().0.iter_mut().zip(&self.numbers)
        {
            *word = number.to_le_bytes();
        }
        self.records.clear();
        self.records.extend(records.as_chunks::<RECORD_BYTES>().0.iter().map(|bytes| Record {
            name: std::array::from_fn(|i| bytes[i]),
            key: std::array::from_fn(|i| bytes[NAME_BYTES + i]),
        }));
        self.records.sort_by_key(|record| record.name);
        for (bytes, record) in records.chunks_exact_mut(RECORD_BYTES).zip(&self.records) {
            bytes[..NAME_BYTES].copy_from_slice(&record.name);
            bytes[NAME_BYTES..].copy_from_slice(&record.key);
        }
        Ok(Reply::Inbox { bytes: inbox.len() })
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut message = Vec::new();
        for count in [NUMBERS, RECORDS] {
            message.extend_from_slice(&count.to_le_bytes());
        }
        for _ in 0..NUMBERS {
            message.extend_from_slice(&rng.u64(..).to_le_bytes());
        }
        for _ in 0..RECORDS {
            // 300 names for 1024 records: some are equal, all begin alike.
            message.extend_from_slice(format!("record-{:05}", rng.u32(..300)).as_bytes());
            message.extend_from_slice(&rng.u32(..).to_le_bytes());
        }
        message
    }
}

/// The numbers' bytes and the records' bytes, if the counts fit the message exactly.
fn parts(message: &mut [u8]) -> Option<(&mut [u8], &mut [u8])> {
    let (head, rest) = message.split_at_mut_checked(HEAD_BYTES)?;
    let count = |at: usize| {
        let count = u64::from_le_bytes(std::array::from_fn(|i| head[at + i]));
        (count <= COUNT_MAX).then_some(count as usize)
    };
    let (numbers, records) = (count(0)?, count(8)?);
    let (numbers, rest) = rest.split_at_mut_checked(numbers * NUMBER_BYTES)?;
    (rest.len() == records * RECORD_BYTES).then_some((numbers, rest))
}

export_agent!(Sort);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ascend_and_equal_names_keep_their_order() {
        let mut message = vec![3, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
        for number in [5u64, 1 << 40, 2] {
            message.extend_from_slice(&number.to_le_bytes());
        }
        message.extend_from_slice(b"bbbbbbbbbbbb0009aaaaaaaaaaaa0008aaaaaaaaaaaa0007");
        let reply = Sort::new(Host::detached()).handle(&mut message, &mut Vec::new());
        assert_eq!(reply, Ok(Reply::Inbox { bytes: message.len() }));
        let numbers = &message[HEAD_BYTES..HEAD_BYTES + 24];
        assert_eq!(numbers.as_chunks().0, [2u64, 5, 1 << 40].map(u64::to_le_bytes));
        assert_eq!(
            &message[HEAD_BYTES + 24..],
            b"aaaaaaaaaaaa0008aaaaaaaaaaaa0007bbbbbbbbbbbb0009"
        );
    }

    #[test]
    fn sorting_keeps_what_was_there() {
        let mut message = Sort::example(1);
        let mut sent = message.clone();
        Sort::new(Host::detached()).handle(&mut message, &mut Vec::new()).unwrap();
        let numbers_end = HEAD_BYTES + NUMBERS as usize * NUMBER_BYTES;
        let (words, _) = sent[HEAD_BYTES..numbers_end].as_chunks_mut::<NUMBER_BYTES>();
        words.sort_by_key(|word| u64::from_le_bytes(*word));
        assert_eq!(message[..numbers_end], sent[..numbers_end]);
        let sorted = |bytes: &[u8]| {
            let mut records = bytes.as_chunks::<RECORD_BYTES>().0.to_vec();
            records.sort();
            records
        };
        assert_eq!(sorted(&message[numbers_end..]), sorted(&sent[numbers_end..]));
    }

    #[test]
    fn counts_that_lie_are_refused() {
        let mut agent = Sort::new(Host::detached());
        let mut refused =
            |mut message: Vec<u8>| agent.handle(&mut message, &mut Vec::new()).is_err();
        let mut short = Sort::example(1);
        short.pop();
        assert!(refused(short));
        assert!(refused(vec![0; 15]));
        assert!(refused(vec![255; 32]));
        assert!(!refused(vec![0; 16]));
    }
}
