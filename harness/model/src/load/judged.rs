//! A threshold, and how it stands to what was observed.

use super::threshold::{Aggregate, Kind, Metric, Threshold};
use crate::reading::Reading;
use crate::units::Unit;
use serde::{Deserialize, Serialize};

/// A threshold, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// The threshold.
    pub threshold: Threshold,
    /// The figure, in the unit of the threshold's limit.
    pub observed: Reading<f64>,
    /// How it stands.
    pub outcome: ThresholdOutcome,
}

/// How a threshold stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdOutcome {
    /// It holds.
    Met,
    /// It does not.
    Missed,
    /// There is no figure, and why.
    Unknown(String),
}

impl ThresholdOutcome {
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

impl Judged {
    /// What was observed, in words.
    pub fn shown(&self) -> String {
        let Reading::Known(value) = self.observed else {
            return match &self.observed {
                Reading::Missing(why) => why.to_string(),
                Reading::Known(_) => String::new(),
            };
        };
        let unit = match (self.threshold.metric, self.threshold.metric.kind()) {
            (Metric::RecoveryTime, _) | (_, Kind::Trend) => Unit::Nanos,
            (Metric::Degradation, _) | (_, Kind::Rate) => Unit::Share,
            (_, Kind::Counter) if self.threshold.aggregate == Aggregate::Rate => Unit::PerSecond,
            _ => Unit::Count,
        };
        unit.show(value)
    }
}
