//! The top-level tests: real executables in fresh folders, and the rules of the tree.
//!
//! What a module promises is tested beside it; here only what crosses a process or a file.

mod architecture;
mod baseline;
mod browser;
mod capability;
mod cli;
mod crash;
mod disk;
mod docs;
mod executable;
mod files;
mod folders;
mod guests;
mod heap;
mod hostile;
mod instructions;
mod load;
mod mail;
mod manners;
mod mirror;
mod monitor;
mod names;
mod optional;
mod profile;
mod readers;
mod reference;
mod schedule;
mod smoke;
mod stopped;
mod summary;
mod tidy;
mod turns;
mod worker;
mod workflows;
mod workspace;
