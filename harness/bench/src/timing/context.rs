//! What every workload is handed: the clock, chance, how much to measure, and whom to tell.

use super::calibrate;
use crate::guest::files::AgentFiles;
use crate::job::cost::Cost;
use crate::job::launch::{Event, Kept};
use crate::job::scale::Effort;
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::Clock;

/// What every workload is handed.
pub struct Context<'a> {
    pub clock: &'a dyn Clock,
    /// Source of the launch's choices.
    pub rng: fastrand::Rng,
    pub effort: Effort,
    pub launch: u32,
    /// The CPU that this launch measures on.
    pub core: Option<usize>,
    pub agent: &'a AgentFiles,
    /// The launch's first case: readings are of it unless another one is named.
    pub case: &'a CaseKey,
    /// Takes what is told.
    pub tell: &'a mut dyn FnMut(Event),
}

/// Where in a launch a reading was taken.
#[derive(Debug, Clone, Copy, Default)]
pub struct At {
    pub block: u32,
    pub index: u32,
}

impl At {
    /// The only reading of a block.
    pub const fn block(block: u32) -> Self {
        Self { block, index: 0 }
    }
}

/// What was read, over how many iterations. A plain number is of one.
#[derive(Debug, Clone, Copy)]
pub struct Total {
    /// In the metric's unit.
    pub value: u64,
    /// At least one.
    pub iterations: u64,
}

impl Total {
    /// `value` over all of `iterations`.
    pub const fn over(value: u64, iterations: u64) -> Self {
        Self { value, iterations }
    }
}

impl From<u64> for Total {
    fn from(value: u64) -> Self {
        Self { value, iterations: 1 }
    }
}

impl Context<'_> {
    /// Tells a reading.
    pub fn sample(&mut self, metric: &str, at: At, total: impl Into<Total>) {
        self.sample_of(self.case, metric, at, total);
    }

    /// Tells a reading of `case`.
    pub fn sample_of(&mut self, case: &CaseKey, metric: &str, at: At, total: impl Into<Total>) {
        let (case, launch) = (case.clone(), self.launch);
        let (At { block, index }, Total { value, iterations }) = (at, total.into());
        let metric = MetricName::parse(metric).expect("workloads name metrics of the table");
        let sample = Sample { case, launch, metric, block, index, iterations, value };
        (self.tell)(Event::Sample(sample));
    }

    /// Tells a reading that there is once in a launch.
    pub fn once(&mut self, metric: &str, total: impl Into<Total>) {
        self.sample(metric, At::default(), total);
    }

    /// Tells that a reading cannot be had.
    pub fn missing(&mut self, metric: &str, why: Missing) {
        let metric = MetricName::parse(metric).expect("workloads name metrics of the table");
        (self.tell)(Event::Missing { case: self.case.clone(), metric, why });
    }

    /// Tells a reading, or why there is none.
    pub fn reading(&mut self, metric: &str, value: Result<u64, Missing>) {
        self.reading_at(metric, At::default(), value);
    }

    pub fn reading_at(&mut self, metric: &str, at: At, value: Result<u64, Missing>) {
        match value {
            Ok(value) => self.sample(metric, at, value),
            Err(why) => self.missing(metric, why),
        }
    }

    pub fn finding(&mut self, name: &str, text: impl Into<String>) {
        let (case, name, text) = (self.case.clone(), name.to_owned(), text.into());
        (self.tell)(Event::Finding { case, name, text });
    }

    /// The agent handles messages from now on: a death is one in the middle.
    pub fn working(&mut self) {
        (self.tell)(Event::Working);
    }

    /// Tells something that the run keeps as a file.
    pub fn keep(&mut self, what: Kept) {
        (self.tell)(Event::Keep { case: self.case.clone(), what });
    }

    /// Measures what the instrument costs in this launch, and tells it.
    pub fn calibrate(&mut self) -> Attempt<Cost> {
        let cost = calibrate::measure(self.clock)?;
        (self.tell)(Event::Cost(cost));
        Ok(cost)
    }
}
