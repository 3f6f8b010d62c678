//! An agent that is called as a function: the caller waits on its own stack.

use super::checkpoint::{Checkpoint, RestoreBy};
use super::checkpoint_error::CheckpointError;
use super::host::HostState;
use super::instance::{GuestInstance, InstanceBuilder, Terms, fuel_used, store};
use super::limits::{Growths, MemoryUse};
use super::watch::Lease;
use crate::subject::{AgentInstance, Attempt, HostCounts, Step};
use caxton_model::units::Bytes;
use std::hint::black_box;
use std::ops::Range;
use std::sync::Arc;
use wasmtime::InstancePre;

/// A live WASM agent.
pub struct WasmAgent {
    pub(super) live: GuestInstance,
    /// Where replies are copied to, in [`Step::CopyOut`] alone.
    out: Vec<u8>,
}

impl WasmAgent {
    pub(super) fn new(
        pre: &InstancePre<HostState>,
        terms: Terms,
        lease: Option<Arc<Lease>>,
    ) -> Attempt<Self> {
        let mut store = store(pre.module().engine(), terms)?;
        let placed = pre.instantiate(&mut store);
        let mut builder = InstanceBuilder::of(store, placed)?;
        if let Some(constructors) = builder.constructors() {
            let called = constructors.call(&mut builder.store, ());
            builder.survived("_initialize", called)?;
        }
        let version = builder.function::<(), u32>("agent_abi_version")?;
        let called = version.call(&mut builder.store, ());
        builder.speaks(called)?;
        let new = builder.function::<u32, u32>("agent_new")?;
        let called = new.call(&mut builder.store, 0);
        Ok(Self { live: builder.live(called, lease)?, out: Vec::new() })
    }

    /// What became of the guest's wishes for memory.
    pub fn memory_use(&self) -> MemoryUse {
        self.live.memory_use()
    }

    /// WASI functions called so far.
    pub fn wasi_calls(&self) -> u64 {
        self.live.wasi_calls()
    }

    /// The inbox as the agent left it.
    pub fn inbox(&self) -> &[u8] {
        self.live.inbox()
    }

    /// The growths of its memory since it was made or last asked; none where they are not noted.
    pub fn take_growths(&mut self) -> Option<Growths> {
        self.live.take_growths()
    }

    /// The host's addresses of its linear memory.
    pub fn memory_range(&self) -> Range<usize> {
        self.live.memory_range()
    }

    /// Its state between two calls. With a `previous` checkpoint only what was written since is
    /// copied, where memory lies in a slab and the kernel tells.
    ///
    /// # Errors
    /// It was compiled without checkpoints, holds what cannot be named, or there is no memory.
    pub fn checkpoint(
        &mut self,
        previous: Option<&Checkpoint>,
    ) -> Result<Checkpoint, CheckpointError> {
        self.live.checkpoint(previous)
    }

    /// Makes this agent, a fresh one of the same module, what `from` was. An agent that it fails
    /// for is of no use any more.
    ///
    /// # Errors
    /// The checkpoint is damaged or of another module, or there is no room for it.
    pub fn restore(&mut self, from: &Checkpoint, by: RestoreBy) -> Result<(), CheckpointError> {
        self.live.restore(from, by)
    }

    #[inline(always)]
    fn handle(&mut self, params: (u32, u32)) -> Attempt<()> {
        let live = &mut self.live;
        let called = live.handle.call(&mut live.store, params);
        live.replied("agent_handle", called)
    }

    /// Copies the last reply to the start of a cache line of the host's, `iterations` times.
    fn copy_out(&mut self, iterations: u64) {
        const LINE_BYTES: usize = 64;
        let bytes = self.live.reply().len();
        if self.out.len() < bytes + LINE_BYTES {
            self.out.resize(bytes + LINE_BYTES, 0);
        }
        let start = self.out.as_ptr().align_offset(LINE_BYTES).min(LINE_BYTES);
        let to = &mut self.out[start..start + bytes];
        for _ in 0..iterations {
            to.copy_from_slice(black_box(&self.live).reply());
            black_box(&mut *to);
        }
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
        let params = self.live.put(message)?;
        self.handle(params)
    }

    fn batch_of(&mut self, step: Step, message: &[u8], iterations: u64) -> Attempt<()> {
        match step {
            Step::Whole => return self.batch(message, iterations),
            Step::InPlace => {
                for _ in 0..iterations {
                    self.handle(self.live.in_place(message.len()))?;
                }
            }
            Step::CopyIn => {
                for _ in 0..iterations {
                    // As if the agent had been called: what was copied counts as read.
                    black_box(&mut self.live).put(black_box(message))?;
                }
            }
            Step::CopyOut => self.copy_out(iterations),
        }
        Ok(())
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

    fn stderr_bytes(&self) -> Option<u64> {
        Some(self.live.stderr_bytes())
    }

    fn fuel_used(&self) -> u64 {
        fuel_used(&self.live.store)
    }

    fn linear_memory(&self) -> Option<Bytes> {
        Some(self.live.linear_memory())
    }
}
