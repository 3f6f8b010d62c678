//! `export`: a run or a comparison for other programs, one format or all of them.

use super::args::Export;
use super::error::{CommandError, unwritable};
use super::output::{note, print};
use super::place::is_comparison;
use super::run::filter::Filter;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use caxton_model::samples::Sample;
use caxton_report::export::{
    COMPARISON_EXPORTERS, Content, EXPORTERS, ExportError, HEADLINES, find, find_comparison,
    markdown_against,
};
use std::fs;
use std::path::Path;

/// Where every format goes, in the folder of the run or comparison.
const FOLDER: &str = "export";
/// The format that takes a baseline.
const WITH_BASELINE: &str = "markdown";

enum Source {
    Run { record: Record, samples: Vec<Sample>, baseline: Option<Record>, all_metrics: bool },
    Comparison(Comparison),
}

/// Does what `args` say; the exit code.
pub(super) fn run(args: &Export) -> Result<u8, CommandError> {
    let source = Source::load(args)?;
    if let Some(format) = &args.format {
        let bytes = source.make(format)?;
        match &args.output {
            None => print(&bytes),
            Some(path) => write(path, &bytes)?,
        }
        return Ok(exit::FINE);
    }
    let folder = args.output.clone().unwrap_or_else(|| args.dir.join(FOLDER));
    fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
    let mut failed = None;
    for (format, file) in source.formats() {
        match source.make(format) {
            Ok(bytes) => {
                write(&folder.join(file), &bytes)?;
                note(&format!("{}: {format}", folder.join(file).display()));
            }
            // The others are still of use.
            Err(failure) => failed = failed.or(Some(failure)),
        }
    }
    failed.map_or(Ok(exit::FINE), Err)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CommandError> {
    fs::write(path, bytes).map_err(unwritable(path))
}

/// Leaves of `record` those cases and metrics that are wanted, and no case without any.
fn narrow(record: &mut Record, cases: &Filter, is_wanted: impl Fn(&str) -> bool) {
    let all: usize = record.cases.iter().map(|case| case.metrics.len()).sum();
    let count = record.cases.len();
    record.cases.retain(|case| cases.takes(&case.key));
    if record.cases.len() < count {
        // Of all cases together.
        record.totals.clear();
    }
    for case in &mut record.cases {
        case.metrics.retain(|name, _| is_wanted(name.as_str()));
    }
    let kept: usize = record.cases.iter().map(|case| case.metrics.len()).sum();
    if kept < all {
        record.cases.retain(|case| !case.metrics.is_empty() || case.has_failed());
    }
}

impl Source {
    fn load(args: &Export) -> Result<Self, CommandError> {
        let metrics = Filter::new(&args.metrics, false)?;
        let takes_one = args.format.as_deref().is_none_or(|format| format == WITH_BASELINE);
        if args.baseline.is_some() && !takes_one {
            return Err(CommandError::BaselineUnused {
                why: "leave it out, or leave out --format",
            });
        }
        if is_comparison(&args.dir) {
            if !args.cases.is_empty() || !args.metrics.is_empty() {
                let why = "a comparison is exported as a whole";
                return Err(CommandError::Unused { flag: "--case or --metric", why });
            }
            if args.baseline.is_some() {
                return Err(CommandError::BaselineUnused { why: "a comparison has one already" });
            }
            return Ok(Self::Comparison(RunFolder::load_comparison(&args.dir)?.0));
        }
        let (mut record, samples) = RunFolder::load(&args.dir)?;
        let is_chosen = !args.cases.is_empty() || !args.metrics.is_empty();
        let has_figures = args.format.as_deref().and_then(find);
        let has_figures = has_figures.is_some_and(|own| own.content != Content::Whole);
        if is_chosen && !has_figures {
            let why = "it is for --format json, csv, bmf, gab-bigger, gab-smaller, critcmp and \
                       prometheus";
            return Err(CommandError::Unused { flag: "--case or --metric", why });
        }
        narrow(&mut record, &Filter::new(&args.cases, false)?, |metric| metrics.takes_text(metric));
        if is_chosen && record.cases.is_empty() {
            let why = "nothing of this run matches";
            return Err(CommandError::Unused { flag: "--case or --metric", why });
        }
        let baseline = args.baseline.as_deref().map(RunFolder::load_record).transpose()?;
        let all_metrics = !args.metrics.is_empty();
        Ok(Self::Run { record, samples, baseline, all_metrics })
    }

    /// Every format that there is of it, each with its file.
    fn formats(&self) -> Vec<(&'static str, &'static str)> {
        let is_there = |name: &str| match self {
            // A chart of no agent says nothing.
            Self::Run { record, .. } => {
                name != "svg" || record.cases.iter().any(|case| case.key.is_overhead())
            }
            Self::Comparison(_) => find_comparison(name).is_some(),
        };
        let there = EXPORTERS.iter().filter(|exporter| is_there(exporter.name));
        there.map(|exporter| (exporter.name, exporter.file)).collect()
    }

    fn make(&self, format: &str) -> Result<Vec<u8>, CommandError> {
        let made: Result<Vec<u8>, ExportError> = match self {
            Self::Comparison(comparison) => {
                let Some(exporter) = find_comparison(format) else {
                    let known: Vec<&str> = COMPARISON_EXPORTERS.iter().map(|e| e.name).collect();
                    let (format, known) = (format.to_owned(), known.join(", "));
                    return Err(CommandError::NotOfComparison { format, known });
                };
                Ok(exporter.export(comparison))
            }
            Self::Run { record, baseline: Some(baseline), .. } if format == WITH_BASELINE => {
                Ok(markdown_against(record, baseline))
            }
            Self::Run { record, samples, all_metrics, .. } => {
                let exporter = find(format).expect("clap takes the formats of the table only");
                if exporter.content != Content::Headlines || *all_metrics {
                    return Ok((exporter.export)(record, samples)?);
                }
                let mut record = record.clone();
                let every = Filter::new(&[], false)?;
                narrow(&mut record, &every, |metric| HEADLINES.contains(&metric));
                (exporter.export)(&record, samples)
            }
        };
        Ok(made?)
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
