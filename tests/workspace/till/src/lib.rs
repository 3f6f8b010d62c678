//! An agent with a function of its own host: it adds up the prices of what is on a list.

use agent_abi::{Agent, AgentError, Host, Reply, export_agent};

#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "shop")]
unsafe extern "C" {
    safe fn price_of(item: u32) -> u32;
}

/// The native build brings its own.
#[cfg(not(target_arch = "wasm32"))]
fn price_of(item: u32) -> u32 {
    [100, 250, 30].get(item as usize).copied().unwrap_or(0)
}

struct Till {
    sum: u64,
}

impl Agent for Till {
    fn new(_: Host) -> Self {
        Self { sum: 0 }
    }

    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {
        self.sum = inbox.iter().map(|&item| u64::from(price_of(u32::from(item)))).sum();
        outbox.extend_from_slice(&self.sum.to_le_bytes());
        Ok(Reply::Outbox)
    }

    fn example(seed: u64) -> Vec<u8> {
        (0..200).map(|at: u64| ((at + seed) % 4) as u8).collect()
    }
}

export_agent!(Till);
