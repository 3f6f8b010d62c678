//! How thresholds stand to what was observed. What could not be observed is never a pass.

use caxton_model::load::threshold::{
    Aggregate, LoadMetric, MetricKind, Threshold, ThresholdFinding,
};
use caxton_model::reading::{Missing, Reading};
use caxton_stats::limit::LimitVerdict;

/// Where the figures of a load test come from; `stage` is none for the whole of it.
pub trait Observed {
    /// `aggregate` of a trend, in ns.
    fn trend(&self, metric: LoadMetric, stage: Option<&str>, aggregate: Aggregate) -> Reading<f64>;
    /// The share of one.
    fn rate(&self, metric: LoadMetric, stage: Option<&str>) -> Reading<f64>;
    fn count(&self, metric: LoadMetric, stage: Option<&str>) -> Reading<f64>;
    /// How many per second of the stage.
    fn per_second(&self, metric: LoadMetric, stage: Option<&str>) -> Reading<f64>;
    /// The value for the whole load test; ns for a time. Of all of these, infinity is what never
    /// ended.
    fn gauge(&self, metric: LoadMetric) -> Reading<f64>;
}

pub fn judge(threshold: &Threshold, observed: &dyn Observed) -> ThresholdFinding {
    let (metric, stage) = (threshold.metric, threshold.stage.as_deref());
    let figure = match (metric.kind(), threshold.aggregate) {
        (MetricKind::Trend, aggregate) => observed.trend(metric, stage, aggregate),
        (MetricKind::Rate, _) => observed.rate(metric, stage),
        (MetricKind::Counter, Aggregate::Rate) => observed.per_second(metric, stage),
        (MetricKind::Counter, _) => observed.count(metric, stage),
        (MetricKind::Gauge, _) => observed.gauge(metric),
    };
    let figure = match figure {
        Reading::Known(value) if value.is_nan() => {
            Reading::Missing(Missing::Failed("the figure is NaN".to_owned()))
        }
        figure => figure,
    };
    let verdict = match &figure {
        Reading::Missing(why) => LimitVerdict::Unknown(why.to_string()),
        Reading::Known(value) => threshold.bound.judge([*value; 2]),
    };
    // What never ended is longer than any limit; no file can hold it.
    let figure = match figure {
        Reading::Known(value) if !value.is_finite() => {
            Reading::Missing(Missing::Failed("longer than any limit".to_owned()))
        }
        figure => figure,
    };
    ThresholdFinding { threshold: threshold.clone(), observed: figure, verdict }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
