//! A signed-rank test for values with outliers on both sides, exact, and what follows from it: an
//! estimate and an interval.
//!
//! Wilcoxon's test gives each value its rank by size as a score, so the largest count most. Where
//! launches of a program fall into one of two modes, the largest differences say which modes met,
//! and nothing of the program. Here the score of rank r among n values is u (1 - u) with
//! u = (r - 1/2)/n: values of middling size count most, the largest next to nothing. The test is
//! exact for the same reason as Wilcoxon's: given the sizes, the signs are fair coins. Of normal
//! values it needs 1.8 times as many as Wilcoxon's for the same certainty; of pairs of launches of
//! a bytecode interpreter 0.4 times (`docs/method.md`).
//!
//! Sources: signed-rank statistics with any scores: J. Hájek, Z. Šidák and P. K. Sen, "Theory of
//! Rank Tests", 2nd edition (1999), section 4.5; scores that come down again: F. R. Hampel, "The
//! influence curve and its role in robust estimation", Journal of the American Statistical
//! Association 69 (1974).

use crate::signed_rank::{
    N_MAX, RankBounds, Tails, critical, null_distribution, tails, walsh_averages,
};
use crate::summary::median_of_sorted;
use std::cmp::Ordering;

/// The score of a value in the middle; scores are whole numbers, so that sums of them can be
/// counted.
const SCORE_MAX: f64 = 100.0;

/// Tests `values` for symmetry about zero. None without a value other than zero.
///
/// Zeros say nothing about a sign and are left out; equal sizes share the score of their mean rank.
pub fn test(values: &[f64]) -> Option<Tails> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
    if values.is_empty() || values.len() > N_MAX || values.iter().any(|v| v.is_nan()) {
        return None;
    }
    let scores = scores(&mut values);
    Some(tails(&null_distribution(&scores), positive(&values, &scores)))
}

/// The centre about which `values` are balanced: where the scores above it outweigh those below no
/// longer, nearest to their median. None of no values, or of one that is not finite.
pub fn estimate(values: &[f64]) -> Option<f64> {
    Some(Centres::of(values)?.balanced())
}

/// The interval for the centre of `values` at `level` or more: from the lowest to the highest
/// centre that the two-sided test does not reject. None where even the widest interval covers less.
pub fn interval(values: &[f64], level: f64) -> Option<RankBounds> {
    let centres = Centres::of(values)?;
    let (least, tail) = critical(&untied_scores(values.len()), (1.0 - level) / 2.0)?;
    let (lower, upper) = centres.hull(least + 1);
    let estimate = centres.balanced();
    let (lower, upper) = (lower.min(estimate), upper.max(estimate));
    Some(RankBounds { lower, upper, attained: 1.0 - 2.0 * tail })
}

/// The points between which the test of a centre changes.
struct Centres<'a> {
    values: &'a [f64],
    /// Without those that differ by rounding alone.
    walsh: Vec<f64>,
}

impl<'a> Centres<'a> {
    fn of(values: &'a [f64]) -> Option<Self> {
        if values.is_empty() || values.len() > N_MAX || values.iter().any(|v| !v.is_finite()) {
            return None;
        }
        let mut walsh = walsh_averages(values);
        let rounding = 1e-12 * (walsh[walsh.len() - 1] - walsh[0]);
        walsh.dedup_by(|next, kept| *next - *kept <= rounding);
        Some(Self { values, walsh })
    }

    /// The lowest and the highest centre with scores of `least` or more on their outer side.
    fn hull(&self, least: usize) -> (f64, f64) {
        let gaps = self.walsh.len() - 1;
        let (first, last) = (self.walsh[0], self.walsh[gaps]);
        let lower = outermost(gaps, |i| self.beyond(self.between(i), -1.0) >= least);
        let upper = outermost(gaps, |i| self.beyond(self.between(gaps - 1 - i), 1.0) >= least);
        (lower.map_or(last, |i| self.walsh[i]), upper.map_or(first, |i| self.walsh[gaps - i]))
    }

