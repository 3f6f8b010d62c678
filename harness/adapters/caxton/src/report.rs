//! What a probe found out, as it tells its parent.

use caxton_model::case::Outcome;
use caxton_model::metric::MetricName;
use caxton_stats::summary::quantile;
use serde::{Deserialize, Serialize};

/// One launch of one case.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbeReport {
    pub(crate) outcome: Outcome,
    /// None of a probe that failed.
    pub(crate) readings: Vec<ProbeReading>,
}

/// One reading, as a row of `samples.csv` without its case and launch.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbeReading {
    pub(crate) metric: MetricName,
    pub(crate) block: u32,
    pub(crate) iterations: u64,
    /// Over all iterations, in the metric's unit.
    pub(crate) value: u64,
}

/// What a probe has read so far.
#[derive(Debug, Default)]
pub(crate) struct Readings(Vec<ProbeReading>);

/// Readings, or how the case ended without any.
pub(crate) type Probed = Result<Readings, Outcome>;

/// Fewer have no 99th percentile: it would be their maximum.
const P99_MIN: usize = 100;

impl Readings {
    /// Adds `value`, taken over `iterations` in `block`.
    pub(crate) fn add(&mut self, metric: &str, block: u32, [iterations, value]: [u64; 2]) {
        let metric = MetricName::parse(metric).expect("a row of the metric table");
        self.0.push(ProbeReading { metric, block, iterations, value });
    }

    /// Adds a reading of a whole launch.
    pub(crate) fn one(&mut self, metric: &str, value: u64) {
        self.add(metric, 0, [1, value]);
    }

    /// Adds `NAME_p50_ns` of `times`, in nanoseconds, and `NAME_p99_ns` where they are enough.
    pub(crate) fn percentiles(&mut self, name: &str, times: &[f64]) {
        let p99 = (times.len() >= P99_MIN).then_some(("p99", 0.99));
        for (suffix, share) in [("p50", 0.5)].into_iter().chain(p99) {
            if let Some(ns) = quantile(times, share) {
                self.one(&format!("{name}_{suffix}_ns"), ns.round() as u64);
            }
        }
    }
}

impl From<Probed> for ProbeReport {
    fn from(probed: Probed) -> Self {
        match probed {
            Ok(Readings(readings)) => Self { outcome: Outcome::Ran, readings },
            Err(outcome) => Self { outcome, readings: Vec::new() },
        }
    }
}

/// The harness or caxton failed where neither should.
pub(crate) fn failed(what: &str, error: impl std::fmt::Display) -> Outcome {
    Outcome::Failed(format!("{what}: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_times_have_no_99th_percentile() {
        let names = |count: u32| {
            let mut readings = Readings::default();
            readings.percentiles("deploy", &(0..count).map(f64::from).collect::<Vec<_>>());
            let told = ProbeReport::from(Ok(readings)).readings.into_iter();
            told.map(|reading| format!("{} {}", reading.metric, reading.value)).collect::<Vec<_>>()
        };
        assert_eq!(names(0), [""; 0]);
        assert_eq!(names(99), ["deploy_p50_ns 49"]);
        assert_eq!(names(101), ["deploy_p50_ns 50", "deploy_p99_ns 99"]);
    }

    #[test]
    fn a_report_comes_back_as_it_was() {
        let mut readings = Readings::default();
        readings.add("accepted_ns", 3, [100_000, 250_000_000]);
        for probed in [Ok(readings), Err(Outcome::Unsupported("no such thing".to_owned()))] {
            let report = ProbeReport::from(probed);
            let line = serde_json::to_string(&report).expect("plain data");
            assert_eq!(serde_json::from_str::<ProbeReport>(&line).expect("its own"), report);
        }
    }
}
