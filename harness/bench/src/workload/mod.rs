//! What agents are made to do: one file per workload, each run inside a worker process.
//!
//! A workload drives live agents, tells readings as events, and checks every answer outside the
//! timed regions.

mod asynchronous;
mod callers;
pub mod compiling;
pub mod fuel;
pub mod heap;
pub mod instructions;
pub mod load;
pub mod mail;
pub mod memory_limit;
pub mod overhead;
pub mod parts;
pub mod profile;
#[cfg(test)]
mod profile_tests;
pub mod sides;
#[cfg(test)]
mod stress;
pub mod turns;
pub mod versus;
