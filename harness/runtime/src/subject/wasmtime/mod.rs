//! wasmtime as a subject: the only folder that names it.
//!
//! `engine.rs` compiles, under the options of `options.rs`, and says with which configuration;
//! `limits.rs` bounds memory and notes what was denied; `host.rs` is what the host keeps for a
//! guest, `instance.rs` the live agent, in which every address and length that comes from the guest
//! is checked; `agent.rs` calls it as functions, `async_agent.rs` as futures; `checkpoint.rs` is an
//! agent's state, `saving.rs` keeps it and puts it back: `expose.rs` makes it visible,
//! `variables.rs` is what of it is not memory.
//! `embedder.rs` is what a user's own host adds.
//! `heap.rs` notes who allocates in a guest that tells, by way of `heap_calls.rs`. For profilers
//! `code.rs` and `dwarf.rs` name the functions behind addresses, and `watch.rs` tells when code
//! comes and goes.

mod agent;
mod allocation;
mod async_agent;
mod checkpoint;
mod checkpoint_error;
mod code;
mod compile_log;
mod dwarf;
mod embedder;
mod engine;
mod expose;
mod flags;
mod heap;
mod heap_calls;
mod host;
mod image;
mod instance;
mod limits;
mod mail;
mod marks;
mod options;
mod output;
mod program;
mod saving;
mod variables;
mod watch;

pub use agent::WasmAgent;
pub use allocation::{Allocation, PoolUse};
pub use async_agent::AsyncWasmAgent;
pub use checkpoint::{Checkpoint, RestoreBy};
pub use checkpoint_error::CheckpointError;
pub use compile_log::{FunctionPasses, listen_to_compiler, take_compiled};
pub use dwarf::{Place as SourcePlace, Places as SourcePlaces};
pub use embedder::{HostFunctions, provide};
pub use engine::{WasmSubject, keep_code_in, shared_configuration, used_configurations};
pub use expose::{ExposeError, Exposed};
pub use flags::EngineFlags;
pub use heap::{HeapLog, Site};
pub use host::HostState;
pub use image::{FunctionCode, first_memory};
pub use limits::{Growth, Growths, MemoryUse};
pub use mail::{WasmMail, WasmMailSubject};
pub use options::{Bounds, CompilerEffort, EngineOptions};
pub use program::{ProgramAgent, ProgramSubject, is_agent};

#[cfg(test)]
mod async_tests;
#[cfg(test)]
mod checkpoint_tests;
#[cfg(test)]
mod code_tests;
#[cfg(test)]
mod isolation_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod watch_tests;
