//! Integrated rates, and their inverse.

use super::*;
use crate::plans::{SECOND, seconds};

/// The integral as a sum over small steps.
fn summed(mean: f64, amplitude: f64, period: f64, until: f64) -> f64 {
    const STEPS: u32 = 100_000;
    let step = until / f64::from(STEPS);
    let rate = |at: f64| (mean + amplitude * (TAU * at / period).sin()).max(0.0);
    (0..STEPS).map(|index| rate((f64::from(index) + 0.5) * step) * step).sum()
}

#[test]
fn a_sine_is_never_below_nothing() {
    for (mean, amplitude) in [(100.0, 40.0), (100.0, 100.0), (100.0, 150.0), (0.0, 100.0)] {
        for length in [3.0, 5.0, 8.0, 9.5, 10.0, 27.0] {
            let rate = Rate::Sine { mean, amplitude, period: seconds(10) };
            let integral = Integral::new(&rate, (length * 1e9) as u64);
            let exact = summed(mean, amplitude, 10.0, length);
            let off = (integral.messages() - exact).abs();
            assert!(off < 1e-4, "{mean} {amplitude} {length}: {} {exact}", integral.messages());
        }
    }
}

#[test]
fn the_inverse_of_a_sine_is_its_inverse() {
    for (mean, amplitude) in [(100.0, 40.0), (100.0, 100.0), (100.0, 150.0), (0.0, 100.0)] {
        let rate = Rate::Sine { mean, amplitude, period: seconds(10) };
        let whole = Integral::new(&rate, 50 * SECOND);
        let mut last = 0;
        for index in 0..whole.messages() as u64 {
            let instant = whole.instant(index as f64);
            assert!(instant >= last, "{mean} {amplitude} {index}");
            last = instant;
            let until = Integral::new(&rate, instant).messages();
            // What half a ns of rounding is at the highest rate, and the rounding of counts.
            assert!((until - index as f64).abs() < 1e-6, "{mean} {amplitude} {index}: {until}");
        }
    }
}

#[test]
fn the_ends_of_a_ramp_keep_their_digits() {
    let rate = Rate::Linear { from: 10_000.0, to: 0.0 };
    let integral = Integral::new(&rate, 10 * SECOND);
    // The rate falls by 1,000 in each second: the last message is sqrt(2 / 1000) s from the end.
    let exact = 1e10 - (2.0_f64 / 1000.0).sqrt() * 1e9;
    assert!((integral.instant(49_999.0) as f64 - exact).abs() <= 1.0);
    assert_eq!(integral.instant(0.0), 0);
}