    /// Where the scores of both sides are balanced, nearest to the median.
    fn balanced(&self) -> f64 {
        let gaps = self.walsh.len() - 1;
        let outweighs = |gap: usize| {
            let centre = self.between(gap);
            self.beyond(centre, 1.0).cmp(&self.beyond(centre, -1.0))
        };
        let mut sorted = self.values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let median = median_of_sorted(&sorted).unwrap_or(f64::NAN);
        let at = |i: &usize| (self.walsh[*i] - median).abs();
        let start = (0..=gaps).min_by(|a, b| at(a).total_cmp(&at(b))).unwrap_or(0);
        // Down while what is below outweighs what is above, or up while it is the other way round;
        // over a stretch of balance to both ends of it.
        let (mut lower, mut upper) = (start, start);
        while lower > 0 && outweighs(lower - 1) == Ordering::Less {
            lower -= 1;
        }
        if lower < start {
            upper = lower;
        }
        while upper < gaps && outweighs(upper) == Ordering::Greater {
            upper += 1;
        }
        if upper > start {
            lower = upper;
        }
        while lower > 0 && outweighs(lower - 1) == Ordering::Equal {
            lower -= 1;
        }
        while upper < gaps && outweighs(upper) == Ordering::Equal {
            upper += 1;
        }
        f64::midpoint(self.walsh[lower], self.walsh[upper])
    }

    /// A centre between two neighbours, where nothing changes.
    fn between(&self, gap: usize) -> f64 {
        f64::midpoint(self.walsh[gap], self.walsh[gap + 1])
    }

    /// The scores of the values on the side `sign` of `centre`.
    fn beyond(&self, centre: f64, sign: f64) -> usize {
        let mut shifted: Vec<f64> = self.values.iter().map(|v| (v - centre) * sign).collect();
        let scores = scores(&mut shifted);
        positive(&shifted, &scores)
    }
}

/// Places that are all looked at; of more, so many.
const PLACES: usize = 256;

/// The first of `count` places where `is_in` is true. Of more than [`PLACES`] each of so many parts
/// is looked at, and then the part before the first of these: from place to place little changes.
fn outermost(count: usize, is_in: impl Fn(usize) -> bool) -> Option<usize> {
    let step = count.div_ceil(PLACES).max(1);
    let places = (0..count).step_by(step).chain(count.checked_sub(1));
    let mut high = places.into_iter().find(|place| is_in(*place))?;
    let mut low = high.saturating_sub(step - 1);
    while low < high {
        let middle = usize::midpoint(low, high);
        if is_in(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(high)
}

fn positive(values: &[f64], scores: &[usize]) -> usize {
    values.iter().zip(scores).filter(|(value, _)| **value > 0.0).map(|(_, score)| score).sum()
}

/// Sorts `values` by size, and gives each its score.
fn scores(values: &mut [f64]) -> Vec<usize> {
    values.sort_unstable_by(|a, b| a.abs().total_cmp(&b.abs()));
    let n = values.len();
    let mut scores = Vec::with_capacity(n);
    for group in values.chunk_by(|a, b| a.abs() == b.abs()) {
        let mean_rank = scores.len() as f64 + (group.len() + 1) as f64 / 2.0;
        scores.extend(group.iter().map(|_| score(mean_rank, n)));
    }
    scores
}

/// The scores of `n` values of unlike sizes.
fn untied_scores(n: usize) -> Vec<usize> {
    (1..=n).map(|rank| score(rank as f64, n)).collect()
}

/// The score of `rank` among `n` values, at least 1.
fn score(rank: f64, n: usize) -> usize {
    let share = (rank - 0.5) / n as f64;
    (SCORE_MAX * 4.0 * share * (1.0 - share)).round().max(1.0) as usize
}

#[cfg(test)]
#[path = "signed_scores_tests.rs"]
mod tests;
