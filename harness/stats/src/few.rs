//! The centre of a few values, whose spread is known better than they can tell it themselves.
//!
//! Three to five values have no exact interval at 95 %, and their own spread may be small by luck.
//! Others that scatter for the same reasons, about a centre of their own, say how small it can be.
//!
//! Sources: Student, "The probable error of a mean", Biometrika 6 (1908); for the scale of the
//! others, the mean difference of two of them: C. Gini, "Variabilità e mutabilità" (1912), and for
//! its ratio to a standard deviation, H. A. David, "Gini's mean difference rediscovered",
//! Biometrika 55 (1968). A median deviation would be 0 where more than half of the launches have
//! one of two layouts.

use crate::signed_rank::RankBounds;
use crate::summary::mean;
use statrs::distribution::{ContinuousCDF, StudentsT};
use std::f64::consts::PI;

/// Student's interval at `level` for the mean of `values`, whose standard deviation is taken as at
/// least that of `others`. None of fewer than three values, or at a level
/// outside 0 to 1. It assumes that values scatter about as normally as their means do.
pub fn interval(values: &[f64], others: &[f64], level: f64) -> Option<RankBounds> {
    let n = values.len();
    if n < 3 || values.iter().chain(others).any(|v| !v.is_finite()) || !(0.0..1.0).contains(&level)
    {
        return None;
    }
    let centre = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    let own = (squares / (n - 1) as f64).sqrt();
    let spread = own.max(deviation(others).unwrap_or(0.0));
    let student = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    let half = student.inverse_cdf(f64::midpoint(1.0, level)) * spread / (n as f64).sqrt();
    Some(RankBounds { lower: centre - half, upper: centre + half, attained: level })
}

/// The standard deviation that the mean difference of two of `values` shows, by its ratio to that
/// of a normal distribution, 2/√π; none of fewer than three.
fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 3 {
        return None;
    }
    let from = |(at, one): (usize, &f64)| {
        values[..at].iter().map(|other| (one - other).abs()).sum::<f64>()
    };
    let differences: f64 = values.iter().enumerate().map(from).sum();
    let pairs = (values.len() * (values.len() - 1) / 2) as f64;
    Some(differences / pairs * PI.sqrt() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half(values: &[f64], others: &[f64]) -> f64 {
        let bounds = interval(values, others, 0.95).expect("three or more");
        (bounds.upper - bounds.lower) / 2.0
    }

    #[test]
    fn three_values_have_students_interval() {
        // Mean 2, deviation 1, and the quantile of two degrees of freedom from tables: 4.303.
        let bounds = interval(&[1.0, 2.0, 3.0], &[], 0.95).expect("three");
        let expected = 4.3027 / 3.0_f64.sqrt();
        assert!((bounds.lower - (2.0 - expected)).abs() < 1e-3, "{bounds:?}");
        assert!((bounds.upper - (2.0 + expected)).abs() < 1e-3, "{bounds:?}");
    }

    #[test]
    fn others_widen_it_wherever_they_lie_and_never_narrow_it() {
        let lucky = [1.0, 1.000_1, 0.999_9];
        let others: Vec<f64> = (0..20).map(|i| 50.0 + f64::from(i % 5)).collect();
        let widened = half(&lucky, &others);
        assert!(widened > 100.0 * half(&lucky, &[]), "{widened}");
        let moved: Vec<f64> = others.iter().map(|value| value - 40.0).collect();
        assert!((half(&lucky, &moved) - widened).abs() < 1e-9, "their centre does not matter");
        let steady = [7.0; 20];
        assert!((half(&[1.0, 2.0, 3.0], &steady) - half(&[1.0, 2.0, 3.0], &[])).abs() < 1e-12);
    }

    #[test]
    fn others_of_two_layouts_scatter_however_many_have_the_first() {
        let others = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        // 14 of 36 pairs differ, by 1.
        let expected = 14.0 / 36.0 * PI.sqrt() / 2.0;
        assert!((deviation(&others).expect("nine") - expected).abs() < 1e-12);
        assert!(half(&[0.0; 3], &others) > 0.5);
    }

    #[test]
    fn what_has_no_interval_gets_none() {
        assert_eq!(interval(&[1.0, 2.0], &[1.0; 20], 0.95), None);
        assert_eq!(interval(&[1.0, 2.0, f64::NAN], &[], 0.95), None);
        assert_eq!(interval(&[1.0, 2.0, 3.0], &[], 1.0), None);
    }

    #[test]
    fn it_covers_as_often_as_it_says_or_more() {
        let mut rng = fastrand::Rng::with_seed(22);
        // Twelve uniform numbers add up to nearly a normal one.
        let mut normal = || (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
        let covers = (0..2_000).filter(|_| {
            let values: Vec<f64> = (0..3).map(|_| normal()).collect();
            let others: Vec<f64> = (0..10).map(|_| 5.0 + normal()).collect();
            let bounds = interval(&values, &others, 0.95).expect("three");
            bounds.lower <= 0.0 && 0.0 <= bounds.upper
        });
        let share = covers.count() as f64 / 2_000.0;
        assert!(share >= 0.94, "{share}");
    }
}
