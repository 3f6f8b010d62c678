//! How surely and how fast a short series rises: Mann–Kendall's test and Theil–Sen's slope, both
//! for values that depend on those before them.
//!
//! Sources: H. B. Mann, "Nonparametric tests against trend", Econometrica 13 (1945); M. G. Kendall,
//! "Rank correlation methods" (1948); P. K. Sen, "Estimates of the regression coefficient based on
//! Kendall's tau", Journal of the American Statistical Association 63 (1968); K. H. Hamed and
//! A. R. Rao, "A modified Mann–Kendall trend test for autocorrelated data", Journal of Hydrology
//! 204 (1998).

use crate::summary::{max, mean, median_of_sorted, min};
use statrs::distribution::{ContinuousCDF, Normal};

/// Two-sided coverage of the slope's interval.
pub(super) const INTERVAL_LEVEL: f64 = 0.95;
/// Two-sided level at which an autocorrelation counts: Hamed and Rao's.
const LAG_LEVEL: f64 = 0.95;
/// What two residuals may differ by and still be equal, as a share of the largest value: above the
/// rounding of a subtraction, so that the rounding errors of a straight line get no ranks.
const RESIDUAL_QUANTUM: f64 = 1e-12;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ascent {
    pub(super) slope: f64,
    /// Its interval at [`INTERVAL_LEVEL`].
    pub(super) interval: (f64, f64),
    /// The chance of so much agreement on "up" in a series without a trend.
    pub(super) p: f64,
    /// Kendall's tau-b between time and value.
    pub(super) tau: f64,
}

/// The trend of `values` taken at `at`, which ascends. None for fewer than 4 values, whose lags
/// have no weights.
pub(super) fn ascent(at: &[f64], values: &[f64]) -> Option<Ascent> {
    if values.len() < 4 || at.len() != values.len() {
        return None;
    }
    let slopes = pairwise_slopes(at, values);
    let slope = median_of_sorted(&slopes)?;
    let deviation = (variance(values) * correction(&residuals(at, values, slope))).sqrt();
    let s = score(values);
    // One step nearer to zero: S comes in steps of two.
    let z = if deviation > 0.0 { (s - s.signum()) / deviation } else { 0.0 };
    Some(Ascent {
        slope,
        interval: rank_interval(&slopes, deviation)?,
        p: if s > 0.0 { 1.0 - Normal::standard().cdf(z) } else { 1.0 },
        tau: tau(values, s),
    })
}

/// The value that a standard normal deviate stays below with chance `at`.
pub(super) fn normal_quantile(at: f64) -> f64 {
    Normal::standard().inverse_cdf(at)
}

/// Theil–Sen's slope of `values` taken at `at`: the median of the slopes between every two of
/// them. None for fewer than two.
pub(super) fn theil_sen(at: &[f64], values: &[f64]) -> Option<f64> {
    median_of_sorted(&pairwise_slopes(at, values))
}

/// The slopes between every two points, in ascending order.
fn pairwise_slopes(at: &[f64], values: &[f64]) -> Vec<f64> {
    let points: Vec<(f64, f64)> = at.iter().copied().zip(values.iter().copied()).collect();
    let mut slopes = Vec::with_capacity(points.len() * points.len().saturating_sub(1) / 2);
    for (i, (t, v)) in points.iter().enumerate() {
        slopes.extend(points[i + 1..].iter().map(|(later, w)| (w - v) / (later - t)));
    }
    slopes.sort_unstable_by(f64::total_cmp);
    slopes
}

/// Sen's interval: with N slopes and C = z·σ(S), from the ((N − C)/2)-th to the ((N + C)/2 + 1)-th
/// of them, outwards to whole ranks; the smallest and the largest slope where that lies beyond.
fn rank_interval(slopes: &[f64], deviation: f64) -> Option<(f64, f64)> {
    let c = normal_quantile(f64::midpoint(1.0, INTERVAL_LEVEL)) * deviation;
    let last = slopes.len().checked_sub(1)?;
    let below = ((slopes.len() as f64 - c) / 2.0).floor() - 1.0;
    let below = (below.max(0.0) as usize).min(last);
    Some((slopes[below], slopes[last - below]))
}

