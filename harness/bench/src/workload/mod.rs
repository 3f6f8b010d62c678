//! What agents are made to do: one file per workload, each run inside a worker process.
//!
//! A workload drives live agents, tells readings as events, and checks every answer outside the
//! timed regions.

mod asynchronous;
mod crew;
pub mod fuel;
pub mod heap;
pub mod load;
pub mod mail;
pub mod memory_limit;
pub mod overhead;
pub mod parts;
pub mod profile;
#[cfg(test)]
mod profile_tests;
pub mod sides;
#[cfg(test)]
mod stress;
pub mod turns;

use crate::measure::protocol::{Effort, Event};
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_sys::clock::Clock;

/// What every workload is handed.
pub struct Context<'a> {
    /// The clock.
    pub clock: &'a dyn Clock,
    /// Source of the launch's choices.
    pub rng: fastrand::Rng,
    /// How much to measure.
    pub effort: Effort,
    /// Number of the launch.
    pub launch: u32,
    /// The CPU that this launch measures on.
    pub core: Option<usize>,
    /// Takes what is told.
    pub tell: &'a mut dyn FnMut(Event),
}

/// Where in a launch a reading was taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct At {
    /// The block.
    pub block: u32,
    /// The sample in it.
    pub index: u32,
}

impl Context<'_> {
    /// Tells a reading of `value` over `iterations`.
    pub fn sample(
        &mut self,
        case: &CaseKey,
        metric: &str,
        at: At,
        (value, iterations): (u64, u64),
    ) {
        let (case, launch) = (case.clone(), self.launch);
        let At { block, index } = at;
        let metric = MetricName::parse(metric).expect("workloads name metrics of the table");
        let sample = Sample { case, launch, metric, block, index, iterations, value };
        (self.tell)(Event::Sample(sample));
    }

    /// Tells that a reading cannot be had.
    pub fn missing(&mut self, case: &CaseKey, metric: &str, why: Missing) {
        let metric = MetricName::parse(metric).expect("workloads name metrics of the table");
        (self.tell)(Event::Missing { case: case.clone(), metric, why });
    }

    /// Tells a reading, or why there is none.
    pub fn reading(&mut self, case: &CaseKey, metric: &str, value: Result<u64, Missing>) {
        match value {
            Ok(value) => self.sample(case, metric, At::default(), (value, 1)),
            Err(why) => self.missing(case, metric, why),
        }
    }

    /// Tells a finding.
    pub fn finding(&mut self, case: &CaseKey, name: &str, text: impl Into<String>) {
        let (case, name, text) = (case.clone(), name.to_owned(), text.into());
        (self.tell)(Event::Finding { case, name, text });
    }
}
