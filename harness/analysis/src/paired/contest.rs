//! Which metrics launch pairs compare, and how.

use caxton_model::metric::{Better, Metric, MetricName};
use caxton_model::paired::Weight;

/// How one launch pair becomes one log-ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Statistic {
    /// The mode over all pairs of a block of each of ln(least candidate / least base): for time on
    /// a CPU.
    BlockMin,
    /// ln of the ratio of this quantile over the launch, between 0 and 1: for latency.
    Quantile(f64),
    /// ln of the ratio of the greatest readings: for peaks.
    Peak,
}

/// A metric that launch pairs can compare, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contested {
    /// Its name in the table of metrics.
    pub metric: &'static str,
    /// How a launch pair becomes one number.
    pub statistic: Statistic,
    /// How much error it may spend.
    pub weight: Weight,
}

/// Every metric that launch pairs can compare.
pub const CONTESTED: &[Contested] = &[
    contested("wasm_call_ns", Statistic::BlockMin, Weight::Primary),
    contested("native_call_ns", Statistic::BlockMin, Weight::Primary),
    contested("wasm_instantiate_ns", Statistic::Quantile(0.5), Weight::Secondary),
    contested("wasm_first_call_ns", Statistic::Quantile(0.5), Weight::Secondary),
    contested("anonymous_rss_bytes", Statistic::Peak, Weight::Secondary),
];

const fn contested(metric: &'static str, statistic: Statistic, weight: Weight) -> Contested {
    Contested { metric, statistic, weight }
}

/// How launch pairs compare `metric`; none for one that they do not.
pub fn contest_of(metric: MetricName) -> Option<&'static Contested> {
    CONTESTED.iter().find(|contested| contested.metric == metric.as_str())
}

/// The sign that makes a log-ratio of candidate over base positive where the candidate is worse.
pub fn worse_sign(metric: &Metric) -> f64 {
    if metric.better == Better::Higher { -1.0 } else { 1.0 }
}
