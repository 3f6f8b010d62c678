//! What all formats are made of, and why one could not be made.

use caxton_model::case::Outcome;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record, Summary};

/// Why a format could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make {format}: {why}")]
pub struct ExportError {
    /// The format's name.
    pub format: &'static str,
    /// What is wrong.
    pub why: String,
}

/// What is known of the cases that ran, in the record's order.
pub(super) fn known(record: &Record) -> impl Iterator<Item = (&CaseRecord, MetricName, &Summary)> {
    let ran = record.cases.iter().filter(|case| case.outcome == Outcome::Ran);
    ran.flat_map(|case| of_case(case).map(move |(name, summary)| (case, name, summary)))
}

/// What is known of `case`; a number that no format can hold is not.
pub(super) fn of_case(case: &CaseRecord) -> impl Iterator<Item = (MetricName, &Summary)> {
    case.metrics.iter().filter_map(|(name, reading)| match reading {
        Reading::Known(summary) if summary.is_finite() => Some((*name, summary)),
        _ => None,
    })
}
