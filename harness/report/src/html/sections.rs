//! What a page tells, in its order. A section that has nothing to tell says what would bring it.

use super::document::{Document, Figure, Section};
use super::flames::Flame;
use super::told::Told;
use super::verdict::verdict;
use super::{curves, graphs, loads};
use crate::chart::rows::Rows;
use crate::sections::{
    comparison_tables, conditions, counters, heap, latency, limits, overhead, parts, profiles,
    quoted, resources, same, scaling, throughput,
};
use crate::table::{Table, Tone};
use crate::{export, sections as report};
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;

const NAME_MAX: usize = 80;
const TITLE_MAX: usize = 120;

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

pub(super) fn document(runs: &[Told], comparisons: &[&Comparison]) -> Document {
    // In the order of the headings.
    let figures: [Vec<Figure>; SECTIONS.len()] = [
        graded(runs),
        comparisons.iter().flat_map(|comparison| changed(comparison)).collect(),
        each(runs, cost),
        each(runs, |told| {
            rows("parts", graphs::call_parts(told.record), parts::tables(told.record))
        }),
        each(runs, limited),
        each(runs, |told| loads::figures(told.record)),
        each(runs, messages),
        each(runs, scaled),
        each(runs, |told| Vec::from_iter(Figure::open(resources::tables(told.record)))),
        each(runs, profiled),
        // Each is under its run's name already.
        runs.iter().flat_map(made).collect(),
    ];
    let section = |((id, title, absent), mut figures): ((_, _, _), Vec<Figure>)| {
        let headings = figures.iter_mut().filter_map(|figure| figure.heading.as_mut());
        headings.enumerate().for_each(|(i, heading)| heading.id = format!("{id}-{i}"));
        Section { id, title, absent, figures }
    };
    Document {
        title: title(runs, comparisons),
        verdict: verdict(runs, comparisons),
        sections: SECTIONS.into_iter().zip(figures).map(section).collect(),
    }
}

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

/// A chart with its numbers, or those alone.
fn rows(name: &str, rows: Option<Rows>, tables: Vec<Table>) -> Vec<Figure> {
    match rows {
        Some(rows) => vec![Figure::chart(name, rows, tables)],
        None => Vec::from_iter(Figure::open(tables)),
    }
}

/// Of each run its figures by `of`; where there are several, the first of them names the run.
fn each(runs: &[Told], of: impl Fn(&Told) -> Vec<Figure>) -> Vec<Figure> {
    let of_run = |told: &Told| {
        let mut figures = of(told);
        if let Some(first) = figures.first_mut().filter(|_| runs.len() > 1) {
            first.of = sanitise(&told.record.run.id, NAME_MAX);
        }
        figures
    };
    runs.iter().flat_map(of_run).collect()
}

fn graded(runs: &[Told]) -> Vec<Figure> {
    let records: Vec<Record> = runs.iter().map(|told| told.record.clone()).collect();
    let Some(drawn) = graphs::targets(&records) else { return Vec::new() };
    let mut figures = vec![Figure::chart("targets", drawn, vec![report::targets::table(&records)])];
    figures.extend(each(runs, |told| {
        Vec::from_iter(Figure::open(vec![report::requirements_table(told.record)]))
    }));
    figures
}

fn changed(comparison: &Comparison) -> Vec<Figure> {
    let all = comparison_tables(comparison, true);
    let short = comparison_tables(comparison, false);
    let more: Vec<Table> = all.into_iter().filter(|table| !short.contains(table)).collect();
    let first = match graphs::changes(comparison) {
        Some(drawn) => Some(Figure::chart("changes", drawn, more)),
        None => Figure::folded("Every metric and count", more),
    };
    first.into_iter().chain(Figure::open(short)).collect()
}

fn cost(told: &Told) -> Vec<Figure> {
    let record = told.record;
    if overhead::cases(record).is_empty() || record.is_profile() {
        return Vec::new();
    }
    let phases = [overhead::phases(record), overhead::sizes(record)].concat();
    let folded = [
        Figure::folded("The same against itself", same::same_against_same(record)),
        Figure::folded("Phases and sizes", phases),
        Figure::folded("Counters per call", counters::per_call(record)),
    ];
    let chart = Figure::chart("overhead", export::svg::chart(record), overhead::calls(record));
    std::iter::once(chart).chain(folded.into_iter().flatten()).collect()
}

fn limited(told: &Told) -> Vec<Figure> {
    let curves = curves::limit_curves(told.record).into_iter();
    let curves = curves.map(|(name, curve)| Figure::plane(name, curve));
    curves.chain(Figure::open(limits::tables(told.record))).collect()
}

fn messages(told: &Told) -> Vec<Figure> {
    let record = told.record;
    let rates = rows("rates", graphs::rates(record), throughput::tables(record)).into_iter();
    let curves = curves::responses(record).into_iter();
    let curves = curves.map(|curve| Figure::plane("responses", curve));
    rates.chain(curves).chain(Figure::open(latency::tables(record))).collect()
}

fn scaled(told: &Told) -> Vec<Figure> {
    let curves = curves::scaling(told.record).into_iter();
    let curves = curves.map(|(name, curve)| Figure::plane(name, curve));
    curves.chain(Figure::open(scaling::tables(told.record))).collect()
}

fn profiled(told: &Told) -> Vec<Figure> {
    let record = told.record;
    let flame = |attachment| Figure { flame: Some(Flame::of(attachment)), ..Figure::default() };
    let flames = told.attachments.iter().map(flame);
    let profiles = if record.is_profile() { profiles::tables(record) } else { Vec::new() };
    let tables = [Figure::open(profiles), Figure::open(heap::tables(record))];
    flames.chain(tables.into_iter().flatten()).collect()
}

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
    let details = [conditions::instrument(record), conditions::environment(record)].concat();
    let details = Figure::folded("Instrument, machine, builds, warnings", details);
    Figure::open(vec![table]).into_iter().chain(details).collect()
}

fn again(record: &Record) -> String {
    let run = &record.run;
    let commit = run.revision.commit.known().map_or("COMMIT", String::as_str);
    format!("git checkout {}; {}", quoted(commit), report::again::again(run))
}
