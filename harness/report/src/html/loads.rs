//! What is told of each load: its verdict, what was asked of it, its charts, and how a burst was
//! got over. Figures that a chart does not have are a click away.

use super::courses::courses;
use super::document::{Figure, Heading};
use super::verdict::tone;
use crate::sections::load;
use crate::table::Table;
use caxton_analysis::load::recovery::CALM;
use caxton_model::load::outcome::{LoadOutcome, Recovery};
use caxton_model::load::plan::Role;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;

const FILE_MAX: usize = 24;
const WORDS_MAX: usize = 800;

pub(super) fn figures(record: &Record) -> Vec<Figure> {
    load::of(record).into_iter().flat_map(|(case, load)| of_load(case, load)).collect()
}

fn of_load(case: &CaseRecord, load: &LoadOutcome) -> Vec<Figure> {
    let one = [(case, load)];
    let label = load::label(load);
    let own = |table: Table| own(table, &label);
    let mut verdict = own(load::verdicts(&one));
    // The heading has it.
    without_first(&mut verdict);
    verdict.title.clear();
    let heading =
        Heading { id: String::new(), name: label.clone(), word: load.told(), tone: tone(load) };
    let mut figures =
        vec![Figure { heading: Some(heading), tables: vec![verdict], ..Figure::default() }];
    figures.extend(Figure::open(vec![own(load::thresholds(&one))]));
    let base = file(&load.plan.name);
    figures.extend(courses(load).into_iter().map(|(name, course)| {
        let figure = Figure::plane(&format!("load-{base}-{name}"), course);
        Figure { is_beside: true, ..figure }
    }));
    figures.extend(load.recovery.iter().map(|told| recovery(load, told)));
    if load.crashes.is_some() {
        figures.extend(Figure::open(vec![own(load::deaths(&one))]));
    }
    let rest = [load::messages, load::times, load::growth, load::slowing, load::left];
    let rest = rest.iter().map(|table| own(table(&one))).collect();
    figures.extend(Figure::folded("Messages and times by stage, what grew, what was left", rest));
    figures
}

/// A table of one load under its name, which need not be in every row.
fn own(mut table: Table, label: &str) -> Table {
    without_first(&mut table);
    if let Some(title) = table.title.strip_prefix("Loads: ") {
        let mut letters = title.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        table.title = first.into_iter().chain(letters).collect();
    }
    let prefix = format!("{label}: ");
    for note in &mut table.notes {
        if let Some(text) = note.text.strip_prefix(&prefix) {
            note.text = text.to_owned();
        }
    }
    table
}

fn without_first(table: &mut Table) {
    table.columns.remove(0);
    for row in &mut table.rows {
        row.cells.remove(0);
    }
}

/// What of a name may be in a file's.
fn file(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().take(FILE_MAX).map(plain).collect()
}

fn recovery(load: &LoadOutcome, told: &Reading<Recovery>) -> Figure {
    let mut words = match told {
        Reading::Missing(why) => {
            vec![format!("How {} got over cannot be told: {why}.", what(load).was)]
        }
        Reading::Known(told) => vec![back(what(load), told), backlog(what(load), told)],
    };
    if let Some(least) = load.least_capacity_per_second {
        let least = Unit::PerSecond.show(least);
        words.push(format!("As it is planned, only what can do {least} recovers in time."));
    }
    let words = vec![sanitise(&words.join(" "), WORDS_MAX)];
    Figure { words, ..Figure::default() }
}

/// What was to be got over, in words.
#[derive(Debug, Clone, Copy)]
struct Hardship {
    was: &'static str,
    /// From when on, and what was so at that moment.
    after: &'static str,
    when: &'static str,
}

fn what(load: &LoadOutcome) -> Hardship {
    let stage = load.plan.disruption().map(|at| &load.plan.stages[at]);
    match stage.is_some_and(|stage| stage.role == Role::Burst) {
        true => Hardship {
            was: "the burst was",
            after: "the end of the burst",
            when: "the burst ended",
        },
        false => Hardship {
            was: "the deaths were",
            after: "agents were killed",
            when: "they were killed",
        },
    }
}

fn back(what: Hardship, told: &Recovery) -> String {
    let calm = format!(
        "{CALM} whole seconds in a row with a p99 response of {} at most, and {} in flight at most",
        told.calm_p99, told.calm_in_flight
    );
    match told.took_s {
        Some(took_s) => format!(
            "Recovered {took_s:.0} s after {}: from then on all was as before, for {calm}.",
            what.after
        ),
        None => format!(
            "Not recovered in the {:.0} s that were looked at: nowhere {calm}.",
            told.looked_s
        ),
    }
}

fn backlog(what: Hardship, told: &Recovery) -> String {
    let when = what.when;
    let left = match told.backlog {
        0 => format!("No message was in flight when {when}"),
        1 => format!("One message was in flight when {when}"),
        many => format!("{} messages were in flight when {when}", load::count(many)),
    };
    let Some(capacity) = told.capacity_per_second else {
        return format!("{left}: its capacity was not reached.");
    };
    let capacity = Unit::PerSecond.show(capacity);
    match told.drain_s {
        Some(drain_s) => format!(
            "{left}; at the {capacity} that were reached they take {drain_s:.1} s at the least."
        ),
        None => format!("{left}; the {capacity} that were reached leave nothing for them."),
    }
}
