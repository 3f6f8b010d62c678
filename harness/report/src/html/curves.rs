//! Records as curves: under memory limits, of percentiles, and by the number of agents.

use crate::chart::plane::Plane;
use crate::chart::rows::bounds;
use crate::chart::scale::{Axis, Scale, words};
use crate::chart::series::{Look, Point, Series};
use crate::sections::{grid, limits};
use crate::table::name;
use caxton_model::case::{LATENCY, LIMIT, Outcome, RESPONSE, SCALABILITY, SCALE};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_stats::usl::{R_SQUARED_MIN, Usl};

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];
/// Charts of one kind in a report: the tables have the others.
const CHARTS_MAX: usize = 6;
const LABEL_MAX: usize = 60;
/// How far above the highest rate the ideal line is drawn.
const IDEAL_MAX: f64 = 2.0;

/// A chart's file, its title, its unit, and its metrics with their names.
type ByAgents = (&'static str, &'static str, Unit, &'static [(&'static str, &'static str)]);

const BY_AGENTS: [ByAgents; 2] = [
    (
        "scaling-memory",
        "Memory per agent by the number of agents",
        Unit::Bytes,
        &[("memory_per_agent_bytes", "PSS and tables"), ("pss_per_agent_bytes", "PSS")],
    ),
    (
        "scaling-spawn",
        "Spawning an agent by the number of agents",
        Unit::Nanos,
        &[("spawn_p50_ns", "p50"), ("spawn_p99_ns", "p99"), ("respawn_p50_ns", "again, p50")],
    ),
];

/// The figure of `case` at `x`, or that there is none.
fn point(x: f64, case: &CaseRecord, metric: &str) -> Point {
    let Ok(summary) = case.metric(metric) else { return Point::gap(x) };
    Point { bounds: bounds(summary.interval), ..Point::new(x, summary.estimate) }
}

/// By what is held of the limit: time over an empty agent's, and messages per second.
pub(super) fn limit_curves(record: &Record) -> Vec<(&'static str, Plane)> {
    let under = record.cases.iter().filter(|case| case.key.is_memory_limit());
    let ran: Vec<&CaseRecord> = under.filter(|case| case.outcome == Outcome::Ran).collect();
    let curve = |metric: fn(&str) -> String| -> Vec<Series> {
        let of = |case: &&CaseRecord| {
            let at =
                |held: &str| Some(point(held.parse::<f64>().ok()? / 100.0, case, &metric(held)));
            let limit = case.key.param(LIMIT).unwrap_or_default();
            Series {
                label: name(&format!("{} {limit}", case.key.agent)),
                points: limits::HELD.iter().filter_map(|held| at(held)).collect(),
                look: Look::Marks,
            }
        };
        ran.iter().map(of).filter(|series| series.known().next().is_some()).collect()
    };
    let plane = |title: &str, y: Axis, series: Vec<Series>| {
        let subtitle = "An agent holds a share of its memory limit while it handles messages; one \
                        line for each limit, with 95 % intervals. Lines stand aside of each other \
                        by some pixels.";
        let x = Axis::new("share of the limit that is held", Scale::FromZero, Unit::Share);
        Plane::new(title, subtitle, x, y, series)
    };
    let over = "time per message over that of an empty agent";
    let time = Axis::new(over, Scale::Linear, Unit::Ratio);
    let rate = Axis::new("messages per second", Scale::FromZero, Unit::PerSecond);
    let times = curve(|held| format!("level_{held}_to_empty_time"));
    let rates = curve(|held| format!("level_{held}_rate"));
    let curves = [
        ("limits-time", plane("What it costs to hold memory under a limit", time, times)),
        ("limits-rate", plane("Messages per second under a memory limit", rate, rates)),
    ];
    curves.into_iter().filter(|(_, plane)| !plane.series.is_empty()).collect()
}

pub(super) fn responses(record: &Record) -> Vec<Plane> {
    let cases = grid::cases(record, LATENCY, &[RESPONSE]);
    let ran = cases.into_iter().filter(|case| case.outcome == Outcome::Ran);
    ran.filter_map(response).take(CHARTS_MAX).collect()
}

fn response(case: &CaseRecord) -> Option<Plane> {
    let (subject, peer) = grid::sides(case);
    let line = |label: String, prefix: &str| {
        let at = |(end, q): &(&str, f64)| point(*q, case, &format!("{prefix}_{end}_ns"));
        (label, QUANTILES.iter().map(at).collect::<Vec<Point>>())
    };
    let subject = name(subject);
    let lines = [
        line(format!("{subject}: response"), "subject_response"),
        line(format!("{subject}: service, from the send"), "subject_service"),
        line(format!("{}: response", name(peer.unwrap_or("peer"))), "peer_response"),
    ];
    let lines: Vec<(&str, Vec<Point>)> = lines
        .iter()
        .filter(|(_, points)| points.iter().any(|point| !point.is_gap()))
        .map(|(label, points)| (label.as_str(), points.clone()))
        .collect();
    let params = case.key.params.iter().map(|(name, value)| format!("{name}={value}"));
    let title = format!("Response times at {}", params.collect::<Vec<_>>().join(", "));
    (!lines.is_empty()).then(|| spectrum(&sanitise(&title, LABEL_MAX), &lines))
}

/// Percentiles by log 1/(1−q): quantile between 0 and 1, nanoseconds. Few points get marks.
pub(super) fn spectrum(title: &str, lines: &[(&str, Vec<Point>)]) -> Plane {
    let one = |(label, points): &(&str, Vec<Point>)| Series {
        label: (*label).to_owned(),
        points: points.clone(),
        look: Look::of(points.len()),
    };
    let subtitle = "Of all messages 90 %, 99 %, 99.9 % were quicker than this; each step to the \
                    right leaves a tenth of those before it.";
    let x = Axis::new("share of messages that were quicker", Scale::Nines, Unit::Share);
    let y = Axis::new("time, logarithmic", Scale::Log, Unit::Nanos);
    Plane::new(title, subtitle, x, y, lines.iter().map(one).collect())
}

/// By the number of agents: rates with the ideal line and the law, memory, spawning.
pub(super) fn scaling(record: &Record) -> Vec<(&'static str, Plane)> {
    let cases = grid::cases(record, SCALABILITY, &[SCALE]);
    let mut subjects: Vec<&str> = cases.iter().map(|case| case.key.subject.as_str()).collect();
    subjects.dedup();
    let rates = subjects.iter().filter_map(|subject| {
        let series = measured(&cases, subject, "message_rate", "measured");
        let is_known = series.known().next().is_some();
        is_known.then(|| ("scaling-rate", rate_by_agents(subject, series)))
    });
    let mut curves: Vec<_> = rates.take(CHARTS_MAX).collect();
    for (file, title, unit, metrics) in BY_AGENTS {
        let label = |subject: &str, words: &str| match subjects.len() {
            1 => words.to_owned(),
            _ => format!("{}: {words}", name(subject)),
        };
        let pairs = subjects.iter().flat_map(|subject| {
            let of = |(metric, words): &(&str, &str)| {
                measured(&cases, subject, metric, &label(subject, words))
            };
            metrics.iter().map(of).collect::<Vec<Series>>()
        });
        let series: Vec<Series> = pairs.filter(|series| series.known().next().is_some()).collect();
        if !series.is_empty() {
            curves.push((file, by_agents(title, unit, series)));
        }
    }
    curves
}

fn by_agents(title: &str, unit: Unit, series: Vec<Series>) -> Plane {
    let words = if unit == Unit::Bytes { "bytes per agent" } else { "time" };
    let subtitle = "Estimates with 95 % intervals; both axes are logarithmic.";
    let x = Axis::new("agents, logarithmic", Scale::Log, Unit::Count);
    let y = Axis::new(&format!("{words}, logarithmic"), Scale::Log, unit);
    Plane::new(title, subtitle, x, y, series)
}

fn measured(cases: &[&CaseRecord], subject: &str, metric: &str, label: &str) -> Series {
    let of = cases.iter().filter(|case| case.key.subject == subject);
    let agents = |case: &CaseRecord| case.key.param("agents")?.parse::<f64>().ok();
    let mut points: Vec<Point> =
        of.filter_map(|case| Some(point(agents(case)?, case, metric))).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    Series { label: label.to_owned(), points, look: Look::Marks }
}

fn law(fit: &Usl, from: f64, to: f64) -> Series {
    let steps = 48;
    let at = |i: i32| {
        let x = from * (to / from).powf(f64::from(i) / f64::from(steps));
        Point::new(x, fit.rate(x))
    };
    let explained = fit.r_squared.map_or(String::new(), |share| format!(", R² {share:.3}"));
    Series {
        label: format!("Universal Scalability Law{explained}"),
        points: (0..=steps).map(at).collect(),
        look: Look::Dashed,
    }
}

fn rate_by_agents(subject: &str, measured: Series) -> Plane {
    let points: Vec<Point> = measured.known().copied().collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    let rates: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    let most = points.iter().map(|point| point.y).fold(0.0, f64::max);
    let each = first.y / first.x;
    let mut notes = Vec::new();
    let mut lines = Vec::new();
    let end = last.x.min(most * IDEAL_MAX / each);
    if end > first.x {
        let ends = [first.x, end].map(|x| Point::new(x, each * x));
        lines.push(Series {
            label: "ideal: as the fewest, times the agents".to_owned(),
            points: ends.to_vec(),
            look: Look::Dashed,
        });
        if end < last.x {
            let shown = Unit::PerSecond.show(each * last.x);
            let at = words(Unit::Count, last.x);
            notes.push(format!("The ideal line goes on to {shown} at {at} agents."));
        }
    }
    match Usl::fit(&rates) {
        Some(fit) if fit.is_good() => {
            lines.push(law(&fit, first.x, last.x));
            notes.push(format!(
                "Fitted: λ = {}, σ = {:.4}, κ = {:.2e}.",
                Unit::PerSecond.show(fit.lambda),
                fit.sigma,
                fit.kappa
            ));
        }
        Some(fit) => notes.push(format!(
            "The Universal Scalability Law does not fit these rates (R² {:.3}, below \
             {R_SQUARED_MIN}): it is not drawn.",
            fit.r_squared.unwrap_or_default()
        )),
        None => {}
    }
    let title = format!("Messages per second by the number of agents: {}", name(subject));
    let mut series = vec![measured];
    series.extend(lines);
    let plane = by_agents(&title, Unit::PerSecond, series);
    let y = Axis { title: "messages per second, logarithmic".to_owned(), ..plane.y };
    Plane { y, notes, ..plane }
}
