//! Tables of one row per case whose columns are data: what the sections about mail share.

use crate::sections::figures::{
    estimate, exact, interval, launches, note_about, note_company, notes, too_few,
};
use crate::table::{Table, Tone, name};
use caxton_analysis::reduce::SINGLE;
use caxton_model::case::Outcome;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Company, Record};
use caxton_model::words::list;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    Subject,
    Peer,
    Param(&'static str),
    /// The parameters that are none of these.
    Others(&'static [&'static str]),
    Finding(&'static str),
    Estimate(&'static str),
    Interval(&'static str),
    Exact(&'static str),
    Launches(&'static str),
    /// Whether every message is accounted for.
    Checked,
    /// Anything else.
    Text(fn(&CaseRecord) -> String),
}

pub(super) type Column = (&'static str, Cell);

/// What must be 0 for traffic to count as checked, and the word for it.
const CHECKS: [(&str, &str); 3] = [
    ("dropped_messages", "dropped"),
    ("out_of_order_messages", "out of order"),
    ("corrupt_messages", "corrupt"),
];

/// The cases of `suite` with one of `workloads`, in the record's order.
pub(crate) fn cases<'a>(
    record: &'a Record,
    suite: &str,
    workloads: &[&str],
) -> Vec<&'a CaseRecord> {
    let is_meant = |case: &&CaseRecord| {
        case.key.suite == suite && workloads.contains(&case.key.workload.as_str())
    };
    record.cases.iter().filter(is_meant).collect()
}

/// Both sides of a comparison; a subject alone has no peer.
pub(crate) fn sides(case: &CaseRecord) -> (&str, Option<&str>) {
    match case.key.subject.split_once("-vs-") {
        Some((subject, peer)) => (subject, Some(peer)),
        None => (&case.key.subject, None),
    }
}

/// The case in a line of notes: its subject and its parameters.
pub(super) fn label(case: &CaseRecord) -> String {
    let params = case.key.params.iter().map(|(name, value)| format!(" {name}={value}"));
    format!("{}{}", case.key.subject, params.collect::<String>())
}

/// A row per case, without notes. A column that no case has anything for is left out.
pub(super) fn grid(title: &str, columns: &[Column], cases: &[&CaseRecord]) -> Table {
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| columns.iter().map(|(_, cell)| shown(case, *cell)).collect())
        .collect();
    let is_empty = |i: usize| rows.iter().all(|row| row[i].is_empty());
    let kept: Vec<usize> = (0..columns.len()).filter(|i| !is_empty(*i)).collect();
    let headings: Vec<&str> = kept.iter().map(|i| columns[*i].0).collect();
    let mut table = Table::new(title, &headings);
    for (case, row) in cases.iter().zip(&rows) {
        table.row(tone(case), kept.iter().map(|i| row[*i].as_str()));
    }
    table
}

/// Bad for a case that failed or whose messages are not all accounted for.
pub(super) fn tone(case: &CaseRecord) -> Tone {
    let is_fine = case.outcome == Outcome::Ran && !matches!(check(case), Some(Err(_)));
    if is_fine { Tone::Plain } else { Tone::Bad }
}

pub(super) fn shown(case: &CaseRecord, cell: Cell) -> String {
    match cell {
        Cell::Subject => name(sides(case).0),
        Cell::Peer => name(sides(case).1.unwrap_or_default()),
        Cell::Param(param) => name(case.key.param(param).unwrap_or_default()),
        Cell::Others(known) => {
            let others = case.key.params.iter().filter(|(name, _)| !known.contains(&name.as_str()));
            let others: Vec<String> =
                others.map(|(name, value)| format!("{name}={value}")).collect();
            others.join(" ")
        }
        Cell::Finding(what) => name(case.findings.get(what).map_or("", String::as_str)),
        Cell::Estimate(metric) => estimate(case, metric),
        Cell::Interval(metric) => interval(case, metric),
        Cell::Exact(metric) => exact(case, metric),
        Cell::Launches(metric) => launches(case, metric),
        Cell::Checked => match check(case) {
            None => String::new(),
            Some(Ok(())) => "yes".to_owned(),
            Some(Err(_)) => "NO".to_owned(),
        },
        Cell::Text(text) => text(case),
    }
}

/// Whether every message is accounted for, or what is wrong; none where nobody checked.
fn check(case: &CaseRecord) -> Option<Result<(), String>> {
    let mut wrong = Vec::new();
    for (metric, word) in CHECKS {
        let summary = case.metric(metric).ok()?;
        let most = summary.interval.map_or(summary.estimate, |interval| interval.upper);
        if most > 0.0 {
            wrong.push(format!("up to {most} {word}"));
        }
    }
    Some(if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) })
}

