//! Launches: which process does what, and what becomes of its readings.
//!
//! `run.rs` walks through a plan and keeps the record; `launch.rs` starts a fresh worker process
//! for each launch and reads its events; `enough.rs`
//! says when they are enough; `turns/` compares two executables.

mod check;
pub mod child;
mod compiling;
pub mod enough;
mod instructions;
pub mod keep;
pub mod launch;
mod load;
mod pictures;
pub mod run;
pub mod settings;
pub mod turns;
