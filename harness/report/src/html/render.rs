//! Pages as HTML: the templates, and what all of them share: inks for light and dark, letters,
//! tables, and a button that chooses between light and dark.

use super::document::Document;
use crate::chart::paper::page_style;
use crate::chart::{Chart, ChartError};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;
use std::collections::BTreeSet;

const LIGHT: &str = "color-scheme:light;--page:#f6f8fa;--card:#fff;--head:#eef1f4;--border:#d0d7de;\
    --words:#1f2328;--aside:#59636e;--link:#0757b8;--well:#176f30;--watch:#8f4700;--ill:#b81c27;";
const DARK: &str = "color-scheme:dark;--page:#0d1117;--card:#161b22;--head:#1d2530;\
    --border:#3d444d;--words:#e6edf3;--aside:#9aa4af;--link:#6cb2ff;--well:#46c25c;\
    --watch:#f0a04b;--ill:#ff8a82;";

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

pub(super) fn report(mut document: Document) -> Result<Page, HtmlError> {
    let charts = draw(&mut document)?;
    let html = page(include_str!("report.html"), include_str!("report.css"), "", &document)?;
    Ok(Page { html, charts })
}

/// Draws each chart, under a name of its own, and gives all of them as files.
pub(super) fn draw(document: &mut Document) -> Result<Vec<(String, String)>, HtmlError> {
    let mut taken = BTreeSet::new();
    let mut charts = Vec::new();
    for figure in document.sections.iter_mut().flat_map(|section| &mut section.figures) {
        let Some(chart) = &figure.chart else { continue };
        let base = figure.file.clone();
        let mut count = 1;
        while !taken.insert(figure.file.clone()) {
            count += 1;
            figure.file = format!("{base}-{count}");
        }
        let failed = |source| HtmlError::Chart { chart: base.clone(), source };
        let sheet = chart.draw().map_err(failed)?;
        let narrow = chart.draw_narrow().map_err(failed)?;
        figure.svg = format!("{}\n{}", sheet.inline(" is-wide"), narrow.inline(" is-narrow"));
        charts.push((format!("{}.svg", figure.file), sheet.file()));
    }
    Ok(charts)
}

/// `chart` as a part of a page.
pub(crate) fn inline(chart: impl Into<Chart>) -> Result<String, HtmlError> {
    let chart = chart.into();
    let sheet = chart.draw();
    let sheet = sheet.map_err(|source| HtmlError::Chart { chart: "a chart".to_owned(), source })?;
    Ok(sheet.inline(""))
}

/// `data`, which has a title, in the template `body` between the head and the foot of all pages.
pub(crate) fn page(
    body: &str,
    css: &str,
    script: &str,
    data: &impl Serialize,
) -> Result<String, HtmlError> {
    let [light, dark, inks] = page_style();
    let style = format!(
        ":root{{{LIGHT}{light}}}\n\
         @media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light])\
         {{{DARK}{dark}}}}}\n\
         @media screen{{:root[data-theme=dark]{{{DARK}{dark}}}}}\n{}\n{inks}\n{css}",
        include_str!("family.css")
    );
    let script = format!("{}{script}", include_str!("family.js"));
    let template = [include_str!("head.html"), body, include_str!("foot.html")].concat();
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    // The ending has all text escaped.
    environment.add_template("page.html", &template)?;
    let frame = context! { style, script };
    let data = Value::from(Serde(data));
    Ok(environment.get_template("page.html")?.render(context! { ..data, ..frame })?)
}
