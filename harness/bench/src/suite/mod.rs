//! Suites: plans as data, one file each.

pub mod heap;
pub mod latency;
pub mod resources;
pub mod scalability;
pub mod scenarios;
pub mod throughput;
pub mod wasm;

use self::scenarios::Loads;
use crate::plan::Task;
use caxton_model::units::Bytes;
use caxton_sys::allocator::Counting;

/// A bench binary's suite.
#[derive(Debug, Clone, Copy)]
pub struct Suite {
    /// Its name, the first part of its case keys.
    pub name: &'static str,
    /// Its tasks for the given subjects.
    pub plan: fn(&Subjects) -> Vec<Task>,
    /// What its processes' allocator counts.
    pub counting: Counting,
    /// The one agent that it is of; none if it is of all of them.
    pub agent: Option<&'static str>,
}

/// Every suite, one per bench.
pub const ALL: [&Suite; 7] = [
    &heap::SUITE,
    &latency::SUITE,
    &resources::SUITE,
    &scalability::SUITE,
    &scenarios::SUITE,
    &throughput::SUITE,
    &wasm::SUITE,
];

/// The suite called `name`.
pub fn find(name: &str) -> Option<&'static Suite> {
    ALL.into_iter().find(|suite| suite.name == name)
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
    /// Whether what takes long is wanted too.
    pub is_full: bool,
    /// What is wanted of loads.
    pub loads: Loads,
}
