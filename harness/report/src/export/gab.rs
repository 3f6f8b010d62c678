//! What github-action-benchmark reads: one file of metrics of which more is better, and one of
//! which less is. Its entries are `{name, unit, value, range, extra}`. It has no word for an absent
//! value, so that only known readings are in it; it shows names in Markdown, so they have none.

use crate::export::known::{ExportError, known};
use crate::export::label::{json, plain_id};
use caxton_model::metric::Better;
use caxton_model::record::{Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::units::Unit;
use caxton_model::words::level;
use serde::Serialize;

#[derive(Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    extra: String,
}

pub(super) fn bigger(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    entries(record, Better::Higher, "gab-bigger")
}

pub(super) fn smaller(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    entries(record, Better::Lower, "gab-smaller")
}

fn entries(record: &Record, better: Better, format: &'static str) -> Result<Vec<u8>, ExportError> {
    let entries: Vec<Entry> = known(record)
        .filter(|(_, metric, _)| metric.metric().better == better)
        .map(|(case, metric, summary)| {
            let row = metric.metric();
            Entry {
                name: format!("{} {metric}", plain_id(&case.key)),
                unit: unit(row.unit),
                value: summary.estimate,
                range: range(summary),
                extra: format!("{}; n = {}", row.doc, summary.n),
            }
        })
        .collect();
    json(format, &entries)
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "x",
        Unit::PerSecond => "1/s",
        Unit::Nanos | Unit::Bytes | Unit::Count | Unit::Share => unit.name(),
    }
}

/// The interval in the unit of the value, which is the only one that the entry names.
fn range(summary: &Summary) -> Option<String> {
    let interval = summary.interval?;
    Some(format!("[{}, {}] ({})", interval.lower, interval.upper, level(&interval)))
}
