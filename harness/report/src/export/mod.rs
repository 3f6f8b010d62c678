//! Formats for other programs. A format is a file in this folder and a row in [`EXPORTERS`]: the
//! command line and its help follow from the row.

mod bmf;
mod critcmp;
mod csv;
mod gab;
mod json;
mod known;
mod label;
mod prometheus;
mod report;
mod summary;
pub(crate) mod svg;

pub use known::ExportError;

use crate::ci::{Job, Outcome};
use crate::sections::again::again;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::samples::Sample;

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
    /// What of a run it gets.
    pub content: Content,
}

/// What of a run a format gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// All of it: it judges, and says how much there is.
    Whole,
    /// Cases and metrics, all unless the user chooses.
    Figures,
    /// The same for a page that draws a line for each: [`HEADLINES`] unless the user chooses.
    Headlines,
}

/// The metrics that tell of a case without its details.
pub const HEADLINES: [&str; 21] = [
    "wasm_to_native_time",
    "wasm_call_ns",
    "native_call_ns",
    "side_to_reference_time",
    "side_call_ns",
    "wasm_compile_ns",
    "wasm_instantiate_ns",
    "wasm_fuel",
    "wasm_code_bytes",
    "wasm_module_bytes",
    "linear_memory_bytes",
    "subject_to_peer_rate",
    "subject_message_rate",
    "message_rate",
    "subject_response_p50_ns",
    "subject_response_p99_ns",
    "round_trip_p50_ns",
    "memory_per_agent_bytes",
    "recover_p99_ns",
    "load_rate",
    "load_response_p99_ns",
];

/// Every format.
pub const EXPORTERS: &[Exporter] = &[
    Exporter {
        name: "json",
        file: "results.json",
        export: json::export,
        doc: "the record with every summary, as JSON",
        content: Content::Figures,
    },
    Exporter {
        name: "csv",
        file: "results.csv",
        export: csv::export,
        doc: "one row per case and metric, for spreadsheets",
        content: Content::Figures,
    },
    Exporter {
        name: "bmf",
        file: "results.bmf.json",
        export: bmf::export,
        doc: "Bencher Metric Format: case -> metric -> value with bounds",
        content: Content::Headlines,
    },
    Exporter {
        name: "svg",
        file: "overhead.svg",
        export: svg::export,
        doc: "a chart of what WASM costs each agent, for pages light and dark",
        content: Content::Whole,
    },
    Exporter {
        name: "gab-bigger",
        file: "bigger-is-better.json",
        export: gab::bigger,
        doc: "github-action-benchmark, customBiggerIsBetter: metrics of which more is better",
        content: Content::Headlines,
    },
    Exporter {
        name: "gab-smaller",
        file: "smaller-is-better.json",
        export: gab::smaller,
        doc: "github-action-benchmark, customSmallerIsBetter: metrics of which less is better",
        content: Content::Headlines,
    },
    Exporter {
        name: "critcmp",
        file: "critcmp.json",
        export: critcmp::export,
        doc: "what critcmp compares: times in nanoseconds",
        content: Content::Figures,
    },
    Exporter {
        name: "junit",
        file: "junit.xml",
        export: |record, _| Ok(crate::ci::junit_of_run(record).into_bytes()),
        doc: "JUnit XML: a test for each case, load, threshold, target, requirement and verdict",
        content: Content::Whole,
    },
    Exporter {
        name: "prometheus",
        file: "metrics.prom",
        export: prometheus::export,
        doc: "a snapshot in Prometheus' text format",
        content: Content::Figures,
    },
    Exporter {
        name: "summary",
        file: "summary.md",
        export: summary::export,
        doc: "Markdown for $GITHUB_STEP_SUMMARY",
        content: Content::Whole,
    },
    Exporter {
        name: "comment",
        file: "comment.md",
        export: summary::comment,
        doc: "Markdown for a comment on a pull request, with a hidden mark to find it again",
        content: Content::Whole,
    },
    Exporter {
        name: "annotations",
        file: "annotations.txt",
        export: |record, _| Ok(crate::ci::annotations_of_run(record).into_bytes()),
        doc: "workflow commands of GitHub, to be printed in a step: the worst findings",
        content: Content::Whole,
    },
    Exporter {
        name: "markdown",
        file: "report.md",
        export: report::export,
        doc: "the report as Markdown: summary, baseline beside current, targets, every table",
        content: Content::Whole,
    },
];

/// A format that a comparison has too: a text that a CI shows of one.
#[derive(Debug, Clone, Copy)]
pub struct ComparisonExporter {
    /// The name of the [`Exporter`] that makes it of a run.
    pub name: &'static str,
    text: fn(&Job<'_>) -> String,
}

impl ComparisonExporter {
    /// Makes it, where nobody asked for strictness.
    pub fn export(&self, comparison: &Comparison) -> Vec<u8> {
        let job = Job {
            base: &comparison.base.name,
            head: &comparison.candidate.name,
            outcome: Outcome::Compared(comparison),
            code: exit::of(comparison.conclusion(), false),
            again: &again(&comparison.run),
        };
        (self.text)(&job).into_bytes()
    }
}

/// Every format of a comparison.
pub const COMPARISON_EXPORTERS: &[ComparisonExporter] = &[
    ComparisonExporter { name: "junit", text: crate::ci::junit },
    ComparisonExporter { name: "summary", text: crate::ci::summary },
    ComparisonExporter { name: "comment", text: crate::ci::comment },
    ComparisonExporter { name: "annotations", text: crate::ci::annotations },
    ComparisonExporter { name: "markdown", text: report::compared },
];

/// The `markdown` of `record`, with the figures of `baseline` beside its own.
pub fn markdown_against(record: &Record, baseline: &Record) -> Vec<u8> {
    report::against(record, baseline)
}

/// The format called `name`.
pub fn find(name: &str) -> Option<&'static Exporter> {
    EXPORTERS.iter().find(|exporter| exporter.name == name)
}

/// The same, for a comparison.
pub fn find_comparison(name: &str) -> Option<&'static ComparisonExporter> {
    COMPARISON_EXPORTERS.iter().find(|exporter| exporter.name == name)
}

#[cfg(test)]
mod tests;
