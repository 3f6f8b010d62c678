//! wasmtime as a subject: the only folder that names it.
//!
//! `engine.rs` compiles and says with which configuration; `limits.rs` bounds memory and notes
//! what was denied; `instance.rs` is the live agent, in which every address and length that comes
//! from the guest is checked.

mod engine;
mod instance;
mod limits;

pub use engine::{Bounds, CompilerEffort, EngineOptions, WasmSubject, configuration};
pub use instance::WasmAgent;
pub use limits::MemoryUse;

#[cfg(test)]
mod tests;
