//! What was measured, and what may be said of it.
//!
//! A [`record::Record`] and its raw [`samples::Sample`]s are files; everything in this crate is a
//! pure function of them. It runs nothing, and reads no clock, process, network or /proc: that is
//! `caxton-bench-runner`'s part.

pub mod case;
pub mod metric;
pub mod reading;
pub mod record;
pub mod samples;
pub mod units;
