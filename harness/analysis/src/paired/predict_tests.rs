//! The predictive bound against hand-computed values, its level by simulation, and its edges.

use super::*;
use caxton_fixture::normal as noise;

/// Ten sessions whose logarithms are −4.5, −3.5 … 4.5 hundredths: mean 0, and
/// s² = 2 · (0.5² + 1.5² + 2.5² + 3.5² + 4.5²) / 9 / 100² = 82.5 / 9 / 100².
fn ten() -> Vec<f64> {
    (0..10).map(|i| ((f64::from(i) - 4.5) / 100.0).exp()).collect()
}

/// s · √(1 + 1/10) of [`ten`]: √(82.5 / 9 · 1.1) / 100.
const TEN_SPREAD: f64 = 0.031_754_264_805_429_4;

#[test]
fn the_threshold_is_the_one_computed_by_hand() {
    // Student's t with 9 degrees of freedom, from the tables.
    for (alpha, t) in [(0.05, 1.833_113), (0.01, 2.821_438), (0.005, 3.249_836)] {
        let told = predict(&ten(), 1.0, Better::Lower, alpha).unwrap();
        let expected = (t * TEN_SPREAD).exp();
        assert!((told.threshold - expected).abs() < 1e-6, "{alpha}: {told:?}, {expected}");
        assert!((told.worse - 1.0).abs() < 1e-12);
        assert_eq!((told.sessions, told.verdict), (10, Verdict::Ok));
    }
}

#[test]
fn what_lies_beyond_the_threshold_is_worse_or_better() {
    // exp(1.833113 · 0.0317543) = 1.05993.
    let verdict = |figure, better| predict(&ten(), figure, better, 0.05).unwrap().verdict;
    for (figure, lower, higher) in [
        (1.0598, Verdict::Ok, Verdict::Ok),
        (1.0601, Verdict::Regressed, Verdict::Improved),
        (1.0 / 1.0598, Verdict::Ok, Verdict::Ok),
        (1.0 / 1.0601, Verdict::Improved, Verdict::Regressed),
    ] {
        assert_eq!(verdict(figure, Better::Lower), lower, "{figure}");
        assert_eq!(verdict(figure, Better::Higher), higher, "{figure}");
    }
    let slower = predict(&ten(), 1.25, Better::Higher, 0.05).unwrap();
    assert!((slower.worse - 0.8).abs() < 1e-12, "{slower:?}");
}

#[test]
fn a_unit_changes_nothing() {
    let scaled: Vec<f64> = ten().iter().map(|figure| figure * 4096.0).collect();
    let [plain, scaled] = [
        predict(&ten(), 1.03, Better::Lower, 0.01).unwrap(),
        predict(&scaled, 1.03 * 4096.0, Better::Lower, 0.01).unwrap(),
    ];
    assert!((plain.worse - scaled.worse).abs() < 1e-12);
    assert!((plain.threshold - scaled.threshold).abs() < 1e-12);
}

#[test]
fn sessions_that_all_agree_do_not_make_every_page_an_alarm() {
    let pages = [1_048_576.0; 12];
    let one = |figure| predict(&pages, figure, Better::Lower, 1e-4).unwrap();
    assert_eq!(one(1_048_576.0).verdict, Verdict::Ok);
    assert_eq!(one(1_048_577.0).verdict, Verdict::Ok);
    assert!((one(1_048_576.0).threshold - 1.001).abs() < 1e-12);
    assert_eq!(one(1_048_576.0 * 1.002).verdict, Verdict::Regressed);
    assert_eq!(one(1_048_576.0 / 1.002).verdict, Verdict::Improved);
}

