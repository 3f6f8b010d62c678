//! Bencher Metric Format: `{case: {metric: {value, lower_value, upper_value}}}`, as described at
//! <https://bencher.dev/docs/reference/bencher-metric-format/>. It has no word for an absent
//! value, so that only known readings are in it; a case that ran is in it even if it has none.

use crate::export::known::ExportError;
use crate::export::label::{plain_id, quiet_json};
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::samples::Sample;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Measure {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

/// The known summaries of the cases that ran.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let ran = record.cases.iter().filter(|case| case.outcome == Outcome::Ran);
    let cases: BTreeMap<String, _> =
        ran.map(|case| (plain_id(&case.key), measures(case))).collect();
    let json = serde_json::to_string_pretty(&cases)
        .map_err(|e| ExportError { format: "bmf", why: e.to_string() })?;
    Ok((quiet_json(&json) + "\n").into_bytes())
}

fn measures(case: &CaseRecord) -> BTreeMap<&'static str, Measure> {
    let known = case.metrics.iter().filter_map(|(name, reading)| match reading {
        Reading::Known(summary) if summary.is_finite() => Some((name.as_str(), measure(summary))),
        _ => None,
    });
    known.collect()
}

fn measure(summary: &Summary) -> Measure {
    Measure {
        value: summary.estimate,
        lower_value: summary.interval.map(|i| i.lower),
        upper_value: summary.interval.map(|i| i.upper),
    }
}
