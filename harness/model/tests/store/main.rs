//! Records and loads on disk: whole-crate tests, since the fixture and the tally are crates that
//! need this one.
#![allow(clippy::unwrap_used, reason = "tests: clippy knows unit tests only")]

mod baseline;
mod bounds;
mod folder;
mod latest;
mod seconds;
mod store;
