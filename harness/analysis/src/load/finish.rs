//! The seconds of a load → what is said of it: percentiles with intervals, Little's law, the
//! verdict with its reasons, and the course as data for pictures.

use super::tally::{LoadTally, SecondRow, quantile};
use crate::load::account::disagreements;
use crate::load::recovery::least_capacity_of;
use caxton_model::load::crashes::Crashes;
use caxton_model::load::frame::{MachineFigure, MachineLook, MessageCounts, MessagesSeen, PROGRAM};
use caxton_model::load::outcome::{
    CoursePoint, LoadOutcome, LoadVerdict, POINTS, Percentile, Percentiles, SpectrumStep,
    StageOutcome,
};
use caxton_model::load::plan::{Pacing, Stage};
use caxton_model::load::threshold::{LoadMetric, ThresholdFinding};
use caxton_model::load::times::Times;
use caxton_model::reading::{Missing, Reading};
use caxton_model::units::Nanos;
use caxton_stats::limit::LimitVerdict;
use caxton_stats::summary;

/// Percentiles that are told.
const SHARES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];
/// How often the stretches of a stage are drawn anew for an interval.
const RESAMPLES: usize = 200;
/// Fewest stretches that an interval is drawn from.
const STRETCHES_MIN: usize = 6;
/// The part of the objective that a generator may be late by.
const LATE_SHARE: f64 = 0.10;
/// How far Little's law may be missed before the books count as wrong.
const LITTLE_MAX: f64 = 0.05;
/// Least mean in flight at which a share of it means anything.
const LITTLE_LEAST: f64 = 0.05;

impl LoadTally {
    /// What the load came to. `ended_early` says why it did not go to its end.
    pub fn outcome(&self, ended_early: Option<String>) -> LoadOutcome {
        let stages = self.plan.stages.iter().zip(&self.stages);
        let stages: Vec<StageOutcome> = stages
            .map(|(stage, tally)| self.part(Some(stage), &tally.seen, &tally.stretches))
            .collect();
        let whole = self.whole();
        let thresholds: Vec<ThresholdFinding> = self.judged();
        let leak = self.plan.asks(LoadMetric::Leak).then(|| self.leak().clone());
        let degradation =
            self.plan.asks(LoadMetric::Degradation).then(|| self.degradations().clone());
        let no_count =
            || Missing::Undefined("the load ended before it could be counted".to_owned());
        let mut outcome = LoadOutcome {
            verdict: LoadVerdict::Pass,
            reasons: Vec::new(),
            plan: self.plan.clone(),
            target: self.segments.last().map_or_else(String::new, |last| last.target.clone()),
            ended_early,
            wanted_messages: self.plan.wanted_messages(),
            spectrum: spectrum(&whole.0),
            whole: whole.1,
            stages,
            thresholds,
            leak,
            degradation,
            recovery: self.recovery(),
            least_capacity_per_second: least_capacity_of(&self.plan),
            left: self.left.clone().ok_or_else(no_count).into(),
            segments: self.segments.clone(),
            cut_off: self.cut_off,
            scraped: self.scraped.clone(),
            crashes: self.crashes.clone(),
            points: points(&self.seconds, &self.looks),
        };
        (outcome.verdict, outcome.reasons) = verdict(&outcome);
        outcome.reasons.extend(disagreements(&outcome));
        outcome
    }

    /// All stages together.
    fn whole(&self) -> (MessagesSeen, StageOutcome) {
        let seen = self.seen(None).unwrap_or_default();
        // One stage's stretches are alike; those of several are not, and bound nothing.
        let stretches = match &self.stages[..] {
            [only] => &only.stretches[..],
            _ => &[],
        };
        let outcome = self.part(None, &seen, stretches);
        (seen, outcome)
    }

