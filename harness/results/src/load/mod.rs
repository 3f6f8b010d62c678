//! The pure parts of a load test: what is to be offered and when, and what must hold of it. Who
//! sends the messages and reads the clock is no part of it.

pub mod check;
pub mod file;
pub mod flags;
pub mod judge;
pub mod plan;
mod rate;
pub mod schedule;
pub mod threshold;

#[cfg(test)]
mod fixture;
