//! What a load came to: the part of a record that reports and exports read. Everything in it is a
//! pure function of the plan and the seconds (`tally.rs`).

use super::crashes::{CrashTime, Crashes};
use super::frame::{MessageCounts, Segment};
use super::plan::{LoadPlan, Pacing, Role};
use super::quiescence::Ledger;
use super::scraped::Scraped;
use super::threshold::ThresholdFinding;
use crate::estimate::{Company, Interval, Summary};
use crate::metric::MetricName;
use crate::reading::{Missing, Reading};
use crate::units::{Nanos, Unit};
use caxton_stats::limit::{LeakInFile, LimitVerdict};
use caxton_stats::trend::{Degradation, Trend};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What may be said of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadVerdict {
    /// Every threshold holds, nothing was dropped, and the generator was on time.
    Pass,
    Fail,
    /// The generator was measured and not the target, or what was measured does not add up.
    Invalid,
    /// Nothing fails, and not all could be told.
    Unclear,
}

impl LoadVerdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
            Self::Unclear => "UNCLEAR",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadOutcome {
    /// What may be said of it.
    pub verdict: LoadVerdict,
    /// Why, and what else to know of it, each a sentence.
    pub reasons: Vec<String>,
    /// What was to be done, with what each stage wants and was granted.
    pub plan: LoadPlan,
    /// What took the messages, in words.
    pub target: String,
    /// How the load ended, if not by its plan, in words.
    pub ended_early: Option<String>,
    /// Messages that the plan wants over its whole length.
    pub wanted_messages: u64,
    /// All stages together.
    pub whole: StageOutcome,
    pub stages: Vec<StageOutcome>,
    pub thresholds: Vec<ThresholdFinding>,
    /// What grew; none where the plan does not ask.
    pub leak: Option<Leak>,
    /// What got slower; none where the plan does not ask.
    pub degradation: Option<Degradations>,
    /// How the burst, or the deaths, were got over; none where there are none.
    pub recovery: Option<Reading<Recovery>>,
    /// The least capacity that can recover in time from the burst of the plan; none where there is
    /// none.
    pub least_capacity_per_second: Option<f64>,
    /// What was left at the end.
    pub left: Reading<Ledger>,
    /// The processes that it was run by.
    pub segments: Vec<Segment>,
    /// Messages that were in flight when a process ended before its plan did.
    pub cut_off: u64,
    /// What the target said of itself, in the last process; none where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scraped: Option<Scraped>,
    /// What became of the agents that were killed, in the last process; none where nobody was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crashes: Option<Crashes>,
    /// The course of it, in at most [`POINTS`] steps.
    pub points: Vec<CoursePoint>,
    /// Response and service by percentile.
    pub spectrum: Vec<SpectrumStep>,
}

/// Level of the intervals of percentiles.
pub const LEVEL: f64 = 0.95;
/// The most steps of a course.
pub const POINTS: usize = 300;

/// What came of one stage, or of all of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageOutcome {
    /// Its name; empty for all of them.
    pub name: String,
    /// What it is for; none for all of them.
    pub role: Option<Role>,
    pub wanted: Nanos,
    /// How long it was to be.
    pub granted: Nanos,
    pub took: Nanos,
    /// How many messages came to what.
    pub counts: MessageCounts,
    pub response: Percentiles,
    pub service: Percentiles,
    /// 99 % of how late the generator was.
    pub lateness_p99: Reading<Nanos>,
    /// Mean in flight by the integral, over throughput times mean response, less one (Little's
    /// law); missing where the stage is no steady one.
    pub little_residual: Reading<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
    pub n: u64,
    pub mean_ns: Reading<f64>,
    /// 50, 90, 99, 99.9 and 99.99 %, those that failed counted as longer than any.
    pub at: Vec<Percentile>,
    pub max: Reading<Nanos>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Percentile {
    /// Which, 0 to 1.
    pub share: f64,
    pub value: Reading<Nanos>,
    /// Its interval at 95 %, by bootstrap over stretches of time; none where there are too few.
    pub interval: Option<[Nanos; 2]>,
}

