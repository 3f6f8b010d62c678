//! A judgement: what a rule asks of a subject, what was seen of it, and how the two stand. A limit
//! is met or missed by the whole interval; what lies on both sides of it is unclear.

use caxton_model::metric::MetricName;
use caxton_model::record::Summary;
use caxton_model::units::Unit;

/// What a rule asks of a figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// No more than this, in the figure's unit.
    Max(f64),
    /// No less.
    Min(f64),
}

impl Bound {
    /// How `figure` stands to it, by its whole interval.
    pub fn grade(self, figure: &Summary) -> LimitVerdict {
        let Some(interval) = figure.interval else { return LimitVerdict::Unclear };
        let (is_met, is_missed) = match self {
            Self::Max(max) => (interval.upper <= max, interval.lower > max),
            Self::Min(min) => (interval.lower >= min, interval.upper < min),
        };
        match (is_met, is_missed) {
            (true, _) => LimitVerdict::Met,
            (_, true) => LimitVerdict::Missed,
            _ => LimitVerdict::Unclear,
        }
    }

    /// How `estimate` stands to it, where there is one.
    pub fn judge(self, estimate: &Result<Summary, String>) -> LimitVerdict {
        estimate.as_ref().map_or(LimitVerdict::Missing, |summary| self.grade(summary))
    }

    /// As it is printed: `≤ 5 µs`.
    pub fn words(self, unit: Unit) -> String {
        match self {
            Self::Max(max) => format!("≤ {}", unit.show(max)),
            Self::Min(min) => format!("≥ {}", unit.show(min)),
        }
    }
}

/// How a figure stands to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitVerdict {
    /// The whole interval is on the right side.
    Met,
    /// The whole interval is on the wrong side.
    Missed,
    /// The interval has the limit in it, or there is no interval.
    Unclear,
    /// There is no figure.
    Missing,
}

impl LimitVerdict {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Met => "MET",
            Self::Missed => "MISSED",
            Self::Unclear => "UNCLEAR",
            Self::Missing => "MISSING",
        }
    }
}

/// Where a limit comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitSource {
    /// The user's file of limits, at this line.
    File(usize),
    /// The requirements of the reference runtime.
    Requirement,
}

/// One figure, held against one limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What asks for it.
    pub source: LimitSource,
    /// The case, or the requirement's name.
    pub subject: String,
    /// The metric.
    pub metric: MetricName,
    /// The unit of the estimate and the limit.
    pub unit: Unit,
    /// The figure, or why there is none.
    pub estimate: Result<Summary, String>,
    /// The limit.
    pub limit: Bound,
    /// How they stand.
    pub verdict: LimitVerdict,
}
