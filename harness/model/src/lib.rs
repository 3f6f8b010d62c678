//! Plain data: what was asked for, what was measured and what is said of it, as files hold it.
//!
//! [`record::store`] is the only writer of run folders, and [`file`] the only reader of files from
//! elsewhere. Nothing here judges, draws or measures.
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate self as caxton_model;

pub mod baseline;
pub mod case;
pub mod compiled;
pub mod estimate;
pub mod file;
pub mod latest;
pub mod load;
pub mod metric;
pub mod paired;
pub mod profile;
pub mod program;
pub mod reading;
pub mod record;
pub mod samples;
pub mod sanitise;
pub mod slo;
pub mod units;
pub mod words;

#[cfg(test)]
#[path = "../../fixture/src/plans.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is the fixture's file, which others use too")]
mod plans;
#[cfg(test)]
#[path = "../../fixture/src/profiles.rs"]
#[allow(unreachable_pub, dead_code, reason = "it is the fixture's file, which others use too")]
mod profiles;
