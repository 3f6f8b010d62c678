//! A figure with its uncertainty.

use serde::{Deserialize, Serialize};

/// Who else was on the core while a figure was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Company {
    /// Nobody looked.
    #[default]
    Unwatched,
    /// So many launches had company and were left out.
    LeftOut(u32),
    /// So many of the launches behind the figure had company: too few were quiet.
    Present(u32),
}

/// One number with its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The estimate, in the metric's unit.
    pub estimate: f64,
    /// The interval, or none when `n` is too small for one at its level.
    pub interval: Option<Interval>,
    /// Independent launches behind it; windows where the metric's rule is a ratio of windows.
    pub n: u32,
    pub samples: u64,
    /// Who else was on the core.
    #[serde(default)]
    pub company: Company,
}

impl Summary {
    /// True when JSON can hold it.
    pub fn is_finite(&self) -> bool {
        let bounds = self.interval.map_or([0.0; 3], |i| [i.lower, i.upper, i.level]);
        self.estimate.is_finite() && bounds.iter().all(|v| v.is_finite())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub lower: f64,
    pub upper: f64,
    /// Confidence level, between 0 and 1; [`Interval::EXACT`] or [`Interval::RANGE`] at its ends.
    pub level: f64,
}

impl Interval {
    /// Level of readings that must be equal and are: certain.
    pub const EXACT: f64 = 1.0;
    /// Level of readings that must be equal and are not: from the least to the greatest, and no
    /// confidence in anything.
    pub const RANGE: f64 = 0.0;

    /// True where readings that must be equal are not.
    pub fn is_range(&self) -> bool {
        self.level == Self::RANGE
    }

    /// True where `value` lies in it, bounds included.
    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}
