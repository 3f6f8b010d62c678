//! `report`: what one folder holds.

use crate::cmd::args::Report;
use crate::cmd::failure::Failure;
use crate::cmd::html::{self, is_comparison};
use crate::cmd::output::{print, style};
use caxton_analysis::exit;
use caxton_analysis::limits::Limits;
use caxton_model::file;
use caxton_model::record::store::RunFolder;
use caxton_report::sections as report;
use std::path::{Path, PathBuf};

/// Where the latest run is, from the checkout.
const LATEST_RUN: &str = "profiles/latest";

/// Prints what `words` name, or makes a page of it.
pub(crate) fn report(words: &Report) -> Result<u8, Failure> {
    if words.html {
        return html::write(&words.dirs, words.out.as_deref());
    }
    let latest = [PathBuf::from(LATEST_RUN)];
    let dirs = if words.dirs.is_empty() { &latest[..] } else { &words.dirs };
    let texts: Result<Vec<String>, Failure> =
        dirs.iter().map(|dir| text(dir, words.table)).collect();
    let texts = texts?;
    if words.table && !dirs.iter().any(|dir| is_comparison(dir)) {
        return Err(no_table());
    }
    print(texts.join("\n").as_bytes())?;
    Ok(exit::FINE)
}

/// Why `--table` is refused for a run.
pub(crate) fn no_table() -> Failure {
    let why = "it is of comparisons, and a run is shown whole".to_owned();
    Failure::Unused { flag: "--table", why }
}

/// The run or comparison in `dir`; `full`: with every metric of a comparison.
fn text(dir: &Path, full: bool) -> Result<String, Failure> {
    if is_comparison(dir) {
        let (comparison, _) = RunFolder::load_comparison(dir)?;
        Ok(report::comparison_text(&comparison, full, &style()))
    } else {
        Ok(report::text(&RunFolder::load_record(dir)?, &style()))
    }
}

/// The limits in the file `path`; none without a file.
pub(crate) fn limits(path: Option<&Path>) -> Result<Limits, Failure> {
    let Some(path) = path else { return Ok(Limits::default()) };
    let text = file::read_text(path, file::TEXT_MAX)
        .map_err(|source| Failure::Input { path: path.to_owned(), source })?;
    Ok(Limits::parse(&path.display().to_string(), &text)?)
}
