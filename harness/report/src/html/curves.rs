//! Records as curves: under memory limits, of percentiles, and by the number of agents.

use crate::chart::plane::Plane;
use crate::chart::rows::bounds;
use crate::chart::scale::{Axis, Scale};
use crate::chart::series::{Look, Point, Series};
use crate::sections::scaling::{Ideal, Marginal, marginals};
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

/// What is measured of spawning, and its name.
const SPAWNING: [(&str, &str); 3] =
    [("spawn_p50_ns", "p50"), ("spawn_p99_ns", "p99"), ("respawn_p50_ns", "again, p50")];

/// The figure of `case` at `x`, or that there is none.
fn point(x: f64, case: &CaseRecord, metric: &str) -> Point {
    let Ok(summary) = case.metric(metric) else { return Point::gap(x) };
    Point { bounds: bounds(summary.interval), ..Point::new(x, summary.estimate) }
}

/// By what is held of the limit: time over an empty agent's. The rate is its inverse.
pub(super) fn limit_curves(record: &Record) -> Option<Plane> {
    let under = record.cases.iter().filter(|case| case.key.is_memory_limit());
    let ran = under.filter(|case| case.outcome == Outcome::Ran);
    let of = |case: &CaseRecord| {
        let at = |held: &&str| {
            let metric = format!("level_{held}_to_empty_time");
            Some(point(held.parse::<f64>().ok()? / 100.0, case, &metric))
        };
        let label =
            name(&format!("{} {}", case.key.agent, case.key.param(LIMIT).unwrap_or_default()));
        Series::of(&label, limits::HELD.iter().filter_map(at).collect(), Look::Marks)
    };
    let series: Vec<Series> = ran.map(of).filter(|one| one.known().next().is_some()).collect();
    let subtitle = "An agent holds a share of its memory limit while it handles messages; one \
                    line for each limit, with 95 % intervals. Lines stand aside of each other \
                    by some pixels.";
    let x = Axis::new("share of the limit that is held", Scale::FromZero, Unit::Share);
    let over = "time per message over that of an empty agent";
    let y = Axis::new(over, Scale::Linear, Unit::Ratio);
    let title = "What it costs to hold memory under a limit";
    (!series.is_empty()).then(|| Plane::new(title, subtitle, x, y, series))
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
        Series::of(&label, QUANTILES.iter().map(at).collect(), Look::of(QUANTILES.len()))
    };
    let subject = name(subject);
    let peer = name(peer.unwrap_or("peer"));
    let lines = [
        line(format!("{subject}: response"), "subject_response").with_hue(0),
        Series {
            look: Look::dashed(QUANTILES.len()),
            ..line(format!("{subject}: service, from the send"), "subject_service").with_hue(0)
        },
        line(format!("{peer}: response"), "peer_response").with_hue(1),
    ];
    let lines: Vec<Series> =
        lines.into_iter().filter(|line| line.known().next().is_some()).collect();
    let params = case.key.params.iter().map(|(name, value)| format!("{name}={value}"));
    let title = format!("Response times at {}", params.collect::<Vec<_>>().join(", "));
    (!lines.is_empty()).then(|| spectrum(&sanitise(&title, LABEL_MAX), lines))
}

/// Percentiles by log 1/(1−q): quantile between 0 and 1, nanoseconds.
pub(super) fn spectrum(title: &str, lines: Vec<Series>) -> Plane {
    let subtitle = "Of all messages 90 %, 99 %, 99.9 % were quicker than this; each step to the \
                    right leaves a tenth of those before it.";
    let x = Axis::new("share of messages that were quicker", Scale::Nines, Unit::Share);
    let y = Axis::new("time, logarithmic", Scale::Log, Unit::Nanos);
    Plane::new(title, subtitle, x, y, lines)
}

/// By the number of agents: rates with the ideal line and the law, memory, spawning.
pub(super) fn scaling(record: &Record) -> Vec<(&'static str, Plane)> {
    let cases = grid::cases(record, SCALABILITY, &[SCALE]);
    let mut subjects: Vec<&str> = cases.iter().map(|case| case.key.subject.as_str()).collect();
    subjects.dedup();
    let rates = subjects.iter().filter_map(|subject| {
        let series = measured(&cases, subject, "message_rate", "measured");
        let is_known = series.known().next().is_some();
        is_known.then(|| ("scaling-rate", rate_by_agents(subject, series, record.host.cores())))
    });
    let mut curves: Vec<_> = rates.take(CHARTS_MAX).collect();
    let marginals = marginals(&cases);
    let memory = subjects.iter().map(|subject| {
        let own = marginals.iter().filter(|of| of.subject == *subject);
        let each =
            |of: &Marginal<'_>| Point { bounds: of.bounds, ..Point::new(of.agents[1], of.each) };
        Series::of(&name(subject), own.map(each).collect(), Look::Marks)
    });
    let label = |subject: &str, words: &str| match subjects.len() {
        1 => words.to_owned(),
        _ => format!("{}: {words}", name(subject)),
    };
    let spawning = subjects.iter().flat_map(|subject| {
        SPAWNING.map(|(metric, words)| measured(&cases, subject, metric, &label(subject, words)))
    });
    let known = |series: Vec<Series>| -> Vec<Series> {
        series.into_iter().filter(|series| series.known().next().is_some()).collect()
    };
    let memory = by_agents("Memory of each further agent", Unit::Bytes, known(memory.collect()));
    let note = "Each: by how much the process grew from the size before to this one, over the \
                agents between them. Whiskers: the widest that both intervals allow.";
    // What noise makes less than nothing has a place on it, too.
    let y = Axis::new("bytes per agent", Scale::FromZero, Unit::Bytes);
    let subtitle = "The horizontal axis is logarithmic.".to_owned();
    let memory = Plane { y, subtitle, notes: vec![note.to_owned()], ..memory };
    let title = "Spawning an agent by the number of agents";
    let spawning = by_agents(title, Unit::Nanos, known(spawning.collect()));
    curves.extend([("scaling-memory", memory), ("scaling-spawn", spawning)]);
    curves.retain(|(_, plane)| !plane.series.is_empty());
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
    Series::of(label, points, Look::Marks)
}

fn law(fit: &Usl, from: f64, to: f64) -> Series {
    let steps = 48;
    let at = |i: i32| {
        let x = from * (to / from).powf(f64::from(i) / f64::from(steps));
        Point::new(x, fit.rate(x))
    };
    let explained = fit.r_squared.map_or(String::new(), |share| format!(", R² {share:.3}"));
    let label = format!("Universal Scalability Law{explained}");
    Series::of(&label, (0..=steps).map(at).collect(), Look::Dashed)
}

fn rate_by_agents(subject: &str, measured: Series, cores: Option<usize>) -> Plane {
    let points: Vec<Point> = measured.known().copied().collect();
    let (first, last) = (points[0], points[points.len() - 1]);
    let rates: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
    let mut notes = Vec::new();
    let mut lines = Vec::new();
    if let Some(ideal) = cores.and_then(|cores| Ideal::of(&rates, cores))
        && last.x > first.x
    {
        let corner = ideal.cores.clamp(first.x, last.x);
        let points = [first.x, corner, last.x].map(|x| Point::new(x, ideal.rate(x)));
        let label = format!("ideal: the rate of the fewest, on each of {} cores", ideal.cores);
        lines.push(Series::of(&label, points.to_vec(), Look::Dashed));
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
