//! An agent that is called as a future: the guest runs on a stack of its own, a fiber, on whatever
//! thread polls it. Nothing interrupts it there: a call that is polled runs to its end unless the
//! guest waits for its host.

use super::host::HostState;
use super::instance::{GuestInstance, InstanceBuilder, Terms, store};
use super::limits::MemoryUse;
use super::watch::Lease;
use crate::subject::{Attempt, HostCounts};
use caxton_model::units::Bytes;
use std::sync::Arc;
use wasmtime::InstancePre;

/// A live WASM agent for an asynchronous runtime. The futures of its calls must be polled to their
/// end: one that is dropped before leaves the agent in the middle of its message.
pub struct AsyncWasmAgent {
    live: GuestInstance,
}

impl AsyncWasmAgent {
    pub(super) async fn new(
        pre: &InstancePre<HostState>,
        terms: Terms,
        lease: Option<Arc<Lease>>,
    ) -> Attempt<Self> {
        let mut store = store(pre.module().engine(), terms)?;
        let placed = pre.instantiate_async(&mut store).await;
        let mut builder = InstanceBuilder::of(store, placed)?;
        if let Some(constructors) = builder.constructors() {
            let called = constructors.call_async(&mut builder.store, ()).await;
            builder.survived("_initialize", called)?;
        }
        let version = builder.function::<(), u32>("agent_abi_version")?;
        let called = version.call_async(&mut builder.store, ()).await;
        builder.speaks(called)?;
        let new = builder.function::<u32, u32>("agent_new")?;
        let called = new.call_async(&mut builder.store, 0).await;
        Ok(Self { live: builder.live(called, lease)? })
    }

    /// Makes the inbox hold `bytes`, its start at `page_offset` modulo 4096.
    ///
    /// # Errors
    /// The agent has no room, or died.
    pub async fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()> {
        let live = &mut self.live;
        let params = live.wish(bytes, page_offset)?;
        let called = live.reserve.call_async(&mut live.store, params).await;
        live.reserved(bytes, called)
    }

    /// Copies `message` to the inbox, has it handled, and checks where the reply lies.
    ///
    /// # Errors
    /// The agent refused, died or lied.
    pub async fn call(&mut self, message: &[u8]) -> Attempt<()> {
        let live = &mut self.live;
        let params = live.put(message)?;
        let called = live.handle.call_async(&mut live.store, params).await;
        live.replied("agent_handle", called)
    }

    /// The last reply, where it lies in the agent's memory.
    pub fn reply(&self) -> &[u8] {
        self.live.reply()
    }

    /// The message that benchmarks send to this agent.
    ///
    /// # Errors
    /// The agent died or lied.
    pub async fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        let live = &mut self.live;
        let params = live.ask(seed);
        let called = live.example.call_async(&mut live.store, params).await;
        live.replied("agent_example", called)?;
        Ok(live.reply().to_vec())
    }

    /// What the agent did through its host interface so far.
    pub fn host_counts(&self) -> HostCounts {
        self.live.host_counts()
    }

    /// Size of linear memory.
    pub fn linear_memory(&self) -> Bytes {
        self.live.linear_memory()
    }

    /// What became of the guest's wishes for memory.
    pub fn memory_use(&self) -> MemoryUse {
        self.live.memory_use()
    }
}
