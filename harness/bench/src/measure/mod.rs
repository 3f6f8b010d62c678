//! Launches: which process does what, and what becomes of its readings.
//!
//! `run.rs` walks through a plan and keeps the record; `launch.rs` starts a fresh worker process
//! for each launch and reads its events; `worker.rs` is that process; `protocol.rs` is what they
//! say to each other; `turns/` compares two executables.

mod check;
pub mod child;
pub mod keep;
pub mod launch;
mod load;
pub mod path;
mod pictures;
pub mod probe;
pub mod protocol;
pub mod run;
pub mod turns;
pub mod worker;
