//! What a page tells, in its order. A section that has nothing to tell is not there.

use super::document::{Document, Figure, Section};
use super::told::Told;
use super::verdict::verdict;
use super::{curves, graphs, loads};
use crate::beside;
use crate::chart::Chart;
use crate::sections::{TOPICS, Topic, comparison_tables, overhead, quoted};
use crate::table::{Table, Tone};
use crate::{export, sections as report};
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;

const NAME_MAX: usize = 80;
const TITLE_MAX: usize = 120;

/// What tells of several runs together: its anchor and its heading.
const TARGETS: [&str; 2] = ["targets", "Targets"];
const CHANGES: [&str; 2] = ["changes", "Changes"];
const BESIDE: [&str; 2] = ["beside", "Side by side"];

/// Every section but the banner.
pub(super) fn document(runs: &[Told], comparisons: &[&Comparison]) -> Document {
    let changed = comparisons.iter().flat_map(|comparison| changed(comparison)).collect();
    let records: Vec<&Record> = runs.iter().map(|told| told.record).collect();
    let beside = Vec::from_iter(Figure::open(beside::tables(&records)));
    let mut sections = vec![section(CHANGES, changed), section(BESIDE, beside)];
    sections.extend(TOPICS.iter().map(|topic| {
        // A run is under its own name in the last one.
        let figures = match topic.id {
            "environment" => runs.iter().flat_map(|told| figures(topic, told)).collect(),
            _ => each(runs, |told| figures(topic, told)),
        };
        section([topic.id, topic.title], figures)
    }));
    // Before the environment: first comes what was measured.
    let targets = section(TARGETS, graded(runs));
    sections.insert(sections.len().saturating_sub(1), targets);
    sections.retain(|section| !section.figures.is_empty());
    let (title, verdict) = (title(runs, comparisons), verdict(runs, comparisons));
    Document { title, verdict, sections }
}

fn section(names: [&'static str; 2], mut figures: Vec<Figure>) -> Section {
    let [id, title] = names;
    let headings = figures.iter_mut().filter_map(|figure| figure.heading.as_mut());
    headings.enumerate().for_each(|(i, heading)| heading.id = format!("{id}-{i}"));
    Section { id, title, figures }
}

/// What a page tells of a topic: charts with their numbers, then the other tables.
fn figures(topic: &Topic, told: &Told) -> Vec<Figure> {
    let record = told.record;
    let mut figures = match topic.id {
        "loads" => return loads::figures(record),
        "profiles" => told.attachments.iter().map(Figure::flame).collect(),
        "environment" => Vec::from_iter(Figure::open(vec![made(told)])),
        _ => Vec::new(),
    };
    let mut groups = topic.groups(record).into_iter();
    for (file, chart) in if topic.is_of(record) { charts(topic.id, record) } else { Vec::new() } {
        let numbers = match &chart {
            Chart::Plane(plane) => vec![plane.table()],
            Chart::Rows(_) => groups.next().map_or(Vec::new(), |(_, tables)| tables),
        };
        figures.push(Figure::chart(file, chart, numbers));
    }
    figures.extend(groups.filter_map(|(fold, tables)| Figure::folded(fold, tables)));
    figures
}

/// The charts of a topic, each behind its file's name; those of rows first.
fn charts(topic: &str, record: &Record) -> Vec<(&'static str, Chart)> {
    let rows = match topic {
        "overhead" if !overhead::cases(record).is_empty() => {
            Some(("overhead", export::svg::chart(record)))
        }
        "parts" => graphs::call_parts(record).map(|chart| ("parts", chart)),
        "messages" => graphs::rates(record).map(|chart| ("rates", chart)),
        _ => None,
    };
    let planes = match topic {
        "limits" => curves::limit_curves(record).map(|c| ("limits-time", c)).into_iter().collect(),
        "messages" => curves::responses(record).into_iter().map(|c| ("responses", c)).collect(),
        "scaling" => curves::scaling(record),
        _ => Vec::new(),
    };
    let planes = planes.into_iter().map(|(file, plane)| (file, plane.into()));
    rows.map(|(file, rows)| (file, rows.into())).into_iter().chain(planes).collect()
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
    let numbers = || vec![report::targets::table(&records)];
    let drawn = graphs::targets(&records);
    let drawn = drawn.map(|drawn| Figure::chart("targets", drawn, numbers()));
    let by_runtime = report::targets::by_runtime(&records.iter().collect::<Vec<_>>());
    let mut figures: Vec<Figure> =
        drawn.into_iter().chain(Figure::open(vec![by_runtime])).collect();
    if figures.is_empty() {
        return figures;
    }
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

/// The run itself.
fn made(told: &Told) -> Table {
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
    table
}

fn again(record: &Record) -> String {
    let run = &record.run;
    let commit = run.revision.commit.known().map_or("COMMIT", String::as_str);
    format!("git checkout {}; {}", quoted(commit), report::again::again(run))
}
