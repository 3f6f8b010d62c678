//! The exact test against published tables, brute force and simulation.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Every sign pattern of `sizes`: the rank sums of the positive ones, by definition.
fn all_sums(sizes: &[f64]) -> Vec<f64> {
    let rank = |v: f64| {
        let below = sizes.iter().filter(|s| **s < v).count() as f64;
        let equal = sizes.iter().filter(|s| **s == v).count() as f64;
        below + equal.midpoint(1.0)
    };
    let patterns = 0_u32..1 << sizes.len();
    let sum = |pattern: u32| {
        let positive = sizes.iter().enumerate().filter(|(i, _)| pattern >> i & 1 == 1);
        positive.map(|(_, size)| rank(*size)).sum()
    };
    patterns.map(sum).collect()
}

/// A runner whose cases are the same every time.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn critical_values_are_those_of_the_published_table() {
    // One-sided tails of 5, 2.5, 1 and 0.5 %: the largest rank sum that is significant, for n from
    // 5 to 20. R. L. McCornack, "Extended tables of the Wilcoxon matched pair signed rank
    // statistic", Journal of the American Statistical Association 60 (1965); none where a dash is.
    const NONE: usize = usize::MAX;
    let published = [
        (0.05, [0, 2, 3, 5, 8, 10, 13, 17, 21, 25, 30, 35, 41, 47, 53, 60]),
        (0.025, [NONE, 0, 2, 3, 5, 8, 10, 13, 17, 21, 25, 29, 34, 40, 46, 52]),
        (0.01, [NONE, NONE, 0, 1, 3, 5, 7, 9, 12, 15, 19, 23, 27, 32, 37, 43]),
        (0.005, [NONE, NONE, NONE, 0, 1, 3, 5, 7, 9, 12, 15, 19, 23, 27, 32, 37]),
    ];
    for (tail, column) in published {
        for (n, expected) in (5..=20).zip(column) {
            let told = critical(&(1..=n).collect::<Vec<_>>(), tail).map_or(NONE, |(k, _)| k);
            assert_eq!(told, expected, "n = {n}, {tail}");
        }
    }
}

#[test]
fn tails_are_those_of_all_sign_patterns_with_and_without_ties() {
    let mut random = fastrand::Rng::with_seed(12);
    for n in 1..=12 {
        for tied in [false, true] {
            // With ties: so few sizes that some must be equal from the third value on.
            let mut size = || if tied { f64::from(random.u32(1..=3)) } else { random.f64() + 0.1 };
            let sizes: Vec<f64> = (0..n).map(|_| size()).collect();
            let sums = all_sums(&sizes);
            let mut sorted = sums.clone();
            sorted.sort_unstable_by(f64::total_cmp);
            let share = |count: usize| count as f64 / sums.len() as f64;
            for (pattern, seen) in sums.iter().enumerate() {
                let sign = |i: usize| if pattern >> i & 1 == 1 { 1.0 } else { -1.0 };
                let values: Vec<f64> = sizes.iter().enumerate().map(|(i, s)| s * sign(i)).collect();
                let greater = share(sums.len() - sorted.partition_point(|sum| sum < seen));
                let less = share(sorted.partition_point(|sum| sum <= seen));
                let tails = test(&values).unwrap();
                assert!((tails.greater - greater).abs() < 1e-12, "{values:?}");
                assert!((tails.less - less).abs() < 1e-12, "{values:?}");
                assert!((tails.two_sided - (2.0 * greater.min(less)).min(1.0)).abs() < 1e-12);
            }
        }
    }
}

