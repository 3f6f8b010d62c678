//! What a page tells, in its order. A section that has nothing to tell says what would bring it.

use super::flames::Flame;
use super::verdict::Tone as VerdictTone;
use super::{HtmlError, Told, curves, graphs, loads};
use crate::chart::plane::Plane;
use crate::chart::rows::Rows;
use crate::chart::{ChartError, Sheet};
use crate::sections::{
    comparison_tables, conditions, counters, heap, latency, limits, overhead, parts, profiles,
    quoted, resources, same, scaling, throughput,
};
use crate::table::{Table, Tone};
use crate::{export, sections as report};
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;

/// A part of the page.
#[derive(Debug)]
pub(super) struct Section {
    /// Its anchor.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What brings it; shown where there are no figures.
    pub(super) absent: &'static str,
    pub(super) figures: Vec<Figure>,
}

/// A chart with its numbers, tables, or a flame graph.
#[derive(Debug, Default)]
pub(super) struct Figure {
    /// What this and the figures after it are of.
    pub(super) heading: Option<Heading>,
    /// Whether it may stand beside its neighbour where there is room.
    pub(super) is_beside: bool,
    /// Sentences above it; clean text.
    pub(super) words: Vec<String>,
    /// The run it is of, where there are several.
    pub(super) of: String,
    /// Its file's name without an ending, and the chart.
    pub(super) chart: Option<(String, Sheet)>,
    /// Its numbers, or tables by themselves.
    pub(super) tables: Vec<Table>,
    /// What the tables are together, where they are shown on demand.
    pub(super) folded: Option<&'static str>,
    pub(super) flame: Option<Flame>,
}

/// A heading within a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// Clean text.
    pub(super) name: String,
    /// How it stands, in a word.
    pub(super) word: String,
    pub(super) tone: VerdictTone,
}

const NUMBERS: &str = "Numbers";

/// A chart, and what stands below it.
fn chart(
    name: &str,
    drawn: Result<Sheet, ChartError>,
    tables: Vec<Table>,
) -> Result<Figure, HtmlError> {
    let sheet = drawn.map_err(|source| HtmlError::Chart { chart: name.to_owned(), source })?;
    let chart = Some((name.to_owned(), sheet));
    Ok(Figure { chart, tables: filled(tables), folded: Some(NUMBERS), ..Figure::default() })
}

fn rows(name: &str, rows: Option<Rows>, tables: Vec<Table>) -> Result<Vec<Figure>, HtmlError> {
    match rows {
        Some(rows) => Ok(vec![chart(name, rows.draw(), tables)?]),
        None => Ok(open(tables)),
    }
}

pub(super) fn plane(name: &str, plane: &Plane) -> Result<Figure, HtmlError> {
    chart(name, plane.draw(), vec![plane.table()])
}

/// Tables that are seen at once.
pub(super) fn open(tables: Vec<Table>) -> Vec<Figure> {
    let tables = filled(tables);
    if tables.is_empty() { Vec::new() } else { vec![Figure { tables, ..Figure::default() }] }
}

/// Tables on demand.
pub(super) fn folded(name: &'static str, tables: Vec<Table>) -> Vec<Figure> {
    let mut figures = open(tables);
    figures.iter_mut().for_each(|figure| figure.folded = Some(name));
    figures
}

/// Those that have something to say.
fn filled(tables: Vec<Table>) -> Vec<Table> {
    tables.into_iter().filter(|table| !table.is_empty()).collect()
}

/// Of each run its figures by `of`, marked with the run where there are several.
fn each(
    runs: &[Told],
    of: impl Fn(&Told) -> Result<Vec<Figure>, HtmlError>,
) -> Result<Vec<Figure>, HtmlError> {
    let mut all = Vec::new();
    for told in runs {
        for figure in of(told)? {
            let of = if runs.len() > 1 { told.record.run.id.clone() } else { String::new() };
            all.push(Figure { of: caxton_model::sanitise::sanitise(&of, 80), ..figure });
        }
    }
    Ok(all)
}

/// Every section but the banner: its mark, its heading, and what it says where it is empty.
const SECTIONS: [(&str, &str, &str); 11] = [
    ("targets", "Targets", "No figure of a target here: cargo bench measures all suites."),
    (
        "changes",
        "Changes",
        "Nothing was compared: cargo bench -- --save-baseline NAME keeps this state, cargo bench \
         -- --baseline NAME compares another one with it.",
    ),
    (
        "overhead",
        "Native against WASM",
        "No agent was measured on both sides: cargo bench --bench wasm does.",
    ),
    (
        "parts",
        "Where the overhead goes",
        "No call was taken apart: cargo bench --bench wasm -- parts does.",
    ),
    (
        "limits",
        "Under a memory limit",
        "No agent had a memory limit: cargo bench --bench wasm -- memory-limit gives it one.",
    ),
    ("loads", "Loads", "No load was run: cargo bench --bench scenarios brings it."),
    (
        "messages",
        "Messages and response times",
        "No messages were sent: cargo bench --bench throughput, and --bench latency.",
    ),
    (
        "scaling",
        "Scaling",
        "One number of agents at most: cargo bench --bench scalability has more.",
    ),
    (
        "resources",
        "Memory, CPU time and recovery",
        "No phases and no crash: cargo bench --bench resources.",
    ),
    (
        "profiles",
        "Profiles",
        "Nothing was profiled: scripts/profile AGENT, or cargo bench --bench wasm -- --profile \
         cpu.",
    ),
    ("environment", "Environment", "No run, no machine."),
];

