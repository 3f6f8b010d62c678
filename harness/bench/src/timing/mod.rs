//! The timing kit of a worker: what a reading is told with, what the instrument costs, timed
//! batches and blocks, and the order in which sides take turns.

pub mod allocations;
pub mod blocks;
pub mod calibrate;
pub mod checkup;
pub mod context;
pub mod held;
pub mod participants;
pub mod probe;
#[cfg(test)]
pub(crate) mod scripted;
pub mod turns;
