//! Guests: which agents there are, with what they are built, and the files that come of it.

pub mod artifact;
pub mod bench;
pub mod build;
pub mod catalog;
pub mod digest;
pub mod files;
pub mod given;
mod package;
pub mod path;
pub mod toolchain;
