//! Degradation: its errors and its power over fixed seeds, and what it must refuse.

use super::*;
use LimitVerdict::{Met as Within, Missed as Degraded, Unclear, Unknown as Invalid};
use caxton_fixture::normal;

/// `seconds` readings about `level`, each keeping `rho` of how far the one before was off; by a
/// share of `sd`.
fn readings(random: &mut fastrand::Rng, level: f64, (rho, sd): (f64, f64)) -> Vec<f64> {
    let mut off = sd * normal(random);
    let mut next = || {
        off = rho * off + (1.0 - rho * rho).sqrt() * sd * normal(random);
        level * off.exp()
    };
    (0..240).map(|_| next()).collect()
}

/// How many of 100 runs get each verdict, degraded, unclear and within, when the last third is
/// `factor` times the first.
fn verdicts(factor: f64, noise: (f64, f64), worse: Worse) -> [u32; 3] {
    let mut told = [0; 3];
    for seed in 0..100 {
        let mut random = fastrand::Rng::with_seed(seed);
        let first = readings(&mut random, 100.0, noise);
        let last = readings(&mut random, 100.0 * factor, noise);
        match degradation(&first, &last, worse, 0.05, seed).verdict {
            Degraded => told[0] += 1,
            Unclear => told[1] += 1,
            Within => told[2] += 1,
            Invalid(why) => panic!("{why}"),
        }
    }
    told
}

#[test]
fn what_stays_the_same_is_within_the_limit() {
    for worse in [Worse::Higher, Worse::Lower] {
        assert_eq!(verdicts(1.0, (0.0, 0.05), worse), [0, 0, 100]);
        let [degraded, _, within] = verdicts(1.0, (0.9, 0.05), worse);
        assert_eq!(degraded, 0);
        assert!(within > 45, "{within}");
    }
}

#[test]
fn a_tenth_worse_is_degraded_and_a_tenth_better_is_not() {
    assert_eq!(verdicts(1.1, (0.0, 0.05), Worse::Higher), [100, 0, 0]);
    assert_eq!(verdicts(1.1, (0.0, 0.05), Worse::Lower), [0, 0, 100]);
    assert_eq!(verdicts(0.9, (0.0, 0.05), Worse::Lower), [100, 0, 0]);
    assert_eq!(verdicts(0.9, (0.0, 0.05), Worse::Higher), [0, 0, 100]);
    // Where seconds depend much on each other, four minutes are short: the rest is unclear.
    let [degraded, _, within] = verdicts(1.1, (0.9, 0.05), Worse::Higher);
    assert!(degraded > 40 && within <= 3, "{degraded}, {within}");
    let [degraded, ..] = verdicts(1.2, (0.9, 0.05), Worse::Higher);
    assert!(degraded > 95, "{degraded}");
}

#[test]
fn at_the_limit_itself_both_errors_are_rare() {
    // Each tail of the interval is 2.5 %, so 2 or 3 of 100 are expected of each error; with few
    // blocks there are some more.
    for noise in [(0.0, 0.05), (0.5, 0.05), (0.9, 0.05)] {
        let [degraded, _, within] = verdicts(1.05, noise, Worse::Higher);
        assert!(degraded <= 8 && within <= 8, "{noise:?}: {degraded}, {within}");
    }
}

#[test]
fn few_blocks_widen_the_interval() {
    // t is 3.182 with 3 degrees of freedom: Φ(−1.1547 · 3.182) = Φ(−3.675).
    assert!((tail(4.0).unwrap() - 1.19e-4).abs() < 1e-6, "{:?}", tail(4.0));
    assert!((tail(1e6).unwrap() - 0.025).abs() < 1e-4);
    assert_eq!(tail(1.0), None);
}

#[test]
fn the_middle_is_the_median() {
    let mut random = fastrand::Rng::with_seed(2);
    for n in 0..40 {
        let mut values: Vec<f64> = (0..n).map(|_| f64::from(random.u8(..20))).collect();
        assert_eq!(median(&values), middle(&mut values), "{n}");
    }
}

#[test]
fn equal_seeds_give_equal_intervals() {
    let mut random = fastrand::Rng::with_seed(3);
    let mut third = || readings(&mut random, 5.0, (0.5, 0.1));
    let (first, last) = (third(), third());
    let told = |seed| degradation(&first, &last, Worse::Higher, 0.05, seed);
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
    let ratio = told(1).ratio.unwrap();
    assert!(ratio.lower < ratio.estimate && ratio.estimate < ratio.upper, "{ratio:?}");
    let text = serde_json::to_string(&told(1)).unwrap();
    assert_eq!(serde_json::from_str::<Degradation>(&text).unwrap(), told(1));
}

#[test]
fn a_constant_has_no_width() {
    let told = degradation(&[2.0; 30], &[3.0; 30], Worse::Higher, 0.05, 7);
    assert_eq!(told.ratio, Some(Ratio { estimate: 1.5, lower: 1.5, upper: 1.5 }));
    assert_eq!(told.verdict, Degraded);
}

#[test]
fn blocks_are_longer_where_seconds_depend_on_each_other() {
    let mut random = fastrand::Rng::with_seed(8);
    // ∛240 = 6.2
    assert_eq!(block_length(&readings(&mut random, 1.0, (0.0, 0.1))), 7);
    // (6 · 0.81 / 0.0361)^⅓ · 6.2 = 31.8
    let length = block_length(&readings(&mut random, 1.0, (0.9, 0.1)));
    assert!((20..=50).contains(&length), "{length}");
    assert_eq!((block_length(&[1.0; 1000]), block_length(&[1.0; 20])), (10, 3));
    let climbing: Vec<f64> = (0..40).map(f64::from).collect();
    assert_eq!(block_length(&climbing), 10);
}

#[test]
fn what_cannot_be_compared_is_invalid() {
    let refused = |first: &[f64], last: &[f64], limit| {
        let told = degradation(first, last, Worse::Higher, limit, 1);
        assert_eq!(told.ratio, None);
        matches!(told.verdict, Invalid(_))
    };
    let whole = [1.0; 30];
    let mut holed = whole;
    holed[3] = f64::NAN;
    assert!(refused(&whole[..19], &whole, 0.05));
    assert!(refused(&whole, &[], 0.05));
    assert!(refused(&whole, &holed, 0.05));
    assert!(refused(&[0.0; 30], &whole, 0.05));
    assert!(refused(&whole, &[0.0; 30], 0.05));
    assert!(refused(&whole, &whole, f64::NAN));
    assert!(refused(&whole, &whole, 1.0));
}
