//! Times as a histogram: from a nanosecond to an hour at three digits, so that any two add up
//! exactly and a day of them takes no more room than a second.

use crate::units::Nanos;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer as WireReader, Serialize, Serializer as WireWriter};

/// An hour: the longest time that is told from a longer one.
pub const LONGEST_NS: u64 = 3_600_000_000_000;
/// Samples that must lie beyond a quantile for it to be told.
pub const BEYOND: u64 = 10;
/// Significant digits.
const DIGITS: u8 = 3;

/// How long things took.
#[derive(Debug, Clone, PartialEq)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self::new()
    }
}

impl Times {
    /// None yet.
    pub fn new() -> Self {
        let made = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS);
        Self(made.expect("from a nanosecond to an hour at three digits is a range"))
    }

    /// One more; 0 counts as a nanosecond, more than an hour as an hour.
    #[inline]
    pub fn record(&mut self, time_ns: u64) {
        self.0.saturating_record(time_ns.max(1));
    }

    /// All of `other`, too.
    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the ranges are the same");
    }

    /// None any more; the room is kept.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    /// How many.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their mean in nanoseconds; none of none.
    pub fn mean_ns(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.mean())
    }

    /// The longest.
    pub fn max(&self) -> Option<Nanos> {
        (!self.is_empty()).then(|| Nanos(self.0.max()))
    }

    /// The shortest.
    pub fn min(&self) -> Option<Nanos> {
        (!self.is_empty()).then(|| Nanos(self.0.min()))
    }

    /// The quantile `share`, if at least [`BEYOND`] samples lie beyond it.
    pub fn quantile(&self, share: f64) -> Option<Nanos> {
        let beyond = self.len() as f64 * (1.0 - share);
        (beyond >= BEYOND as f64).then(|| Nanos(self.0.value_at_quantile(share)))
    }

    /// The quantile `share` by nearest rank, however few there are: to be looked at, not judged.
    pub fn nearest(&self, share: f64) -> Option<Nanos> {
        (!self.is_empty()).then(|| Nanos(self.0.value_at_quantile(share)))
    }

    /// The quantile `share` of these and of `over` more that are longer than any; none where it is
    /// one of those, or too few samples lie beyond it.
    ///
    /// # Errors
    /// [`Beyond`]: which of the two.
    pub fn quantile_with(&self, share: f64, over: u64) -> Result<Nanos, Beyond> {
        let all = self.len() + over;
        if (all as f64 * (1.0 - share)) < BEYOND as f64 {
            return Err(Beyond::TooFew);
        }
        let rank = (all as f64 * share).ceil() as u64;
        if rank > self.len() {
            return Err(Beyond::Never);
        }
        Ok(Nanos(self.0.value_at_quantile(rank as f64 / self.len() as f64)))
    }

    /// How many took longer than `limit`.
    pub fn longer_than(&self, limit: Nanos) -> u64 {
        self.len() - self.0.count_between(0, limit.0.min(LONGEST_NS))
    }

    /// The histogram, for writers of its formats.
    pub(super) fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// Its bytes: HdrHistogram's V2 format, deflated.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = V2DeflateSerializer::new().serialize(&self.0, &mut bytes);
        written.expect("a histogram of this range fits the format; memory takes it");
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let read: Result<Histogram<u64>, _> = Deserializer::new().deserialize(&mut &bytes[..]);
        let read = read.map_err(|error| format!("no histogram: {error}"))?;
        // One of another range or precision would not add up.
        let mut times = Self::new();
        times.0.add(&read).map_err(|error| format!("a histogram of another range: {error}"))?;
        Ok(times)
    }
}

/// Why there is no quantile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// Fewer than [`BEYOND`] samples lie beyond it.
    TooFew,
    /// It is one of those that never ended.
    Never,
}

impl Serialize for Times {
    fn serialize<S: WireWriter>(&self, writer: S) -> Result<S::Ok, S::Error> {
        writer.serialize_str(&STANDARD.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: WireReader<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        Self::from_bytes(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(times_ns: impl IntoIterator<Item = u64>) -> Times {
        let mut times = Times::new();
        times_ns.into_iter().for_each(|ns| times.record(ns));
        times
    }

    #[test]
    fn a_quantile_is_told_only_with_ten_samples_beyond_it() {
        let times = of(1..=999);
        assert_eq!(times.quantile(0.5), Some(Nanos(500)));
        assert_eq!(times.quantile(0.99), None, "9.99 samples beyond");
        let times = of(1..=1000);
        assert_eq!(times.quantile(0.99), Some(Nanos(990)));
        assert_eq!(Times::new().quantile(0.0), None);
        assert_eq!([Times::new().max(), Times::new().min()], [None, None]);
    }

    #[test]
    fn what_never_ended_is_longer_than_anything() {
        let times = of(1..=900);
        assert_eq!(times.quantile_with(0.5, 100), Ok(Nanos(500)));
        assert_eq!(times.quantile_with(0.9, 100), Ok(Nanos(900)));
        assert_eq!(times.quantile_with(0.95, 100), Err(Beyond::Never));
        assert_eq!(times.quantile_with(0.999, 100), Err(Beyond::TooFew));
        assert_eq!(times.longer_than(Nanos(890)), 10);
    }

    #[test]
    fn times_survive_the_wire_and_add_up() {
        let (a, b) = (of([1, 70_000, LONGEST_NS]), of([5, 5, 123_456_789]));
        let text = serde_json::to_string(&a).unwrap();
        assert!(text.starts_with("\"HISTFAAA"), "{text}");
        let mut back: Times = serde_json::from_str(&text).unwrap();
        assert_eq!(back, a);
        back.add(&b);
        assert_eq!(back.len(), 6);
        assert!(serde_json::from_str::<Times>("\"AAAA\"").is_err());
        back.clear();
        assert!(back.is_empty());
    }
}
