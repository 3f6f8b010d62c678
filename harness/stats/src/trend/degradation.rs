//! Whether a run became slower from its first to its last steady third.
//!
//! The ratio of the thirds' medians, with an interval by the moving-block bootstrap: a second
//! resembles the one before, so seconds are drawn anew in blocks that keep them together.
//!
//! Sources: H. R. Künsch, "The jackknife and the bootstrap for general stationary observations",
//! Annals of Statistics 17 (1989); the length of blocks from D. N. Politis and H. White, "Automatic
//! block-length selection for the dependent bootstrap", Econometric Reviews 23 (2004); the interval
//! from few blocks of T. C. Hesterberg, "What teachers should know about the bootstrap", The
//! American Statistician 69 (2015).

use crate::limit::{Bound, DegradationInFile, LimitVerdict};
use crate::summary::{max, median, quantile};
use crate::trend::kendall::{autocorrelation, ranks};
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Fewest seconds of a third: with fewer there are too few blocks to draw from.
pub const SECONDS_MIN: usize = 20;
/// How often both thirds are drawn anew.
const RESAMPLES: usize = 1000;
/// Two-sided coverage of the ratio's interval.
const INTERVAL_LEVEL: f64 = 0.95;
/// Fewest blocks that a third is drawn from.
const BLOCKS_MIN: usize = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Worse {
    /// More is worse: latency.
    Higher,
    /// Less is worse: throughput.
    Lower,
}

/// How the last third of a run compares with the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Degradation {
    /// Whether it became worse; where the limit lies in the interval, a longer run can tell.
    #[serde(with = "DegradationInFile")]
    pub verdict: LimitVerdict,
    /// Median of the last over median of the first third, with its interval at 95 %; none for an
    /// invalid verdict.
    pub ratio: Option<Ratio>,
    pub worse: Worse,
    /// How much worse is allowed, as a share.
    pub limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ratio {
    pub estimate: f64,
    pub lower: f64,
    pub upper: f64,
}

/// Compares the readings of each second of the `first` with those of the `last` steady third. Worse
/// by more than `limit`, a share, is degraded. Equal seeds give equal intervals.
pub fn degradation(
    first: &[f64],
    last: &[f64],
    worse: Worse,
    limit: f64,
    seed: u64,
) -> Degradation {
    let told = |verdict, ratio| Degradation { verdict, ratio, worse, limit };
    match ratio(first, last, seed) {
        _ if !(0.0..1.0).contains(&limit) => {
            told(LimitVerdict::Unknown("no such limit".to_owned()), None)
        }
        Ok(ratio) => told(verdict(&ratio, worse, limit), Some(ratio)),
        Err(why) => told(LimitVerdict::Unknown(why), None),
    }
}

fn verdict(ratio: &Ratio, worse: Worse, limit: f64) -> LimitVerdict {
    let bound = match worse {
        Worse::Higher => Bound::at_most(1.0 + limit),
        Worse::Lower => Bound::at_least(1.0 - limit),
    };
    bound.judge([ratio.lower, ratio.upper])
}

/// The ratio of medians with its expanded percentile interval, or why there is none.
fn ratio(first: &[f64], last: &[f64], seed: u64) -> Result<Ratio, String> {
    for (name, values) in [("first", first), ("last", last)] {
        let seconds = values.len();
        if seconds < SECONDS_MIN {
            return Err(format!("the {name} third has {seconds} s of {SECONDS_MIN} at the least"));
        }
        if values.iter().any(|v| !v.is_finite()) || median(values).is_none_or(|m| m <= 0.0) {
            return Err(format!(
                "the {name} third has a second without a reading, or stands still"
            ));
        }
    }
    let none = || "nothing to draw from".to_owned();
    let mut random = fastrand::Rng::with_seed(seed);
    let lengths = (block_length(first), block_length(last));
    let drawn = (0..RESAMPLES).filter_map(|_| {
        let before = resampled_median(first, lengths.0, &mut random)?;
        let after = resampled_median(last, lengths.1, &mut random)?;
        // 0 below would be no number, and the largest ratio is what it stands for.
        Some(if before > 0.0 { after / before } else { f64::MAX })
    });
    let drawn: Vec<f64> = drawn.collect();
    let blocks = (first.len() / lengths.0).min(last.len() / lengths.1);
    let tail = tail(blocks as f64).ok_or_else(none)?;
    Ok(Ratio {
        estimate: median(last).ok_or_else(none)? / median(first).ok_or_else(none)?,
        lower: quantile(&drawn, tail).ok_or_else(none)?,
        upper: quantile(&drawn, 1.0 - tail).ok_or_else(none)?,
    })
}

/// The share of draws beyond either bound of the interval: Φ(−√(k/(k − 1)) · t) with t the quantile
/// of Student's distribution with k − 1 degrees of freedom for so many blocks k (Hesterberg 2015).
/// From few blocks the plain 2.5 % make an interval too narrow. None for fewer than two.
fn tail(blocks: f64) -> Option<f64> {
    let freedom = blocks - 1.0;
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?;
    let t = t.inverse_cdf(f64::midpoint(1.0, INTERVAL_LEVEL));
    Some(Normal::standard().cdf(-(blocks / freedom).sqrt() * t))
}

/// The median of as many values as there are, drawn in blocks of `length` that begin anywhere
/// (Künsch 1989).
fn resampled_median(values: &[f64], length: usize, random: &mut fastrand::Rng) -> Option<f64> {
    let mut drawn = Vec::with_capacity(values.len() + length);
    while drawn.len() < values.len() {
        let start = random.usize(..=values.len() - length);
        drawn.extend_from_slice(&values[start..start + length]);
    }
    drawn.truncate(values.len());
    middle(&mut drawn)
}

/// The median, without sorting all: thousands are taken of a day's seconds.
fn middle(values: &mut [f64]) -> Option<f64> {
    let half = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    values.get(half)?;
    let (below, upper, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = if is_odd { None } else { max(below) };
    Some(f64::midpoint(lower.unwrap_or(*upper), *upper))
}

/// The length of a block: (6 ρ² / (1 − ρ²)²)^⅓ · n^⅓, with ρ the autocorrelation of the ranks of
/// neighbours. It is Politis and White's (2004) for values of which each depends on the one before
/// alone. At least n^⅓, and at most so long that there are [`BLOCKS_MIN`].
fn block_length(values: &[f64]) -> usize {
    let rho = autocorrelation(&ranks(values), 1).unwrap_or(0.0);
    let n = values.len() as f64;
    let dependence = 6.0 * rho.powi(2) / (1.0 - rho.powi(2)).powi(2);
    let length = (dependence.max(1.0) * n).cbrt().ceil() as usize;
    length.min(values.len() / BLOCKS_MIN)
}

#[cfg(test)]
#[path = "degradation_tests.rs"]
mod tests;