/// Mann's S: pairs in which the later value is larger, less those in which it is smaller.
fn score(values: &[f64]) -> f64 {
    let mut s = 0_i64;
    for (i, v) in values.iter().enumerate() {
        for later in &values[i + 1..] {
            s += i64::from(later > v) - i64::from(later < v);
        }
    }
    s as f64
}

/// How many values there are of each group of equals.
fn ties(values: &[f64]) -> Vec<f64> {
    let sorted = crate::summary::sorted(values);
    sorted.chunk_by(|a, b| a == b).map(|group| group.len() as f64).collect()
}

/// The variance of S without trend and dependence, with `t` the sizes of groups of equals:
/// (n(n − 1)(2n + 5) − Σ t(t − 1)(2t + 5)) / 18 (Kendall 1948).
fn variance(values: &[f64]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0);
    (term(values.len() as f64) - ties(values).into_iter().map(term).sum::<f64>()) / 18.0
}

/// Tau-b: S over the geometric mean of all pairs and those whose values differ (Kendall 1948). 0
/// where none differ.
fn tau(values: &[f64], s: f64) -> f64 {
    let pairs = |n: f64| n * (n - 1.0) / 2.0;
    let all = pairs(values.len() as f64);
    let differing = all - ties(values).into_iter().map(pairs).sum::<f64>();
    if differing > 0.0 { s / (all * differing).sqrt() } else { 0.0 }
}

/// What the line of `slope` leaves of `values`.
fn residuals(at: &[f64], values: &[f64], slope: f64) -> Vec<f64> {
    let line = |t: f64| slope * (t - at[0]);
    let quantum = RESIDUAL_QUANTUM * values.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    let left = at.iter().zip(values).map(|(t, v)| v - line(*t));
    if quantum > 0.0 { left.map(|v| (v / quantum).round()).collect() } else { left.collect() }
}

/// By how much S varies more than independence lets it: 1 + 2 / (n(n − 1)(n − 2)) · Σ (n − i)
/// (n − i − 1)(n − i − 2) ρ(i), over the lags i whose autocorrelation ρ of ranks differs
/// significantly from 0 (Hamed and Rao 1998). `residuals` are the series without its trend.
///
/// Never below 1, other than theirs: values that swing about their neighbours, like minima of a
/// sawtooth that the windows cut at odd places, must not make a leak surer.
fn correction(residuals: &[f64]) -> f64 {
    let n = residuals.len() as f64;
    let significant = normal_quantile(f64::midpoint(1.0, LAG_LEVEL)) / n.sqrt();
    let ranks = ranks(residuals);
    let weight = |lag: f64| (n - lag) * (n - lag - 1.0) * (n - lag - 2.0);
    let lags = (1..residuals.len()).filter_map(|lag| {
        let rho = autocorrelation(&ranks, lag)?;
        (rho.abs() > significant).then_some(weight(lag as f64) * rho)
    });
    (1.0 + 2.0 / weight(0.0) * lags.sum::<f64>()).max(1.0)
}

/// The rank of each of `values`, equal ones sharing their mean rank.
pub(super) fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for group in order.chunk_by(|a, b| values[*a] == values[*b]) {
        // Ranks before + 1 to before + len.
        let shared = before as f64 + f64::midpoint(1.0, group.len() as f64);
        for place in group {
            ranks[*place] = shared;
        }
        before += group.len();
    }
    ranks
}

/// The correlation of `values` with themselves, `lag` later. None where they do not vary.
pub(super) fn autocorrelation(values: &[f64], lag: usize) -> Option<f64> {
    if min(values)? == max(values)? {
        return None;
    }
    let centre = mean(values)?;
    let all: f64 = values.iter().map(|v| (v - centre).powi(2)).sum();
    let pairs = values.iter().zip(values.get(lag..)?);
    Some(pairs.map(|(a, b)| (a - centre) * (b - centre)).sum::<f64>() / all)
}

#[cfg(test)]
#[path = "kendall_tests.rs"]
mod tests;