/// Lines below `table` on metrics of `columns` that are missing, on messages that are not accounted
/// for, and on figures that are less than they look.
pub(super) fn annotate(table: &mut Table, columns: &[Column], cases: &[&CaseRecord]) {
    let metrics: Vec<&str> = columns.iter().filter_map(|(_, cell)| cell.metric()).collect();
    note_absent(table, &metrics, cases);
    let is_checked = columns.iter().any(|(_, cell)| matches!(cell, Cell::Checked));
    for case in cases.iter().filter(|_| is_checked) {
        if let Some(Err(wrong)) = check(case) {
            let text = format!("{}: not every message arrived whole: {wrong}", label(case));
            table.note(Tone::Bad, &text);
        }
    }
    note_about(table);
    let intervals = columns.iter().filter_map(|(_, cell)| match cell {
        Cell::Interval(metric) => Some(*metric),
        _ => None,
    });
    let known =
        |metric| cases.iter().filter_map(move |case| Some((case, case.metric(metric).ok()?)));
    let figures: Vec<_> = intervals.flat_map(known).collect();
    let small = figures.iter().filter(|(_, summary)| summary.interval.is_none());
    if let Some(n) = small.map(|(_, summary)| summary.n).max() {
        table.note(Tone::Bad, &too_few(n, SINGLE));
    }
    // Of a case with several figures the one that says most against it.
    let mut company: BTreeMap<String, Company> = BTreeMap::new();
    for (case, summary) in metrics.iter().flat_map(|metric| known(metric)) {
        let told = company.entry(label(case)).or_default();
        if !matches!(told, Company::Present(_)) && summary.company != Company::Unwatched {
            *told = summary.company;
        }
    }
    note_company(table, &company.into_iter().collect::<Vec<_>>());
}

impl Cell {
    /// The metric whose figure it shows.
    pub(super) const fn metric(self) -> Option<&'static str> {
        match self {
            Self::Estimate(metric) | Self::Interval(metric) | Self::Exact(metric) => Some(metric),
            _ => None,
        }
    }
}

/// A line per reason why cases that ran lack metrics.
fn note_absent(table: &mut Table, metrics: &[&str], cases: &[&CaseRecord]) {
    let mut reasons: BTreeMap<String, (Vec<String>, BTreeSet<&str>)> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.outcome == Outcome::Ran) {
        for metric in metrics {
            let name = MetricName::parse(metric).ok();
            let Some(Reading::Missing(why)) = name.and_then(|name| case.metrics.get(&name)) else {
                continue;
            };
            let (labels, missing) = reasons.entry(why.to_string()).or_default();
            missing.insert(metric);
            if labels.last() != Some(&label(case)) {
                labels.push(label(case));
            }
        }
    }
    for (why, (labels, metrics)) in reasons {
        let metrics: Vec<&str> = metrics.into_iter().collect();
        table.note(Tone::Bad, &format!("{}: no {}: {why}", list(&labels), metrics.join(", ")));
    }
}

/// [`grid`] with its notes, those on how cases ended, and the findings that no column shows.
pub(super) fn noted(title: &str, columns: &[Column], cases: &[&CaseRecord]) -> Table {
    let mut table = grid(title, columns, cases);
    notes(&mut table, cases, label);
    annotate(&mut table, columns, cases);
    note_findings(&mut table, columns, cases);
    table
}

/// [`grid`] with the notes on its own figures: a further table of cases that another one noted.
pub(super) fn further(title: &str, columns: &[Column], cases: &[&CaseRecord]) -> Table {
    let mut table = grid(title, columns, cases);
    annotate(&mut table, columns, cases);
    table
}

/// A line for each finding that no column shows; cases that found the same share it.
fn note_findings(table: &mut Table, columns: &[Column], cases: &[&CaseRecord]) {
    let is_shown = |what: &str| {
        columns.iter().any(|(_, cell)| matches!(cell, Cell::Finding(name) if *name == what))
    };
    let found = cases.iter().flat_map(|case| {
        let others = case.findings.iter().filter(|(what, _)| !is_shown(what));
        others.map(|(what, finding)| (format!("{}: {finding}", name(what)), label(case)))
    });
    table.note_each(Tone::Plain, list, found);
}
