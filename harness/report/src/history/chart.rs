//! One small chart: a dot with its interval for each run, and a line through what may be compared.
//! Its colours are the page's, so that it is right on light pages and dark ones.

use super::series::{Point, Series};
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;
use caxton_model::words::{NONE, bounds};
use quick_xml::escape::escape;
use std::collections::BTreeMap;

/// Longest text from a record.
const TEXT_MAX: usize = 200;
const WIDTH: f64 = 340.0;
const HEIGHT: f64 = 96.0;
/// Room left of the first dot and right of the last one.
const SIDE: f64 = 8.0;
/// Room above the highest interval and below the lowest one, for the figures there.
const EDGE: f64 = 18.0;
/// Colours that the page has for machines.
pub(super) const COLOURS: usize = 6;

/// The chart of `series`, in a suite of `runs` runs.
pub(super) fn chart(series: &Series<'_>, runs: &[(&Record, usize)]) -> String {
    let Some(axes) = Axes::over(&series.points, runs.len()) else { return String::new() };
    let unit = series.metric.metric().unit;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{} over {} runs\">\n",
        series.metric,
        series.points.len()
    );
    let [bottom, top] = axes.range.map(|value| unit.show(value));
    svg += &format!("<text x=\"2\" y=\"11\">{top}</text>\n");
    svg += &format!("<text x=\"2\" y=\"{}\">{bottom}</text>\n", HEIGHT - 4.0);
    let mut lines: BTreeMap<(usize, &str), Vec<&Point<'_>>> = BTreeMap::new();
    for point in &series.points {
        lines.entry(point.line()).or_default().push(point);
    }
    for ((machine, scale), points) in &lines {
        // A run of the same kind that told nothing of it ends a line.
        let is_silent = |(run, on): &(&Record, usize)| on == machine && run.run.scale == *scale;
        let between = |a: &Point<'_>, b: &Point<'_>| runs.get(a.at + 1..b.at).unwrap_or_default();
        let is_next = |a: &&Point<'_>, b: &&Point<'_>| !between(a, b).iter().any(is_silent);
        for points in points.chunk_by(is_next).filter(|points| points.len() > 1) {
            let place = |point: &&Point<'_>| {
                format!("{:.1},{:.1}", axes.x(point.at), axes.y(point.summary.estimate))
            };
            let places: Vec<String> = points.iter().map(place).collect();
            let (class, places) = (machine % COLOURS, places.join(" "));
            svg += &format!("<polyline class=\"m{class}\" points=\"{places}\"/>\n");
        }
    }
    for point in &series.points {
        svg += &dot(point, &axes, series);
    }
    svg + "</svg>\n"
}

/// A dot, its interval, and what a pointer over it is told.
fn dot(point: &Point<'_>, axes: &Axes, series: &Series<'_>) -> String {
    let (x, summary) = (axes.x(point.at), point.summary);
    // What nobody knows is no commit's own figure either.
    let is_clean = point.run.run.revision.dirty == Some(false);
    let hollow = if is_clean { "" } else { " hollow" };
    let whisker = summary.interval.map_or(String::new(), |i| {
        let [low, high] = [i.lower, i.upper].map(|value| axes.y(value));
        format!("<path d=\"M{x:.1} {low:.1}V{high:.1}\"/>")
    });
    let unit = series.metric.metric().unit;
    let interval = summary.interval.map_or(NONE.to_owned(), |i| bounds(&i, unit));
    let run = &point.run.run;
    let commit = run.revision.commit.known().map_or("unknown", String::as_str);
    let title = format!(
        "{} commit {commit}, {}: {} {interval}, n = {}",
        run.started_utc,
        run.scale,
        unit.show(summary.estimate),
        summary.n
    );
    format!(
        "<g class=\"m{}{hollow}\"><title>{}</title>{whisker}<circle cx=\"{x:.1}\" \
         cy=\"{:.1}\" r=\"2.6\"/></g>\n",
        point.machine % COLOURS,
        escaped(&title),
        axes.y(summary.estimate)
    )
}

/// From runs and figures to places.
struct Axes {
    last: f64,
    /// The least and the greatest that is shown.
    range: [f64; 2],
}

impl Axes {
    /// None where there is nothing to show, or a range that cannot be divided.
    fn over(points: &[Point<'_>], runs: usize) -> Option<Self> {
        let ends = points.iter().flat_map(|point| {
            let s = point.summary;
            s.interval.map_or([s.estimate; 3], |i| [i.lower, s.estimate, i.upper])
        });
        let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let last = runs.saturating_sub(1).max(1) as f64;
        (high - low).is_finite().then_some(Self { last, range: [low, high] })
    }

    fn x(&self, at: usize) -> f64 {
        SIDE + (WIDTH - 2.0 * SIDE) * at as f64 / self.last
    }

    fn y(&self, value: f64) -> f64 {
        let [low, high] = self.range;
        // All alike lies in the middle.
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        HEIGHT - EDGE - (HEIGHT - 2.0 * EDGE) * share
    }
}

/// Text from a record, as HTML takes it, between tags and in an attribute.
pub(super) fn escaped(text: &str) -> String {
    escape(sanitise(text, TEXT_MAX)).into_owned()
}