#[test]
fn too_few_sessions_say_nothing() {
    let too_few = |sessions: &[f64], figure| predict(sessions, figure, Better::Lower, 0.01);
    assert_eq!(too_few(&ten()[..9], 1.0), Err(TooFew { usable: 9, stored: 9 }));
    // What has no logarithm is no session, and nothing can be compared with it.
    let with = |odd: f64| ten().into_iter().take(9).chain([odd]).collect::<Vec<_>>();
    for odd in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(too_few(&with(odd), 1.0), Err(TooFew { usable: 9, stored: 10 }), "{odd}");
        let none = too_few(&ten(), odd).unwrap_err();
        assert_eq!(none, TooFew { usable: 0, stored: 10 }, "{odd}");
    }
    let text = TooFew { usable: 9, stored: 12 }.to_string();
    assert_eq!(text, "9 of 12 stored sessions can be compared with, 10 are needed");
}

#[test]
fn the_smallest_alpha_still_has_its_digits() {
    // The tail above the threshold, by integrating the density, must be alpha again.
    for alpha in [1e-3, 1e-5, 1e-8] {
        let told = predict(&ten(), 1.0, Better::Lower, alpha).unwrap();
        let t = told.threshold.ln() / TEN_SPREAD;
        let tail = upper_tail_of_t9(t);
        assert!((tail / alpha - 1.0).abs() < 1e-6, "{alpha}: {tail}");
    }
    let never = predict(&ten(), 1e9, Better::Lower, 0.0).unwrap();
    assert_eq!((never.threshold, never.verdict), (f64::INFINITY, Verdict::Ok));
}

/// P(T > `t`) with nine degrees of freedom, by Simpson's rule over x = 1 / T.
fn upper_tail_of_t9(t: f64) -> f64 {
    // The density is Γ(5) / (√(9π) Γ(4.5)) · (1 + T²/9)⁻⁵, and Γ(4.5) = 105 √π / 16.
    let scale = 24.0 * 16.0 / (105.0 * 3.0 * std::f64::consts::PI);
    // With x = 1 / T: dT = dx / x², so (1 + 1 / 9x²)⁻⁵ / x² = x⁸ (x² + 1/9)⁻⁵.
    let density = |x: f64| scale * x.powi(8) / (x * x + 1.0 / 9.0).powi(5);
    let steps = 2_000;
    let width = 1.0 / t / f64::from(steps);
    let weight = |i: i32| match i {
        _ if i == 0 || i == steps => 1.0,
        _ if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    (0..=steps).map(|i| weight(i) * density(width * f64::from(i))).sum::<f64>() * width / 3.0
}

#[test]
fn without_a_change_it_is_wrong_as_often_as_alpha_says() {
    let mut random = fastrand::Rng::with_seed(23);
    let trials = 20_000;
    for (count, alpha) in [(10, 0.1), (10, 0.02), (30, 0.1)] {
        let mut told = [0_u32; 2];
        // What happens if the spread of the mean itself is forgotten, and a normal bound is taken.
        let mut naive = 0_u32;
        for _ in 0..trials {
            let mut figure = || (5.0 + 0.04 * noise(&mut random)).exp();
            let sessions: Vec<f64> = (0..count).map(|_| figure()).collect();
            let prediction = predict(&sessions, figure(), Better::Lower, alpha).unwrap();
            told[0] += u32::from(prediction.verdict == Verdict::Regressed);
            told[1] += u32::from(prediction.verdict == Verdict::Improved);
            let logs: Vec<f64> = sessions.iter().map(|figure| figure.ln()).collect();
            let normal = if alpha == 0.1 { 1.281_552 } else { 2.053_749 };
            naive += u32::from(prediction.worse.ln() > normal * (&logs).std_dev());
        }
        // Four standard errors of a binomial share; the seed is fixed.
        let slack = 4.0 * (alpha * (1.0 - alpha) / f64::from(trials)).sqrt();
        for wrong in told {
            let share = f64::from(wrong) / f64::from(trials);
            assert!((share - alpha).abs() < slack, "{share}, not {alpha}");
        }
        let share = f64::from(naive) / f64::from(trials);
        // With thirty sessions the two bounds are nearly one.
        assert!(count > 10 || share > alpha + slack, "{share} cannot be told from {alpha}");
    }
}
