//! The command line: criterion's words, what is printed, how a run is put together.

pub mod args;
pub mod bench;
mod cases;
mod compare;
mod files;
pub mod filter;
pub mod flags;
pub mod list;
mod loads;
pub mod messages;
pub mod meter;
mod place;
pub mod progress;
pub mod relink;
mod resume;
mod scratch;
mod selftest;
