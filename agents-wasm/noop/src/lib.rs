//! `noop`: ignores the message and answers with nothing. What is left is the bare call.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

struct Noop;

impl Agent for Noop {
    fn new(_: Host) -> Self {
        Self
    }

    fn handle(&mut self, _: &mut [u8], _: &mut Vec<u8>) -> Result<Reply, AgentError> {
        Ok(Reply::Outbox)
    }

    fn example(_: u64) -> Vec<u8> {
        Vec::new()
    }
}

export_agent!(Noop);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_is_empty_whatever_comes() {
        for mut message in [Noop::example(1), vec![7; 100]] {
            let mut outbox = Vec::new();
            let reply = Noop::new(Host::detached()).handle(&mut message, &mut outbox);
            assert_eq!((reply, outbox.len()), (Ok(Reply::Outbox), 0));
        }
    }
}
