//! What runs agents: one at a time ([`subject`]) or many that exchange messages
//! ([`orchestrator`]), natively or in wasmtime. Knows no suite, no plan and no record.
#![forbid(unsafe_code)]

pub mod orchestrator;
pub mod subject;

/// The engine, for the host functions of who embeds it.
pub use wasmtime;
