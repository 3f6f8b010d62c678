//! Values of flags: sizes, times and shares, as users write them.

use caxton_model::units::Bytes;

/// All a 32-bit guest can address.
const LIMIT_MAX: Bytes = Bytes(4 << 30);

/// A memory limit; a plain number is in MiB.
pub(super) fn parse_limit(text: &str) -> Result<Bytes, String> {
    let is_bare = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let with_unit = if is_bare { format!("{text}MiB") } else { text.to_owned() };
    match with_unit.parse() {
        Ok(Bytes(0)) => Err("a limit of nothing".to_owned()),
        Ok(bytes) if bytes <= LIMIT_MAX => Ok(bytes),
        Ok(_) => Err(format!("more than the {LIMIT_MAX} that a 32-bit guest can address")),
        Err(why) => Err(why.to_string()),
    }
}

/// A time of a day at most.
pub(super) fn parse_seconds(text: &str) -> Result<f64, String> {
    const SECONDS_MAX: f64 = 86_400.0;
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= SECONDS_MAX {
        Ok(seconds)
    } else {
        Err(format!("expected more than 0 and at most {SECONDS_MAX} seconds"))
    }
}

/// A share as a number, 0.01, or in percent, 1%.
pub(super) fn parse_share(text: &str) -> Result<f64, String> {
    let (number, whole) = text.strip_suffix('%').map_or((text, 1.0), |percent| (percent, 100.0));
    let number: f64 =
        number.parse().map_err(|_| "expected a share, such as 0.01 or 1%".to_owned())?;
    let share = number / whole;
    if (0.0..1.0).contains(&share) {
        Ok(share)
    } else {
        Err("expected 0 to less than 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_have_units_and_bounds() {
        assert_eq!(parse_limit("10"), Ok(Bytes::mebi(10)));
        assert_eq!(parse_limit("512KiB"), Ok(Bytes(512 << 10)));
        assert_eq!(parse_limit("4GiB"), Ok(LIMIT_MAX));
        for bad in ["", "x", "-1", "5GiB", "99999999999999999999", "0", "1.5"] {
            assert!(parse_limit(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn shares_are_numbers_or_percent() {
        assert_eq!(parse_share("0.01"), Ok(0.01));
        assert_eq!(parse_share("2%"), Ok(0.02));
        assert_eq!(parse_share("0"), Ok(0.0));
        for bad in ["", "%", "x%", "1", "100%", "-1%", "NaN", "inf%"] {
            assert!(parse_share(bad).is_err(), "{bad:?}");
        }
    }
}
