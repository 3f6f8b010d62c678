//! How a guest lets its host look at its heap: what it imports for it, and what it exports.

use super::agent::WasmAgent;
use super::dwarf::demangled;
use super::heap::{HeapLog, Place};
use super::host::HostState;
use super::instance::{died, export};
use crate::subject::Attempt;
use agent_abi::heap::HeapCounts;
use caxton_model::case::Outcome;
use wasmtime::{Caller, Linker, WasmBacktrace};

/// What a guest that lets its host look imports. Where nobody watches, nothing is kept.
pub(super) fn host_functions(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    let module = agent_abi::IMPORT_MODULE;
    linker.func_wrap(
        module,
        "heap_alloc",
        |mut caller: Caller<'_, HostState>, address: u32, _bytes: u64, weight: u64| -> i32 {
            if caller.data().heap.is_none() {
                return 0;
            }
            let seen = WasmBacktrace::force_capture(&caller);
            let place = |frame: &wasmtime::FrameInfo| {
                (frame.func_index(), frame.module_offset().unwrap_or(0) as u32)
            };
            let stack: Vec<Place> = seen.frames().iter().map(place).collect();
            let Some(log) = &mut caller.data_mut().heap else { return 0 };
            for frame in seen.frames() {
                let index = frame.func_index();
                if let (false, Some(name)) = (log.names.contains_key(&index), frame.func_name()) {
                    log.names.insert(index, demangled(name));
                }
            }
            i32::from(log.allocated(stack, address, weight))
        },
    )?;
    linker.func_wrap(
        module,
        "heap_free",
        |mut caller: Caller<'_, HostState>, address: u32| -> i32 {
            let log = caller.data_mut().heap.as_mut();
            i32::from(log.is_some_and(|log| log.freed(address)))
        },
    )?;
    Ok(())
}

impl WasmAgent {
    /// Has the guest count from 0 on; with an `interval` also lets the host look once per so many
    /// bytes, at places that `seed` decides. False if the guest has no such allocator.
    ///
    /// # Errors
    /// The guest died, or lies about what it exports.
    pub fn start_heap(&mut self, interval: u32, seed: u64) -> Attempt<bool> {
        const NAME: &str = "agent_heap_start";
        if self.live.instance.get_export(&mut self.live.store, NAME).is_none() {
            return Ok(false);
        }
        let start = export::<(u32, u64), ()>(&mut self.live.store, &self.live.instance, NAME)?;
        self.live.store.data_mut().heap = (interval > 0).then(Box::default);
        let started = start.call(&mut self.live.store, (interval, seed));
        started.map_err(|e| Outcome::DiedInTheMiddle(died(&self.live.store, NAME, &e)))?;
        Ok(true)
    }

    /// What the guest counted; none if it does not count.
    ///
    /// # Errors
    /// The guest died or lied.
    pub fn heap_counts(&mut self) -> Attempt<Option<HeapCounts>> {
        const NAME: &str = "agent_heap_counts";
        if self.live.instance.get_export(&mut self.live.store, NAME).is_none() {
            return Ok(None);
        }
        let counts = export::<(), u32>(&mut self.live.store, &self.live.instance, NAME)?;
        let at = counts.call(&mut self.live.store, ());
        let at = at.map_err(|e| Outcome::DiedInTheMiddle(died(&self.live.store, NAME, &e)))?;
        Ok(Some(HeapCounts::from_bytes(&self.live.copy(NAME, u64::from(at))?)))
    }

    /// Ends the looking: what was seen; none if nobody looked.
    pub fn take_heap(&mut self) -> Option<HeapLog> {
        self.live.store.data_mut().heap.take().map(|log| *log)
    }
}