    /// What was seen of `stage`, or of all of them.
    fn part(
        &self,
        stage: Option<&Stage>,
        seen: &MessagesSeen,
        stretches: &[Times],
    ) -> StageOutcome {
        let plan = &self.plan;
        let none = |why: &str| Reading::Missing(Missing::NotRequested(why.to_owned()));
        let little_residual = match stage {
            None => none("of stages alone"),
            Some(stage) if stage.role.is_steady() && plan.pacing == Pacing::Open => {
                little(seen, plan.timeout, stage.granted)
            }
            Some(_) => none("it is no steady, open stage"),
        };
        StageOutcome {
            name: stage.map_or_else(String::new, |stage| stage.name.clone()),
            role: stage.map(|stage| stage.role),
            wanted: stage.map_or_else(|| plan.wanted(), |stage| stage.wanted),
            granted: stage.map_or_else(|| plan.granted(), |stage| stage.granted),
            took: Nanos(self.took_ns(stage.map(|stage| stage.name.as_str()))),
            counts: seen.counts,
            response: percentiles(&seen.response, seen.counts, stretches, plan.seed),
            service: percentiles(&seen.service, seen.counts, &[], plan.seed),
            lateness_p99: lateness(seen),
            little_residual,
        }
    }
}

fn lateness(seen: &MessagesSeen) -> Reading<Nanos> {
    let none = || Missing::Undefined("nothing was offered".to_owned());
    // Of few messages the worst one stands for the percentile.
    let late = seen.lateness.quantile(0.99).or_else(|| seen.lateness.max());
    late.ok_or_else(none).into()
}

/// Mean in flight over throughput times mean response, less one.
///
/// Source: J. D. C. Little, "A proof for the queuing formula L = λW", Operations Research 9 (1961).
/// Over the same messages both are sums of the same times; one is had from counts and the clock,
/// the other from each message's own two instants.
fn little(seen: &MessagesSeen, timeout: Nanos, length: Nanos) -> Reading<f64> {
    let Some(mean_ns) = seen.response.mean_ns() else {
        return Reading::Missing(Missing::Undefined("nothing was answered".to_owned()));
    };
    let waited = seen.counts.timed_out as f64 * timeout.0 as f64;
    let times = mean_ns * seen.response.len() as f64 + waited;
    if times < LITTLE_LEAST * length.0 as f64 {
        let why = "fewer than 0.05 were in flight: too few for a share of them".to_owned();
        return Reading::Missing(Missing::NotRequested(why));
    }
    Reading::Known(seen.in_flight_ns / times - 1.0)
}

fn percentiles(
    times: &Times,
    counts: MessageCounts,
    stretches: &[Times],
    seed: u64,
) -> Percentiles {
    let failed = counts.failed();
    let none = || Missing::Undefined("nothing was answered".to_owned());
    let drawn = resampled(stretches, seed);
    let percentile = |(at, share): (usize, f64)| {
        let value = match quantile(times, share, failed) {
            Reading::Known(ns) if ns.is_finite() => Reading::Known(Nanos(ns as u64)),
            Reading::Known(_) => {
                let why = format!("longer than any: {failed} failed");
                Reading::Missing(Missing::Undefined(why))
            }
            Reading::Missing(why) => Reading::Missing(why),
        };
        let interval = value.known().and_then(|_| {
            let drawn = drawn.as_ref()?;
            let values: Vec<f64> = drawn.iter().map(|draw| draw[at]).collect();
            let bound = |tail| summary::quantile(&values, tail).map(|ns| Nanos(ns as u64));
            Some([bound(0.025)?, bound(0.975)?])
        });
        Percentile { share, value, interval }
    };
    Percentiles {
        n: times.len(),
        mean_ns: times.mean_ns().ok_or_else(none).into(),
        at: SHARES.into_iter().enumerate().map(percentile).collect(),
        max: times.max().ok_or_else(none).into(),
    }
}

/// Percentiles of as many stretches, drawn anew: a stretch is kept whole, for messages of one
/// moment wait for the same things.
fn resampled(stretches: &[Times], seed: u64) -> Option<Vec<[f64; SHARES.len()]>> {
    if stretches.len() < STRETCHES_MIN {
        return None;
    }
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut drawn = Times::new();
    let draw = |_| {
        drawn.clear();
        for _ in stretches {
            drawn.add(&stretches[rng.usize(..stretches.len())]);
        }
        SHARES.map(|share| drawn.histogram().value_at_quantile(share) as f64)
    };
    Some((0..RESAMPLES).map(draw).collect())
}

