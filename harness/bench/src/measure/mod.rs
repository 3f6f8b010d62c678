//! Watching: what is timed, in which order, in which process.
//!
//! `run.rs` walks through a plan and keeps the record; `launch.rs` starts a fresh worker process
//! for each launch and hears it out; `worker.rs` is that process; `protocol.rs` is what they say
//! to each other; `blocks.rs` interleaves timed blocks; `calibrate.rs` measures the instrument;
//! `profile/` samples stacks; `turns/` compares two executables.

pub mod blocks;
pub mod calibrate;
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
#[cfg(test)]
pub(crate) mod scripted;
pub mod turns;
pub mod worker;