#[test]
fn the_interval_is_what_all_sign_patterns_do_not_reject() {
    // Inverted by brute force: a centre between two Walsh averages is inside exactly if, of all
    // sign patterns of the distances from it, more than the tail are as extreme on either side.
    let mut random = fastrand::Rng::with_seed(21);
    for n in 6..=10 {
        let values: Vec<f64> = (0..n).map(|_| random.f64()).collect();
        let bounds = interval(&values, 0.95).unwrap();
        let walsh = walsh_averages(&values);
        let mut inside = 0;
        for centre in walsh.windows(2).map(|pair| pair[0].midpoint(pair[1])) {
            let sizes: Vec<f64> = values.iter().map(|v| (v - centre).abs()).collect();
            let sums = all_sums(&sizes);
            let pattern: usize = (0..n).map(|i| usize::from(values[i] > centre) << i).sum();
            let count = |is_extreme: &dyn Fn(f64) -> bool| {
                sums.iter().filter(|sum| is_extreme(**sum)).count() as f64 / sums.len() as f64
            };
            let seen = sums[pattern];
            let tail = count(&|sum| sum >= seen).min(count(&|sum| sum <= seen));
            let is_inside = bounds.lower < centre && centre < bounds.upper;
            assert_eq!(is_inside, tail > 0.025, "{centre} of {values:?}");
            inside += usize::from(is_inside);
        }
        assert!(inside > 0 && (inside < walsh.len() - 1 || n == 6), "{n}");
    }
}

#[test]
fn zeros_are_left_out_and_nothing_tells_nothing() {
    assert_eq!(test(&[0.0, 1.0, -0.0, 2.0]), test(&[1.0, 2.0]));
    assert_eq!(test(&[0.0, 0.0]), None);
    assert_eq!(test(&[]), None);
    assert_eq!(test(&[1.0, f64::NAN]), None);
    assert_eq!(estimate(&[]), None);
    assert_eq!(interval(&[], 0.95), None);
    assert_eq!(interval(&[f64::NAN; 20], 0.95), None);
    assert_eq!(interval(&[f64::INFINITY; 20], 0.95), None);
}

#[test]
fn an_interval_exists_from_the_least_n_on_and_is_all_there_is_then() {
    for level in [0.9, 0.95, 0.99, 1.0 - 0.01 / 32.0] {
        let least = least_n(level).unwrap();
        let values: Vec<f64> = (0..least).map(|i| (i * i) as f64).collect();
        assert_eq!(interval(&values[1..], level), None, "{level}");
        let bounds = interval(&values, level).unwrap();
        assert_eq!((bounds.lower, bounds.upper), (0.0, values[least - 1]));
        assert!(bounds.attained >= level);
        assert!((bounds.attained - (1.0 - 2.0_f64.powi(1 - least as i32))).abs() < 1e-12);
    }
    assert_eq!(least_n(0.95), Some(6));
    // Exactly at the edge: 2^-4 = 1 - 0.9375.
    assert_eq!(least_n(0.9375), Some(5));
    assert_eq!(least_n(1.0), None);
}

#[test]
fn the_estimate_is_the_median_of_walsh_averages() {
    // Walsh averages of 1, 2, 9: 1, 1.5, 2, 5, 5.5, 9.
    assert_eq!(estimate(&[9.0, 1.0, 2.0]), Some(3.5));
    assert_eq!(estimate(&[4.0]), Some(4.0));
}

#[test]
#[expect(clippy::approx_constant, reason = "a patient's score happens to be 3.14")]
fn a_worked_example_has_its_published_interval() {
    // Hollander and Wolfe, example 3.1 (depression scale, therapy minus before); R:
    // wilcox.test(d, conf.int = TRUE) gives -0.46, V = 5, p = 0.03906, 95 % from -0.786 to -0.010.
    let before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
    let after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
    let d: Vec<f64> = before.iter().zip(after).map(|(b, a)| a - b).collect();
    let tails = test(&d).unwrap();
    assert!((tails.two_sided - 0.039_062_5).abs() < 1e-12, "{tails:?}");
    assert!((estimate(&d).unwrap() + 0.46).abs() < 1e-9);
    let bounds = interval(&d, 0.95).unwrap();
    assert!((bounds.lower + 0.786).abs() < 1e-9, "{bounds:?}");
    assert!((bounds.upper + 0.010).abs() < 1e-9, "{bounds:?}");
}

