//! Order statistics. Empty input has none; a NaN sorts last and never panics.

/// `values` in ascending order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The middle value, or the mean of the two in the middle.
pub fn median(values: &[f64]) -> Option<f64> {
    median_of_sorted(&sorted(values))
}

/// [`median`] of values that are in ascending order already.
pub fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    let is_odd = sorted.len() % 2 == 1;
    // Halved before they are added: the sum of two large values would overflow.
    Some(if is_odd { upper } else { sorted[sorted.len() / 2 - 1] / 2.0 + upper / 2.0 })
}

/// The value below which the share `at` of all lies, between 0 and 1: interpolated linearly, R's
/// type 7 (R. Hyndman and Y. Fan, "Sample quantiles in statistical packages", 1996).
pub fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let sorted = sorted(values);
    let place = at.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)? as f64);
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

pub fn min(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

pub fn max(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_has_no_middle() {
        assert_eq!((median(&[]), min(&[]), max(&[]), mean(&[])), (None, None, None, None));
    }

    #[test]
    fn the_middle_of_odd_and_even_counts() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[f64::MAX, f64::MAX]), Some(f64::MAX));
        assert_eq!(mean(&[1.0, 2.0, 6.0]), Some(3.0));
    }

    #[test]
    fn quantiles_are_those_of_r() {
        // quantile(c(1, 2, 4, 8), c(0, 0.25, 0.5, 0.9, 1), type = 7)
        let known = [(0.0, 1.0), (0.25, 1.75), (0.5, 3.0), (0.9, 6.8), (1.0, 8.0)];
        for (at, value) in known {
            let told = quantile(&[8.0, 1.0, 4.0, 2.0], at).expect("there are values");
            assert!((told - value).abs() < 1e-12, "{at}: {told}");
        }
        assert_eq!((quantile(&[], 0.5), quantile(&[3.0], 0.99)), (None, Some(3.0)));
    }

    #[test]
    fn a_value_that_is_no_number_sorts_last() {
        assert_eq!(median(&[f64::NAN, 1.0, 2.0]), Some(2.0));
        assert_eq!(min(&[f64::NAN, 1.0]), Some(1.0));
        assert!(max(&[f64::NAN, 1.0]).is_some_and(f64::is_nan));
    }
}
