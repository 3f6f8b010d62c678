//! The page: suites, their cases, and a chart with its figures for each metric.

use super::chart::chart;
use super::series::{Case, History, Series, Suite};
use crate::chart::paper::SERIES;
use crate::html::HtmlError;
use crate::html::render;
use crate::table::{Table, Tone};
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;
use caxton_model::words::{NONE, bounds, counted, letter};
use minijinja::value::Serde;
use minijinja::{Value, context};

const TEXT_MAX: usize = 200;

const LEAD: &str = "A dot is a run, its line the interval; hollow: with uncommitted changes. Only \
                    runs of the same machine and scale are joined. Other sessions differ by more \
                    than an interval says: for a verdict, compare two versions in one session.";

/// The page of `records`, in whatever order they come.
///
/// # Errors
/// [`HtmlError`]: nothing that a record could say gives one.
pub fn page(records: &[Record]) -> Result<String, HtmlError> {
    let history = History::of(records);
    let shown: usize = history.suites.iter().map(|suite| suite.runs.len()).sum();
    let machines = counted(history.machines.len(), "machine");
    let mut lead = vec![format!("{} of {machines}. {LEAD}", counted(shown, "run"))];
    if history.left_out > 0 {
        lead.push(format!("{} left out.", counted(history.left_out, "older run")));
    }
    if history.suites.is_empty() {
        lead.push("There is no run to show.".to_owned());
    }
    let machines = history.machines.iter().enumerate().map(|(i, words)| {
        context! { ink => i % SERIES.len(), name => letter(i), words => clean(words) }
    });
    let data = context! {
        title => "history",
        lead,
        machines => machines.collect::<Vec<Value>>(),
        suites => history.suites.iter().map(of_suite).collect::<Result<Vec<Value>, _>>()?,
    };
    render::page(
        include_str!("page.html"),
        include_str!("page.css"),
        include_str!("page.js"),
        &data,
    )
}

fn of_suite(suite: &Suite<'_>) -> Result<Value, HtmlError> {
    let day = |run: Option<&(&Record, usize)>| {
        let started = run.map_or("", |(record, _)| record.run.started_utc.as_str());
        clean(started.get(..10).unwrap_or(started))
    };
    let [first, last] = [day(suite.runs.first()), day(suite.runs.last())];
    let runs = counted(suite.runs.len(), "run");
    let cases = suite.cases.iter().map(|case| of_case(suite, case));
    Ok(context! {
        name => clean(suite.name),
        span => format!("{runs}, from {first} to {last}"),
        cases => cases.collect::<Result<Vec<Value>, _>>()?,
    })
}

/// The first metric is in sight; the others are a click away.
fn of_case(suite: &Suite<'_>, case: &Case<'_>) -> Result<Value, HtmlError> {
    let charts = case.series.iter().map(|series| of_series(suite, series));
    let more = case.series.len() - 1;
    Ok(context! {
        key => clean(&case.key.to_string()),
        charts => charts.collect::<Result<Vec<Value>, _>>()?,
        more => if more > 0 { counted(more, "further metric") } else { String::new() },
    })
}

fn of_series(suite: &Suite<'_>, series: &Series<'_>) -> Result<Value, HtmlError> {
    let (metric, row) = (series.metric, series.metric.metric());
    let columns = ["<when", "<commit", "<machine", "<scale", "estimate", "interval", "n"];
    let mut figures = Table::new("", &columns);
    for point in series.points.iter().rev() {
        let (run, summary) = (&point.run.run, point.summary);
        let commit = run.revision.commit.known().map_or("unknown", String::as_str);
        let cells = [
            run.started_utc.clone(),
            format!("{commit}{}", run.revision.differs("changes")),
            letter(point.machine),
            run.scale.clone(),
            row.unit.show(summary.estimate),
            summary.interval.map_or(NONE.to_owned(), |i| bounds(&i, row.unit)),
            summary.n.to_string(),
        ];
        figures.row(Tone::Plain, cells);
    }
    Ok(context! {
        metric => metric.as_str(),
        doc => row.doc,
        latest => latest(series),
        svg => render::inline(chart(series, &suite.runs))?,
        figures => Value::from(Serde(&figures)),
    })
}

/// The newest figure, beside the one before it on the same line.
fn latest(series: &Series<'_>) -> String {
    let unit = series.metric.metric().unit;
    let Some((last, before)) = series.points.split_last() else { return String::new() };
    let mut text = unit.show(last.summary.estimate);
    let before = before.iter().rev().find(|point| point.line() == last.line());
    let Some(before) = before.filter(|point| point.summary.estimate > 0.0) else { return text };
    let change = (last.summary.estimate / before.summary.estimate - 1.0) * 100.0;
    text += &format!("; {change:+.1} % from the run before");
    if let (Some(a), Some(b)) = (last.summary.interval, before.summary.interval) {
        let is_apart = a.lower > b.upper || a.upper < b.lower;
        text += if is_apart { ", intervals apart" } else { ", intervals overlap" };
    }
    text
}

fn clean(text: &str) -> String {
    sanitise(text, TEXT_MAX)
}
