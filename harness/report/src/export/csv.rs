//! One row per case and metric. A case without a metric has a row too: absence is told, not left
//! out.

use crate::export::known::ExportError;
use crate::export::label::id;
use caxton_model::reading::Reading;
use caxton_model::record::{Interval, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::short;

const TEXT_MAX: usize = 2000;

const HEADINGS: [&str; 11] = [
    "case", "outcome", "metric", "unit", "estimate", "lower", "upper", "level", "n", "samples",
    "missing",
];

pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    rows(record).map_err(|why| ExportError { format: "csv", why: why.to_string() })
}

fn rows(record: &Record) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS)?;
    for case in &record.cases {
        let [key, outcome] = [cell(&id(&case.key)), case.ending().to_owned()];
        let mut row = |of: [&str; 2], figures: [String; 6], missing: String| {
            let row = [&key, &outcome].map(String::as_str).into_iter().chain(of);
            writer.write_record(row.chain(figures.iter().map(String::as_str)).chain([&*missing]))
        };
        if case.metrics.is_empty() {
            row([""; 2], Default::default(), case.outcome.reason().map_or(String::new(), cell))?;
        }
        for (name, reading) in &case.metrics {
            let of = [name.as_str(), name.metric().unit.name()];
            match reading {
                Reading::Known(summary) => row(of, figures(summary), String::new())?,
                Reading::Missing(why) => row(of, Default::default(), cell(&why.to_string()))?,
            }
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// From the estimate to the samples; an empty field where there is nothing to say.
fn figures(summary: &Summary) -> [String; 6] {
    let interval = summary.interval;
    let bound = |of: fn(Interval) -> f64| interval.map_or(String::new(), |i| number(of(i)));
    [
        number(summary.estimate),
        bound(|i| i.lower),
        bound(|i| i.upper),
        bound(|i| i.level),
        summary.n.to_string(),
        summary.samples.to_string(),
    ]
}

/// With all its digits, and a point.
fn number(value: f64) -> String {
    format!("{value:?}")
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
