//! Suites: plans as data, one file each.

pub mod wasm;

use crate::plan::Task;
use caxton_results::units::Bytes;

/// A bench binary's suite.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// Its name, the first part of its case keys.
    pub name: &'static str,
    /// Whether its executable watches its own allocations.
    pub sees_heap: bool,
    /// Its tasks for the given subjects.
    pub plan: fn(&Subjects) -> Vec<Task>,
}

/// What a suite is planned for.
#[derive(Debug, Clone, Default)]
pub struct Subjects {
    /// Agents with a twin, in order.
    pub agents: Vec<String>,
    /// Guests given as files, without a twin.
    pub guests: Vec<String>,
    /// Memory limits.
    pub limits: Vec<Bytes>,
}
