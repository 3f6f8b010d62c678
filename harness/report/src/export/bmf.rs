//! Bencher Metric Format: `{case: {metric: {value, lower_value, upper_value}}}`, as described at
//! <https://bencher.dev/docs/reference/bencher-metric-format/>. It has no word for an absent
//! value, so that only known readings are in it; a case that ran is in it even if it has none.

use crate::export::known::{ExportError, of_case};
use crate::export::label::{json, plain_id};
use caxton_model::case::Outcome;
use caxton_model::record::{CaseRecord, Record};
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

pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let ran = record.cases.iter().filter(|case| case.outcome == Outcome::Ran);
    let cases: BTreeMap<String, _> =
        ran.map(|case| (plain_id(&case.key), measures(case))).collect();
    json("bmf", &cases)
}

fn measures(case: &CaseRecord) -> BTreeMap<&'static str, Measure> {
    let measure = of_case(case).map(|(name, summary)| {
        let [lower_value, upper_value] =
            [summary.interval.map(|i| i.lower), summary.interval.map(|i| i.upper)];
        (name.as_str(), Measure { value: summary.estimate, lower_value, upper_value })
    });
    measure.collect()
}
