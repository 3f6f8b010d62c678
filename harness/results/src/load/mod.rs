//! Load tests: what is to be offered and when, what must hold of it, and what may be said of what
//! was seen. Who sends the messages and reads the clock is no part of it.
//!
//! A plan (`plan.rs`) becomes instants (`schedule.rs`); what a generator saw comes second by second
//! (`frame.rs`) and adds up (`tally.rs`) to an outcome (`outcome.rs`).

mod bounds;
pub mod check;
mod course;
pub mod file;
mod finish;
pub mod flags;
pub mod frame;
pub mod judge;
pub mod judged;
pub mod logs;
pub mod outcome;
pub mod plan;
pub mod quiescence;
mod rate;
pub mod recovery;
pub mod schedule;
pub mod seconds;
pub mod tally;
pub mod threshold;
pub mod times;

#[cfg(test)]
pub(crate) mod fixture;
