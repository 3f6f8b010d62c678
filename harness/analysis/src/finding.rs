//! A judgement: what is asked of a subject, what was seen of it, and how the two stand. A limit is
//! met or missed by the whole interval; what lies on both sides of it is unclear.

use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::record::Summary;
use caxton_model::units::Unit;

pub use caxton_stats::limit::{Bound, LimitVerdict};

/// One figure, held against one limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The case, or the requirement's name.
    pub subject: String,
    pub metric: MetricName,
    /// The unit of the estimate and the limit.
    pub unit: Unit,
    /// The figure; none where the verdict is unknown.
    pub estimate: Option<Summary>,
    pub limit: Bound,
    pub verdict: LimitVerdict,
}

impl Finding {
    /// What is asked, as it is printed: `≤ 5 µs`.
    pub fn asked(&self) -> String {
        let sign = if self.limit.is_upper() { "≤" } else { "≥" };
        format!("{sign} {}", self.unit.show(self.limit.limit))
    }
}

/// How `figure` stands to `bound`, by its whole interval.
pub fn judge(bound: Bound, figure: &Summary) -> LimitVerdict {
    let interval = figure.interval.map(|interval| [interval.lower, interval.upper]);
    interval.map_or(LimitVerdict::Unclear, |interval| bound.judge(interval))
}

/// The figure of a finding and its verdict, where there may be no figure.
pub(crate) fn judged(
    bound: Bound,
    figure: Result<Summary, Missing>,
) -> (Option<Summary>, LimitVerdict) {
    match figure {
        Ok(figure) => (Some(figure), judge(bound, &figure)),
        Err(why) => (None, LimitVerdict::Unknown(why.to_string())),
    }
}