impl Percentiles {
    pub fn find(&self, share: f64) -> Option<&Percentile> {
        self.at.iter().find(|percentile| (percentile.share - share).abs() < 1e-9)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leak {
    /// All series together.
    #[serde(with = "LeakInFile")]
    pub verdict: LimitVerdict,
    pub trends: Vec<Trend>,
    /// Messages per second while it was judged: what a slope is divided by.
    pub messages_per_second: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Degradations {
    /// Each figure by name, worst first.
    pub figures: Vec<(String, Degradation)>,
}

/// How a burst was got over, or the deaths of agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Seconds from the end of the burst or from the deaths; none if it was not reached while
    /// there was load.
    pub took_s: Option<f64>,
    pub looked_s: f64,
    /// The longest 99 % response that counts as calm.
    pub calm_p99: Nanos,
    /// The most in flight that counts as calm.
    pub calm_in_flight: u64,
    /// In flight when the burst ended, or when the agents died.
    pub backlog: u64,
    /// The most that settled in a second with a backlog; none if there was none to speak of.
    pub capacity_per_second: Option<f64>,
    /// Seconds that the backlog takes at that capacity beside the base rate: the least possible.
    pub drain_s: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CoursePoint {
    /// When it began, in seconds from the plan's start.
    pub at_s: f64,
    pub length_s: f64,
    pub stage: u32,
    /// What came to what in it.
    pub counts: MessageCounts,
    /// In flight at its end.
    pub in_flight: u64,
    /// Its responses, median and 99 %; none where there were none.
    pub response_ns: Option<[u64; 2]>,
    /// Its services, the same.
    pub service_ns: Option<[u64; 2]>,
    /// What the heap held, the least in it.
    pub live_bytes: Option<u64>,
    /// Resident memory, the least in it.
    pub rss_bytes: Option<u64>,
}

/// One step of a percentile spectrum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SpectrumStep {
    /// Which percentile, 0 to 1.
    pub share: f64,
    /// Response time there; none where it is one of those that failed, or too few are beyond it.
    pub response_ns: Option<u64>,
    pub service_ns: Option<u64>,
}

/// A load that was done but for this part is whole: its last second may be short.
const SHORT_MAX: f64 = 0.01;

impl LoadOutcome {
    /// The part of what the plan wants that was done, of its time or, in a closed loop, of its
    /// messages; none where all of it was.
    pub fn part(&self) -> Option<f64> {
        let [done, wanted] = match self.plan.pacing {
            Pacing::Open => [self.whole.took.0, self.plan.wanted().0],
            Pacing::Closed { .. } => [self.whole.counts.settled(), self.wanted_messages],
        };
        let part = done as f64 / (wanted as f64).max(1.0);
        (part < 1.0 - SHORT_MAX && wanted > 0).then_some(part)
    }

    /// The verdict in words, with the part of the load that it is of where that is not all.
    pub fn told(&self) -> String {
        let name = self.verdict.name();
        match self.part() {
            Some(part) => format!("{name} ({} of the load)", Unit::Share.show(part)),
            None => name.to_owned(),
        }
    }

    /// Messages that were answered, of those of which it is known what became of them.
    pub fn success_share(&self) -> Option<f64> {
        let counts = &self.whole.counts;
        (counts.settled() > 0).then(|| counts.ok as f64 / counts.settled() as f64)
    }

    /// Messages that were answered per second.
    pub fn per_second(&self) -> Option<f64> {
        let took_ns = self.whole.took.0;
        (took_ns > 0).then(|| self.whole.counts.ok as f64 * 1e9 / took_ns as f64)
    }

    /// What of it is a metric: one process' figures, `n` is 1.
    pub fn metrics(&self) -> BTreeMap<MetricName, Reading<Summary>> {
        let samples = self.whole.response.n;
        let summary = |estimate: f64, interval| {
            let company = Company::default();
            Summary { estimate, interval, n: 1, samples, company }
        };
        let percentile = |of: &Percentiles, share: f64| match of.find(share) {
            None => Reading::Missing(Missing::NotRequested("no such percentile".to_owned())),
            Some(Percentile { value, interval, .. }) => value.map(|value| {
                let interval = interval.map(|[lower, upper]| {
                    let (lower, upper) = (lower.0 as f64, upper.0 as f64);
                    Interval { lower, upper, level: LEVEL }
                });
                summary(value.0 as f64, interval)
            }),
        };
        let none = || Missing::Undefined("nothing was offered".to_owned());
        let known = |value: Option<f64>| {
            Reading::from(value.map(|value| summary(value, None)).ok_or_else(none))
        };
        let time = |reading: &Reading<Nanos>| reading.map(|time| summary(time.0 as f64, None));
        let (response, service) = (&self.whole.response, &self.whole.service);
        let rows = [
            ("load_response_p50_ns", percentile(response, 0.5)),
            ("load_response_p90_ns", percentile(response, 0.9)),
            ("load_response_p99_ns", percentile(response, 0.99)),
            ("load_response_p999_ns", percentile(response, 0.999)),
            ("load_response_max_ns", time(&response.max)),
            ("load_service_p50_ns", percentile(service, 0.5)),
            ("load_service_p99_ns", percentile(service, 0.99)),
            ("load_lateness_p99_ns", time(&self.whole.lateness_p99)),
            ("load_rate", known(self.per_second())),
            ("load_success_share", known(self.success_share())),
            ("load_dropped_messages", known(Some(self.whole.counts.dropped as f64))),
        ];
        let crashes = self.crashes.iter().flat_map(|crashes| {
            let longest =
                |time: &Reading<CrashTime>| time.map(|time| summary(time.max.0 as f64, None));
            [
                ("load_killed_agents", known(Some(crashes.killed as f64))),
                ("load_restarted_agents", known(Some(crashes.back as f64))),
                ("load_detect_max_ns", longest(&crashes.detect)),
                ("load_restart_max_ns", longest(&crashes.restart)),
                ("load_caught_up_max_ns", longest(&crashes.caught_up)),
            ]
        });
        let named = |(name, reading)| {
            (MetricName::parse(name).expect("loads name metrics of the table"), reading)
        };
        rows.into_iter().chain(crashes).map(named).collect()
    }
}
