//! From samples to estimates, and from estimates to verdicts: a pure function of a record's data.
#![forbid(unsafe_code)]

pub mod compare;
pub mod doctor;
pub mod exit;
pub mod finding;
mod launches;
pub mod limits;
pub mod load;
pub mod paired;
#[cfg(test)]
mod planted_tests;
pub mod precision;
pub mod quiet;
pub mod reduce;
pub mod requirements;
pub mod runtimes;
pub mod sites;
pub mod targets;
