//! `sha256`: answers with the SHA-256 of the message, 16 KiB in the example.
//!
//! Line 0.10 of `sha2` with `force-soft`: the same portable code in guest and twin. Newer lines
//! pick the processor's SHA instructions at run time unless every build passes a flag, and a
//! comparison with those would say nothing about WASM.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};
use sha2::{Digest, Sha256 as Hasher};

const MESSAGE_BYTES: usize = 16 << 10;
const MESSAGE_BYTES_MAX: usize = 16 << 20;

struct Sha256;

impl Agent for Sha256 {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        if inbox.len() > MESSAGE_BYTES_MAX {
            return Err(AgentError::new("the message is longer than 16 MiB"));
        }
        outbox.extend_from_slice(&Hasher::digest(inbox));
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..MESSAGE_BYTES).map(|_| rng.u8(..)).collect()
    }
}

export_agent!(Sha256);

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(message: &[u8]) -> Result<String, AgentError> {
        let mut outbox = Vec::new();
        Sha256::new(Host::detached()).handle(&mut message.to_vec(), &mut outbox)?;
        Ok(outbox.iter().map(|b| format!("{b:02x}")).collect())
    }

    #[test]
    fn known_digests() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(reply(b"").unwrap(), empty);
        assert_eq!(reply(b"abc").unwrap(), abc);
    }

    #[test]
    fn an_absurd_message_is_refused() {
        assert!(reply(&vec![0; MESSAGE_BYTES_MAX + 1]).is_err());
    }
}
