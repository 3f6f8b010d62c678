//! What was measured, and what may be said of it.
//!
//! A [`record::Record`] and its raw [`samples::Sample`]s are files; everything in this crate is a
//! pure function of them. It runs nothing, and reads no clock, process, network or /proc: that is
//! `caxton-bench-runner`'s part.
#![forbid(unsafe_code)]

pub mod bars;
pub mod case;
pub mod chart;
pub mod ci;
pub mod compare;
pub mod exit;
pub mod export;
pub mod file;
pub mod history;
pub mod limits;
pub mod load;
pub mod metric;
pub mod paired;
pub mod profile;
pub mod quiet;
pub mod reading;
pub mod record;
pub mod reduce;
pub mod report;
pub mod samples;
pub mod sanitise;
pub mod stats;
pub mod surroundings;
pub mod target_folder;
pub mod targets;
pub mod units;
pub mod words;

#[cfg(test)]
mod fixture;
