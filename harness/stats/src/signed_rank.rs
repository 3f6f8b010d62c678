//! Wilcoxon's signed-rank test, exact, and what follows from it: the Hodges–Lehmann estimate and
//! its exact interval.
//!
//! Given the sizes of the differences, their signs are fair coins when the two sides are alike and
//! their order was a coin flip. So the null distribution is a count over the 2ⁿ sign patterns and
//! needs no assumption about noise, drift or tails. No tables and no normal approximation: the
//! counts come from a dynamic programme.
//!
//! Sources: F. Wilcoxon, "Individual comparisons by ranking methods", Biometrics Bulletin 1 (1945);
//! J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Annals of
//! Mathematical Statistics 34 (1963); the interval by inversion as in M. Hollander, D. A. Wolfe and
//! E. Chicken, "Nonparametric Statistical Methods", 3rd edition (2014), sections 3.1 to 3.3.

use crate::summary::median_of_sorted;

/// Above so many values nothing is computed: the programme takes time in their third power.
pub const N_MAX: usize = 500;

/// The probabilities of a signed-rank sum at least as extreme as the one seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tails {
    /// Of a sum of positive ranks as large or larger: small when the values lie above zero.
    pub greater: f64,
    /// Of a sum of positive ranks as small or smaller: small when the values lie below zero.
    pub less: f64,
    /// Twice the smaller tail, at most 1.
    pub two_sided: f64,
}

/// The centre of a symmetric distribution, with an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankBounds {
    pub lower: f64,
    pub upper: f64,
    /// The coverage it really has: at least the level asked for, because ranks come in steps.
    pub attained: f64,
}

/// Tests `values` for symmetry about zero. None without a value other than zero.
///
/// Zeros say nothing about a sign and are left out; equal sizes share their mean rank, and the
/// distribution is the one given these ranks, so that the tails stay exact with ties.
pub fn test(values: &[f64]) -> Option<Tails> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
    if values.is_empty() || values.len() > N_MAX || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    values.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let ranks = doubled_ranks(&values);
    let seen: usize = values.iter().zip(&ranks).filter(|(v, _)| **v > 0.0).map(|(_, r)| r).sum();
    Some(tails(&null_distribution(&ranks), seen))
}

/// The tails of the sum `seen`, by the probability of each sum.
pub(crate) fn tails(probability: &[f64], seen: usize) -> Tails {
    let less: f64 = probability[..=seen].iter().sum();
    let greater: f64 = probability[seen..].iter().sum();
    Tails {
        greater: greater.min(1.0),
        less: less.min(1.0),
        two_sided: (2.0 * greater.min(less)).min(1.0),
    }
}

/// The Hodges–Lehmann estimate: the median of all Walsh averages, which are the means of two
/// values, a value with itself among them.
pub fn estimate(values: &[f64]) -> Option<f64> {
    if values.len() > N_MAX {
        return None;
    }
    median_of_sorted(&walsh_averages(values))
}

/// The exact interval for the centre of `values` at `level`: every centre that the two-sided test
/// does not reject. None where even the widest interval covers less, so where 2^-(n-1) > 1 - level.
///
/// With W(1) ≤ … ≤ W(M) the Walsh averages and k the largest rank sum whose lower tail is at most
/// (1 - level)/2, it is from W(k+1) to W(M-k).
pub fn interval(values: &[f64], level: f64) -> Option<RankBounds> {
    if values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    if values.len() > N_MAX {
        return None;
    }
    let ranks: Vec<usize> = (1..=values.len()).collect();
    let (k, tail) = critical(&ranks, (1.0 - level) / 2.0)?;
    let walsh = walsh_averages(values);
    let (lower, upper) = (walsh[k], walsh[walsh.len() - 1 - k]);
    Some(RankBounds { lower, upper, attained: 1.0 - 2.0 * tail })
}

/// The largest sum of some of `scores` whose lower tail is at most `tail`, and that tail.
pub(crate) fn critical(scores: &[usize], tail: f64) -> Option<(usize, f64)> {
    if scores.is_empty() {
        return None;
    }
    let mut below = 0.0;
    let mut found = None;
    for (sum, probability) in null_distribution(scores).into_iter().enumerate() {
        below += probability;
        if below > tail {
            break;
        }
        found = Some((sum, below));
    }
    found
}

/// The probability of each sum, when every one of `scores` is counted or not with a fair coin.
///
/// Probabilities rather than counts: halving at each step keeps them in range, and only positive
/// numbers are added, so that even the smallest tail keeps its digits.
pub(crate) fn null_distribution(scores: &[usize]) -> Vec<f64> {
    let mut probability = vec![0.0; scores.iter().sum::<usize>() + 1];
    probability[0] = 1.0;
    let mut largest = 0;
    for &score in scores {
        largest += score;
        // Downwards, so that `sum - score` is still the value before this score.
        for sum in (0..=largest).rev() {
            let with = if sum >= score { probability[sum - score] } else { 0.0 };
            probability[sum] = (probability[sum] + with) / 2.0;
        }
    }
    probability
}

/// Twice the rank of each of `sorted` by size, equal sizes sharing their mean; doubled, so that a
/// mean rank stays whole.
fn doubled_ranks(sorted: &[f64]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(sorted.len());
    for group in sorted.chunk_by(|a, b| a.abs() == b.abs()) {
        // Ranks first..=last have the mean (first + last) / 2.
        let first = ranks.len() + 1;
        let last = ranks.len() + group.len();
        ranks.extend(group.iter().map(|_| first + last));
    }
    ranks
}

/// All means of two of `values`, a value with itself among them, in ascending order.
pub(crate) fn walsh_averages(values: &[f64]) -> Vec<f64> {
    let mut averages = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (i, a) in values.iter().enumerate() {
        averages.extend(values[i..].iter().map(|b| a / 2.0 + b / 2.0));
    }
    averages.sort_unstable_by(f64::total_cmp);
    averages
}

/// The least number of values that have an interval at `level`.
pub fn least_n(level: f64) -> Option<usize> {
    (1..=N_MAX).find(|&n| 2.0_f64.powi(1 - n as i32) <= 1.0 - level)
}

#[cfg(test)]
#[path = "signed_rank_tests.rs"]
mod tests;
