//! What WASM costs each agent, as a chart: the ratio of call times with its interval, one row per
//! agent. What stands in the rows is here; where and in which colours, in `svg/drawing.rs`.

mod drawing;

use self::drawing::{Chart, Kind, Mark, Row};
use crate::chart::{ChartError, Sheet};
use crate::export::known::ExportError;
use crate::sections::figures::too_few;
use crate::table::name;
use caxton_analysis::reduce::{GEOMEAN, HEADLINE, Levels, NOOP, counts_in_geomean};
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Company, Record, Status, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::sanitise;
use caxton_model::words::percent;
use std::ops::RangeInclusive;

/// The ratios that the axis can show; the figure of any other still stands in its row.
const DRAWABLE: RangeInclusive<f64> = 1e-4..=1e4;
/// Longest name of a processor.
const CPU_MAX: usize = 60;

/// The chart as SVG.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let drawn = sheet(record).map_err(|e| ExportError { format: "svg", why: e.to_string() })?;
    Ok(drawn.file_with(&drawing::INKS).into_bytes())
}

/// The chart, drawn.
pub(crate) fn sheet(record: &Record) -> Result<Sheet, ChartError> {
    drawing::draw(&chart(record))
}

fn chart(record: &Record) -> Chart {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|c| c.key.is_overhead()).collect();
    let (noop, agents): (Vec<_>, Vec<_>) = cases.iter().partition(|case| case.key.agent == NOOP);
    let mut rows: Vec<Row> = agents.into_iter().map(|case| row(case, Kind::Agent)).collect();
    rows.sort_by(|a, b| {
        let ratio = |row: &Row| row.mark.map_or(0.0, |mark| mark.ratio);
        ratio(b).total_cmp(&ratio(a)).then_with(|| a.label.cmp(&b.label))
    });
    rows.extend(geomean(record, &cases));
    rows.extend(noop.into_iter().map(|case| row(case, Kind::Apparatus)));
    Chart {
        title: "What WASM costs: steady-state call time, WASM over native",
        subtitles: [asked(record), conditions(record, &cases)],
        rows,
        notes: notes(record, &cases),
    }
}

fn row(case: &CaseRecord, kind: Kind) -> Row {
    let params = case.key.params.iter().map(|(name, value)| format!(" {name}={value}"));
    let label = name(&format!("{}{}", case.key.agent, params.collect::<String>()));
    let without = |figure: &str| {
        let kind = if kind == Kind::Agent { Kind::Without } else { kind };
        Row { kind, label: label.clone(), mark: None, figure: figure.to_owned() }
    };
    match (&case.outcome, case.metric(HEADLINE)) {
        (Outcome::Ran, Ok(summary)) => {
            Row { kind, label, mark: mark(summary), figure: figure(summary) }
        }
        (Outcome::Ran, Err(_)) => without("no ratio"),
        (outcome, _) => without(outcome.name()),
    }
}

/// The row of the geometric mean; none where no agent counts.
fn geomean(record: &Record, cases: &[&CaseRecord]) -> Option<Row> {
    let counts = |case: &&&CaseRecord| counts_in_geomean(case) && case.metric(HEADLINE).is_ok();
    let agents = cases.iter().filter(counts).count();
    let summary = record.totals.get(GEOMEAN).and_then(Reading::known);
    let (mark, figure) =
        summary.map_or((None, "none".to_owned()), |summary| (mark(summary), figure(summary)));
    let label = if agents == 1 { "agent" } else { "agents" };
    let label = format!("geomean of {agents} {label}");
    (agents > 0).then_some(Row { kind: Kind::Geomean, label, mark, figure })
}

fn mark(summary: &Summary) -> Option<Mark> {
    let bounds = summary.interval.map(|interval| (interval.lower, interval.upper));
    let (lower, upper) = bounds.unwrap_or((summary.estimate, summary.estimate));
    let is_drawable = [lower, summary.estimate, upper].iter().all(|v| DRAWABLE.contains(v));
    let is_hollow = is_in_company(summary);
    is_drawable.then_some(Mark { ratio: summary.estimate, bounds, is_hollow })
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

/// What was asked for, and of which source.
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

/// The ratios of the agents.
fn summaries<'a>(cases: &[&'a CaseRecord]) -> impl Iterator<Item = &'a Summary> {
    let ran = cases.iter().copied().filter(|case| case.outcome == Outcome::Ran);
    ran.filter_map(|case| match case.metrics.iter().find(|(name, _)| name.as_str() == HEADLINE) {
        Some((_, Reading::Known(summary))) => Some(summary),
        _ => None,
    })
}

/// What a reader should know before believing a dot.
fn notes(record: &Record, cases: &[&CaseRecord]) -> Vec<String> {
    let mut notes = Vec::new();
    if cases.iter().any(|case| case.key.agent == NOOP) {
        notes.push(format!("{NOOP} does no work: it shows the boundary, and no mean counts it."));
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
        notes.push("This run is not whole: what it says holds for what finished.".to_owned());
    }
    notes
}

#[cfg(test)]
#[path = "svg_tests.rs"]
mod tests;
