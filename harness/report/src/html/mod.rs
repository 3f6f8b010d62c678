//! Runs and comparisons as one HTML page: one file, nothing from elsewhere, readable without
//! JavaScript, light and dark. Each chart is a file of its own, too, and has its numbers below it.
//!
//! All text is escaped by the template; what of it came from outside was cleaned on its way into a
//! table or a chart. A flame graph is a program, and stands in a frame that can reach nothing.

mod courses;
mod curves;
mod document;
mod flames;
mod graphs;
mod loads;
pub(crate) mod render;
mod sections;
mod told;
mod verdict;

use caxton_model::paired::comparison::Comparison;

pub use render::{HtmlError, Page};
pub use told::{Attachment, Told};

/// The page of `runs`, and of `comparisons` of them with others.
///
/// # Errors
/// [`HtmlError`]: nothing that a record could say gives one.
pub fn page(runs: &[Told], comparisons: &[&Comparison]) -> Result<Page, HtmlError> {
    render::report(sections::document(runs, comparisons))
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
