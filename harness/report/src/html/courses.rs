//! A load as curves: rates and times over time, percentiles, and what the memory did.

use super::curves::spectrum;
use crate::chart::plane::{Demand, Plane, Stage};
use crate::chart::scale::{Axis, Scale};
use crate::chart::series::{Look, Point, Series};
use crate::sections::load::{label, per_day, per_message};
use caxton_model::load::outcome::{CoursePoint as Step, Leak, LoadOutcome, SpectrumStep};
use caxton_model::load::plan::{Pacing, Rate};
use caxton_model::load::threshold::{Aggregate, LoadMetric, Threshold};
use caxton_model::sanitise::sanitise;
use caxton_model::units::{Nanos, Unit};
use caxton_stats::limit::LimitVerdict;
use caxton_stats::trend::{SeriesGrowth, Trend};

const S: f64 = 1e9;
/// The part of a usual step below which one is too short to be a rate.
const SHORT: f64 = 0.5;
const STAGE_MAX: usize = 24;
const WHY_MAX: usize = 200;

/// What is read from the points, and under which name it is judged.
type Read = (&'static str, &'static str, &'static str, fn(&Step) -> Option<u64>);

const MEMORY: [Read; 2] = [
    ("live", "Live bytes of the host's heap", "live_bytes", |step| step.live_bytes),
    ("rss", "Resident memory", "rss_bytes", |step| step.rss_bytes),
];

/// The steps in which the load was on, but for a last one that is too short for a rate.
fn steps(load: &LoadOutcome) -> Vec<&Step> {
    let usual = load.points.iter().map(|step| step.length_s).fold(0.0, f64::max);
    load.points.iter().filter(|step| step.length_s > usual * SHORT).collect()
}

fn middle(step: &Step) -> f64 {
    (step.at_s + step.length_s / 2.0) * S
}

/// Whether the rate changes at once between two steps.
fn is_leap(load: &LoadOutcome, before: &Step, step: &Step) -> bool {
    let stage = |step: &Step| load.plan.stages.get(step.stage as usize);
    let is_steady = |step| stage(step).is_some_and(|s| matches!(s.rate, Rate::Constant { .. }));
    before.stage != step.stage && is_steady(before) && is_steady(step)
}

/// The stages, where there are several: as long as they were.
fn stages(load: &LoadOutcome) -> Vec<Stage> {
    if load.stages.len() < 2 {
        return Vec::new();
    }
    let end = load.points.last().map_or(0.0, |step| (step.at_s + step.length_s) * S);
    let mut from = 0.0;
    let stages = load.stages.iter().map(|stage| {
        let length = match load.plan.pacing {
            Pacing::Open => stage.granted,
            Pacing::Closed { .. } => stage.took,
        };
        let name = sanitise(&stage.name, STAGE_MAX);
        let stage = Stage { name, from, to: (from + length.0 as f64).min(end) };
        from += length.0 as f64;
        stage
    });
    stages.filter(|stage| stage.to > stage.from).collect()
}

/// The chart with the load's name in its title: as a file it stands alone.
fn named(load: &LoadOutcome, plane: Plane) -> Plane {
    Plane { title: format!("{}: {}", label(load), plane.title), ..plane }
}

pub(super) fn courses(load: &LoadOutcome) -> Vec<(&'static str, Plane)> {
    let mut planes =
        vec![("rates", rate(load)), ("latency", times(load)), ("spectrum", percentiles(load))];
    planes.extend(load.leak.iter().flat_map(|leak| memory(load, leak)));
    let planes = planes.into_iter().filter(|(_, plane)| !plane.series.is_empty());
    planes.map(|(name, plane)| (name, named(load, plane))).collect()
}

fn rate(load: &LoadOutcome) -> Plane {
    let steps = steps(load);
    let per_second = |count: fn(&Step) -> u64| -> Vec<(f64, f64)> {
        let rate = |step: &Step| count(step) as f64 / step.length_s;
        let mut points = Vec::new();
        for (i, step) in steps.iter().enumerate() {
            // From one steady stage to the next it leaps, where a line would lead up to it.
            if let Some(before) = i.checked_sub(1).map(|i| steps[i])
                && is_leap(load, before, step)
            {
                let edge = step.at_s * S;
                points.extend([(edge, rate(before)), (edge, rate(step))]);
            }
            points.push((middle(step), rate(step)));
        }
        points
    };
    let mut lines = vec![("achieved", per_second(|step| step.counts.ok))];
    if load.plan.pacing == Pacing::Open {
        lines.push(("offered", per_second(|step| step.counts.offered)));
    }
    if load.whole.counts.failed() > 0 {
        lines.push(("failed, timed out or dropped", per_second(|step| step.counts.failed())));
    }
    let line = |(label, points): &(&str, Vec<(f64, f64)>)| {
        let look = if *label == "offered" { Look::Dashed } else { Look::of(points.len()) };
        Series::new(label, points, look)
    };
    let lines = lines.iter().filter(|(_, points)| !points.is_empty()).map(line).collect();
    let [title, subtitle] = match load.plan.pacing {
        Pacing::Open => [
            "Offered and achieved rate",
            "Where achieved stays below offered, the load was not met: latency then counts the \
             wait.",
        ],
        Pacing::Closed { .. } => {
            ["Achieved rate", "A closed loop: a message is offered when another one was answered."]
        }
    };
    let y = Axis::new("messages per second", Scale::FromZero, Unit::PerSecond);
    let plane = Plane::new(title, subtitle, over_time(), y, lines);
    Plane { stages: stages(load), ..plane }
}

fn over_time() -> Axis {
    Axis::new("time since the start of the load", Scale::FromZero, Unit::Nanos)
}

/// Percentiles over time; those of the service are broken lines, for they often lie on those of
/// the response.
fn times(load: &LoadOutcome) -> Plane {
    let steps = steps(load);
    // A percentile has its hue, and the service its broken line.
    let of = |label: &str, times: fn(&Step) -> Option<[u64; 2]>, which: usize| {
        let time = |step: &Step| times(step).map_or(f64::NAN, |times| times[which] as f64);
        let points: Vec<_> = steps.iter().map(|step| (middle(step), time(step))).collect();
        let is_response = label.starts_with("response");
        let look = if is_response { Look::of(points.len()) } else { Look::dashed(points.len()) };
        Series::new(label, &points, look).with_hue(which)
    };
    let lines = [
        of("response p99", |step| step.response_ns, 1),
        of("response p50", |step| step.response_ns, 0),
        of("service p50", |step| step.service_ns, 0),
        of("service p99", |step| step.service_ns, 1),
    ];
    let lines = lines.into_iter().filter(|line| line.known().next().is_some()).collect();
    let y = Axis::new("time, logarithmic", Scale::Log, Unit::Nanos);
    let subtitle = "Response: from when a message was due until it was answered. Service: from \
                    when it was sent.";
    let plane = Plane::new("Response times over time", subtitle, over_time(), y, lines);
    let bounds = if plane.series.is_empty() { Vec::new() } else { asked(load, false) };
    let mut plane = Plane { stages: stages(load), bounds, ..plane };
    // What is thinned is told as its worst.
    if let Some(step) = steps.first().filter(|step| step.length_s > 1.5) {
        let long = Nanos((step.length_s * S) as u64);
        plane
            .notes
            .push(format!("A point is the worst second of {long}, for each line on its own."));
    }
    let silent = steps.iter().filter(|step| step.response_ns.is_none()).count();
    if silent > 0 && !plane.series.is_empty() {
        let (all, long) = (steps.len(), Nanos((steps[0].length_s * S) as u64));
        plane.notes.push(format!(
            "In {silent} of {all} steps of {long} nothing was answered: lines end there."
        ));
    }
    plane
}

fn percentiles(load: &LoadOutcome) -> Plane {
    // The least of all is no percentile, and draws the scale far down.
    let steps = load.spectrum.iter().filter(|step| step.share > 0.0);
    let steps: Vec<_> = steps.collect();
    let line = |label: &str, times: fn(&SpectrumStep) -> Option<u64>, look: Look| {
        let at = |step: &&SpectrumStep| match times(step) {
            Some(time) => Point::new(step.share, time as f64),
            None => Point::gap(step.share),
        };
        Series::of(label, steps.iter().map(at).collect(), look).with_hue(0)
    };
    let count = steps.len();
    let lines = [
        line("response", |step| step.response_ns, Look::of(count)),
        line("service", |step| step.service_ns, Look::dashed(count)),
    ];
    let lines: Vec<Series> =
        lines.into_iter().filter(|line| line.known().next().is_some()).collect();
    let bounds = if lines.is_empty() { Vec::new() } else { asked(load, true) };
    let plane = spectrum("Percentiles of response and service", lines);
    let mut plane = Plane { bounds, ..plane };
    let failed = load.whole.counts.failed();
    if failed > 0 {
        plane.notes.push(format!(
            "{failed} messages failed: each counts as longer than any that was answered."
        ));
    }
    plane
}

/// What is asked of the response times of the whole load: each at its percentile, or all along.
fn asked(load: &LoadOutcome, at_percentile: bool) -> Vec<Demand> {
    let of_whole =
        |asked: &&Threshold| asked.metric == LoadMetric::ResponseTime && asked.stage.is_none();
    let bound = |asked: &Threshold| {
        let Aggregate::P(percentile) = asked.aggregate else { return None };
        let to = at_percentile.then_some(percentile / 100.0);
        let words = format!("asked: {}", sanitise(&asked.text, STAGE_MAX));
        Some(Demand { y: asked.bound.limit, to, words })
    };
    load.plan.thresholds.iter().filter(of_whole).filter_map(bound).collect()
}

fn memory(load: &LoadOutcome, leak: &Leak) -> Vec<(&'static str, Plane)> {
    let plane = |(file, title, name, read): &Read| {
        let at = |step: &Step| Some((step.at_s * S, read(step)? as f64));
        let readings: Vec<(f64, f64)> = load.points.iter().filter_map(at).collect();
        if readings.is_empty() {
            return None;
        }
        let told = leak.trends.iter().find(|trend| trend.name == *name);
        let judged = told.and_then(|trend| Some((trend, trend.judged.as_ref()?)));
        let slope = judged.map(|(trend, judged)| slope(trend, judged));
        let readings = Series::new("the least of each step", &readings, Look::Dots);
        let lines = slope.into_iter().chain([readings]).collect();
        let subtitle =
            "A leak lifts the bottom of every cycle; what only its peaks do says little.";
        let y = Axis::new(&title.to_lowercase(), Scale::Linear, Unit::Bytes);
        let plane = Plane::new(title, subtitle, over_time(), y, lines);
        let notes = told.map_or_else(Vec::new, |trend| words(trend, leak));
        let stages = judged.map_or_else(Vec::new, |(_, judged)| periods(judged));
        Some((*file, Plane { stages, notes, ..plane }))
    };
    MEMORY.iter().filter_map(plane).collect()
}

fn periods(judged: &SeriesGrowth) -> Vec<Stage> {
    let stage = |name: &str, from: f64, to: f64| {
        let name = name.to_owned();
        Stage { name, from: from * S, to: to * S }
    };
    let ends = [
        stage("warm-up, not judged", 0.0, judged.from_s),
        stage("judged", judged.from_s, judged.to_s),
    ];
    ends.into_iter().filter(|stage| stage.to > stage.from).collect()
}

fn slope(trend: &Trend, judged: &SeriesGrowth) -> Series {
    let (lower, upper) = judged.interval_per_s;
    let half = judged.slope_per_s * (judged.to_s - judged.from_s) / 2.0;
    let label = format!(
        "slope {} in 24 h [{}, {}]",
        per_day(trend, judged.slope_per_s),
        per_day(trend, lower),
        per_day(trend, upper)
    );
    let ends = [(judged.from_s * S, judged.level - half), (judged.to_s * S, judged.level + half)];
    Series::new(&label, &ends, Look::Dashed)
}

/// What is small is told of many messages already.
fn each_message(words: &str) -> String {
    if words.ends_with("messages") { words.to_owned() } else { format!("{words} per message") }
}

fn words(trend: &Trend, leak: &Leak) -> Vec<String> {
    let verdict = match &trend.verdict {
        LimitVerdict::Met => "CLEAN: it did not grow in a way that matters.".to_owned(),
        LimitVerdict::Unclear => "SUSPECT: it grew; a longer run can tell.".to_owned(),
        LimitVerdict::Missed => "LEAK: it grew to the end.".to_owned(),
        LimitVerdict::Unknown(why) => format!("INVALID: {}.", sanitise(why, WHY_MAX)),
    };
    let seen = trend.judged.as_ref().map(|judged| {
        let least = judged.smallest_seen_per_s;
        format!(
            "The slope is fitted to the minima of {} windows. The smallest growth that this run \
             could have seen: {} in 24 h, {}.",
            judged.windows,
            per_day(trend, least),
            each_message(&per_message(trend, leak, least))
        )
    });
    std::iter::once(verdict).chain(seen).collect()
}
