//! The most frequent value of a few readings: where most of them lie close together.
//!
//! Code on a modern core has modes: a branch predictor learns a loop or does not, and a call takes
//! 76 or 113 µs. A median of readings in two modes lies in one or the other by luck; the mode is
//! found as long as one of them is the more frequent.

use crate::summary::mean;

/// The half-sample mode of `values`: the half of them that lies closest together, of that half the
/// closest half, and so on. None of no values, or of one that is not finite. It changes its sign
/// with its values, also where halves are equally close.
///
/// Source: D. R. Bickel and R. Frühwirth, "On a fast, robust estimator of the mode", Computational
/// Statistics & Data Analysis 50 (2006).
pub fn half_sample_mode(values: &[f64]) -> Option<f64> {
    if values.is_empty() || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    let from_below = closest(&values)?;
    let mirrored: Vec<f64> = values.iter().rev().map(|value| -value).collect();
    Some(f64::midpoint(from_below, -closest(&mirrored)?))
}

/// Widths that differ by less than this share are equal: logarithms of the same ratio differ in
/// their last digits.
const EQUAL: f64 = 1e-9;

/// The mode of `sorted`; of halves that are equally close the lowest counts.
fn closest(mut sorted: &[f64]) -> Option<f64> {
    while sorted.len() > 2 {
        let half = sorted.len().div_ceil(2);
        let width = |half: &[f64]| half[half.len() - 1] - half[0];
        let least = sorted.windows(half).map(width).min_by(f64::total_cmp)?;
        let most = least + EQUAL * width(sorted);
        let closest = sorted.windows(half).find(|half| width(half) <= most)?;
        sorted = closest;
    }
    mean(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_where_most_values_lie_together() {
        // Worked by hand: the closest three of six are 2.0 to 2.2; of those the closest two.
        let mode = half_sample_mode(&[0.0, 2.0, 2.1, 2.2, 5.0, 9.0]).expect("six values");
        assert!((mode - 2.1).abs() < 0.051, "{mode}");
        assert_eq!(half_sample_mode(&[3.0]), Some(3.0));
        assert_eq!(half_sample_mode(&[3.0, 4.0]), Some(3.5));
        assert_eq!(half_sample_mode(&[7.0; 9]), Some(7.0));
        assert_eq!(half_sample_mode(&[]), None);
        assert_eq!(half_sample_mode(&[1.0, f64::NAN]), None);
    }

    #[test]
    fn a_rarer_mode_does_not_move_it() {
        let mut rng = fastrand::Rng::with_seed(4);
        let frequent: Vec<f64> = (0..60).map(|_| 0.01 * rng.f64()).collect();
        for far in [0.15, 0.3, 1e6] {
            let rare = (0..40).map(|i| far + 0.0002 * f64::from(i));
            let all: Vec<f64> = frequent.iter().copied().chain(rare).collect();
            let mode = half_sample_mode(&all).expect("a hundred values");
            assert!((0.0..0.01).contains(&mode), "{far}: {mode}");
        }
    }

    #[test]
    fn swapping_the_sides_turns_its_sign() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..500 {
            // Of a coarse clock, so that halves are equally close.
            let values: Vec<f64> =
                (0..rng.usize(1..20)).map(|_| f64::from(rng.i32(-9..9))).collect();
            let swapped: Vec<f64> = values.iter().map(|value| -value).collect();
            let [one, other] = [&values, &swapped].map(|v| half_sample_mode(v).expect("some"));
            assert!((one + other).abs() < 1e-12, "{values:?}: {one} {other}");
        }
    }
}
