//! What is measured: one message handled by agent `vm`, some 40 µs.

use crate::vm::Machine;
use agent_abi::{Agent, Host};

/// The name of the benchmark in both tools.
pub const NAME: &str = "vm";

/// Extra instructions that make the kernel 1 % slower: it runs 20,000.
pub const STEPS_PER_PERCENT: u32 = 200;

/// The seed whose message our own suite sends.
const SEED: u64 = 1;

/// An agent and the message it is sent.
pub struct Kernel {
    agent: Machine,
    message: Vec<u8>,
    reply: Vec<u8>,
}

impl Kernel {
    /// A kernel that runs `extra_steps` more instructions than the one our suite measures.
    pub fn new(extra_steps: u32) -> Self {
        let message = Machine::example(SEED | u64::from(extra_steps) << 32);
        Self { agent: Machine::new(Host::detached()), message, reply: Vec::new() }
    }

    /// Handles the message once and returns the length of the reply in bytes.
    ///
    /// # Panics
    /// If the agent refuses the message: it has more extra instructions than the agent takes.
    #[inline(never)]
    pub fn run(&mut self) -> usize {
        self.reply.clear();
        let handled = self.agent.handle(&mut self.message, &mut self.reply);
        handled.expect("the agent takes its own example");
        self.reply.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_repeats_itself_and_extra_instructions_change_it() {
        let mut plain = Kernel::new(0);
        assert_eq!(plain.run(), 18 * size_of::<u64>());
        let first = plain.reply.clone();
        assert_eq!(plain.run(), first.len());
        assert_eq!(plain.reply, first);
        let mut planted = Kernel::new(STEPS_PER_PERCENT);
        planted.run();
        assert_ne!(planted.reply, first);
    }

    #[test]
    fn one_percent_is_one_percent() {
        let steps = |kernel: &Kernel| u64::from_le_bytes(*kernel.message.first_chunk().unwrap());
        let (plain, planted) = (Kernel::new(0), Kernel::new(STEPS_PER_PERCENT));
        assert_eq!(steps(&planted) * 100, steps(&plain) * 101);
    }
}
