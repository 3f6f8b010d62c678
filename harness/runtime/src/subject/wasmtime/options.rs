//! How a guest is compiled and where it lives.

use super::allocation::Allocation;
use super::flags::EngineFlags;
use super::heap::FRAMES_MAX;
use crate::subject::Attempt;
use caxton_model::case::Outcome;
use std::num::NonZeroUsize;
use wasmtime::{Config, OptLevel, WasmBacktraceDetails};

/// How the engine differs from wasmtime's defaults. Each difference changes the guest's code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineOptions {
    /// Count fuel. Changes speed by about a third: timed only to see by how much.
    pub fuel: bool,
    /// Compare the engine's epoch with a deadline at each loop and function.
    pub epochs: bool,
    /// How an access outside memory is caught.
    pub bounds: Bounds,
    /// How hard the compiler tries.
    pub effort: CompilerEffort,
    /// Agents are called as futures, [`super::WasmSubject::instantiate_async`]; otherwise as
    /// functions.
    pub asynchronous: bool,
    /// Where memories come from.
    pub allocation: Allocation,
    /// The user's own options, in wasmtime's words; the others are set on top of them.
    pub flags: EngineFlags,
    /// Its agents can be saved. The module is given exports, and what is exported is compiled with
    /// less freedom.
    pub checkpoints: bool,
}

/// How an access outside linear memory is caught.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Bounds {
    /// By pages without access behind it: no check in the code.
    #[default]
    GuardPages,
    /// By comparing each address with memory's current size: nothing reserved, no guard, and
    /// memory may move.
    Explicit,
}

/// How hard the compiler tries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CompilerEffort {
    /// wasmtime's default.
    #[default]
    Speed,
    /// No optimisation.
    None,
}

impl EngineOptions {
    /// # Errors
    /// `Failed`: flags that this build of wasmtime does not take.
    pub(super) fn config(self) -> Attempt<Config> {
        let mut config = self.flags.config().map_err(Outcome::Failed)?;
        if self.fuel {
            config.consume_fuel(true);
        }
        if self.epochs {
            config.epoch_interruption(true);
        }
        if !self.flags.has_memory64() {
            // No agent has one: only who asks for it gets it.
            config.wasm_memory64(false);
        }
        // Names are found afterwards where somebody wants them: at each trap and each look at a
        // guest's stack they would cost a thousand times the stack itself.
        config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
        config.wasm_backtrace_max_frames(NonZeroUsize::new(FRAMES_MAX));
        match self.bounds {
            Bounds::GuardPages => {}
            Bounds::Explicit => {
                config.memory_reservation(0).memory_guard_size(0);
            }
        }
        match self.effort {
            CompilerEffort::Speed => {}
            CompilerEffort::None => {
                config.cranelift_opt_level(OptLevel::None);
            }
        }
        Ok(config)
    }
}
