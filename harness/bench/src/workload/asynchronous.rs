//! An agent whose calls are futures, driven to their ends by a runtime of its own: to a workload it
//! looks like any other. Its guest runs on fibers; who polls them is noted for samplers.

use caxton_model::case::Outcome;
use caxton_model::units::Bytes;
use caxton_profiler::roots::Rooted;
use caxton_runtime::subject::wasmtime::{AsyncWasmAgent, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt, HostCounts};
use tokio::runtime::{Builder, Runtime};

/// An agent and its runtime.
pub(super) struct Driven {
    runtime: Runtime,
    agent: AsyncWasmAgent,
}

impl Driven {
    /// A fresh agent of `subject`, which was compiled for asynchronous calls.
    pub(super) fn new(subject: &WasmSubject) -> Attempt<Self> {
        let runtime = Builder::new_current_thread().build();
        let runtime = runtime.map_err(|error| Outcome::Failed(format!("no runtime: {error}")))?;
        let agent = runtime.block_on(Rooted::new(subject.instantiate_async(None)))?;
        Ok(Self { runtime, agent })
    }
}

impl AgentInstance for Driven {
    fn reserve(&mut self, bytes: usize, page_offset: usize) -> Attempt<()> {
        self.runtime.block_on(Rooted::new(self.agent.reserve(bytes, page_offset)))
    }

    fn call(&mut self, message: &[u8]) -> Attempt<()> {
        self.batch(message, 1)
    }

    fn batch(&mut self, message: &[u8], iterations: u64) -> Attempt<()> {
        let agent = &mut self.agent;
        self.runtime.block_on(Rooted::new(async move {
            for _ in 0..iterations {
                agent.call(message).await?;
            }
            Ok(())
        }))
    }

    fn reply(&self) -> &[u8] {
        self.agent.reply()
    }

    fn example(&mut self, seed: u64) -> Attempt<Vec<u8>> {
        self.runtime.block_on(Rooted::new(self.agent.example(seed)))
    }

    fn host_counts(&self) -> HostCounts {
        self.agent.host_counts()
    }

    fn linear_memory(&self) -> Option<Bytes> {
        Some(self.agent.linear_memory())
    }
}
