//! `export`: a run or a comparison for other programs, one format or all of them.

use super::args::Export;
use super::error::{CommandError, unwritable};
use super::output::{note, print};
use super::place::is_comparison;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use caxton_model::samples::Sample;
use caxton_report::export::{
    COMPARISON_EXPORTERS, EXPORTERS, ExportError, find, find_comparison, markdown_against,
};
use std::fs;
use std::path::Path;

/// Where every format goes, in the folder of the run or comparison.
const FOLDER: &str = "export";
/// The format that takes a baseline.
const WITH_BASELINE: &str = "markdown";

enum Source {
    Run { record: Record, samples: Vec<Sample>, baseline: Option<Record> },
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

impl Source {
    fn load(args: &Export) -> Result<Self, CommandError> {
        let takes_one = args.format.as_deref().is_none_or(|format| format == WITH_BASELINE);
        if args.baseline.is_some() && !takes_one {
            return Err(CommandError::BaselineUnused {
                why: "leave it out, or leave out --format",
            });
        }
        if is_comparison(&args.dir) {
            if args.baseline.is_some() {
                return Err(CommandError::BaselineUnused { why: "a comparison has one already" });
            }
            return Ok(Self::Comparison(RunFolder::load_comparison(&args.dir)?.0));
        }
        let (record, samples) = RunFolder::load(&args.dir)?;
        let baseline = args.baseline.as_deref().map(RunFolder::load_record).transpose()?;
        Ok(Self::Run { record, samples, baseline })
    }

    /// Every format that there is of it, each with its file.
    fn formats(&self) -> Vec<(&'static str, &'static str)> {
        let is_there = |name: &str| match self {
            Self::Run { .. } => true,
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
            Self::Run { record, samples, .. } => {
                let exporter = find(format).expect("clap takes the formats of the table only");
                (exporter.export)(record, samples)
            }
        };
        Ok(made?)
    }
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