/// The verdict with its reasons, and what to know of it. What is invalid cannot fail, and what
/// fails is not unclear.
fn verdict(load: &LoadOutcome) -> (LoadVerdict, Vec<String>) {
    let kinds = [
        (LoadVerdict::Invalid, invalid(load)),
        (LoadVerdict::Fail, failed(load)),
        (LoadVerdict::Unclear, unclear(load)),
    ];
    let worst = kinds.into_iter().find(|(_, reasons)| !reasons.is_empty());
    let (verdict, mut reasons) = worst.unwrap_or((LoadVerdict::Pass, Vec::new()));
    if verdict == LoadVerdict::Invalid {
        // Whatever was measured, this is so.
        reasons.extend(silence(load));
    }
    reasons.extend(shared_core(load));
    (verdict, reasons)
}

/// That the generator had no core of its own: its own turns are part of each time then.
fn shared_core(load: &LoadOutcome) -> Option<String> {
    let why = load.segments.iter().find_map(|segment| segment.shared_core.as_ref())?;
    Some(format!(
        "the generator had no core of its own ({why}): its turns are in every time, which is at \
         the most as long as told; give it two cores or more"
    ))
}

/// That not one message was answered, and what a program may lack.
fn silence(load: &LoadOutcome) -> Option<String> {
    let MessageCounts { sent, ok, errors, timed_out, impossible, .. } = load.whole.counts;
    // Those that are still in flight may be answered yet.
    if sent == 0 || timed_out == 0 || ok > 0 || errors > 0 || impossible > 0 {
        return None;
    }
    let took = load.whole.took;
    let hint = match load.target.starts_with(PROGRAM) {
        true => {
            ": does the program buffer its output? It must write each message's number on a line \
             of its own, and flush after each line"
        }
        false => "",
    };
    Some(format!("no answer to {sent} messages in {took}{hint}"))
}

fn invalid(load: &LoadOutcome) -> Vec<String> {
    let mut reasons = Vec::new();
    let most = Nanos((load.plan.slo.0 as f64 * LATE_SHARE) as u64);
    match &load.whole.lateness_p99 {
        Reading::Known(late) if *late > most && load.plan.pacing == Pacing::Open => {
            reasons.push(format!(
                "the generator was late by {late} (99 %), more than a tenth of the objective of \
                 {}: it was measured, not the target; offer less, or use a quieter machine",
                load.plan.slo
            ));
        }
        Reading::Missing(why) => reasons.push(why.to_string()),
        Reading::Known(_) => {}
    }
    let impossible = load.whole.counts.impossible;
    if impossible > 0 {
        reasons.push(format!(
            "{impossible} answers came sooner than can be, and have no time: they were on their \
             way before they were asked for, or the clock went back"
        ));
    }
    for stage in &load.stages {
        if let Reading::Known(residual) = stage.little_residual
            && residual.abs() > LITTLE_MAX
        {
            reasons.push(format!(
                "stage {}: Little's law is missed by {:.1} %: the books are wrong",
                stage.name,
                residual * 100.0
            ));
        }
    }
    reasons
}

fn failed(load: &LoadOutcome) -> Vec<String> {
    let mut reasons = Vec::new();
    for judged in &load.thresholds {
        if judged.verdict == LimitVerdict::Missed {
            let (threshold, observed) = (&judged.threshold, judged.shown());
            reasons.push(format!("threshold missed: {threshold}: {observed}"));
        }
    }
    reasons.extend(silence(load));
    reasons.extend(load.crashes.as_ref().and_then(gone));
    let dropped = load.whole.counts.dropped;
    if dropped > 0 {
        let cap = load.plan.cap;
        reasons.push(format!("{dropped} messages were dropped: {cap} were in flight already"));
    }
    if let Reading::Known(left) = &load.left
        && let Some(what) = left.left()
    {
        reasons.push(format!("left at the end: {what}"));
    }
    reasons
}

