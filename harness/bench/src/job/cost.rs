//! What the instrument itself costs.

use caxton_model::units::Nanos;
use serde::{Deserialize, Serialize};

/// A sample's own cost stays below 1 % of what it times; half of that, to be safe from jitter.
const BATCH_PER_SAMPLE: f64 = 200.0;
/// No shorter batch is aimed at: below it a single interrupt is most of the sample.
const BATCH_FLOOR: Nanos = Nanos(20_000);

/// What the instrument costs in this launch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// One read of the clock, in nanoseconds.
    pub clock_read_ns: f64,
    /// One timed, empty sample, in nanoseconds.
    pub sample_ns: f64,
    /// One turn of the batch loop, in nanoseconds.
    pub loop_turn_ns: f64,
}

impl Cost {
    /// The shortest batch that makes a sample's own cost less than 1 % of it.
    pub fn batch_min(&self) -> Nanos {
        Nanos((self.sample_ns * BATCH_PER_SAMPLE) as u64).max(BATCH_FLOOR)
    }

    /// The share of a timed batch that is the sample's own cost, in parts per billion.
    pub fn share_ppb(&self, batch: Nanos) -> u64 {
        (self.sample_ns / batch.0.max(1) as f64 * 1e9).round() as u64
    }
}