#[test]
fn two_hundred_values_have_probabilities_that_add_up() {
    let ranks: Vec<usize> = (1..=200).collect();
    let probability = null_distribution(&ranks);
    assert!((probability.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(probability[0], 2.0_f64.powi(-200));
    let last = probability.len() - 1;
    for t in [0, 1, 17, 9_000] {
        assert_eq!(probability[t], probability[last - t], "symmetric at {t}");
    }
    assert_eq!(estimate(&[1.0; N_MAX + 1]), None);
    assert_eq!(interval(&[1.0; N_MAX + 1], 0.95), None);
}

#[test]
fn the_interval_covers_the_centre_as_often_as_it_says() {
    // A symmetric distribution with heavy tails: a difference of two cubes, about 3.
    let mut random = fastrand::Rng::with_seed(7);
    let mut draw = || 3.0 + random.f64().powi(3) * 9.0 - random.f64().powi(3) * 9.0;
    let (trials, level) = (4000, 0.9);
    for n in [8, 15, 25] {
        let mut covered = 0;
        let mut attained = 0.0;
        for _ in 0..trials {
            let values: Vec<f64> = (0..n).map(|_| draw()).collect();
            let bounds = interval(&values, level).unwrap();
            covered += usize::from(bounds.lower <= 3.0 && 3.0 <= bounds.upper);
            attained = bounds.attained;
        }
        let share = covered as f64 / trials as f64;
        // Four standard errors of a binomial share; the seed is fixed, so this cannot flicker.
        let slack = 4.0 * (level * (1.0 - level) / trials as f64).sqrt();
        assert!((share - attained).abs() < slack, "n = {n}: {share} covered, {attained} said");
    }
}

#[test]
fn shifting_and_turning_the_values_shifts_and_turns_what_is_said() {
    // Whole numbers: their sums and halves are exact, so that equality may be asked for.
    let values = proptest::collection::vec(-1000_i32..1000, 6..40);
    let property = |(values, shift): (Vec<i32>, i32)| {
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let shift = f64::from(shift);
        let moved: Vec<f64> = values.iter().map(|v| v + shift).collect();
        let turned: Vec<f64> = values.iter().map(|v| -v).collect();
        let (centre, bounds) = (estimate(&values).unwrap(), interval(&values, 0.95).unwrap());
        prop_assert_eq!(estimate(&moved), Some(centre + shift));
        prop_assert_eq!(estimate(&turned), Some(-centre));
        let (lower, upper) = (bounds.lower, bounds.upper);
        let moved = interval(&moved, 0.95).unwrap();
        prop_assert_eq!((moved.lower, moved.upper), (lower + shift, upper + shift));
        let turned = interval(&turned, 0.95).unwrap();
        prop_assert_eq!((turned.lower, turned.upper), (-upper, -lower));
        prop_assert!(lower <= centre && centre <= upper);
        Ok(())
    };
    runner(300).run(&(values, -1000_i32..1000), property).unwrap();
}

#[test]
fn the_interval_is_what_the_test_does_not_reject() {
    let values = proptest::collection::vec(-500_i32..500, 6..12);
    let property = |(values, centre): (Vec<i32>, i32)| {
        // An offset per place keeps sizes untied around every centre that is tried.
        let untied = |(i, v): (usize, &i32)| f64::from(*v) + 0.001 * (1 << i) as f64;
        let values: Vec<f64> = values.iter().enumerate().map(untied).collect();
        let centre = f64::from(centre);
        let bounds = interval(&values, 0.95).unwrap();
        let differences: Vec<f64> = values.iter().map(|v| v - centre).collect();
        let is_rejected = test(&differences).is_some_and(|tails| tails.two_sided <= 0.05);
        let is_inside = bounds.lower <= centre && centre <= bounds.upper;
        prop_assert_eq!(is_inside, !is_rejected, "{:?} of {:?}, {}", bounds, values, centre);
        Ok(())
    };
    runner(2000).run(&(values, -500_i32..500), property).unwrap();
}