/// That not all agents that were killed came back.
fn gone(crashes: &Crashes) -> Option<String> {
    let Crashes { killed, back, lost, .. } = crashes;
    (back < killed).then(|| {
        format!("{back} of {killed} killed agents came back; {lost} requests were lost with them")
    })
}

/// That agents were to be killed, and were not or nobody told.
fn not_killed(load: &LoadOutcome) -> Option<String> {
    let planned = load.plan.killed();
    let killed = load.crashes.as_ref().map_or(0, |told| told.killed);
    // Of a load that ended early it is not known what would have come.
    if load.ended_early.is_some() || killed >= planned {
        return None;
    }
    // A process tells of the agents that it killed itself, when it ends.
    let resumed = match load.segments.len() {
        0 | 1 => "",
        _ => ": the load was resumed, and what was killed before is not known to have come back",
    };
    Some(format!("{killed} of {planned} agents were killed{resumed}"))
}

fn unclear(load: &LoadOutcome) -> Vec<String> {
    let mut reasons: Vec<String> = load.ended_early.iter().cloned().collect();
    for judged in &load.thresholds {
        if let Some(why) = judged.verdict.why() {
            reasons.push(format!("threshold not judged: {}: {why}", judged.threshold));
        }
    }
    reasons.extend(not_killed(load));
    if load.thresholds.is_empty() {
        reasons.push("the plan has no threshold".to_owned());
    }
    match &load.left {
        Reading::Missing(why) if load.ended_early.is_none() => reasons.push(why.to_string()),
        Reading::Known(left) => {
            let why = left.uncounted();
            reasons.extend(why.map(|why| format!("what was left at the end: {why}")));
        }
        Reading::Missing(_) => {}
    }
    reasons
}

/// The course, thinned to [`POINTS`] steps.
fn points(rows: &[SecondRow], looks: &[MachineLook]) -> Vec<CoursePoint> {
    let step = rows.len().div_ceil(POINTS).max(1);
    let mut looks = looks.iter().peekable();
    let join = |rows: &[SecondRow]| {
        let mut points = rows.iter().map(SecondRow::point);
        let mut point = points.next().unwrap_or_default();
        for other in points {
            point.length_s += other.length_s;
            point.counts = point.counts.plus(other.counts);
            point.in_flight = other.in_flight;
            // The worst second stands for them: a thinned course must not hide a stall.
            point.response_ns = worse(point.response_ns, other.response_ns);
            point.service_ns = worse(point.service_ns, other.service_ns);
        }
        let last = rows.last().map_or(0, |row| row.second);
        let end_ns = last.saturating_add(1).saturating_mul(1_000_000_000);
        let least = |of: &mut Option<u64>, value: Option<&u64>| {
            *of = value.copied().into_iter().chain(*of).min();
        };
        while let Some(look) = looks.next_if(|look| look.at_ns <= end_ns) {
            let read = |figure| look.figures.get(&figure).and_then(Reading::known);
            least(&mut point.live_bytes, read(MachineFigure::LiveBytes));
            least(&mut point.rss_bytes, read(MachineFigure::RssBytes));
        }
        point
    };
    rows.chunks(step).map(join).collect()
}

fn worse(a: Option<[u64; 2]>, b: Option<[u64; 2]>) -> Option<[u64; 2]> {
    match (a, b) {
        (Some(a), Some(b)) => Some([a[0].max(b[0]), a[1].max(b[1])]),
        (one, other) => one.or(other),
    }
}

/// Ten percentiles for each tenth part of what is beyond.
fn spectrum(seen: &MessagesSeen) -> Vec<SpectrumStep> {
    let shares = (0..6).flat_map(|decade| {
        (0..10).map(move |tenth| 1.0 - 10_f64.powf(-f64::from(decade) - f64::from(tenth) / 10.0))
    });
    let failed = seen.counts.failed();
    let at = |times: &Times, share: f64| times.quantile_with(share, failed).ok().map(|ns| ns.0);
    let step = |share| SpectrumStep {
        share,
        response_ns: at(&seen.response, share),
        service_ns: at(&seen.service, share),
    };
    shares.map(step).filter(|step| step.response_ns.is_some()).collect()
}
