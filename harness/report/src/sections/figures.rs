//! Readings as the words of a cell, and the lines that several sections need.

use crate::table::{Table, Tone, name};
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_model::record::{Budget, CaseRecord, Company, Summary};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, grouped, list, percent};
use caxton_stats::signed_rank;

/// What stands before a value that should be exact and is not.
pub(crate) const ABOUT: &str = "≈";

/// What stands in place of a value that cannot be told from what disturbed it.
pub(crate) const UNCLEAR: &str = "UNCLEAR";

/// True where `metric` was measured, and is not known for what disturbed it.
pub(crate) fn is_unclear(case: &CaseRecord, metric: &str) -> bool {
    matches!(case.metric(metric), Err(Missing::Unclear(_)))
}

/// The name of `metric` of every launch, quiet or not.
pub(crate) fn as_found(metric: &str) -> String {
    format!("{metric}_as_found")
}

pub(crate) fn estimate(case: &CaseRecord, metric: &str) -> String {
    if is_unclear(case, metric) {
        return UNCLEAR.to_owned();
    }
    shown(case, metric, |summary, unit| unit.show(summary.estimate))
}

/// The estimate of an exact `metric`, with all its digits.
pub(crate) fn exact(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, _| {
        let about = if summary.interval.is_some_and(|i| i.is_range()) { ABOUT } else { "" };
        format!("{about}{}", grouped(summary.estimate))
    })
}

pub(crate) fn interval(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, unit| {
        summary.interval.map_or(NONE.to_owned(), |interval| bounds(&interval, unit))
    })
}

pub(crate) fn launches(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, _| summary.n.to_string())
}

fn shown(case: &CaseRecord, metric: &str, show: impl Fn(&Summary, Unit) -> String) -> String {
    let unit = caxton_model::metric::MetricName::parse(metric).map(|metric| metric.metric().unit);
    match (case.metric(metric), unit) {
        (Ok(summary), Ok(unit)) => show(summary, unit),
        _ => NONE.to_owned(),
    }
}

/// Lines on how `cases` ended otherwise than well, on launches that were not granted, and on
/// intervals that could not be; cases of which the same is to be said share a line.
pub(crate) fn notes(
    table: &mut Table,
    cases: &[&CaseRecord],
    label: impl Fn(&CaseRecord) -> String,
) {
    let ended = cases.iter().filter_map(|case| {
        let why = format!("{}: {}", case.outcome.name(), case.outcome.reason()?);
        Some((why, label(case)))
    });
    table.note_each(Tone::Bad, list, ended);
    let is_short = |case: &&&CaseRecord| {
        case.launches.granted < case.launches.wanted && case.outcome.reason().is_none()
    };
    let short = cases.iter().filter(is_short).map(|case| {
        let Budget { granted, wanted } = case.launches;
        (format!("{granted} of {wanted} launches done"), label(case))
    });
    table.note_each(Tone::Bad, list, short);
}

/// A line for each reason why a case that ran has no `metric`.
pub(crate) fn note_missing(
    table: &mut Table,
    cases: &[&CaseRecord],
    metric: &str,
    label: impl Fn(&CaseRecord) -> String,
) {
    let ran = cases.iter().filter(|case| case.outcome == Outcome::Ran);
    let missing = ran.filter_map(|case| {
        let why = case.metric(metric).err()?;
        Some((format!("no {metric}: {why}"), label(case)))
    });
    table.note_each(Tone::Bad, list, missing);
}

/// A line for each reason why cases that ran have no clear `metric`.
pub(crate) fn note_unclear(
    table: &mut Table,
    cases: &[&CaseRecord],
    metric: &str,
    label: impl Fn(&CaseRecord) -> String,
) {
    let unclear: Vec<&CaseRecord> =
        cases.iter().filter(|case| is_unclear(case, metric)).copied().collect();
    note_missing(table, &unclear, metric, label);
}

pub(crate) fn note_findings(
    table: &mut Table,
    cases: &[&CaseRecord],
    label: impl Fn(&CaseRecord) -> String,
) {
    for case in cases {
        for (what, finding) in &case.findings {
            table.note(Tone::Plain, &format!("{}: {}: {finding}", label(case), name(what)));
        }
    }
}

/// Which figures, by name, were measured beside a busy neighbour, and which launches were left out.
pub(crate) fn note_company(table: &mut Table, figures: &[(String, Company)]) {
    let told = |of: fn(Company) -> Option<u32>| -> Vec<String> {
        let count = |company: Company| of(company).filter(|count| *count > 0);
        let words =
            |(name, company): &(String, Company)| Some(format!("{name} {}", count(*company)?));
        figures.iter().filter_map(words).collect()
    };
    let left_out = told(|company| match company {
        Company::LeftOut(count) => Some(count),
        Company::Present(_) | Company::Unwatched => None,
    });
    if !left_out.is_empty() {
        let why = "launches left out, their core was slower than at its best (a busy neighbour?)";
        table.note(Tone::Plain, &format!("{why}: {}", list(&left_out)));
    }
    let present = told(|company| match company {
        Company::Present(count) => Some(count),
        Company::LeftOut(_) | Company::Unwatched => None,
    });
    if !present.is_empty() {
        let why = "too few quiet launches: these times are of a shared core, in so many launches";
        table.note(Tone::Bad, &format!("{why}: {}", list(&present)));
    }
}

/// A line on what [`ABOUT`] means, where a cell has it.
pub(crate) fn note_about(table: &mut Table) {
    if table.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.starts_with(ABOUT)) {
        let text = format!("{ABOUT} the middle of readings that should be equal and are not");
        table.note(Tone::Bad, &text);
    }
}

/// A line where a summary of `metric` has no interval, because its launches are too few.
pub(crate) fn note_small_n(table: &mut Table, cases: &[&CaseRecord], metric: &str, level: f64) {
    let small = cases.iter().filter_map(|case| case.metric(metric).ok());
    let small = small.filter(|summary| summary.interval.is_none()).map(|summary| summary.n).max();
    if let Some(n) = small {
        table.note(Tone::Bad, &too_few(n, level));
    }
}

/// That `n` launches give no interval at `level`.
pub(crate) fn too_few(n: u32, level: f64) -> String {
    let least = signed_rank::least_n(level).unwrap_or(signed_rank::N_MAX);
    format!("n = {n} has no interval at {}: that takes {least} launches", percent(level))
}
