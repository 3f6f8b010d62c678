//! `relay`: sends the message on to 16 peers, agents 1 to 16.
//!
//! The reply is how many sends the host accepted, how many it refused, and a checksum of the
//! message. A benchmark's host accepts all, and the expected reply is that one.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

const PEERS: u64 = 16;
const MESSAGE_BYTES: usize = 1024;
const MESSAGE_BYTES_MAX: usize = 1 << 20;

struct Relay {
    host: Host,
}

/// Eight bytes at a time, the last ones filled up with zeros.
fn checksum(message: &[u8]) -> u64 {
    message.chunks(8).fold(message.len() as u64, |check, bytes| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        (check ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
    })
}

impl Agent for Relay {
    fn new(host: Host) -> Self {
        Self { host }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        if inbox.is_empty() || inbox.len() > MESSAGE_BYTES_MAX {
            return Err(AgentError::new("the message is empty or longer than 1 MiB"));
        }
        let accepted = (1..=PEERS).filter(|peer| self.host.send(*peer, inbox).is_ok()).count();
        let accepted = accepted as u64;
        for number in [accepted, PEERS - accepted, checksum(inbox)] {
            outbox.extend_from_slice(&number.to_le_bytes());
        }
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..MESSAGE_BYTES).map(|_| rng.u8(..)).collect()
    }
}

export_agent!(Relay);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detached_host_refuses_all_peers() {
        let mut outbox = Vec::new();
        let mut agent = Relay::new(Host::detached());
        agent.handle(&mut [1, 0, 0, 0, 0, 0, 0, 0, 2], &mut outbox).unwrap();
        let words: Vec<_> = outbox.as_chunks().0.iter().map(|w| u64::from_le_bytes(*w)).collect();
        let prime = 0x0000_0100_0000_01b3u64;
        let first = (9u64 ^ 1).wrapping_mul(prime).rotate_left(23);
        let check = (first ^ 2).wrapping_mul(prime).rotate_left(23);
        assert_eq!(words, [0, 16, check]);
        agent.host.log(2, "a detached host logs nothing");
        assert_eq!(agent.host.clock_ns(), 0);
    }

    #[test]
    fn empty_and_absurd_messages_are_refused() {
        let mut agent = Relay::new(Host::detached());
        assert!(agent.handle(&mut [], &mut Vec::new()).is_err());
        assert!(agent.handle(&mut vec![0; MESSAGE_BYTES_MAX + 1], &mut Vec::new()).is_err());
    }
}
