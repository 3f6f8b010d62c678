//! The record, with every summary, as pretty JSON: what `record.json` holds.

use crate::export::known::ExportError;
use crate::export::label;
use caxton_model::reading::Reading;
use caxton_model::record::{Record, Summary};
use caxton_model::samples::Sample;

/// The record; the samples are in `samples.csv` already.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let error = |why| ExportError { format: "json", why };
    // JSON would say `null`, which no reader of a record takes.
    let of_cases = record.cases.iter().flat_map(|case| {
        case.metrics.iter().map(move |(name, reading)| (format!("{name} of {}", case.key), reading))
    });
    let totals = record.totals.iter().map(|(name, reading)| (name.clone(), reading));
    for (what, reading) in of_cases.chain(totals) {
        if !is_finite(reading) {
            return Err(error(format!("{what} is no finite number")));
        }
    }
    label::json("json", record)
}

fn is_finite(reading: &Reading<Summary>) -> bool {
    reading.known().is_none_or(Summary::is_finite)
}
