//! Adds up the seconds of a load, and says what they come to. It can be asked at any moment: for
//! the live view, for thresholds that end a load, and at the end.

use caxton_model::load::crashes::Crashes;
use caxton_model::load::frame::{
    LoadLine, LoadSecond, MachineFigure, MachineLook, MessageCounts, MessagesSeen, Segment,
};
use caxton_model::load::outcome::{CoursePoint, Degradations, Leak};
use caxton_model::load::plan::LoadPlan;
use caxton_model::load::quiescence::Ledger;
use caxton_model::load::scraped::Scraped;
use caxton_model::load::threshold::{
    Aggregate, LoadMetric, MetricKind, Threshold, ThresholdFinding,
};
use caxton_model::load::times::{Beyond, Times};
use caxton_model::reading::{Missing, Reading};
use caxton_model::units::Nanos;
use caxton_stats::limit::LimitVerdict;
use std::cell::OnceCell;

/// The most stretches of a stage that are kept apart: what intervals are drawn from.
pub(super) const STRETCHES: usize = 64;

/// The sum of a load's seconds.
#[derive(Debug)]
pub struct LoadTally {
    pub(super) plan: LoadPlan,
    pub(super) stages: Vec<StageTally>,
    pub(super) seconds: Vec<SecondRow>,
    pub(super) looks: Vec<MachineLook>,
    pub(super) segments: Vec<Segment>,
    pub(super) left: Option<Ledger>,
    pub(super) scraped: Option<Scraped>,
    pub(super) crashes: Option<Crashes>,
    /// Messages that were in flight when a process ended before its plan did.
    pub(super) cut_off: u64,
    in_flight: u64,
    /// What grew and what got slower so far, once somebody asked: both take work.
    pub(super) leak: OnceCell<Leak>,
    pub(super) degradations: OnceCell<Degradations>,
}

/// The sum of a stage's seconds.
#[derive(Debug, Default)]
pub(super) struct StageTally {
    pub(super) seen: MessagesSeen,
    /// Response times of stretches of it, equally long but for the last one.
    pub(super) stretches: Vec<Times>,
    /// Seconds in a stretch, and in the last one.
    per_stretch: u64,
    in_last: u64,
}

/// One second without its histograms.
#[derive(Debug, Clone, Default)]
pub(super) struct SecondRow {
    pub(super) second: u64,
    pub(super) stage: u32,
    pub(super) length_ns: u64,
    pub(super) counts: MessageCounts,
    pub(super) in_flight: u64,
    pub(super) response_ns: Option<[u64; 2]>,
    pub(super) service_ns: Option<[u64; 2]>,
}

impl StageTally {
    fn add(&mut self, seen: &MessagesSeen) {
        self.seen.add(seen);
        if seen.response.is_empty() {
            return;
        }
        if self.in_last == 0 || self.in_last == self.per_stretch {
            self.per_stretch = self.per_stretch.max(1);
            if self.stretches.len() == STRETCHES {
                self.join_stretches();
            }
            self.stretches.push(Times::new());
            self.in_last = 0;
        }
        if let Some(last) = self.stretches.last_mut() {
            last.add(&seen.response);
        }
        self.in_last += 1;
    }

    /// Half as many stretches, each twice as long.
    fn join_stretches(&mut self) {
        let halves = self.stretches.chunks(2).map(|pair| {
            let mut first = pair[0].clone();
            pair.iter().skip(1).for_each(|second| first.add(second));
            first
        });
        self.stretches = halves.collect();
        self.per_stretch *= 2;
    }
}

impl LoadTally {
    /// Nothing yet of `plan`.
    pub fn new(plan: LoadPlan) -> Self {
        let stages = plan.stages.iter().map(|_| StageTally::default()).collect();
        Self {
            plan,
            stages,
            seconds: Vec::new(),
            looks: Vec::new(),
            segments: Vec::new(),
            left: None,
            scraped: None,
            crashes: None,
            cut_off: 0,
            in_flight: 0,
            leak: OnceCell::new(),
            degradations: OnceCell::new(),
        }
    }

    pub fn plan(&self) -> &LoadPlan {
        &self.plan
    }

    /// Adds a line of the file.
    pub fn push(&mut self, line: &LoadLine) {
        (self.leak, self.degradations) = (OnceCell::new(), OnceCell::new());
        match line {
            LoadLine::Segment(segment) => {
                // What its predecessor had in flight never came back.
                let in_flight = std::mem::take(&mut self.in_flight);
                self.cut_off = self.cut_off.saturating_add(in_flight);
                self.segments.push(segment.clone());
            }
            LoadLine::Second(frame) => self.add(frame),
            LoadLine::Scraped(scraped) => self.scraped = Some(scraped.clone()),
            LoadLine::Crashes(crashes) => self.crashes = Some(crashes.clone()),
            LoadLine::Ended(ledger) => {
                self.left = Some(ledger.clone());
                self.in_flight = 0;
            }
        }
    }

