//! The command line: criterion's words, what is printed, how a run is put together.

pub mod args;
pub mod bench;
mod compare;
mod files;
pub mod list;
mod loads;
pub mod messages;
pub mod meter;
pub mod progress;
mod relink;
mod resume;
mod selftest;
