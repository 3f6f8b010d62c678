//! An agent that is called as a function: the caller waits on its own stack.

use super::instance::{Birth, HostState, Live, store};
use super::limits::MemoryUse;
use super::watch::Lease;
use crate::subject::{AgentInstance, Attempt, HostCounts};
use caxton_results::units::Bytes;
use std::sync::Arc;
use wasmtime::InstancePre;

/// A live WASM agent.
pub struct WasmAgent {
    live: Live,
}

impl WasmAgent {
    pub(super) fn new(
        pre: &InstancePre<HostState>,
        limit: Option<Bytes>,
        fuel: bool,
        lease: Option<Arc<Lease>>,
    ) -> Attempt<Self> {
        let mut store = store(pre, limit, fuel)?;
        let placed = pre.instantiate(&mut store);
        let mut birth = Birth::of(store, limit, placed)?;
        if let Some(constructors) = birth.constructors() {
            let called = constructors.call(&mut birth.store, ());
            birth.survived("_initialize", called)?;
        }
        let version = birth.function::<(), u32>("agent_abi_version")?;
        let called = version.call(&mut birth.store, ());
        birth.speaks(called)?;
        let new = birth.function::<u32, u32>("agent_new")?;
        let called = new.call(&mut birth.store, 0);
        Ok(Self { live: birth.live(called, lease)? })
    }

    /// Fuel used so far; 0 without metering.
    pub fn fuel_used(&self) -> u64 {
        self.live.store.get_fuel().map_or(0, |left| u64::MAX - left)
    }

    /// What became of the guest's wishes for memory.
    pub fn memory_use(&self) -> MemoryUse {
        self.live.memory_use()
    }
}

impl AgentInstance for WasmAgent {
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()> {
        let live = &mut self.live;
        let params = live.wish(bytes, page_offset)?;
        let called = live.reserve.call(&mut live.store, params);
        live.reserved(bytes, called)
    }

    #[inline]
    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        let live = &mut self.live;
        let params = live.put(message)?;
        let called = live.handle.call(&mut live.store, params);
        live.replied("agent_handle", called)
    }

    fn reply(&self) -> &[u8] {
        self.live.reply()
    }

    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        let live = &mut self.live;
        let params = live.ask(seed);
        let called = live.example.call(&mut live.store, params);
        live.replied("agent_example", called)?;
        Ok(live.reply().to_vec())
    }

    fn host_counts(&self) -> HostCounts {
        self.live.host_counts()
    }

    fn linear_memory(&self) -> Option<Bytes> {
        Some(self.live.linear_memory())
    }
}
