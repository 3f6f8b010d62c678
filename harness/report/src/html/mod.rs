//! Runs and comparisons as one HTML page: one file, nothing from elsewhere, readable without
//! JavaScript, light and dark. Each chart is a file of its own, too, and has its numbers below it.
//!
//! All text is escaped by the template; what of it came from outside was cleaned on its way into a
//! table or a chart. A flame graph is a program, and stands in a frame that can reach nothing.

mod courses;
mod curves;
pub(crate) mod family;
mod flames;
mod graphs;
mod loads;
mod page;
mod sections;
pub mod verdict;

use crate::chart::ChartError;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::samples::Sample;
use sections::Section;
use std::collections::BTreeSet;

/// A run, as it is told.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// Its record.
    pub record: &'a Record,
    /// Its raw readings.
    pub samples: &'a [Sample],
    /// What lies beside it and is shown: flame graphs.
    pub attachments: &'a [Attachment],
}

/// A picture from a run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Its file, from the run's folder on.
    pub name: String,
    /// The SVG, or why it is not shown.
    pub svg: Result<String, String>,
}

/// A page, and its charts as files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTML.
    pub html: String,
    /// Name and SVG of each chart.
    pub charts: Vec<(String, String)>,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum HtmlError {
    /// A chart that could not be drawn.
    #[error("cannot draw {chart}: {source}")]
    Chart {
        /// Which.
        chart: String,
        /// Why.
        source: ChartError,
    },
    /// A template that is wrong: ours.
    #[error("cannot fill the page's template: {0}")]
    Template(#[from] minijinja::Error),
}

/// The page of `runs`, and of `comparisons` of them with others.
///
/// # Errors
/// [`HtmlError`]: nothing that a record could say gives one.
pub fn page(runs: &[Told], comparisons: &[&Comparison]) -> Result<Page, HtmlError> {
    let mut sections = sections::sections(runs, comparisons)?;
    let charts = name_charts(&mut sections);
    let html = page::render(runs, comparisons, &sections)?;
    Ok(Page { html, charts })
}

/// Gives each chart a name of its own, and all of them as files.
fn name_charts(sections: &mut [Section]) -> Vec<(String, String)> {
    let mut taken = BTreeSet::new();
    let mut charts = Vec::new();
    let figures = sections.iter_mut().flat_map(|section| &mut section.figures);
    for (name, sheet) in figures.filter_map(|figure| figure.chart.as_mut()) {
        let base = name.clone();
        let mut count = 1;
        while !taken.insert(name.clone()) {
            count += 1;
            *name = format!("{base}-{count}");
        }
        charts.push((format!("{name}.svg"), sheet.file()));
    }
    charts
}

#[cfg(test)]
#[path = "html_tests.rs"]
mod tests;
