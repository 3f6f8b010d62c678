//! One row per case and metric. A case without a metric has a row too: absence is told, not left
//! out.

use crate::export::known::ExportError;
use crate::export::label::id;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::short;
use serde::Serialize;

/// Longest text of a field.
const TEXT_MAX: usize = 2000;

/// A row; an empty field where there is nothing to say.
#[derive(Serialize)]
struct Row<'a> {
    case: String,
    outcome: &'a str,
    metric: &'a str,
    unit: &'a str,
    estimate: Option<f64>,
    lower: Option<f64>,
    upper: Option<f64>,
    level: Option<f64>,
    n: Option<u32>,
    samples: Option<u64>,
    missing: Option<String>,
}

/// The summaries as a table.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let error = |why: String| ExportError { format: "csv", why };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for case in &record.cases {
        if case.metrics.is_empty() {
            let missing = case.outcome.reason().map(cell);
            let row = Row { missing, ..bare(case) };
            writer.serialize(row).map_err(|e| error(e.to_string()))?;
        }
        for (name, reading) in &case.metrics {
            let row = Row { metric: name.as_str(), unit: name.metric().unit.name(), ..bare(case) };
            let row = match reading {
                Reading::Known(summary) => filled(row, summary),
                Reading::Missing(why) => Row { missing: Some(cell(&why.to_string())), ..row },
            };
            writer.serialize(row).map_err(|e| error(e.to_string()))?;
        }
    }
    writer.into_inner().map_err(|e| error(e.to_string()))
}

fn bare(case: &CaseRecord) -> Row<'_> {
    Row {
        case: cell(&id(&case.key)),
        outcome: case.ending(),
        metric: "",
        unit: "",
        estimate: None,
        lower: None,
        upper: None,
        level: None,
        n: None,
        samples: None,
        missing: None,
    }
}

fn filled<'a>(row: Row<'a>, summary: &Summary) -> Row<'a> {
    Row {
        estimate: Some(summary.estimate),
        lower: summary.interval.map(|i| i.lower),
        upper: summary.interval.map(|i| i.upper),
        level: summary.interval.map(|i| i.level),
        n: Some(summary.n),
        samples: Some(summary.samples),
        ..row
    }
}

/// Clean text that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let text = short(text, TEXT_MAX);
    match text.chars().next() {
        Some(first @ ('=' | '+' | '-' | '@')) => {
            format!("{}{}", first.escape_unicode(), &text[1..])
        }
        _ => text,
    }
}
