//! `echo`: answers with the message it got, in place. What is left is the call and two copies.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

/// 1 KiB: the size of a usual agent message.
const MESSAGE_BYTES: usize = 1024;

struct Echo;

impl Agent for Echo {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, inbox: &mut [u8], _: &mut Vec<u8>) -> Result<Reply, AgentError> {
        Ok(Reply::Inbox { bytes: inbox.len() })
    }

    fn example(seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..MESSAGE_BYTES).map(|_| rng.u8(..)).collect()
    }
}

export_agent!(Echo);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_is_the_message() {
        let mut message = Echo::example(1);
        let sent = message.clone();
        let reply = Echo::new(Host::detached()).handle(&mut message, &mut Vec::new());
        assert_eq!(reply, Ok(Reply::Inbox { bytes: MESSAGE_BYTES }));
        assert_eq!(message, sent);
    }
}
