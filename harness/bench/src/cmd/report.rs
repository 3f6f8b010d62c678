//! `report`: what one folder holds.

use super::args::Report;
use super::error::CommandError;
use super::html;
use super::output::{print, style};
use super::place::{NO_TABLE, is_comparison, profiles};
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::record::store::{LATEST, RunFolder};
use caxton_report::beside::beside_text;
use caxton_report::sections as report;
use std::path::Path;

/// Prints what `args` name, or makes a page of it.
pub(super) fn run(args: &Report) -> Result<u8, CommandError> {
    if args.html {
        let page = html::write(&args.dirs, args.out.as_deref())?;
        if args.open {
            html::open(&page);
        }
        return Ok(exit::FINE);
    }
    let latest = [profiles().join(LATEST)];
    let dirs = if args.dirs.is_empty() { &latest[..] } else { &args.dirs };
    let told: Result<Vec<Stored>, CommandError> =
        dirs.iter().map(|dir| Stored::load(dir)).collect();
    let told = told?;
    if args.table && !dirs.iter().any(|dir| is_comparison(dir)) {
        return Err(NO_TABLE);
    }
    let runs: Vec<&Record> = told.iter().filter_map(Stored::run).collect();
    let beside = beside_text(&runs, &style());
    let targets = report::targets::by_runtime_text(&runs, &style());
    let texts = told.iter().map(|told| told.text(args.table)).chain([beside, targets]);
    let texts: Vec<String> = texts.filter(|text| !text.is_empty()).collect();
    print(texts.join("\n"));
    Ok(exit::FINE)
}

/// What a folder holds.
enum Stored {
    Run(Box<Record>),
    Comparison(Box<Comparison>),
}

impl Stored {
    fn load(dir: &Path) -> Result<Self, CommandError> {
        if is_comparison(dir) {
            return Ok(Self::Comparison(Box::new(RunFolder::load_comparison(dir)?.0)));
        }
        Ok(Self::Run(Box::new(RunFolder::load_record(dir)?)))
    }

    fn run(&self) -> Option<&Record> {
        match self {
            Self::Run(record) => Some(record),
            Self::Comparison(_) => None,
        }
    }

    /// Its tables; `full`: with every metric of a comparison.
    fn text(&self, full: bool) -> String {
        match self {
            Self::Run(record) => report::text(record, &style()),
            Self::Comparison(comparison) => report::comparison_text(comparison, full, &style()),
        }
    }
}
