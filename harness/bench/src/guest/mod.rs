//! Guests: which agents there are, with what they are built, and the files that come of it.

pub mod artifact;
pub mod build;
pub mod catalog;
pub mod digest;
pub mod files;
pub mod path;
pub mod toolchain;
