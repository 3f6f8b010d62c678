//! `report`: what one folder holds.

use crate::failure::Failure;
use crate::output::{print, style};
use caxton_results::exit;
use caxton_results::limits::Limits;
use caxton_results::record::store::{COMPARISON_FILE, RunFolder};
use caxton_results::report;
use std::path::Path;

/// Prints the run or comparison in `dir`; `full`: with every metric of a comparison.
pub(crate) fn report(dir: &Path, full: bool) -> Result<u8, Failure> {
    let text = if is_comparison(dir) {
        let (comparison, _) = RunFolder::load_comparison(dir)?;
        report::comparison_text(&comparison, full, &style())
    } else {
        report::text(&RunFolder::load_record(dir)?, &style())
    };
    print(text.as_bytes())?;
    Ok(exit::FINE)
}

/// True for the folder of a comparison.
pub(crate) fn is_comparison(dir: &Path) -> bool {
    dir.join(COMPARISON_FILE).is_file()
}

/// The limits in the file `path`; none without a file.
pub(crate) fn limits(path: Option<&Path>) -> Result<Limits, Failure> {
    let Some(path) = path else { return Ok(Limits::default()) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| Failure::Input { path: path.to_owned(), source })?;
    Ok(Limits::parse(&path.display().to_string(), &text)?)
}
