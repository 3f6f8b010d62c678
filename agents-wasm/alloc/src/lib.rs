//! `alloc`: builds a tree of small heap blocks from the words of the message and drops it.
//!
//! A node is a box with a string that grew and a block of 8 to 263 bytes; every fourth block is
//! freed and taken again in another size. The tree branches by the bits of its keys, so it is
//! never deeper than 64 and may be dropped by recursion on a small stack. The reply is what a walk
//! in order finds: nodes, depth, bytes and a checksum.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use std::fmt::Write;

const KEYS: u32 = 400;
const KEYS_MAX: usize = 1 << 14;
const KEY_BYTES: usize = 8;

struct Node {
    key: u64,
    label: String,
    block: Box<[u8]>,
    branches: [Option<Box<Node>>; 2],
}

impl Node {
    fn new(key: u64) -> Self {
        let mut label = String::new();
        for part in [key >> 48, key & 0xffff] {
            // A string takes all that is written.
            let _ = write!(label, "-{part}");
        }
        Self { key, label, block: block(key), branches: [None, None] }
    }
}

fn block(key: u64) -> Box<[u8]> {
    vec![key as u8; 8 + (key >> 8) as usize % 256].into()
}

/// Adds a node unless there is one of that key: a digital search tree, top bit first.
fn insert(root: &mut Option<Box<Node>>, key: u64) {
    let mut place = root;
    let mut bits = key;
    while let Some(node) = place {
        if node.key == key {
            return;
        }
        place = &mut node.branches[(bits >> 63) as usize];
        bits <<= 1;
    }
    *place = Some(Box::new(Node::new(key)));
}

#[derive(Default)]
struct Walk {
    depth_max: u64,
    bytes: u64,
    /// Grows from nothing: the reallocations are part of the work.
    keys: Vec<u64>,
    check: u64,
}

impl Walk {
    fn visit(&mut self, node: &mut Node, depth: u64) {
        let [left, right] = &mut node.branches;
        if let Some(left) = left {
            self.visit(left, depth + 1);
        }
        self.depth_max = self.depth_max.max(depth);
        self.keys.push(node.key);
        if self.keys.len().is_multiple_of(4) {
            node.block = block(node.key.rotate_left(17));
        }
        self.bytes += (node.block.len() + node.label.len()) as u64;
        let last = node.label.bytes().last().map_or(0, u64::from);
        self.check = self.check.rotate_left(5) ^ node.key ^ last << 8 ^ u64::from(node.block[7]);
        if let Some(right) = right {
            self.visit(right, depth + 1);
        }
    }
}

struct Alloc;

impl Agent for Alloc {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        let (words, rest) = inbox.as_chunks::<KEY_BYTES>();
        if !rest.is_empty() || words.len() > KEYS_MAX {
            return Err(AgentError::new("the message is not at most 16384 words"));
        }
        let mut root = None;
        for word in words {
            insert(&mut root, u64::from_le_bytes(*word));
        }
        let mut walk = Walk::default();
        if let Some(root) = &mut root {
            walk.visit(root, 1);
        }
        for number in [walk.keys.len() as u64, walk.depth_max, walk.bytes, walk.check] {
            outbox.extend_from_slice(&number.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..KEYS).flat_map(|_| rng.u64(..).to_le_bytes()).collect()
    }
}

export_agent!(Alloc);
agent_abi::heap_sampled!();

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn ask(keys: &[u64]) -> Vec<u64> {
        let mut message: Vec<u8> = keys.iter().flat_map(|key| key.to_le_bytes()).collect();
        let mut outbox = Vec::new();
        Alloc::new(Host::detached()).handle(&mut message, &mut outbox).unwrap();
        outbox.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
    }

    #[test]
    fn every_key_is_in_the_tree_once() {
        let message = Alloc::example(1);
        let mut keys: Vec<_> =
            message.as_chunks().0.iter().map(|w| u64::from_le_bytes(*w)).collect();
        keys.extend_from_within(..50);
        let mut root = None;
        for key in &keys {
            insert(&mut root, *key);
        }
        let mut walk = Walk::default();
        walk.visit(root.as_mut().unwrap(), 1);
        let distinct = keys.iter().copied().collect::<BTreeSet<_>>();
        assert_eq!(walk.keys.len(), distinct.len());
        assert_eq!(walk.keys.into_iter().collect::<BTreeSet<_>>(), distinct);
    }

    #[test]
    fn sizes_and_depth_of_a_small_tree() {
        // Key 1 lies under key 0; key 0 has the label "-0-0", key 1 "-0-1", blocks of 8 bytes.
        let (zero, one) = (u64::from(b'0') << 8, 1 ^ u64::from(b'1') << 8 ^ 1);
        assert_eq!(ask(&[0, 1, 0]), [2, 2, 24, one.rotate_left(5) ^ zero]);
        assert_eq!(ask(&[]), [0; 4]);
    }

    #[test]
    fn keys_that_share_their_bits_do_not_make_it_deep() {
        let keys: Vec<u64> = (0..KEYS_MAX as u64).collect();
        let got = ask(&keys);
        assert_eq!(got[0], KEYS_MAX as u64);
        assert!(got[1] <= 65, "depth {}", got[1]);
    }

    #[test]
    fn half_a_word_is_refused() {
        let mut agent = Alloc::new(Host::detached());
        assert!(agent.handle(&mut [0; 12], &mut Vec::new()).is_err());
        assert!(agent.handle(&mut vec![0; (KEYS_MAX + 1) * 8], &mut Vec::new()).is_err());
    }
}
