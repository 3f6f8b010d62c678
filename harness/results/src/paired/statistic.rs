//! One launch pair, one log-ratio.

use super::{Statistic, Trial, Turn, Version, contest_of, worse_sign};
use crate::metric::MetricName;
use crate::stats::summary;
use std::collections::BTreeMap;

/// Readings per iteration of one version in one launch, by block.
type Blocks = BTreeMap<u32, Vec<f64>>;

/// The log-ratios of each metric that launch pairs compare, in the order of the launches, positive
/// where the candidate is worse; of the turns of one case that belong to `trial`.
///
/// A launch in which a version has no reading of a metric, or one that has no logarithm, gives a
/// NaN: what cannot be compared is not left out in silence.
pub fn log_ratios<'a>(
    turns: impl IntoIterator<Item = &'a Turn>,
    trial: Trial,
) -> BTreeMap<MetricName, Vec<f64>> {
    let mut metrics: BTreeMap<MetricName, BTreeMap<u32, [Blocks; 2]>> = BTreeMap::new();
    for turn in turns.into_iter().filter(|turn| turn.trial == trial) {
        let launches = metrics.entry(turn.metric).or_default();
        let versions = launches.entry(turn.launch).or_default();
        let blocks = &mut versions[usize::from(turn.version == Version::Candidate)];
        blocks.entry(turn.block).or_default().push(turn.per_iteration());
    }
    let of = |(metric, launches): (MetricName, BTreeMap<u32, [Blocks; 2]>)| {
        let statistic = contest_of(metric)?.statistic;
        let sign = worse_sign(metric.metric());
        let value = |[base, candidate]: &[Blocks; 2]| {
            sign * log_ratio(statistic, base, candidate).unwrap_or(f64::NAN)
        };
        Some((metric, launches.values().map(value).collect()))
    };
    metrics.into_iter().filter_map(of).collect()
}

/// ln(candidate / base) of one launch pair.
fn log_ratio(statistic: Statistic, base: &Blocks, candidate: &Blocks) -> Option<f64> {
    if statistic == Statistic::BlockMin {
        let pairs = base.iter().filter_map(|(block, base)| Some((base, candidate.get(block)?)));
        let logs: Option<Vec<f64>> = pairs
            .map(|(base, candidate)| ln_ratio(summary::min(candidate)?, summary::min(base)?))
            .collect();
        return summary::median(&logs?);
    }
    let [base, candidate] = [base, candidate].map(|blocks| one_value(statistic, blocks));
    ln_ratio(candidate?, base?)
}

/// All of a launch's readings as one.
fn one_value(statistic: Statistic, blocks: &Blocks) -> Option<f64> {
    let readings: Vec<f64> = blocks.values().flatten().copied().collect();
    match statistic {
        Statistic::BlockMin => summary::min(&readings),
        Statistic::Quantile(at) => summary::quantile(&readings, at),
        Statistic::Total => summary::mean(&readings),
        Statistic::Peak => summary::max(&readings),
    }
}

fn ln_ratio(of: f64, to: f64) -> Option<f64> {
    let ratio = (of / to).ln();
    ratio.is_finite().then_some(ratio)
}
