//! One value per launch of a metric, and the estimate and interval that they give.

use caxton_model::reading::Missing;
use caxton_model::record::{Company, Interval, Summary};
use caxton_stats::{few, signed_rank, summary};

/// On which scale the launches' values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LaunchScale {
    Linear,
    Log,
    /// As they are, and they must be equal.
    Exact,
}

/// One value per launch; of an exact metric, all of them.
pub(crate) struct SampleLaunches {
    pub(crate) scale: LaunchScale,
    pub(crate) values: Vec<f64>,
    pub(crate) n: u32,
    pub(crate) samples: u64,
}

impl SampleLaunches {
    /// `values` on the logarithmic scale if every one of them has a logarithm.
    pub(crate) fn of(values: Vec<f64>, samples: u64) -> Self {
        let n = values.len() as u32;
        if values.iter().all(|v| *v > 0.0) {
            let values = values.into_iter().map(f64::ln).collect();
            return Self { scale: LaunchScale::Log, values, n, samples };
        }
        Self { scale: LaunchScale::Linear, values, n, samples }
    }

    pub(crate) fn summary(&self, level: f64) -> Result<Summary, Missing> {
        let (estimate, interval) = match self.scale {
            LaunchScale::Exact => (summary::median(&self.values), self.range()),
            LaunchScale::Linear | LaunchScale::Log => {
                let bounds = signed_rank::interval(&self.values, level);
                let interval = bounds.map(|b| Interval { lower: b.lower, upper: b.upper, level });
                (signed_rank::estimate(&self.values), interval)
            }
        };
        let estimate = estimate.map(|v| self.back(v)).filter(|v| v.is_finite());
        let interval = interval.map(|i| Interval {
            lower: self.back(i.lower),
            upper: self.back(i.upper),
            ..i
        });
        // JSON has no infinity: a number that is none is a missing one with its reason.
        let none =
            || Missing::Failed(format!("no finite estimate of {} values", self.values.len()));
        Ok(Summary {
            estimate: estimate.ok_or_else(none)?,
            interval: interval.filter(|i| i.lower.is_finite() && i.upper.is_finite()),
            n: self.n,
            samples: self.samples,
            company: Company::Unwatched,
        })
    }

    /// An interval of values that are too few for one of their own, with the help of `disturbed`
    /// launches, which scatter by the same accidents of layout.
    pub(crate) fn helped_by(&self, disturbed: Option<Self>, level: f64) -> Option<Interval> {
        if self.scale == LaunchScale::Exact {
            return None;
        }
        let disturbed = disturbed.filter(|disturbed| disturbed.scale == self.scale);
        let others = disturbed.map_or_else(Vec::new, |disturbed| disturbed.values);
        let bounds = few::interval(&self.values, &others, level)?;
        let [lower, upper] = [bounds.lower, bounds.upper].map(|bound| self.back(bound));
        Some(Interval { lower, upper, level })
            .filter(|i| i.lower.is_finite() && i.upper.is_finite())
    }

    /// From the scale of the values to that of the metric.
    fn back(&self, value: f64) -> f64 {
        if self.scale == LaunchScale::Log { value.exp() } else { value }
    }

    /// The interval of values that must be equal: certain when they are, their range when not.
    fn range(&self) -> Option<Interval> {
        let (lower, upper) = (summary::min(&self.values)?, summary::max(&self.values)?);
        let level = if lower == upper { Interval::EXACT } else { Interval::RANGE };
        Some(Interval { lower, upper, level })
    }
}