/// Every section but the banner.
pub(super) fn sections(
    runs: &[Told],
    comparisons: &[&Comparison],
) -> Result<Vec<Section>, HtmlError> {
    let parts_of =
        |told: &Told| rows("parts", graphs::call_parts(told.record), parts::tables(told.record));
    // In the order of the headings.
    let figures: [Vec<Figure>; SECTIONS.len()] = [
        graded(runs)?,
        changed(comparisons)?,
        each(runs, cost)?,
        each(runs, parts_of)?,
        each(runs, limited)?,
        each(runs, |told| loads::figures(told.record))?,
        each(runs, messages)?,
        each(runs, scaled)?,
        each(runs, |told| Ok(open(resources::tables(told.record))))?,
        each(runs, profiled)?,
        // Each is under its run's name already.
        runs.iter().flat_map(made).collect(),
    ];
    let section = |((id, title, absent), figures)| Section { id, title, absent, figures };
    Ok(SECTIONS.into_iter().zip(figures).map(section).collect())
}

fn graded(runs: &[Told]) -> Result<Vec<Figure>, HtmlError> {
    let records: Vec<Record> = runs.iter().map(|told| told.record.clone()).collect();
    let drawn = graphs::targets(&records);
    if drawn.is_none() {
        return Ok(Vec::new());
    }
    let mut figures = rows("targets", drawn, vec![report::targets::table(&records)])?;
    figures.extend(each(runs, |told| Ok(open(vec![report::requirements_table(told.record)])))?);
    Ok(figures)
}

fn changed(comparisons: &[&Comparison]) -> Result<Vec<Figure>, HtmlError> {
    let mut figures = Vec::new();
    for comparison in comparisons {
        let all = comparison_tables(comparison, true);
        let short = comparison_tables(comparison, false);
        let more: Vec<Table> = all.into_iter().filter(|table| !short.contains(table)).collect();
        match graphs::changes(comparison) {
            Some(drawn) => figures.push(chart("changes", drawn.draw(), more)?),
            None => figures.extend(folded("Every metric and count", more)),
        }
        figures.extend(open(short));
    }
    Ok(figures)
}

fn cost(told: &Told) -> Result<Vec<Figure>, HtmlError> {
    let record = told.record;
    if overhead::cases(record).is_empty() || record.is_profile() {
        return Ok(Vec::new());
    }
    let mut figures =
        vec![chart("overhead", export::svg::chart(record).draw(), overhead::calls(record))?];
    figures.extend(folded("The same against itself", same::same_against_same(record)));
    figures.extend(folded("Phases and sizes", {
        [overhead::phases(record), overhead::sizes(record)].concat()
    }));
    figures.extend(folded("Counters per call", counters::per_call(record)));
    Ok(figures)
}

fn limited(told: &Told) -> Result<Vec<Figure>, HtmlError> {
    let curves = curves::limit_curves(told.record);
    let mut figures = Vec::new();
    for (name, curve) in &curves {
        figures.push(plane(name, curve)?);
    }
    figures.extend(open(limits::tables(told.record)));
    Ok(figures)
}

fn messages(told: &Told) -> Result<Vec<Figure>, HtmlError> {
    let record = told.record;
    let mut figures = rows("rates", graphs::rates(record), throughput::tables(record))?;
    for curve in curves::responses(record) {
        figures.push(plane("responses", &curve)?);
    }
    figures.extend(open(latency::tables(record)));
    Ok(figures)
}

fn scaled(told: &Told) -> Result<Vec<Figure>, HtmlError> {
    let mut figures = Vec::new();
    for (name, curve) in curves::scaling(told.record) {
        figures.push(plane(name, &curve)?);
    }
    figures.extend(open(scaling::tables(told.record)));
    Ok(figures)
}

fn profiled(told: &Told) -> Result<Vec<Figure>, HtmlError> {
    let record = told.record;
    let flame = |attachment| Figure { flame: Some(Flame::of(attachment)), ..Figure::default() };
    let mut figures: Vec<Figure> = told.attachments.iter().map(flame).collect();
    if record.is_profile() {
        figures.extend(open(profiles::tables(record)));
    }
    figures.extend(open(heap::tables(record)));
    Ok(figures)
}

/// The run, the instrument, the machine.
fn made(told: &Told) -> Vec<Figure> {
    let Told { record, samples, .. } = told;
    let run = &record.run;
    let mut table = Table::pairs(&format!("Run {}", run.id));
    table.pair("suite, scale", &format!("{}, {}", run.suite, run.scale));
    table.pair("source", &report::revision_words(&run.revision));
    table.pair("seed", &run.seed.to_string());
    table.pair("from, to", &format!("{} to {}", run.started_utc, run.updated_utc));
    table.pair("raw readings", &format!("{} in samples.csv", samples.len()));
    let again = format!("to run it again: {}", again(record));
    table.note(Tone::Plain, &again);
    match run.revision.dirty {
        Some(false) => {}
        Some(true) => table
            .note(Tone::Bad, "Its source was changed since that commit: it cannot be had again."),
        None => table.note(Tone::Bad, "Whether its source is that commit's is unknown."),
    }
    let mut figures = open(vec![table]);
    let details = [conditions::instrument(record), conditions::environment(record)].concat();
    figures.extend(folded("Instrument, machine, builds, warnings", details));
    figures
}

/// The commands that measure the same again.
fn again(record: &Record) -> String {
    let run = &record.run;
    let commit = run.revision.commit.known().map_or("COMMIT", String::as_str);
    format!("git checkout {}; {}", quoted(commit), report::again::again(run))
}
