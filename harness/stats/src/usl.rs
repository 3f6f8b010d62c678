//! The Universal Scalability Law: how throughput follows from load, and where it would peak.
//!
//! X(N) = λN / (1 + σ(N − 1) + κN(N − 1)), with the rate of one λ, contention σ and coherency κ
//! (N. Gunther, *Guerrilla Capacity Planning*, 2007). N/X is linear in 1/λ, σ/λ and κ/λ, none of
//! which may be negative: non-negative least squares on relative errors, so that a load of a
//! hundred thousand has no more say than a load of one.

/// Fewest points that say more than three parameters take from them.
pub const POINTS_MIN: usize = 4;

/// Least share of the rates' variance that a law which is to be believed explains.
pub const R_SQUARED_MIN: f64 = 0.9;

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usl {
    /// λ: the rate at a load of one.
    pub lambda: f64,
    /// σ: the share of work that waits for the rest.
    pub sigma: f64,
    /// κ: what each costs each other one.
    pub kappa: f64,
    /// Share of the rates' variance that the law explains; none where they do not vary.
    pub r_squared: Option<f64>,
}

impl Usl {
    /// The law that fits `points`, loads and rates, best; none for fewer than [`POINTS_MIN`]
    /// loads or where one of them is not above 0.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let mut loads: Vec<f64> = points.iter().map(|(n, _)| *n).collect();
        loads.sort_unstable_by(f64::total_cmp);
        loads.dedup();
        let is_positive = |v: f64| v > 0.0 && v.is_finite();
        let all_positive = points.iter().all(|(n, x)| is_positive(*n) && is_positive(*x));
        if loads.len() < POINTS_MIN || !all_positive {
            return None;
        }
        // N/X = a + b(N − 1) + cN(N − 1), divided by N/X.
        let columns: [Vec<f64>; 3] = [
            points.iter().map(|(n, x)| x / n).collect(),
            points.iter().map(|(n, x)| (n - 1.0) * x / n).collect(),
            points.iter().map(|(n, x)| (n - 1.0) * x).collect(),
        ];
        let subsets: [&[usize]; 4] = [&[0, 1, 2], &[0, 1], &[0, 2], &[0]];
        let fits = subsets.iter().filter_map(|subset| {
            let chosen: Vec<&[f64]> = subset.iter().map(|i| columns[*i].as_slice()).collect();
            let (factors, rest) = least_squares(&chosen)?;
            let is_allowed = factors[0] > 0.0 && factors.iter().all(|factor| *factor >= 0.0);
            let mut all = [0.0; 3];
            subset.iter().zip(&factors).for_each(|(i, factor)| all[*i] = *factor);
            is_allowed.then_some((all, rest))
        });
        let ([a, b, c], _) = fits.min_by(|(_, one), (_, other)| one.total_cmp(other))?;
        let law = Self { lambda: 1.0 / a, sigma: b / a, kappa: c / a, r_squared: None };
        Some(Self { r_squared: law.explained(points), ..law })
    }

    /// The rate at a load of `n`.
    pub fn rate(&self, n: f64) -> f64 {
        self.lambda * n / (1.0 + self.sigma * (n - 1.0) + self.kappa * n * (n - 1.0))
    }

    /// The load at which the rate is highest; none where it rises for ever.
    pub fn peak(&self) -> Option<f64> {
        (self.kappa > 0.0).then(|| ((1.0 - self.sigma).max(0.0) / self.kappa).sqrt().max(1.0))
    }

    /// True where the law explains the rates, or where they do not vary.
    pub fn is_good(&self) -> bool {
        self.r_squared.is_none_or(|share| share >= R_SQUARED_MIN)
    }

    fn explained(&self, points: &[(f64, f64)]) -> Option<f64> {
        let mean = points.iter().map(|(_, x)| x).sum::<f64>() / points.len() as f64;
        let all: f64 = points.iter().map(|(_, x)| (x - mean).powi(2)).sum();
        let left: f64 = points.iter().map(|(n, x)| (x - self.rate(*n)).powi(2)).sum();
        (all > 0.0).then(|| 1.0 - left / all)
    }
}

