//! Units: the only place where a quantity becomes words.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A duration in nanoseconds.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

/// A size in bytes.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    pub const fn mebi(count: u64) -> Self {
        Self(count << 20)
    }
}

/// A text that is no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number with its unit, such as 512KiB or 2GiB")]
pub struct BadSize;

impl FromStr for Bytes {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        const UNITS: [(&str, u32); 7] =
            [("GiB", 30), ("MiB", 20), ("KiB", 10), ("GB", 30), ("MB", 20), ("KB", 10), ("B", 0)];
        let of = |(unit, shift): &(&str, u32)| Some((text.strip_suffix(unit)?, *shift));
        let (number, shift) = UNITS.iter().find_map(of).ok_or(BadSize)?;
        let number: u64 = number.trim().parse().map_err(|_| BadSize)?;
        number.checked_mul(1 << shift).map(Self).ok_or(BadSize)
    }
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a number with its unit, such as 100ms, 10s or 24h")]
pub struct BadTime;

impl FromStr for Nanos {
    type Err = BadTime;

    fn from_str(text: &str) -> Result<Self, BadTime> {
        let time: jiff::SignedDuration = text.trim().parse().map_err(|_| BadTime)?;
        u64::try_from(time.as_nanos()).map(Self).map_err(|_| BadTime)
    }
}

/// What a metric counts; decides how a value is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Nanos,
    /// Bytes, printed in binary multiples.
    Bytes,
    /// Things, printed in decimal multiples.
    Count,
    /// A quotient of two like quantities; 1 means equal.
    Ratio,
    /// A share of one; printed in per cent.
    Share,
    PerSecond,
}

impl Unit {
    /// The unit's name in files: `ns`, `bytes`, `count`, `ratio`, `share`, `per_second`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Bytes => "bytes",
            Self::Count => "count",
            Self::Ratio => "ratio",
            Self::Share => "share",
            Self::PerSecond => "per_second",
        }
    }

    /// What a recorded reading is multiplied by to be in this unit. Samples are whole numbers, so
    /// a share is recorded in parts per billion.
    pub const fn recorded(self) -> f64 {
        match self {
            Self::Share => 1e-9,
            Self::Nanos | Self::Bytes | Self::Count | Self::Ratio | Self::PerSecond => 1.0,
        }
    }

    /// `value` of this unit in words, with three significant digits where it is not exact.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Nanos => scaled(value, 1000.0, &["ns", "µs", "ms", "s"]),
            Self::Bytes => scaled(value, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]),
            Self::Count => scaled(value, 1000.0, &["", "k", "M", "G", "T"]).trim_end().to_owned(),
            Self::Ratio => format!("{value:.3}x"),
            Self::Share => in_per_cent(value * 100.0),
            Self::PerSecond => scaled(value, 1000.0, &["/s", "k/s", "M/s", "G/s"]),
        }
    }
}

/// Two decimals, or what it takes to show two digits of a value that they would round away.
fn in_per_cent(value: f64) -> String {
    let digits = match value.abs() {
        v if v > 0.0 && v < 0.02 => (1.0 - v.log10().floor()).min(9.0) as usize,
        _ => 2,
    };
    format!("{value:.digits$} %")
}

/// `value` by the largest step of `suffixes` that keeps it at 1 or more.
fn scaled(value: f64, step: f64, suffixes: &[&str]) -> String {
    let mut value = value;
    let mut rank = 0;
    while value.abs() >= step && rank + 1 < suffixes.len() {
        value /= step;
        rank += 1;
    }
    let digits = match value.abs() {
        _ if rank == 0 && value.fract() == 0.0 => 0,
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    let number = format!("{value:.digits$}");
    // What rounds to nothing has no sign.
    let is_zero = number.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    let number = if is_zero { number.trim_start_matches('-') } else { &number };
    format!("{number} {}", suffixes[rank])
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Unit::Nanos.show(self.0 as f64))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Unit::Bytes.show(self.0 as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_their_unit() {
        assert_eq!("512KiB".parse(), Ok(Bytes(512 << 10)));
        assert_eq!("70000B".parse(), Ok(Bytes(70_000)));
        for bad in ["", "7", "x", "-1B", "1.5MiB", "99999999999GiB"] {
            assert_eq!(bad.parse::<Bytes>(), Err(BadSize), "{bad:?}");
        }
    }

    #[test]
    fn lengths_of_time_are_read_with_their_unit() {
        assert_eq!("100ms".parse(), Ok(Nanos(100_000_000)));
        assert_eq!("1.5s".parse(), Ok(Nanos(1_500_000_000)));
        assert_eq!("24h".parse(), Ok(Nanos(86_400_000_000_000)));
        assert_eq!("2m 5us".parse(), Ok(Nanos(120_000_005_000)));
        for bad in ["", "7", "x", "-1s", "1e3s", "nan", "99999999999999h"] {
            assert_eq!(bad.parse::<Nanos>(), Err(BadTime), "{bad:?}");
        }
    }

    #[test]
    fn quantities_read_as_a_person_writes_them() {
        assert_eq!(Nanos(999).to_string(), "999 ns");
        assert_eq!(Nanos(1_234_567).to_string(), "1.23 ms");
        assert_eq!(Bytes::mebi(10).to_string(), "10.0 MiB");
        assert_eq!(Bytes(1023).to_string(), "1023 B");
        assert_eq!(Unit::Count.show(12.0), "12");
        assert_eq!(Unit::Count.show(45_600.0), "45.6 k");
        assert_eq!(Unit::Ratio.show(1.5), "1.500x");
        assert_eq!(Unit::Share.show(0.0312), "3.12 %");
        assert_eq!(Unit::Share.show(0.0), "0.00 %");
        assert_eq!(Unit::Share.show(0.000_151), "0.015 %");
        assert_eq!(Unit::Share.show(4.45e-6), "0.00044 %");
        assert_eq!(Unit::Nanos.show(23.45), "23.4 ns");
        assert_eq!(Unit::Nanos.show(-0.004), "0.00 ns");
        assert_eq!(Unit::Nanos.show(-113.2), "-113 ns");
    }
}
