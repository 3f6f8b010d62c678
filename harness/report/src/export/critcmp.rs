//! What `critcmp --export` writes and critcmp reads: times in nanoseconds, by case and metric. It
//! shows the estimate with the standard deviation, here that over launches; a time without an
//! interval or without samples to take a deviation from is left out.

use crate::export::known::{ExportError, known};
use crate::export::label::{id, quiet_json};
use caxton_analysis::reduce::{Levels, every_launch_log};
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::short;
use caxton_model::units::Unit;
use caxton_stats::summary::{mean, median};
use serde::Serialize;
use std::collections::BTreeMap;

/// Longest name of a baseline.
const NAME_MAX: usize = 120;

#[derive(Serialize)]
struct File {
    name: String,
    benchmarks: BTreeMap<String, Benchmark>,
}

#[derive(Serialize)]
struct Benchmark {
    baseline: String,
    fullname: String,
    criterion_benchmark_v1: Info,
    criterion_estimates_v1: Estimates,
}

#[derive(Serialize)]
struct Info {
    group_id: String,
    function_id: Option<String>,
    value_str: Option<String>,
    throughput: Option<()>,
    full_id: String,
    directory_name: String,
}

#[derive(Serialize)]
struct Estimates {
    mean: Stats,
    median: Stats,
    median_abs_dev: Stats,
    slope: Option<Stats>,
    std_dev: Stats,
}

#[derive(Serialize)]
struct Stats {
    confidence_interval: Confidence,
    point_estimate: f64,
    standard_error: f64,
}

#[derive(Serialize)]
struct Confidence {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

/// The times of the cases that ran.
pub(super) fn export(record: &Record, samples: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let name = short(&record.run.id, NAME_MAX);
    let logs = every_launch_log(samples, Unit::Nanos, &Levels::of_record(record));
    let times = known(record).filter(|(_, metric, _)| metric.metric().unit == Unit::Nanos);
    let of = |(case, metric, summary): (&CaseRecord, _, &Summary)| {
        let logs = logs.get(&(case.key.clone(), metric))?;
        let values: Vec<f64> = logs.values.iter().map(|log| log.exp()).collect();
        let estimates = estimates(summary, &values)?;
        let (group, full) = (id(&case.key), format!("{} {metric}", id(&case.key)));
        let info = Info {
            group_id: group,
            function_id: Some(metric.to_string()),
            value_str: None,
            throughput: None,
            full_id: full.clone(),
            directory_name: full.clone(),
        };
        let benchmark = Benchmark {
            baseline: name.clone(),
            fullname: format!("{name}/{full}"),
            criterion_benchmark_v1: info,
            criterion_estimates_v1: estimates,
        };
        Some((full, benchmark))
    };
    let benchmarks = times.filter_map(of).collect();
    let json = serde_json::to_string_pretty(&File { name: name.clone(), benchmarks })
        .map_err(|e| ExportError { format: "critcmp", why: e.to_string() })?;
    Ok((quiet_json(&json) + "\n").into_bytes())
}

/// The estimate as mean and median, and how far the launches are apart.
fn estimates(summary: &Summary, values: &[f64]) -> Option<Estimates> {
    let interval = summary.interval?;
    let (middle, n) = (mean(values)?, values.len() as f64);
    let squares: f64 = values.iter().map(|v| (v - middle).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let center = median(values)?;
    let far: Vec<f64> = values.iter().map(|v| (v - center).abs()).collect();
    let absolute = median(&far)?;
    let error = deviation / n.sqrt();
    let is_finite = [deviation, absolute, error].iter().all(|v| v.is_finite());
    is_finite.then(|| {
        let figure = || Stats {
            confidence_interval: confidence(&interval),
            point_estimate: rounded(summary.estimate),
            standard_error: rounded(error),
        };
        let bare = |value: f64| Stats {
            confidence_interval: confidence(&Interval { lower: value, upper: value, level: 0.0 }),
            point_estimate: rounded(value),
            standard_error: rounded(error),
        };
        let (mean, median) = (figure(), figure());
        let (median_abs_dev, std_dev) = (bare(absolute), bare(deviation));
        Estimates { mean, median, median_abs_dev, slope: None, std_dev }
    })
}

fn confidence(interval: &Interval) -> Confidence {
    Confidence {
        confidence_level: interval.level,
        lower_bound: rounded(interval.lower),
        upper_bound: rounded(interval.upper),
    }
}

/// To nine digits: the last bits of logarithms are the platform's own.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}
