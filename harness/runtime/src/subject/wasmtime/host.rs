//! What the host keeps for one guest, in its store.

use super::heap::HeapLog;
use super::limits::Limiter;
use super::stderr::Stderr;
use crate::subject::HostCounts;
use caxton_model::units::Bytes;
use wasmtime::{AsContext, Memory};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::WasiP1Ctx;

/// What the system is to a guest.
pub(super) struct System {
    wasi: WasiP1Ctx,
    pub(super) stderr: Stderr,
}

impl System {
    fn new() -> Box<Self> {
        let stderr = Stderr::default();
        let wasi = WasiCtxBuilder::new().stderr(stderr.clone()).build_p1();
        Box::new(Self { wasi, stderr })
    }
}

/// What a store carries for its guest.
pub(super) struct HostState {
    /// Made when the guest first calls it: most never do, and there may be 100,000 of them.
    pub(super) system: Option<Box<System>>,
    pub(super) limiter: Limiter,
    pub(super) counts: HostCounts,
    pub(super) wasi_calls: u64,
    pub(super) memory: Option<Memory>,
    /// None where nobody watches the guest's heap.
    pub(super) heap: Option<Box<HeapLog>>,
}

impl HostState {
    pub(super) fn new(limit: Option<Bytes>) -> Self {
        let (limiter, counts) = (Limiter::new(limit), HostCounts::default());
        Self { system: None, limiter, counts, wasi_calls: 0, memory: None, heap: None }
    }

    /// Asked for once by each WASI function, and by nobody else.
    pub(super) fn wasi(&mut self) -> &mut WasiP1Ctx {
        self.wasi_calls += 1;
        &mut self.system.get_or_insert_with(System::new).wasi
    }

    pub(super) fn counts_mut(&mut self) -> &mut HostCounts {
        &mut self.counts
    }

    /// Refuses a buffer that does not lie in the guest's memory.
    pub(super) fn check(
        &self,
        store: &impl AsContext,
        call: &str,
        at: u32,
        bytes: u32,
    ) -> wasmtime::Result<()> {
        let size = self.memory.map_or(0, |memory| memory.data_size(store));
        let end = u64::from(at) + u64::from(bytes);
        if end <= size as u64 {
            return Ok(());
        }
        Err(wasmtime::Error::msg(format!(
            "{call} of {bytes} bytes at {at:#x}, outside its memory of {size} bytes"
        )))
    }
}
