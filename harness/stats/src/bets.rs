//! Evidence that may be looked at after every value: a bet against fair coins.
//!
//! A test at a fixed count is wrong more often than it says when somebody looks again and again. A
//! bet is not: who bets on the signs of values that are as likely above zero as below has, at every
//! moment, his stake in expectation, and ever has 1/p times his stake with chance p at most
//! (Ville's inequality). So values can be added until the answer is there.
//!
//! Each bet is exp(λ a s)/cosh(λ a), with s the sign of a value and a its score: u (1 - u), as in
//! [`crate::signed_scores`], where u is its rank by size among the values so far. The stake is
//! split evenly over several λ, since the best one is not known beforehand.
//!
//! Sources: J. Ville, "Étude critique de la notion de collectif" (1939); V. Vovk and R. Wang,
//! "Nonparametric e-tests of symmetry", The New England Journal of Statistics in Data Science 2
//! (2024), for the bets; S. R. Howard, A. Ramdas, J. McAuliffe and J. Sekhon, "Time-uniform,
//! nonparametric, nonasymptotic confidence sequences", The Annals of Statistics 49 (2021).

use crate::signed_rank::N_MAX;

/// How much of the stake is put on a sign: the weights of equal parts of it.
const BETS: [f64; 6] = [0.15, 0.25, 0.4, 0.6, 0.9, 1.4];

/// The most that bets on signs had won after any of `values`, in stakes: on signs above zero, and
/// on signs below. At least 1: nobody has to bet.
pub fn evidence(values: &[f64]) -> [f64; 2] {
    [1.0, -1.0].map(|sign| won(values, 0.0, sign, f64::INFINITY))
}

/// The most that bets on values on the side `sign` of `centre` had won, or the first win of
/// `enough` or more.
fn won(values: &[f64], centre: f64, sign: f64, enough: f64) -> f64 {
    let mut logs = [0.0_f64; BETS.len()];
    let mut most = 1.0_f64;
    let mut sizes: Vec<f64> = Vec::new();
    for value in values.iter().map(|value| value - centre).filter(|value| *value != 0.0) {
        let size = value.abs();
        let smaller = sizes.partition_point(|other| *other < size);
        let equal = sizes[smaller..].partition_point(|other| *other <= size);
        sizes.insert(smaller, size);
        // The mean rank among those of its size, itself one of them, less a half.
        let share = (smaller as f64 + (equal + 1) as f64 / 2.0) / sizes.len() as f64;
        let score = 4.0 * share * (1.0 - share);
        for (log, bet) in logs.iter_mut().zip(BETS) {
            let staked = bet * score;
            *log += staked.mul_add(value.signum() * sign, -staked.cosh().ln());
        }
        most = most.max(logs.iter().map(|log| log.exp()).sum::<f64>() / BETS.len() as f64);
        if most >= enough {
            break;
        }
    }
    most
}

/// An interval for the centre of `values` that holds it at all times at once with the chance
/// `level`: the centres that neither bet, each with half of the error, has ruled out. A side that
/// is open is infinite. None of no values, too many, or one that is not finite.
pub fn interval(values: &[f64], level: f64) -> Option<[f64; 2]> {
    if values.is_empty() || values.len() > N_MAX || values.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let ruled_out = 2.0 / (1.0 - level);
    let is_out = |centre: f64, sign: f64| won(values, centre, sign, ruled_out) >= ruled_out;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    // Values, and between two of them the middle: in a gap between two heaps lies a centre, too.
    let gaps = sorted.windows(2).map(|two| f64::midpoint(two[0], two[1]));
    let mut centres: Vec<f64> = sorted.iter().copied().chain(gaps).collect();
    centres.sort_unstable_by(f64::total_cmp);
    // From outside, as long as the bet wins; the last centre that is out bounds what is in.
    let below = centres.iter().take_while(|centre| is_out(**centre, 1.0)).last();
    let above = centres.iter().rev().take_while(|centre| is_out(**centre, -1.0)).last();
    Some([below.copied().unwrap_or(f64::NEG_INFINITY), above.copied().unwrap_or(f64::INFINITY)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(rng: &mut fastrand::Rng) -> f64 {
        (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
    }

    #[test]
    fn two_values_win_what_the_formula_says() {
        // Ranks 1 of 1 and 2 of 2: shares 1/2 and 3/4, scores 1 and 3/4.
        let won = |signs: [f64; 2]| {
            BETS.map(|bet| {
                let first = (bet * signs[0]).exp() / bet.cosh();
                first * (0.75 * bet * signs[1]).exp() / (0.75 * bet).cosh()
            })
            .iter()
            .sum::<f64>()
                / BETS.len() as f64
        };
        let [above, below] = evidence(&[1.0, 0.0, 2.0]);
        assert!((above - won([1.0, 1.0])).abs() < 1e-12, "{above}");
        assert_eq!(below, 1.0, "who bet on the other side has lost");
    }

    #[test]
    fn fair_coins_pay_more_than_a_hundredfold_in_less_than_a_hundredth_of_runs() {
        let mut rng = fastrand::Rng::with_seed(12);
        let runs = 4_000;
        let mut paid = 0;
        for _ in 0..runs {
            let values: Vec<f64> = (0..120).map(|_| normal(&mut rng).powi(3)).collect();
            paid += u32::from(evidence(&values)[0] >= 100.0);
        }
        let share = f64::from(paid) / f64::from(runs);
        assert!(share <= 0.01 && share > 0.0005, "{share}: looked at after each of 120 values");
    }

    #[test]
    fn what_is_there_is_found_in_the_end() {
        let mut rng = fastrand::Rng::with_seed(13);
        for _ in 0..50 {
            let values: Vec<f64> = (0..300).map(|_| 0.6 + normal(&mut rng)).collect();
            assert!(evidence(&values)[0] > 1e3);
            let [lower, upper] = interval(&values, 0.99).expect("300 values");
            assert!(0.0 < lower && lower < 0.6 && 0.6 < upper && upper < 1.2, "{lower} {upper}");
        }
    }

    #[test]
    fn an_interval_holds_the_centre_at_all_times_at_once() {
        let mut rng = fastrand::Rng::with_seed(14);
        let runs = 300;
        let missed = (0..runs).filter(|run| {
            // Of one heap, or of two with nothing between them.
            let apart = if run % 2 == 0 { 0.0 } else { 5.0 };
            let value = |rng: &mut fastrand::Rng| {
                0.2_f64.mul_add(normal(rng), if rng.bool() { apart } else { -apart })
            };
            let values: Vec<f64> = (0..60).map(|_| value(&mut rng)).collect();
            (10..=60).step_by(5).any(|n| {
                let [lower, upper] = interval(&values[..n], 0.9).expect("ten or more");
                lower > 0.0 || upper < 0.0
            })
        });
        assert!(missed.count() as f64 / f64::from(runs) <= 0.1);
        assert_eq!(interval(&[1.0, 2.0], 0.99), Some([f64::NEG_INFINITY, f64::INFINITY]));
        assert_eq!(interval(&[], 0.99), None);
        assert_eq!(interval(&[f64::NAN], 0.99), None);
    }
}
