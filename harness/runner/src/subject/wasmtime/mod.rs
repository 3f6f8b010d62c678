//! wasmtime as a subject: the only folder that names it.
//!
//! `engine.rs` compiles and says with which configuration; `limits.rs` bounds memory and notes
//! what was denied; `instance.rs` is the live agent, in which every address and length that comes
//! from the guest is checked; `heap.rs` notes who allocates in a guest that tells, `dwarf.rs` gives
//! its code names.

mod dwarf;
mod engine;
mod heap;
mod instance;
mod limits;

pub use engine::{Bounds, CompilerEffort, EngineOptions, WasmSubject, configuration};
pub use heap::{HeapLog, Site};
pub use instance::WasmAgent;
pub use limits::{Growth, Growths, MemoryUse};

#[cfg(test)]
mod tests;
