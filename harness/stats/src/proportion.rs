//! How often something happens, from how often it did.
//!
//! Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated
//! in the case of the binomial", Biometrika 26 (1934).

use statrs::distribution::{Beta, ContinuousCDF};

/// The interval for the chance of what happened `k` times of `n`, two-sided at `level`: every
/// chance by which neither so few nor so many are rarer than (1 − `level`) / 2. Its coverage is at
/// least `level`. None without a trial, with `k` above `n`, or a level outside 0 to 1.
pub fn clopper_pearson(k: u64, n: u64, level: f64) -> Option<(f64, f64)> {
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let tail = (1.0 - level) / 2.0;
    // Seen from the other side: what did not happen, happened at most so often.
    Some((1.0 - bound(n.checked_sub(k)?, n, tail)?, bound(k, n, tail)?))
}

/// The chance by which `k` or fewer of `n` have probability `tail`: the quantile 1 − `tail` of the
/// beta distribution with k + 1 and n − k.
fn bound(k: u64, n: u64, tail: f64) -> Option<f64> {
    if n == 0 || k > n || !(tail > 0.0 && tail < 1.0) {
        return None;
    }
    if k == n {
        return Some(1.0);
    }
    let beta = Beta::new((k + 1) as f64, (n - k) as f64).ok()?;
    Some(beta.inverse_cdf(1.0 - tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chance of `k` or fewer of `n`, added up term by term.
    fn at_most(k: u64, n: u64, chance: f64) -> f64 {
        let mut term = (1.0 - chance).powi(n as i32);
        let mut sum = term;
        for i in 1..=k {
            term *= (n - i + 1) as f64 / i as f64 * chance / (1.0 - chance);
            sum += term;
        }
        sum
    }

    fn is_near(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() < by
    }

    #[test]
    fn bounds_are_those_that_others_published() {
        // R's binom.test(k, n, conf.level = level)$conf.int, to four digits.
        let known = [
            (10, 100, 0.95, 0.0490, 0.1762),
            (3, 20, 0.95, 0.0321, 0.3789),
            (42, 100, 0.95, 0.3220, 0.5229),
            (12, 30, 0.90, 0.2495, 0.5661),
            (0, 10, 0.95, 0.0, 0.3085),
            (10, 10, 0.95, 0.6915, 1.0),
        ];
        for (k, n, level, lower, upper) in known {
            let told = clopper_pearson(k, n, level).unwrap();
            assert!(is_near(told.0, lower, 6e-5), "{k} of {n}: {told:?}");
            assert!(is_near(told.1, upper, 6e-5), "{k} of {n}: {told:?}");
        }
    }

    #[test]
    fn at_its_bounds_what_was_seen_is_as_rare_as_the_level_says() {
        for n in [1, 2, 7, 20, 60] {
            for k in 0..=n {
                for level in [0.5, 0.9, 0.99] {
                    let tail = (1.0 - level) / 2.0;
                    let (lower, upper) = clopper_pearson(k, n, level).unwrap();
                    if k < n {
                        assert!(is_near(at_most(k, n, upper), tail, 1e-9), "{k} of {n}, {level}");
                    }
                    if k > 0 {
                        let so_many = 1.0 - at_most(k - 1, n, lower);
                        assert!(is_near(so_many, tail, 1e-9), "{k} of {n}, {level}");
                    }
                    assert_eq!((lower == 0.0, upper == 1.0), (k == 0, k == n));
                }
            }
        }
    }

    #[test]
    fn many_trials_keep_the_digits() {
        for (k, n) in [(0, 3_000), (17, 3_000), (1, 20_000), (400, 20_000)] {
            let tail = at_most(k, n, clopper_pearson(k, n, 0.98).unwrap().1);
            assert!(is_near(tail, 0.01, 1e-9), "{k} of {n}: {tail}");
        }
    }

    #[test]
    fn it_covers_every_chance_at_least_as_often_as_it_says() {
        // Exactly: the chances of all k whose interval holds the chance, added up.
        let (n, level) = (25, 0.9);
        let intervals: Vec<_> = (0..=n).map(|k| clopper_pearson(k, n, level).unwrap()).collect();
        for chance in (1..100).map(|percent| f64::from(percent) / 100.0) {
            let of = |k: u64| {
                at_most(k, n, chance)
                    - k.checked_sub(1).map_or(0.0, |below| at_most(below, n, chance))
            };
            let holds = |k: &u64| {
                let (lower, upper) = intervals[*k as usize];
                (lower..=upper).contains(&chance)
            };
            let coverage: f64 = (0..=n).filter(holds).map(of).sum();
            assert!(coverage >= level && coverage < 0.995, "{chance}: {coverage}");
        }
    }

    #[test]
    fn what_is_no_share_has_no_bounds() {
        for (k, n, level) in [(0, 0, 0.9), (3, 2, 0.9), (1, 2, 1.0), (1, 2, 0.0), (1, 2, f64::NAN)]
        {
            assert_eq!(clopper_pearson(k, n, level), None, "{k} of {n}, {level}");
        }
    }
}
