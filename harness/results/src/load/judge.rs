//! How thresholds stand to what was observed. What could not be observed is never a pass.

use crate::load::plan::LoadPlan;
use crate::load::threshold::{Aggregate, Kind, Metric, Threshold};
use crate::reading::{Missing, Reading};
use serde::{Deserialize, Serialize};

/// Where the figures of a load test come from; `stage` is none for the whole of it.
pub trait Observed {
    /// `aggregate` of a trend, in ns.
    fn trend(&self, metric: Metric, stage: Option<&str>, aggregate: Aggregate) -> Reading<f64>;
    /// The share of one.
    fn rate(&self, metric: Metric, stage: Option<&str>) -> Reading<f64>;
    /// How many.
    fn count(&self, metric: Metric, stage: Option<&str>) -> Reading<f64>;
    /// How many per second of the stage.
    fn per_second(&self, metric: Metric, stage: Option<&str>) -> Reading<f64>;
    /// The value for the whole load test; ns for a time. Of all of these, infinity is what never
    /// ended.
    fn gauge(&self, metric: Metric) -> Reading<f64>;
}

/// A threshold, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The threshold.
    pub threshold: Threshold,
    /// The figure, in the unit of the threshold's limit.
    pub observed: Reading<f64>,
    /// How it stands.
    pub outcome: Outcome,
}

/// How a threshold stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Met,
    /// It does not.
    Missed,
    /// There is no figure, and why.
    Unknown(String),
}

impl Outcome {
    /// True only where it holds.
    pub const fn is_met(&self) -> bool {
        matches!(self, Self::Met)
    }

    /// As it is printed.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Met => "MET",
            Self::Missed => "MISSED",
            Self::Unknown(_) => "UNKNOWN",
        }
    }
}

impl Threshold {
    /// How this threshold stands to `observed`.
    pub fn judge(&self, observed: &dyn Observed) -> Judged {
        let (metric, stage) = (self.metric, self.stage.as_deref());
        let figure = match (metric.kind(), self.aggregate) {
            (Kind::Trend, aggregate) => observed.trend(metric, stage, aggregate),
            (Kind::Rate, _) => observed.rate(metric, stage),
            (Kind::Counter, Aggregate::Rate) => observed.per_second(metric, stage),
            (Kind::Counter, _) => observed.count(metric, stage),
            (Kind::Gauge, _) => observed.gauge(metric),
        };
        let figure = match figure {
            Reading::Known(value) if value.is_nan() => {
                Reading::Missing(Missing::Failed("the figure is NaN".to_owned()))
            }
            figure => figure,
        };
        let outcome = match &figure {
            Reading::Missing(why) => Outcome::Unknown(why.to_string()),
            Reading::Known(value) if self.operator.holds(*value, self.limit) => Outcome::Met,
            Reading::Known(_) => Outcome::Missed,
        };
        // What never ended is longer than any limit; no file can hold it.
        let figure = match figure {
            Reading::Known(value) if !value.is_finite() => {
                Reading::Missing(Missing::Failed("longer than any limit".to_owned()))
            }
            figure => figure,
        };
        Judged { threshold: self.clone(), observed: figure, outcome }
    }
}

impl LoadPlan {
    /// How each threshold stands to `observed`, in the order of the plan.
    pub fn judge(&self, observed: &dyn Observed) -> Vec<Judged> {
        self.thresholds.iter().map(|threshold| threshold.judge(observed)).collect()
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
