//! Raw samples: never dropped, never rounded, so that every statistic can be replayed from them.

use crate::case::CaseKey;
use crate::metric::MetricName;
use serde::{Deserialize, Serialize};

/// One reading as it was taken. A row of `samples.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub case: CaseKey,
    /// The fresh process it was taken in, from 0.
    pub launch: u32,
    pub metric: MetricName,
    /// The block of interleaved samples within the launch, from 0; paired metrics share a block.
    pub block: u32,
    /// The sample within its block, from 0.
    pub index: u32,
    /// Over how many iterations `value` was taken.
    pub iterations: u64,
    /// The reading over all iterations, in the metric's unit.
    pub value: u64,
}

impl Sample {
    pub fn per_iteration(&self) -> f64 {
        self.value as f64 / self.iterations as f64
    }
}