/// The factors of `columns` whose sum is nearest to 1 in every row, and the sum of squares that is
/// left: modified Gram–Schmidt on columns of length 1. None where a column says nothing of its own.
fn least_squares(columns: &[&[f64]]) -> Option<(Vec<f64>, f64)> {
    const ALONE_MIN: f64 = 1e-12;
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let count = columns.len();
    let mut rest = vec![1.0; columns[0].len()];
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let mut upper = vec![vec![0.0; count]; count];
    let mut right = Vec::new();
    let mut lengths = Vec::new();
    for (j, column) in columns.iter().enumerate() {
        let length = dot(column, column).sqrt();
        let mut own: Vec<f64> = column.iter().map(|v| v / length).collect();
        for (i, known) in basis.iter().enumerate() {
            upper[i][j] = dot(known, &own);
            own.iter_mut().zip(known).for_each(|(v, k)| *v -= upper[i][j] * k);
        }
        upper[j][j] = dot(&own, &own).sqrt();
        // A NaN is refused, too.
        if !(upper[j][j] > ALONE_MIN && length.is_finite()) {
            return None;
        }
        own.iter_mut().for_each(|v| *v /= upper[j][j]);
        let along = dot(&own, &rest);
        rest.iter_mut().zip(&own).for_each(|(v, k)| *v -= along * k);
        right.push(along);
        lengths.push(length);
        basis.push(own);
    }
    let mut factors = vec![0.0; count];
    for i in (0..count).rev() {
        let known: f64 = (i + 1..count).map(|j| upper[i][j] * factors[j]).sum();
        factors[i] = (right[i] - known) / upper[i][i];
    }
    let factors = factors.iter().zip(&lengths).map(|(factor, length)| factor / length).collect();
    Some((factors, dot(&rest, &rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOADS: [f64; 6] = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5];

    fn law(lambda: f64, sigma: f64, kappa: f64) -> Usl {
        Usl { lambda, sigma, kappa, r_squared: None }
    }

    fn points(law: &Usl, loads: &[f64]) -> Vec<(f64, f64)> {
        loads.iter().map(|n| (*n, law.rate(*n))).collect()
    }

    fn is_near(told: f64, planted: f64) -> bool {
        (told - planted).abs() <= 1e-6 * planted
    }

    #[test]
    fn planted_parameters_come_back() {
        let planted = law(1e6, 0.03, 2e-4);
        let fit = Usl::fit(&points(&planted, &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0])).expect("enough");
        assert!(is_near(fit.lambda, 1e6), "{fit:?}");
        assert!(is_near(fit.sigma, 0.03), "{fit:?}");
        assert!(is_near(fit.kappa, 2e-4), "{fit:?}");
        assert!(fit.r_squared.is_some_and(|share| share > 1.0 - 1e-9), "{fit:?}");
        let peak = fit.peak().expect("coherency");
        assert!((peak - (0.97_f64 / 2e-4).sqrt()).abs() < 1e-3, "{peak}");
    }

    #[test]
    fn a_rate_that_rises_for_ever_or_is_level_has_no_peak() {
        let linear = Usl::fit(&points(&law(5.0, 0.0, 0.0), &LOADS)).expect("enough");
        assert!(is_near(linear.lambda, 5.0) && linear.sigma < 1e-9, "{linear:?}");
        assert!(linear.kappa < 1e-12, "{linear:?}");
        let level = Usl::fit(&LOADS.map(|n| (n, 7.0))).expect("enough");
        assert!(is_near(level.lambda, 7.0) && is_near(level.sigma, 1.0), "{level:?}");
        assert_eq!(level.r_squared, None, "nothing varies, nothing is explained");
    }

    #[test]
    fn a_rate_that_falls_from_the_start_peaks_at_one() {
        let fit = Usl::fit(&points(&law(1e6, 1.5, 1e-3), &LOADS)).expect("enough");
        assert_eq!(fit.peak(), Some(1.0));
    }

    #[test]
    fn too_few_loads_and_rates_of_nothing_have_no_law() {
        let planted = law(1e6, 0.1, 0.0);
        assert_eq!(Usl::fit(&points(&planted, &LOADS[..3])), None);
        assert_eq!(Usl::fit(&points(&planted, &[1.0, 1.0, 1.0, 10.0, 100.0])), None);
        assert_eq!(Usl::fit(&[(1.0, 1.0), (2.0, 0.0), (3.0, 1.0), (4.0, 1.0)]), None);
        assert_eq!(Usl::fit(&[(1.0, 1.0), (2.0, f64::NAN), (3.0, 1.0), (4.0, 1.0)]), None);
    }

    #[test]
    fn what_follows_no_law_is_explained_badly() {
        let zigzag = [(1.0, 10.0), (2.0, 1.0), (4.0, 12.0), (8.0, 1.0), (16.0, 11.0)];
        let fit = Usl::fit(&zigzag).expect("enough");
        assert!(fit.r_squared.is_some_and(|share| share < 0.9), "{fit:?}");
    }

    proptest! {
        #[test]
        fn any_planted_law_comes_back(
            lambda in 1.0..1e8f64,
            sigma in 0.001..2.0f64,
            kappa in 1e-6..1e-2f64,
        ) {
            let planted = law(lambda, sigma, kappa);
            let fit = Usl::fit(&points(&planted, &LOADS)).expect("enough");
            for (told, planted) in
                [(fit.lambda, lambda), (fit.sigma, sigma), (fit.kappa, kappa)]
            {
                prop_assert!((told - planted).abs() <= 1e-4 * planted, "{fit:?} of {planted:?}");
            }
        }

        #[test]
        fn a_fit_is_never_negative(rates in prop::collection::vec(1.0..1e7f64, 6)) {
            let points: Vec<(f64, f64)> = LOADS.into_iter().zip(rates).collect();
            if let Some(fit) = Usl::fit(&points) {
                prop_assert!(fit.lambda > 0.0 && fit.sigma >= 0.0 && fit.kappa >= 0.0, "{fit:?}");
                prop_assert!(fit.r_squared.is_none_or(|share| share <= 1.0 + 1e-12));
            }
        }
    }
}
