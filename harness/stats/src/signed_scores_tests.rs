//! The exact test against all sign patterns, its level under any symmetric noise, and what it sees.

use super::*;
use crate::signed_rank;

fn normal(rng: &mut fastrand::Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}

/// A launch pair that met in the same mode in four of six cases.
fn two_modes(rng: &mut fastrand::Rng) -> f64 {
    let modes = match rng.u8(..6) {
        0 => -0.15,
        1 => 0.15,
        _ => 0.0,
    };
    modes + 0.01 * normal(rng)
}

#[test]
fn tails_are_those_of_all_patterns_of_signs() {
    let values = [0.3, -1.0, 2.0, 2.0, -0.1, 5.0, 0.0, 8.0, -8.0];
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| *v != 0.0).collect();
    let scores = scores(&mut sorted);
    let seen = positive(&sorted, &scores);
    let sums: Vec<usize> = (0_u32..1 << scores.len())
        .map(|signs| (0..scores.len()).map(|i| (signs >> i & 1) as usize * scores[i]).sum())
        .collect();
    let share = |is_so: &dyn Fn(usize) -> bool| {
        sums.iter().filter(|sum| is_so(**sum)).count() as f64 / sums.len() as f64
    };
    let told = test(&values).expect("eight values");
    assert!((told.greater - share(&|sum| sum >= seen)).abs() < 1e-12);
    assert!((told.less - share(&|sum| sum <= seen)).abs() < 1e-12);
}

#[test]
fn scores_rise_to_the_middle_and_come_down() {
    let scores = untied_scores(9);
    assert_eq!(scores, [21, 56, 80, 95, 100, 95, 80, 56, 21]);
    assert_eq!(untied_scores(1), [100]);
    assert_eq!(untied_scores(500)[499], 1, "none says nothing");
    let mut tied = [1.0, -1.0, 2.0];
    assert_eq!(super::scores(&mut tied), [89, 89, 56]);
}

#[test]
fn all_on_one_side_is_as_unlikely_as_so_many_coins() {
    let told = test(&[0.5; 16]).expect("sixteen");
    assert!((told.greater - 2.0_f64.powi(-16)).abs() < 1e-18);
    assert_eq!(told.less, 1.0);
    assert_eq!(test(&[0.0; 4]), None);
    assert_eq!(test(&[f64::NAN]), None);
}

#[test]
fn an_interval_covers_as_often_as_it_says_and_holds_its_estimate() {
    for noise in [normal as fn(&mut fastrand::Rng) -> f64, two_modes] {
        let mut rng = fastrand::Rng::with_seed(8);
        let mut covered = 0;
        for _ in 0..2_000 {
            let values: Vec<f64> = (0..20).map(|_| 0.5 + noise(&mut rng)).collect();
            let bounds = interval(&values, 0.95).expect("twenty values");
            let centre = estimate(&values).expect("twenty values");
            assert!(bounds.lower <= centre && centre <= bounds.upper, "{values:?}");
            covered += u32::from(bounds.lower <= 0.5 && 0.5 <= bounds.upper);
        }
        // Four standard errors of a share of 2,000 below.
        assert!(f64::from(covered) / 2_000.0 >= 0.95 - 0.02, "{covered}");
    }
    assert_eq!(interval(&[1.0, 2.0, 3.0], 0.95), None, "three coins are not that certain");
    assert_eq!(interval(&[1.0, f64::NAN], 0.5), None);
    assert_eq!(estimate(&[]), None);
    assert_eq!(estimate(&[4.0]), Some(4.0));
}

#[test]
fn the_estimate_lies_in_the_larger_heap_and_not_between_two() {
    let mut rng = fastrand::Rng::with_seed(11);
    for _ in 0..50 {
        let small = (0..8).map(|i| 0.76 + 0.0001 * f64::from(i));
        let large: Vec<f64> = (0..12).map(|_| 1.13 + 0.01 * normal(&mut rng)).collect();
        let values: Vec<f64> = small.chain(large).collect();
        let centre = estimate(&values).expect("twenty values");
        assert!((1.08..1.18).contains(&centre), "{centre}");
        let turned: Vec<f64> = values.iter().map(|value| -value).collect();
        assert!((estimate(&turned).expect("twenty") + centre).abs() < 1e-12);
    }
}

#[test]
fn what_the_interval_leaves_out_the_test_rejects() {
    let mut rng = fastrand::Rng::with_seed(9);
    for _ in 0..50 {
        let values: Vec<f64> = (0..24).map(|_| two_modes(&mut rng)).collect();
        let bounds = interval(&values, 0.99).expect("24 values");
        let outside = (0..40).flat_map(|step| {
            let by = 1e-6 + 0.01 * f64::from(step);
            [(bounds.lower - by, true), (bounds.upper + by, false)]
        });
        for (outside, is_below) in outside {
            let shifted: Vec<f64> = values.iter().map(|value| value - outside).collect();
            let told = test(&shifted).expect("24 values");
            let tail = if is_below { told.greater } else { told.less };
            assert!(tail <= 0.005, "{tail}");
        }
    }
}

#[test]
fn a_change_among_two_modes_is_found_with_fewer_values_than_wilcoxons_test_needs() {
    let mut rng = fastrand::Rng::with_seed(10);
    let [mut here, mut there] = [0; 2];
    for _ in 0..300 {
        let values: Vec<f64> = (0..60).map(|_| 0.01 + two_modes(&mut rng)).collect();
        here += u32::from(test(&values).expect("sixty").greater < 1e-3);
        there += u32::from(signed_rank::test(&values).expect("sixty").greater < 1e-3);
    }
    assert!(here > 180 && there < 130, "{here} {there} of 300");
}
