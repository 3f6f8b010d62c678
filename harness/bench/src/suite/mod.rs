//! Suites: plans as data, one file each.

pub mod heap;
pub mod latency;
pub mod resources;
pub mod scalability;
pub mod scenarios;
mod subjects;
pub mod throughput;
pub mod wasm;

pub use subjects::{Loads, Subjects, Suite};

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
