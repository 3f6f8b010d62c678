//! Sections as HTML: what the template is given.

use super::flames::Flame;
use super::sections::{Figure, Section};
use super::verdict::{Tone, Verdict, verdict};
use super::{HtmlError, Told, family};
use crate::chart::paper::page_style;
use crate::table::{Align, Table, Tone as RowTone};
use caxton_model::paired::comparison::Comparison;
use caxton_model::sanitise::sanitise;
use minijinja::Environment;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use serde::Serialize;

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("report.css");
const TITLE_MAX: usize = 120;

#[derive(Serialize)]
struct View {
    title: String,
    verdict: Verdict,
    sections: Vec<SectionView>,
    family: String,
    /// The rules of inks in charts.
    inks: String,
    style: &'static str,
    script: &'static str,
}

#[derive(Serialize)]
struct SectionView {
    id: &'static str,
    title: &'static str,
    absent: &'static str,
    figures: Vec<FigureView>,
}

#[derive(Serialize)]
struct HeadingView {
    id: String,
    name: String,
    word: String,
    tone: Tone,
}

#[derive(Serialize)]
struct FigureView {
    heading: Option<HeadingView>,
    is_beside: bool,
    words: Vec<String>,
    of: String,
    file: String,
    svg: String,
    tables: Vec<TableView>,
    folded: &'static str,
    flame: Option<Flame>,
}

#[derive(Serialize)]
struct TableView {
    title: String,
    columns: Vec<ColumnView>,
    has_heads: bool,
    rows: Vec<RowView>,
    notes: Vec<NoteView>,
}

#[derive(Serialize)]
struct ColumnView {
    name: String,
    is_number: bool,
}

#[derive(Serialize)]
struct RowView {
    cells: Vec<String>,
    is_bad: bool,
}

#[derive(Serialize)]
struct NoteView {
    text: String,
    is_bad: bool,
}

impl TableView {
    fn of(table: &Table) -> Self {
        let column = |column: &crate::table::Column| ColumnView {
            name: column.name.clone(),
            is_number: column.align == Align::Right,
        };
        let is_bad = |tone: RowTone| tone == RowTone::Bad;
        let rows = table.rows.iter();
        let notes = table.notes.iter();
        Self {
            title: table.title.clone(),
            columns: table.columns.iter().map(column).collect(),
            has_heads: table.columns.iter().any(|column| !column.name.is_empty()),
            rows: rows
                .map(|row| RowView { cells: row.cells.clone(), is_bad: is_bad(row.tone) })
                .collect(),
            notes: notes
                .map(|note| NoteView { text: note.text.clone(), is_bad: is_bad(note.tone) })
                .collect(),
        }
    }
}

impl FigureView {
    fn of(section: &Section, number: usize, figure: &Figure) -> Self {
        let chart = figure.chart.as_ref();
        let heading = figure.heading.as_ref().map(|heading| HeadingView {
            id: format!("{}-{number}", section.id),
            name: heading.name.clone(),
            word: heading.word.clone(),
            tone: heading.tone,
        });
        Self {
            heading,
            is_beside: figure.is_beside,
            words: figure.words.clone(),
            of: figure.of.clone(),
            file: chart.map_or(String::new(), |(name, _)| format!("charts/{name}.svg")),
            svg: chart.map_or(String::new(), |(_, sheet)| sheet.inline()),
            tables: figure.tables.iter().map(TableView::of).collect(),
            folded: figure.folded.unwrap_or_default(),
            flame: figure.flame.clone(),
        }
    }
}

/// A run is named before the first of its figures.
fn figures(section: &Section) -> Vec<FigureView> {
    let mut last = String::new();
    let mut view = |(number, figure): (usize, &Figure)| {
        let mut view = FigureView::of(section, number, figure);
        if view.of == last {
            view.of.clear();
        } else {
            last.clone_from(&view.of);
        }
        view
    };
    section.figures.iter().enumerate().map(&mut view).collect()
}

pub(super) fn render(
    runs: &[Told],
    comparisons: &[&Comparison],
    sections: &[Section],
) -> Result<String, HtmlError> {
    let section = |section: &Section| SectionView {
        id: section.id,
        title: section.title,
        absent: section.absent,
        figures: figures(section),
    };
    let [_, _, inks] = page_style();
    let view = View {
        title: title(runs, comparisons),
        verdict: verdict(runs, comparisons),
        sections: sections.iter().map(section).collect(),
        family: family::style(),
        inks,
        style: STYLE,
        script: family::SCRIPT,
    };
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.add_template("report.html", TEMPLATE)?;
    Ok(environment.get_template("report.html")?.render(Serde(&view))?)
}

/// What the page is about: suites, or the comparison.
fn title(runs: &[Told], comparisons: &[&Comparison]) -> String {
    let mut suites: Vec<&str> = runs.iter().map(|told| told.record.run.suite.as_str()).collect();
    suites.dedup();
    let text = match (suites.as_slice(), comparisons) {
        ([], [one, ..]) => format!("{} against {}", one.candidate.name, one.base.name),
        ([], []) => "nothing".to_owned(),
        (suites, _) => suites.join(", "),
    };
    sanitise(&text, TITLE_MAX)
}
