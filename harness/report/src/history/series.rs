//! Records, turned round: from runs with metrics to metrics over runs.

use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::{Record, Summary};
use caxton_model::sanitise::sanitise;
use std::collections::BTreeMap;

/// Runs of a suite that are shown: the newest.
const RUNS_MAX: usize = 120;
const VALUE_MAX: usize = 60;
/// Metrics of the instrument, which say nothing of what is measured.
const INSTRUMENT: [&str; 5] =
    ["apparatus_share", "hardware_scaling", "probe_latency_ns", "software_scaling", "yardstick_ns"];
/// What tells most machines apart, in this order.
const TELLING: [&str; 5] = ["cpu_model", "cores", "cores_allowed", "hypervisor", "kernel"];

pub(super) struct History<'a> {
    /// What each machine is, in words.
    pub(super) machines: Vec<String>,
    pub(super) suites: Vec<Suite<'a>>,
    /// Older runs that are not shown.
    pub(super) left_out: usize,
}

pub(super) struct Suite<'a> {
    pub(super) name: &'a str,
    /// Its runs, the oldest first, each with its machine's place in the list.
    pub(super) runs: Vec<(&'a Record, usize)>,
    pub(super) cases: Vec<Case<'a>>,
}

/// One case, and its metrics in the order of the table.
pub(super) struct Case<'a> {
    pub(super) key: &'a CaseKey,
    pub(super) series: Vec<Series<'a>>,
}

/// One metric of one case.
pub(super) struct Series<'a> {
    pub(super) metric: MetricName,
    pub(super) points: Vec<Point<'a>>,
}

#[derive(Clone, Copy)]
pub(super) struct Point<'a> {
    /// The run's place among those of the suite.
    pub(super) at: usize,
    pub(super) run: &'a Record,
    pub(super) machine: usize,
    pub(super) summary: &'a Summary,
}

impl Point<'_> {
    /// What a line joins: points for which this is the same.
    pub(super) fn line(&self) -> (usize, &str) {
        (self.machine, &self.run.run.scale)
    }
}

impl<'a> History<'a> {
    pub(super) fn of(records: &'a [Record]) -> Self {
        let mut sorted: Vec<&Record> = records.iter().filter(|r| !r.is_profile()).collect();
        sorted.sort_by_key(|record| (&record.run.started_utc, &record.run.id));
        let mut machines: Vec<(String, String)> = Vec::new();
        let mut by_suite: BTreeMap<&str, Vec<(&Record, usize)>> = BTreeMap::new();
        for record in sorted {
            let identity = identity(record);
            let known = machines.iter().position(|(known, _)| *known == identity);
            let machine = known.unwrap_or_else(|| {
                machines.push((identity, machine_words(record)));
                machines.len() - 1
            });
            by_suite.entry(&record.run.suite).or_default().push((record, machine));
        }
        let mut left_out = 0;
        let suite = |(name, mut runs): (&'a str, Vec<(&'a Record, usize)>)| {
            let old = runs.len().saturating_sub(RUNS_MAX);
            left_out += old;
            runs.drain(..old);
            let cases = cases(&runs);
            Suite { name, runs, cases }
        };
        let suites = by_suite.into_iter().map(suite).collect();
        let machines = machines.into_iter().map(|(_, words)| words).collect();
        Self { machines, suites, left_out }
    }
}

fn identity(record: &Record) -> String {
    format!("{:?} {:?}", record.host.fingerprint, record.host.memory_bytes)
}

fn machine_words(record: &Record) -> String {
    let value = |name: &&str| {
        let value = record.host.fingerprint.get(*name).and_then(Reading::known)?;
        Some(format!("{name} {}", sanitise(value, VALUE_MAX)))
    };
    let mut words: Vec<String> = TELLING.iter().filter_map(value).collect();
    words.extend(record.host.memory_bytes.known().map(|bytes| format!("memory {bytes}")));
    if words.is_empty() { "nothing is known of it".to_owned() } else { words.join(", ") }
}

/// The cases of `runs`: those of the newest run in its order, then what only older ones had.
fn cases<'a>(runs: &[(&'a Record, usize)]) -> Vec<Case<'a>> {
    let mut order: Vec<&CaseKey> = Vec::new();
    let mut points: BTreeMap<(&CaseKey, MetricName), Vec<Point<'a>>> = BTreeMap::new();
    for (at, (run, machine)) in runs.iter().enumerate().rev() {
        let is_shown = |key: &CaseKey| !key.is_same_against_same();
        let ran = run.cases.iter().filter(|c| c.outcome == Outcome::Ran && is_shown(&c.key));
        for case in ran {
            if !order.contains(&&case.key) {
                order.push(&case.key);
            }
            for (metric, reading) in &case.metrics {
                let Reading::Known(summary) = reading else { continue };
                if summary.is_finite() && !INSTRUMENT.contains(&metric.as_str()) {
                    let point = Point { at, run, machine: *machine, summary };
                    points.entry((&case.key, *metric)).or_default().push(point);
                }
            }
        }
    }
    let mut case = |key: &'a CaseKey| {
        let series = metric::metrics().filter_map(|row| {
            let metric = MetricName::from(row);
            let mut points = points.remove(&(key, metric))?;
            points.reverse();
            Some(Series { metric, points })
        });
        Case { key, series: series.collect() }
    };
    order.into_iter().map(&mut case).filter(|case| !case.series.is_empty()).collect()
}
