//! What WASM costs each agent, as a chart: the ratio of call times with its interval, one row per
//! agent.

use crate::chart::rows::{Mark, Paint, Row, Rows};
use crate::chart::scale::Scale;
use crate::export::known::ExportError;
use crate::sections::figures::{UNCLEAR, is_unclear, too_few};
use crate::table::name;
use caxton_analysis::reduce::{GEOMEAN, HEADLINE, Levels, NOOP, counts_in_geomean};
use caxton_model::case::Outcome;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Company, Record, Status, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::sanitise;
use caxton_model::words::percent;
use std::ops::RangeInclusive;

/// The ratios that the axis can show; the figure of any other still stands in its row.
const DRAWABLE: RangeInclusive<f64> = 1e-4..=1e4;
const CPU_MAX: usize = 60;

const NO_RATIO: &str = "No agent of this run has a ratio of WASM to native.";

pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let drawn = chart(record).draw();
    let sheet = drawn.map_err(|e| ExportError { format: "svg", why: e.to_string() })?;
    Ok(sheet.file().into_bytes())
}

/// A row per agent, the dearest first, then the mean of them and the agent that does nothing.
pub(crate) fn chart(record: &Record) -> Rows {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|c| c.key.is_overhead()).collect();
    let (noop, agents): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.key.agent == NOOP);
    let mut rows: Vec<Row> = agents.into_iter().map(|case| row(case, Paint::Plain)).collect();
    rows.sort_by(|a, b| {
        let ratio = |row: &Row| row.mark.map_or(0.0, |mark| mark.value);
        ratio(b).total_cmp(&ratio(a)).then_with(|| a.label.cmp(&b.label))
    });
    rows.extend(geomean(record, &cases));
    rows.extend(noop.into_iter().map(|case| row(case, Paint::Aside)));
    let mut notes = notes(record, &cases);
    if rows.iter().all(|row| row.mark.is_none()) {
        notes.insert(0, NO_RATIO.to_owned());
    }
    let chart = Rows::ratios(
        "What WASM costs: steady-state call time, WASM over native",
        "native",
        Scale::Log,
        rows,
    )
    .read(
        &format!("{}\n{}", asked(record), conditions(record, &cases)),
        "ratio of call times, WASM over native, on a logarithmic scale; less is better",
    );
    Rows { notes, ..chart }
}

fn row(case: &CaseRecord, paint: Paint) -> Row {
    let params = case.key.params.iter().map(|(name, value)| format!(" {name}={value}"));
    let label = name(&format!("{}{}", case.key.agent, params.collect::<String>()));
    let without = |figure: &str| {
        let paint = if paint == Paint::Plain { Paint::Bad } else { paint };
        Row::new(label.clone(), figure.to_owned(), paint)
    };
    match (&case.outcome, case.metric(HEADLINE)) {
        (Outcome::Ran, Ok(summary)) => {
            Row { mark: mark(summary), ..Row::new(label.clone(), figure(summary), paint) }
        }
        (Outcome::Ran, Err(Missing::Unclear(_))) => without(UNCLEAR),
        (Outcome::Ran, Err(_)) => without("no ratio"),
        (outcome, _) => without(outcome.name()),
    }
}

/// The row of the geometric mean; none where no agent counts.
fn geomean(record: &Record, cases: &[&CaseRecord]) -> Option<Row> {
    let has_ratio = |case: &CaseRecord| case.metric(HEADLINE).is_ok() || is_unclear(case, HEADLINE);
    let counts = |case: &&&CaseRecord| counts_in_geomean(case) && has_ratio(case);
    let agents = cases.iter().filter(counts).count();
    let (mark, figure) = match record.totals.get(GEOMEAN) {
        Some(Reading::Known(summary)) => (mark(summary), figure(summary)),
        Some(Reading::Missing(Missing::Unclear(_))) => (None, UNCLEAR.to_owned()),
        Some(Reading::Missing(_)) | None => (None, "none".to_owned()),
    };
    let label = format!("geomean of {agents} agents");
    (agents > 1).then_some(Row { mark, ..Row::new(label, figure, Paint::Mean) })
}

fn mark(summary: &Summary) -> Option<Mark> {
    let mark = Mark { is_hollow: is_in_company(summary), ..Mark::of(summary) };
    let (lower, upper) = mark.bounds.unwrap_or((mark.value, mark.value));
    [lower, mark.value, upper].iter().all(|v| DRAWABLE.contains(v)).then_some(mark)
}

fn is_in_company(summary: &Summary) -> bool {
    matches!(summary.company, Company::Present(launches) if launches > 0)
}

/// The estimate and its interval: `2.24x [2.20, 2.31]`.
fn figure(summary: &Summary) -> String {
    let ratio = short(summary.estimate);
    match summary.interval {
        Some(interval) => {
            format!("{ratio}x [{}, {}]", short(interval.lower), short(interval.upper))
        }
        None => format!("{ratio}x (n = {})", summary.n),
    }
}

/// A ratio with as many digits as a reader takes from a chart.
fn short(value: f64) -> String {
    match value.abs() {
        v if v != 0.0 && !DRAWABLE.contains(&v) => format!("{value:.1e}"),
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn asked(record: &Record) -> String {
    let run = &record.run;
    let changes = run.revision.differs("uncommitted changes");
    let commit = run.revision.commit.known().map_or("unknown", String::as_str);
    format!(
        "suite {}, scale {}; commit {}{changes}",
        name(&run.suite),
        name(&run.scale),
        name(commit)
    )
}

/// Under which conditions the numbers hold, and what an interval is.
fn conditions(record: &Record, cases: &[&CaseRecord]) -> String {
    let cpu = record.host.fingerprint.get("cpu_model").and_then(Reading::known);
    let cpu = cpu.map_or("unknown processor".to_owned(), |cpu| sanitise(cpu, CPU_MAX));
    let counts = || summaries(cases).map(|summary| summary.n);
    let launches = match (counts().min(), counts().max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most} launches"),
        (Some(n), _) => format!("{n} launches"),
        _ => return cpu,
    };
    let level = percent(Levels::of_record(record).single);
    format!("{cpu}; {launches} per agent; {level} intervals")
}

fn summaries<'a>(cases: &[&'a CaseRecord]) -> impl Iterator<Item = &'a Summary> {
    let ran = cases.iter().copied().filter(|case| case.outcome == Outcome::Ran);
    ran.filter_map(|case| match case.metrics.iter().find(|(name, _)| name.as_str() == HEADLINE) {
        Some((_, Reading::Known(summary))) => Some(summary),
        _ => None,
    })
}

fn notes(record: &Record, cases: &[&CaseRecord]) -> Vec<String> {
    let mut notes = Vec::new();
    if cases.iter().any(|case| case.key.agent == NOOP) {
        notes.push(format!("{NOOP} is pure call overhead; no mean includes it."));
    }
    if summaries(cases).any(is_in_company) {
        notes.push(
            "Hollow dot: too few quiet launches, measured beside a busy neighbour.".to_owned(),
        );
    }
    let small = summaries(cases).filter(|summary| summary.interval.is_none());
    if let Some(n) = small.map(|summary| summary.n).max() {
        notes.push(format!("{}.", too_few(n, Levels::of_record(record).single)));
    }
    if record.run.status != Status::Finished {
        notes.push("Incomplete run: results cover only the cases that finished.".to_owned());
    }
    notes
}

#[cfg(test)]
#[path = "svg_tests.rs"]
mod tests;
