//! Formats for other programs. A format is a file in this folder and a row in [`EXPORTERS`]: the
//! command line and its help follow from the row.

mod bmf;
mod csv;
mod json;
pub(crate) mod svg;

use crate::record::Record;
use crate::samples::Sample;

/// Why a format could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make {format}: {why}")]
pub struct ExportError {
    /// The format's name.
    pub format: &'static str,
    /// What is wrong.
    pub why: String,
}

/// One format.
#[derive(Debug, Clone, Copy)]
pub struct Exporter {
    /// Its name on the command line.
    pub name: &'static str,
    /// The usual name of its file.
    pub file: &'static str,
    /// Makes it.
    pub export: fn(&Record, &[Sample]) -> Result<Vec<u8>, ExportError>,
    /// What it is, in a sentence.
    pub doc: &'static str,
}

/// Every format.
pub const EXPORTERS: &[Exporter] = &[
    Exporter {
        name: "json",
        file: "results.json",
        export: json::export,
        doc: "the record with every summary, as JSON",
    },
    Exporter {
        name: "csv",
        file: "results.csv",
        export: csv::export,
        doc: "one row per case and metric, for spreadsheets",
    },
    Exporter {
        name: "bmf",
        file: "results.bmf.json",
        export: bmf::export,
        doc: "Bencher Metric Format: case -> metric -> value with bounds",
    },
    Exporter {
        name: "svg",
        file: "overhead.svg",
        export: svg::export,
        doc: "a chart of what WASM costs each agent, for pages light and dark",
    },
];

/// The format called `name`.
pub fn find(name: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| exporter.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use expect_test::expect_file;

    #[test]
    fn every_format_of_the_fixture_is_as_it_was() {
        let (record, samples) = fixture::run();
        let record = fixture::rounded(record);
        for exporter in EXPORTERS {
            let bytes = (exporter.export)(&record, &samples).unwrap();
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.ends_with('\n'), "{}", exporter.name);
            if exporter.name != "json" {
                expect_file![format!("./goldens/{}", exporter.file)].assert_eq(&text);
            }
        }
    }

    #[test]
    fn a_json_export_is_a_record_that_loads() {
        let (record, samples) = fixture::run();
        let json = (find("json").unwrap().export)(&record, &samples).unwrap();
        assert_eq!(serde_json::from_slice::<Record>(&json).unwrap(), record);
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_an_error_or_left_out() {
        let (mut record, samples) = fixture::run();
        let case = &mut record.cases[0];
        for reading in case.metrics.values_mut() {
            if let crate::reading::Reading::Known(summary) = reading {
                summary.estimate = f64::NAN;
            }
        }
        let error = (find("json").unwrap().export)(&record, &samples).unwrap_err();
        assert!(error.to_string().contains("is no finite number"), "{error}");
        let bmf = (find("bmf").unwrap().export)(&record, &samples).unwrap();
        assert!(!String::from_utf8(bmf).unwrap().contains("null"));
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = EXPORTERS.iter().map(|e| e.name).collect();
        assert_eq!(names.len(), EXPORTERS.len());
    }
}
