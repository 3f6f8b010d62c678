//! Load tests as data: what is to be offered and when, what must hold of it, and what came of it.
//!
//! A plan (`plan.rs`) becomes instants (`schedule.rs`); what a generator saw comes second by second
//! (`frame.rs`) and is kept (`seconds.rs`); the outcome is `outcome.rs`.

pub mod bounds;
pub mod check;
pub mod crashes;
pub mod file;
pub mod flags;
pub mod frame;
pub mod limits;
pub mod outcome;
pub mod plan;
pub mod quiescence;
pub mod rate;
pub mod schedule;
pub mod scraped;
pub mod threshold;
pub mod times;
