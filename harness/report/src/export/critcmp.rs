//! What `critcmp --export` writes and critcmp reads: times in nanoseconds, by case and metric. It
//! shows the estimate with the standard deviation, here that over launches; a time without an
//! interval or without samples to take a deviation from is left out.

use crate::export::known::{ExportError, known};
use crate::export::label::{id, json};
use caxton_analysis::reduce::{Levels, every_launch_log};
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::samples::Sample;
use caxton_model::sanitise::short;
use caxton_model::units::Unit;
use caxton_stats::summary::{mean, median};
use serde_json::{Map, Value, json};

const NAME_MAX: usize = 120;

pub(super) fn export(record: &Record, samples: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let name = short(&record.run.id, NAME_MAX);
    let logs = every_launch_log(samples, Unit::Nanos, &Levels::of_record(record));
    let times = known(record).filter(|(_, metric, _)| metric.metric().unit == Unit::Nanos);
    let of = |(case, metric, summary): (&CaseRecord, _, &Summary)| {
        let logs = logs.get(&(case.key.clone(), metric))?;
        let values: Vec<f64> = logs.values.iter().map(|log| log.exp()).collect();
        let group = id(&case.key);
        let full = format!("{group} {metric}");
        let benchmark = json!({
            "baseline": name,
            "fullname": format!("{name}/{full}"),
            "criterion_benchmark_v1": {
                "group_id": group,
                "function_id": metric.as_str(),
                "value_str": null,
                "throughput": null,
                "full_id": full,
                "directory_name": full,
            },
            "criterion_estimates_v1": estimates(summary, &values)?,
        });
        Some((full, benchmark))
    };
    let benchmarks: Map<String, Value> = times.filter_map(of).collect();
    json("critcmp", &json!({ "name": name, "benchmarks": benchmarks }))
}

/// The estimate as mean and median, and how far the launches are apart.
fn estimates(summary: &Summary, values: &[f64]) -> Option<Value> {
    let interval = summary.interval?;
    let (middle, n) = (mean(values)?, values.len() as f64);
    let squares: f64 = values.iter().map(|v| (v - middle).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let center = median(values)?;
    let far: Vec<f64> = values.iter().map(|v| (v - center).abs()).collect();
    let absolute = median(&far)?;
    let error = deviation / n.sqrt();
    if ![deviation, absolute, error].iter().all(|v| v.is_finite()) {
        return None;
    }
    let stats = |value: f64, interval: Interval| {
        json!({
            "confidence_interval": {
                "confidence_level": interval.level,
                "lower_bound": rounded(interval.lower),
                "upper_bound": rounded(interval.upper),
            },
            "point_estimate": rounded(value),
            "standard_error": rounded(error),
        })
    };
    let bare = |value: f64| stats(value, Interval { lower: value, upper: value, level: 0.0 });
    Some(json!({
        "mean": stats(summary.estimate, interval),
        "median": stats(summary.estimate, interval),
        "median_abs_dev": bare(absolute),
        "slope": null,
        "std_dev": bare(deviation),
    }))
}

/// To nine digits: the last bits of logarithms are the platform's own.
fn rounded(value: f64) -> f64 {
    format!("{value:.8e}").parse().unwrap_or(value)
}