    fn add(&mut self, frame: &LoadSecond) {
        let (mut response, mut service) = (Times::new(), Times::new());
        for (number, seen) in &frame.stages {
            if let Some(stage) = self.stages.get_mut(*number as usize) {
                stage.add(seen);
            }
            response.add(&seen.response);
            service.add(&seen.service);
        }
        let two = |times: &Times| Some([times.nearest(0.5)?.0, times.nearest(0.99)?.0]);
        let at_ns = frame.second.saturating_mul(1_000_000_000);
        self.seconds.push(SecondRow {
            second: frame.second,
            stage: self.plan.stage_at(at_ns),
            length_ns: frame.length_ns,
            counts: frame.counts(),
            in_flight: frame.in_flight,
            response_ns: two(&response),
            service_ns: two(&service),
        });
        self.looks.extend(frame.looks.iter().cloned());
        self.in_flight = frame.in_flight;
    }

    /// How many came to what so far.
    pub fn counts(&self) -> MessageCounts {
        self.stages.iter().fold(MessageCounts::default(), |sum, stage| sum.plus(stage.seen.counts))
    }

    /// The second after the last one that is whole.
    pub fn next_second(&self) -> u64 {
        self.seconds.last().map_or(0, |row| row.second.saturating_add(1))
    }

    /// How far it has come, from the plan's start.
    pub fn reached(&self) -> Nanos {
        let end = |row: &SecondRow| {
            row.second.saturating_mul(1_000_000_000).saturating_add(row.length_ns)
        };
        Nanos(self.seconds.last().map_or(0, end))
    }

    /// How many processes have run it.
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// When the first of them began, in milliseconds since 1970.
    pub fn start_unix_ms(&self) -> u64 {
        self.segments.first().map_or(0, |segment| segment.started_unix_ms)
    }

    /// True once it has ended by itself.
    pub fn is_ended(&self) -> bool {
        self.left.is_some()
    }

    /// How each threshold stands so far.
    pub fn judged(&self) -> Vec<ThresholdFinding> {
        self.plan.thresholds.iter().map(|threshold| self.judge(threshold)).collect()
    }

    /// How `threshold` stands so far.
    pub fn judge(&self, threshold: &Threshold) -> ThresholdFinding {
        let Threshold { metric, aggregate, .. } = *threshold;
        let stage = threshold.stage.as_deref();
        let figure = match (metric.kind(), aggregate) {
            (MetricKind::Trend, _) => self.trend(metric, stage, aggregate),
            (MetricKind::Rate, _) => self.rate(metric, stage),
            (MetricKind::Counter, Aggregate::Rate) => self.per_second(stage),
            (MetricKind::Counter, _) => self.count(stage),
            (MetricKind::Gauge, _) => self.gauge(metric),
        };
        judge(threshold, figure)
    }

    /// The last second, for a live view.
    pub fn last(&self) -> Option<CoursePoint> {
        self.seconds.last().map(SecondRow::point)
    }

    /// What was read last.
    pub fn figure(&self, figure: MachineFigure) -> Option<u64> {
        let values = self.looks.iter().rev();
        values.filter_map(|look| look.figures.get(&figure)?.known().copied()).next()
    }

    /// What was seen of a stage, or of all of them.
    pub(super) fn seen(&self, stage: Option<&str>) -> Option<MessagesSeen> {
        let Some(name) = stage else {
            let mut all = MessagesSeen::default();
            self.stages.iter().for_each(|stage| all.add(&stage.seen));
            return Some(all);
        };
        let number = self.plan.stages.iter().position(|stage| stage.name == name)?;
        Some(self.stages[number].seen.clone())
    }

    /// How long a stage, or all of them, have taken.
    pub(super) fn took_ns(&self, stage: Option<&str>) -> u64 {
        let is_meant = |row: &&SecondRow| match stage {
            None => true,
            Some(name) => {
                self.plan.stages.get(row.stage as usize).is_some_and(|stage| stage.name == name)
            }
        };
        let lengths = self.seconds.iter().filter(is_meant).map(|row| row.length_ns);
        lengths.fold(0, u64::saturating_add)
    }
}

impl SecondRow {
    /// When it began, in seconds from the plan's start.
    pub(super) fn at_s(&self) -> f64 {
        self.second as f64
    }

    /// Its 99 % response by nearest rank; none where nothing was answered.
    pub(super) fn p99_ns(&self) -> Option<u64> {
        self.response_ns.map(|[_, p99]| p99)
    }

