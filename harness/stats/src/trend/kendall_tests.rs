//! Slope, score and variance against examples worked out by hand, and the correction by simulation.

use super::*;
use caxton_fixture::normal;

#[test]
fn the_slope_is_the_median_of_all_pairs() {
    // (3 − 1)/1, (2 − 1)/2, (10 − 1)/4, (2 − 3)/1, (10 − 3)/3, (10 − 2)/2
    let (at, values) = ([0.0, 1.0, 2.0, 4.0], [1.0, 3.0, 2.0, 10.0]);
    assert_eq!(pairwise_slopes(&at, &values), [-1.0, 0.5, 2.0, 2.25, 7.0 / 3.0, 4.0]);
    assert_eq!(theil_sen(&at, &values), Some(2.125));
    assert_eq!((theil_sen(&[0.0], &[1.0]), theil_sen(&[], &[])), (None, None));
}

#[test]
fn the_interval_is_sens() {
    // With 276 slopes and σ(S)² = 24 · 23 · 53 / 18: C = 1.96 · 40.315 = 79.02 and
    // (276 − C)/2 = 98.49: outwards, the 98th from either end.
    let slopes: Vec<f64> = (1..=276).map(f64::from).collect();
    let deviation = (24.0_f64 * 23.0 * 53.0 / 18.0).sqrt();
    assert_eq!(rank_interval(&slopes, deviation), Some((98.0, 179.0)));
    // Nothing is known beyond the slopes that there are.
    assert_eq!(rank_interval(&slopes, 1e3), Some((1.0, 276.0)));
    assert_eq!(rank_interval(&[], 1.0), None);
}

#[test]
fn score_and_variance_are_those_of_the_formulas() {
    // Five pairs rise, one falls: S = 4, n(n − 1)(2n + 5)/18 = 4 · 3 · 13 / 18.
    let untied = [1.0, 3.0, 2.0, 10.0];
    assert_eq!((score(&untied), variance(&untied)), (4.0, 156.0 / 18.0));
    assert_eq!(tau(&untied, 4.0), 4.0 / 6.0);
    // Two are equal, and three, and three.
    let tied = [23.0, 24.0, 29.0, 6.0, 29.0, 24.0, 24.0, 29.0, 23.0];
    let expected = (9.0 * 8.0 * 23.0 - 2.0 * 9.0 - 2.0 * (3.0 * 2.0 * 11.0)) / 18.0;
    assert_eq!(variance(&tied), expected);
    // By value: +6 −1 from 23, +3 −2 from 24, −4 from 29, +5 from 6, −3 from 29, +1 −1 twice.
    assert_eq!(score(&tied), 5.0 + 1.0 - 4.0 + 5.0 - 3.0 - 1.0);
    assert_eq!((score(&[2.0; 5]), variance(&[2.0; 5]), tau(&[2.0; 5], 0.0)), (0.0, 0.0, 0.0));
}

#[test]
fn ranks_are_shared_by_equals() {
    assert_eq!(ranks(&[5.0, 1.0, 5.0, 7.0]), [2.5, 1.0, 2.5, 4.0]);
}

#[test]
fn autocorrelation_is_that_of_the_definition() {
    // About 2.5: −1.5, −0.5, 0.5, 1.5; squares add up to 5, products of neighbours to 1.25.
    assert_eq!(autocorrelation(&[1.0, 2.0, 3.0, 4.0], 1), Some(0.25));
    assert_eq!(autocorrelation(&[1.0, 2.0, 3.0, 4.0], 3), Some(-0.45));
    assert_eq!((autocorrelation(&[3.0; 4], 1), autocorrelation(&[], 1)), (None, None));
}

#[test]
fn independent_values_need_hardly_a_correction_and_dependent_ones_do() {
    let mut random = fastrand::Rng::with_seed(4);
    let mut middle = |rho: f64| {
        let corrections = (0..200).map(|_| {
            let mut value = normal(&mut random);
            let values = (0..100).map(|_| {
                value = rho * value + (1.0 - rho * rho).sqrt() * normal(&mut random);
                value
            });
            correction(&values.collect::<Vec<f64>>())
        });
        crate::summary::median(&corrections.collect::<Vec<f64>>()).unwrap()
    };
    let independent = middle(0.0);
    assert!((1.0..1.25).contains(&independent), "{independent}");
    // (1 + ρ)/(1 − ρ) = 3 in the limit; less, as lags that are not significant do not count.
    let dependent = middle(0.5);
    assert!((1.5..3.5).contains(&dependent), "{dependent}");
}

#[test]
fn the_correction_is_that_of_the_formula() {
    // Ten low and ten high: autocorrelations by definition, those beyond 1.96/√20 weighted.
    let values: Vec<f64> = (0..20).map(|i| f64::from(i / 10)).collect();
    // ρ(i) is (20 − 3i)/20 to lag 10, and (i − 20)/20 beyond it.
    let rho = |i: f64| if i <= 10.0 { (20.0 - 3.0 * i) / 20.0 } else { (i - 20.0) / 20.0 };
    let terms = (1..20).map(f64::from).filter(|i| rho(*i).abs() > 1.959_964 / 20.0_f64.sqrt());
    let sum: f64 = terms.map(|i| (20.0 - i) * (19.0 - i) * (18.0 - i) * rho(i)).sum();
    let expected = 1.0 + 2.0 / (20.0 * 19.0 * 18.0) * sum;
    assert!((correction(&values) - expected).abs() < 1e-9, "{}", correction(&values));
    // Values that alternate would make it smaller than 1.
    let alternating: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
    assert_eq!(correction(&alternating), 1.0);
}

#[test]
fn false_alarms_on_independent_values_are_as_rare_as_p_says() {
    let mut random = fastrand::Rng::with_seed(9);
    let at: Vec<f64> = (0..24).map(f64::from).collect();
    let runs = 2000;
    let mut alarms = 0;
    for _ in 0..runs {
        let values: Vec<f64> = at.iter().map(|_| normal(&mut random)).collect();
        alarms += u32::from(ascent(&at, &values).unwrap().p < 0.05);
    }
    // 100 are expected, give or take 10; a correction never below 1 takes some away.
    assert!((50..=130).contains(&alarms), "{alarms} of {runs}");
}

#[test]
fn too_few_values_have_no_trend() {
    assert_eq!(ascent(&[0.0, 1.0, 2.0], &[1.0, 2.0, 3.0]), None);
    assert_eq!(ascent(&[0.0, 1.0, 2.0], &[1.0; 4]), None);
}
