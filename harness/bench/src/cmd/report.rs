//! `report`: what one folder holds.

use super::args::Report;
use super::error::CommandError;
use super::html;
use super::output::{print, style};
use super::place::{NO_TABLE, is_comparison, profiles};
use caxton_analysis::exit;
use caxton_model::record::store::{LATEST, RunFolder};
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
    let texts: Result<Vec<String>, CommandError> =
        dirs.iter().map(|dir| text(dir, args.table)).collect();
    let texts = texts?;
    if args.table && !dirs.iter().any(|dir| is_comparison(dir)) {
        return Err(NO_TABLE);
    }
    print(texts.join("\n"));
    Ok(exit::FINE)
}

/// The run or comparison in `dir`; `full`: with every metric of a comparison.
fn text(dir: &Path, full: bool) -> Result<String, CommandError> {
    if is_comparison(dir) {
        let (comparison, _) = RunFolder::load_comparison(dir)?;
        Ok(report::comparison_text(&comparison, full, &style()))
    } else {
        Ok(report::text(&RunFolder::load_record(dir)?, &style()))
    }
}
