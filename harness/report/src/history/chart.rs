//! One small chart: a dot with its interval for each run, and a line through what may be compared.

use super::series::{Point, Series};
use crate::chart::plane::{Hint, Plane};
use crate::chart::rows::bounds;
use crate::chart::scale::{Axis, Scale};
use crate::chart::series::{self, Look, Size};
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_model::words::{self, NONE};
use std::collections::BTreeMap;

const WORD_MAX: usize = 80;

/// The chart of `series`, in a suite of `runs` runs.
pub(super) fn chart(series: &Series<'_>, runs: &[(&Record, usize)]) -> Plane {
    let (metric, unit) = (series.metric, series.metric.metric().unit);
    let machines = series.points.iter().map(|point| point.machine + 1).max().unwrap_or(0);
    // A series for each machine, also for those without a point: its place is its colour.
    let line = |machine: usize| series::Series::of("", points(series, runs, machine), Look::Marks);
    let x = Axis::new("run", Scale::Linear, Unit::Count);
    let y = Axis::new("", Scale::Linear, unit);
    let title = format!("{metric} over {} runs", series.points.len());
    let plane = Plane::new(&title, "", x, y, (0..machines).map(line).collect());
    Plane {
        hints: series.points.iter().map(|point| hint(point, unit)).collect(),
        size: Size::Small,
        ..plane
    }
}

/// The points of `machine`, those of each scale as lines of their own.
fn points(series: &Series<'_>, runs: &[(&Record, usize)], machine: usize) -> Vec<series::Point> {
    let mut by_scale: BTreeMap<&str, Vec<&Point<'_>>> = BTreeMap::new();
    for point in series.points.iter().filter(|point| point.machine == machine) {
        by_scale.entry(&point.run.run.scale).or_default().push(point);
    }
    // From the first run of all to the last one.
    let mut points = vec![series::Point::gap(0.0)];
    for (scale, own) in by_scale {
        // A run of the same kind that told nothing of it ends a line.
        let is_silent = |(run, on): &(&Record, usize)| *on == machine && run.run.scale == scale;
        let mut last: Option<&Point<'_>> = None;
        for point in own {
            let between = last.map_or(0, |last| last.at + 1)..point.at;
            if last.is_none() || runs.get(between).unwrap_or_default().iter().any(is_silent) {
                points.push(series::Point::gap(point.at as f64));
            }
            points.push(dot(point));
            last = Some(point);
        }
    }
    points.push(series::Point::gap(runs.len().saturating_sub(1) as f64));
    points
}

fn dot(point: &Point<'_>) -> series::Point {
    series::Point {
        x: point.at as f64,
        y: point.summary.estimate,
        bounds: bounds(point.summary.interval),
        // What nobody knows is no commit's own figure either.
        is_hollow: point.run.run.revision.dirty != Some(false),
    }
}

fn hint(point: &Point<'_>, unit: Unit) -> Hint {
    let (run, summary) = (&point.run.run, point.summary);
    let commit = run.revision.commit.known().map_or("unknown", String::as_str);
    let [started, commit, scale] =
        [run.started_utc.as_str(), commit, &run.scale].map(|text| sanitise(text, WORD_MAX));
    let interval = summary.interval.map_or(NONE.to_owned(), |i| words::bounds(&i, unit));
    let words = format!(
        "{started} commit {commit}, {scale}: {} {interval}, n = {}",
        unit.show(summary.estimate),
        summary.n
    );
    Hint { x: point.at as f64, y: summary.estimate, words }
}
