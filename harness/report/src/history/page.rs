//! The page: suites, their cases, and a chart with its figures for each metric.

use super::chart::{COLOURS, chart, escaped};
use super::series::{Case, History, Point, Series, Suite};
use crate::html::family;
use caxton_model::record::Record;
use caxton_model::words::{NONE, bounds};

/// The page of `records`, in whatever order they come.
pub fn page(records: &[Record]) -> String {
    let history = History::of(records);
    let shown: usize = history.suites.iter().map(|suite| suite.runs.len()).sum();
    let mut html = HEAD.replace("STYLE", &(family::style() + STYLE));
    html += &format!(
        "<header><h1>caxton-bench: history</h1></header>\n<p>{} of {}. A dot is a run, its line \
         the interval; hollow: with uncommitted changes. Only runs of the same machine and scale \
         are joined. Other sessions differ by more than an interval says: for a verdict, compare two \
         versions in one session.</p>\n",
        counted(shown, "run"),
        counted(history.machines.len(), "machine")
    );
    if history.left_out > 0 {
        html += &format!("<p>{} left out.</p>\n", counted(history.left_out, "older run"));
    }
    html += "<ul class=\"machines\">\n";
    for (index, words) in history.machines.iter().enumerate() {
        let (class, letter) = (index % COLOURS, letter(index));
        html +=
            &format!("<li><b class=\"m{class}\">machine {letter}</b> {}</li>\n", escaped(words));
    }
    html += "</ul>\n<input id=\"filter\" type=\"search\" hidden placeholder=\"words of a case or \
             metric\" aria-label=\"filter\">\n";
    if history.suites.is_empty() {
        html += "<p>There is no run to show.</p>\n";
    }
    for suite in &history.suites {
        html += &of_suite(suite);
    }
    html + "<script>" + SCRIPT + family::SCRIPT + "</script>\n</html>\n"
}

fn of_suite(suite: &Suite<'_>) -> String {
    let name = escaped(suite.name);
    let day = |run: Option<&(&Record, usize)>| {
        let started = run.map_or("", |(record, _)| record.run.started_utc.as_str());
        escaped(started.get(..10).unwrap_or(started))
    };
    let [first, last] = [day(suite.runs.first()), day(suite.runs.last())];
    let runs = counted(suite.runs.len(), "run");
    let mut html =
        format!("<h2>{name}</h2>\n<p>{runs}, from {first} to {last}</p>\n<div class=\"cases\">\n");
    for case in &suite.cases {
        html += &of_case(suite, case);
    }
    html + "</div>\n"
}

/// The first metric is in sight; the others are a click away.
fn of_case(suite: &Suite<'_>, case: &Case<'_>) -> String {
    let key = escaped(&case.key.to_string());
    let mut html = format!("<section>\n<h3>{key}</h3>\n<div class=\"charts\">\n");
    let (first, rest) = case.series.split_first().expect("a case without a metric is not kept");
    html += &of_series(suite, &key, first);
    html += "</div>\n";
    if !rest.is_empty() {
        html += &format!(
            "<details class=\"more\"><summary>{}</summary>\n<div class=\"charts\">\n",
            counted(rest.len(), "further metric")
        );
        for series in rest {
            html += &of_series(suite, &key, series);
        }
        html += "</div>\n</details>\n";
    }
    html + "</section>\n"
}

fn of_series(suite: &Suite<'_>, key: &str, series: &Series<'_>) -> String {
    let (metric, row) = (series.metric, series.metric.metric());
    let mut html = format!(
        "<figure data-key=\"{} {metric}\">\n<figcaption><b>{metric}</b> {}<br>{}</figcaption>\n",
        key.to_lowercase(),
        escaped(row.doc),
        latest(series)
    );
    html += &chart(series, &suite.runs);
    html += "<details><summary>figures</summary>\n<table>\n<tr><th>when<th>commit<th>machine\
             <th>scale<th>estimate<th>interval<th>n</tr>\n";
    for point in series.points.iter().rev() {
        html += &of_point(point, series);
    }
    html + "</table>\n</details>\n</figure>\n"
}

fn of_point(point: &Point<'_>, series: &Series<'_>) -> String {
    let (run, summary) = (&point.run.run, point.summary);
    let unit = series.metric.metric().unit;
    let commit = run.revision.commit.known().map_or("unknown", String::as_str);
    let changes = run.revision.differs("changes");
    format!(
        "<tr><td>{}<td>{}{changes}<td>{}<td>{}<td>{}<td>{}<td>{}</tr>\n",
        escaped(&run.started_utc),
        escaped(commit),
        letter(point.machine),
        escaped(&run.scale),
        unit.show(summary.estimate),
        summary.interval.map_or(NONE.to_owned(), |i| bounds(&i, unit)),
        summary.n
    )
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

/// The name of a machine on the page: A … Z, then AA and so on.
fn letter(index: usize) -> String {
    let own = char::from(b'A' + (index % 26) as u8);
    if index < 26 { own.to_string() } else { letter(index / 26 - 1) + &own.to_string() }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n\
    <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
    'unsafe-inline'; script-src 'unsafe-inline'\">\n\
    <title>caxton-bench: history</title>\n<style>\nSTYLE</style>\n";

const STYLE: &str = include_str!("page.css");

const SCRIPT: &str = include_str!("page.js");
