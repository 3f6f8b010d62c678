//! `hashmap`: inserts, looks up and removes the keys of the message, 2048 words.
//!
//! The standard map with the standard SipHash from a fixed seed. The map is never iterated: its
//! order depends on how many slots a side probes at once, which differs between guest and twin.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

const KEYS: usize = 2048;
const KEYS_MAX: usize = 1 << 16;
const KEY_BYTES: usize = 8;

struct Counter {
    /// Emptied for each message; the room stays.
    counts: HashMap<u64, u64, BuildHasherDefault<DefaultHasher>>,
}

impl Agent for Counter {
    fn new(_: Host) -> Self {
        Self { counts: HashMap::default() }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (words, rest) = inbox.as_chunks::<KEY_BYTES>();
        if !rest.is_empty() || words.len() > KEYS_MAX {
            return Err(AgentError::new("the message is not at most 65536 words"));
        }
        let keys = || words.iter().map(|word| u64::from_le_bytes(*word));
        self.counts.clear();
        for key in keys() {
            let count = self.counts.entry(key).or_insert(0);
            *count = count.wrapping_add(key | 1);
        }
        let distinct = self.counts.len() as u64;
        let (mut hits, mut sum) = (0u64, 0u64);
        for key in keys() {
            // The neighbour of a key is there about as often as not.
            if let Some(count) = self.counts.get(&(key ^ 1)) {
                hits += 1;
                sum = sum.wrapping_add(*count).rotate_left(1);
            }
        }
        for key in keys().step_by(3) {
            sum = sum.wrapping_add(self.counts.remove(&key).unwrap_or(7)).rotate_left(1);
        }
        for number in [distinct, hits, self.counts.len() as u64, sum] {
            outbox.extend_from_slice(&number.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        let pool: [u64; KEYS] = std::array::from_fn(|_| rng.u64(..) >> 8);
        let mut message = Vec::new();
        for _ in 0..KEYS {
            let key = pool[rng.u32(..KEYS as u32) as usize] ^ rng.u64(..2);
            message.extend_from_slice(&key.to_le_bytes());
        }
        message
    }
}

export_agent!(Counter);
agent_abi::heap_sampled!();

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn words(agent: &mut Counter, message: &[u8]) -> Result<Vec<u64>, AgentError> {
        let mut outbox = Vec::new();
        agent.handle(&mut message.to_vec(), &mut outbox)?;
        Ok(outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect())
    }

    #[test]
    fn the_reply_is_that_of_an_ordered_map() {
        let message = Counter::example(1);
        let keys: Vec<_> = message.as_chunks().0.iter().map(|w| u64::from_le_bytes(*w)).collect();
        let mut counts = BTreeMap::new();
        for key in &keys {
            *counts.entry(*key).or_insert(0) += key | 1;
        }
        let distinct = counts.len() as u64;
        let found: Vec<u64> = keys.iter().filter_map(|k| counts.get(&(k ^ 1)).copied()).collect();
        let removed: Vec<u64> =
            keys.iter().step_by(3).map(|k| counts.remove(k).unwrap_or(7)).collect();
        let sum = found.iter().chain(&removed).fold(0u64, |s, x| s.wrapping_add(*x).rotate_left(1));
        let expected = vec![distinct, found.len() as u64, counts.len() as u64, sum];
        let mut agent = Counter::new(Host::detached());
        assert_eq!(words(&mut agent, &message).unwrap(), expected);
        assert_eq!(words(&mut agent, &message).unwrap(), expected);
    }

    #[test]
    fn half_a_word_is_refused() {
        let mut agent = Counter::new(Host::detached());
        assert!(words(&mut agent, &[0; 12]).is_err());
        assert!(words(&mut agent, &vec![0; (KEYS_MAX + 1) * KEY_BYTES]).is_err());
        assert_eq!(words(&mut agent, &[]), Ok(vec![0; 4]));
    }
}