    pub(super) fn point(&self) -> CoursePoint {
        CoursePoint {
            at_s: self.second as f64,
            length_s: self.length_ns as f64 / 1e9,
            stage: self.stage,
            counts: self.counts,
            in_flight: self.in_flight,
            response_ns: self.response_ns,
            service_ns: self.service_ns,
            ..CoursePoint::default()
        }
    }
}

/// How `threshold` stands to `figure`; infinity is what never ended. What could not be observed is
/// never a pass.
fn judge(threshold: &Threshold, figure: Reading<f64>) -> ThresholdFinding {
    let none = |why: &str| Reading::Missing(Missing::Undefined(why.to_owned()));
    let figure = match figure {
        Reading::Known(value) if value.is_nan() => none("the figure is NaN"),
        figure => figure,
    };
    let verdict = match &figure {
        Reading::Missing(why) => LimitVerdict::Unknown(why.to_string()),
        Reading::Known(value) => threshold.bound.judge([*value; 2]),
    };
    // What never ended is longer than any limit; no file can hold it.
    let observed = match figure {
        Reading::Known(value) if value.is_infinite() => none("longer than any limit"),
        figure => figure,
    };
    ThresholdFinding { threshold: threshold.clone(), observed, verdict }
}

/// The quantile `share` of `times` with `failed` that are longer than any, or why there is none.
pub(super) fn quantile(times: &Times, share: f64, failed: u64) -> Reading<f64> {
    match times.quantile_with(share, failed) {
        Ok(nanos) => Reading::Known(nanos.0 as f64),
        Err(Beyond::Never) => Reading::Known(f64::INFINITY),
        Err(Beyond::TooFew) => Reading::Missing(Missing::Undefined(format!(
            "{} times are too few for it: 10 must lie beyond",
            times.len().saturating_add(failed)
        ))),
    }
}

fn none() -> Missing {
    Missing::Undefined("nothing was offered in this time".to_owned())
}

impl LoadTally {
    /// `aggregate` of a trend, in ns.
    fn trend(&self, metric: LoadMetric, stage: Option<&str>, aggregate: Aggregate) -> Reading<f64> {
        let Some(seen) = self.seen(stage) else { return Reading::Missing(none()) };
        let times = if metric == LoadMetric::ServiceTime { &seen.service } else { &seen.response };
        let failed = seen.counts.failed();
        let known = |value: Option<f64>| value.ok_or_else(none).into();
        match aggregate {
            Aggregate::P(percent) => quantile(times, percent / 100.0, failed),
            Aggregate::Med => quantile(times, 0.5, failed),
            // One that never ended is part of no mean, and longer than the longest.
            Aggregate::Avg | Aggregate::Max if failed > 0 => Reading::Known(f64::INFINITY),
            Aggregate::Avg => known(times.mean_ns()),
            Aggregate::Max => known(times.max().map(|max| max.0 as f64)),
            Aggregate::Min => known(times.min().map(|min| min.0 as f64)),
            Aggregate::Count | Aggregate::Rate | Aggregate::Value => {
                Reading::Missing(Missing::NotRequested("no figure of times".to_owned()))
            }
        }
    }

    /// The share of one.
    fn rate(&self, metric: LoadMetric, stage: Option<&str>) -> Reading<f64> {
        let Some(MessagesSeen { counts, .. }) = self.seen(stage) else {
            return Reading::Missing(none());
        };
        // Those in flight have no part yet.
        let settled = counts.settled();
        let part = match metric {
            LoadMetric::Dropped => counts.dropped,
            LoadMetric::Errors => counts.errors + counts.timed_out,
            _ => counts.ok,
        };
        match settled {
            0 => Reading::Missing(none()),
            settled => Reading::Known(part as f64 / settled as f64),
        }
    }

    fn count(&self, stage: Option<&str>) -> Reading<f64> {
        self.seen(stage).map(|seen| seen.counts.ok as f64).ok_or_else(none).into()
    }

    fn per_second(&self, stage: Option<&str>) -> Reading<f64> {
        match (self.count(stage), self.took_ns(stage)) {
            (_, 0) => Reading::Missing(none()),
            (Reading::Known(count), took_ns) => Reading::Known(count * 1e9 / took_ns as f64),
            (missing, _) => missing,
        }
    }

    /// The value for the whole load test; ns for a time. Of all of these, infinity is what never
    /// ended.
    fn gauge(&self, metric: LoadMetric) -> Reading<f64> {
        match metric {
            LoadMetric::Leak => self.leak_gauge(),
            LoadMetric::Degradation => self.degradation_gauge(),
            LoadMetric::RecoveryTime => self.recovery_gauge(),
            _ => Reading::Missing(Missing::NotRequested("no such figure".to_owned())),
        }
    }
}

#[cfg(test)]
#[path = "tally_tests.rs"]
mod tests;
