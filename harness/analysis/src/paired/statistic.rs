//! One launch pair, one log-ratio.

use super::contest::{Statistic, contest_of, worse_sign};
use caxton_model::metric::MetricName;
use caxton_model::paired::{Trial, Turn, Version};
use caxton_stats::mode::half_sample_mode;
use caxton_stats::summary;
use std::collections::{BTreeMap, BTreeSet};

/// The readings of one version in one launch, by block.
type Blocks<'a> = BTreeMap<u32, Vec<&'a Turn>>;

/// The log-ratios of each metric that launch pairs compare, in the order of the launches, positive
/// where the candidate is worse; of the turns of one case that belong to `trial`.
///
/// A launch in which a version has no reading of a metric, or one that has no logarithm, gives a
/// NaN: what cannot be compared is not left out in silence.
pub fn log_ratios<'a>(
    turns: impl IntoIterator<Item = &'a Turn>,
    trial: Trial,
) -> BTreeMap<MetricName, Vec<f64>> {
    let mut metrics: BTreeMap<MetricName, BTreeMap<u32, [Blocks<'a>; 2]>> = BTreeMap::new();
    let mut all = BTreeSet::new();
    for turn in turns.into_iter().filter(|turn| turn.trial == trial) {
        all.insert(turn.launch);
        let launches = metrics.entry(turn.metric).or_default();
        let versions = launches.entry(turn.launch).or_default();
        let blocks = &mut versions[usize::from(turn.version == Version::Candidate)];
        blocks.entry(turn.block).or_default().push(turn);
    }
    let of = |(metric, launches): (MetricName, BTreeMap<u32, [Blocks<'a>; 2]>)| {
        let statistic = contest_of(metric)?.statistic;
        let sign = worse_sign(metric.metric());
        let value = |launch: &u32| {
            let told = launches.get(launch);
            let ratio = told.and_then(|[base, candidate]| log_ratio(statistic, base, candidate));
            sign * ratio.unwrap_or(f64::NAN)
        };
        Some((metric, all.iter().map(value).collect()))
    };
    metrics.into_iter().filter_map(of).collect()
}

/// ln(candidate / base) of one launch pair: of the least of blocks the mode over all pairs of a
/// block of each version, so that blocks are compared which the processor ran in the same mode.
fn log_ratio(statistic: Statistic, base: &Blocks<'_>, candidate: &Blocks<'_>) -> Option<f64> {
    if statistic == Statistic::BlockMin {
        // Blocks come in pairs; half a pair is a reading that is missing.
        if !base.keys().eq(candidate.keys()) {
            return None;
        }
        let least = |blocks: &Blocks<'_>| -> Option<Vec<f64>> {
            blocks.values().map(|block| one_value(statistic, block)).collect()
        };
        let (base, candidate) = (least(base)?, least(candidate)?);
        let pairs = candidate.iter().flat_map(|of| base.iter().map(move |to| ln_ratio(*of, *to)));
        let logs: Option<Vec<f64>> = pairs.collect();
        return half_sample_mode(&logs?);
    }
    let whole = |blocks: &Blocks<'_>| {
        one_value(statistic, &blocks.values().flatten().copied().collect::<Vec<_>>())
    };
    ln_ratio(whole(candidate)?, whole(base)?)
}

/// All of `turns` as one number per iteration, in the metric's unit: of one version, in one launch
/// or in one of its blocks.
pub fn one_value(statistic: Statistic, turns: &[&Turn]) -> Option<f64> {
    let readings: Vec<f64> = turns.iter().map(|turn| turn.per_iteration()).collect();
    match statistic {
        Statistic::BlockMin => summary::min(&readings),
        Statistic::Quantile(at) => summary::quantile(&readings, at),
        Statistic::Peak => summary::max(&readings),
    }
}

fn ln_ratio(of: f64, to: f64) -> Option<f64> {
    let ratio = (of / to).ln();
    ratio.is_finite().then_some(ratio)
}

#[cfg(test)]
#[path = "statistic_tests.rs"]
mod tests;
