//! Times as a histogram: from a nanosecond to an hour at three digits, so that any two add up
//! exactly and a day of them takes no more room than a second.

use super::limits::MOST;
use crate::units::Nanos;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::ZlibDecoder;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer as WireReader, Serialize, Serializer as WireWriter};
use std::io::Read as _;

/// An hour: the longest time that is told from a longer one.
pub const LONGEST_NS: u64 = 3_600_000_000_000;
/// Samples that must lie beyond a quantile for it to be told.
pub const BEYOND: u64 = 10;
const DIGITS: u8 = 3;

#[derive(Debug, Clone, PartialEq)]
pub struct Times(Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        Self::new()
    }
}

impl Times {
    pub fn new() -> Self {
        let made = Histogram::new_with_bounds(1, LONGEST_NS, DIGITS);
        Self(made.expect("from a nanosecond to an hour at three digits is a range"))
    }

    /// One more; 0 counts as a nanosecond, more than an hour as an hour.
    #[inline]
    pub fn record(&mut self, time_ns: u64) {
        self.0.saturating_record(time_ns.max(1));
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("the ranges are the same");
    }

    /// None any more; the room is kept.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    pub fn len(&self) -> u64 {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their mean in nanoseconds; none of none.
    pub fn mean_ns(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.0.mean())
    }

    pub fn max(&self) -> Option<Nanos> {
        (!self.is_empty()).then(|| Nanos(self.0.max()))
    }

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
    pub fn quantile_with(&self, share: f64, over: u64) -> Result<Nanos, Beyond> {
        let all = self.len().saturating_add(over);
        if (all as f64 * (1.0 - share)) < BEYOND as f64 {
            return Err(Beyond::TooFew);
        }
        let rank = (all as f64 * share).ceil() as u64;
        if rank > self.len() {
            return Err(Beyond::Never);
        }
        Ok(Nanos(self.0.value_at_quantile(rank as f64 / self.len() as f64)))
    }

    /// The histogram, for writers of its formats.
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// Its bytes: HdrHistogram's V2 format, deflated.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let written = V2DeflateSerializer::new().serialize(&self.0, &mut bytes);
        written.expect("a histogram of this range fits the format; memory takes it");
        bytes
    }

    /// Reads what [`Self::to_bytes`] writes. Nothing is made of a length before it is checked: what
    /// a header promises is what the crate makes room for.
    fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let none = |why: String| format!("no histogram: {why}");
        let (outer, deflated) =
            bytes.split_at_checked(OUTER_BYTES).ok_or_else(|| none("it is cut off".to_owned()))?;
        if u32_at(outer, 0) != Some(DEFLATED) {
            return Err(none("it is not of HdrHistogram's V2 format, deflated".to_owned()));
        }
        let mut times = Self::new();
        // A count takes nine bytes at the most.
        let counts_most = times.0.distinct_values() * 9;
        let most = HEADER_BYTES + counts_most;
        let mut inner = Vec::new();
        let mut inflated = ZlibDecoder::new(deflated).take(most as u64 + 1);
        inflated.read_to_end(&mut inner).map_err(|error| none(error.to_string()))?;
        let counts = inner.len().saturating_sub(HEADER_BYTES);
        if counts > counts_most {
            return Err(none(format!("more than the {counts_most} bytes that its range has")));
        }
        let promised = u32_at(&inner, 4).ok_or_else(|| none("it is cut off".to_owned()))?;
        if promised as usize != counts {
            return Err(none(format!("it promises {promised} bytes of counts and has {counts}")));
        }
        // One of another range or precision would not add up.
        let range = (u32_at(&inner, 12), u64_at(&inner, 16), u64_at(&inner, 24));
        if range != (Some(u32::from(DIGITS)), Some(times.0.low()), Some(times.0.high())) {
            return Err("a histogram of another range".to_owned());
        }
        let read = Deserializer::new().deserialize(&mut &inner[..]);
        times.0 = read.map_err(|error| none(error.to_string()))?;
        if times.len() > MOST {
            return Err(none(format!("{} times: more than can be", times.len())));
        }
        Ok(times)
    }
}

/// What HdrHistogram's V2 format begins with, deflated: so much, then how long the rest is.
const DEFLATED: u32 = 0x1c84_9314;
const OUTER_BYTES: usize = 8;
/// What is in front of the counts of the format: cookie, their length, an offset, digits, the
/// lowest and the highest value, a ratio.
const HEADER_BYTES: usize = 40;

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_be_bytes(*eight))
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
    use flate2::Compression;
    use flate2::read::ZlibEncoder;

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

    /// The bytes of a histogram with this header and these counts, deflated.
    fn deflated(header: [u64; 4], counts: &[u8]) -> Vec<u8> {
        let [promised, digits, low, high] = header;
        let mut inner = 0x1c84_9313_u32.to_be_bytes().to_vec();
        inner.extend((promised as u32).to_be_bytes());
        inner.extend(0_u32.to_be_bytes());
        inner.extend((digits as u32).to_be_bytes());
        inner.extend(low.to_be_bytes());
        inner.extend(high.to_be_bytes());
        inner.extend(1.0_f64.to_be_bytes());
        inner.extend(counts);
        let mut zipped = Vec::new();
        ZlibEncoder::new(&inner[..], Compression::best()).read_to_end(&mut zipped).unwrap();
        let mut bytes = DEFLATED.to_be_bytes().to_vec();
        bytes.extend((zipped.len() as u32).to_be_bytes());
        bytes.extend(zipped);
        bytes
    }

    #[test]
    fn no_header_and_no_count_makes_more_room_than_the_range_has() {
        let digits = u64::from(DIGITS);
        let good = [3, digits, 1, LONGEST_NS];
        // Two at the first value: zigzag and LEB128.
        assert_eq!(Times::from_bytes(&deflated(good, &[0, 4, 0])).unwrap().len(), 2);
        let most = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
        let table: [(&str, [u64; 4], &[u8], &str); 9] = [
            ("4 GiB promised", [0xffff_ffff, digits, 1, LONGEST_NS], &[], "4294967295"),
            ("one more promised", [4, digits, 1, LONGEST_NS], &[0, 4, 0], "has 3"),
            ("one fewer promised", [2, digits, 1, LONGEST_NS], &[0, 4, 0], "has 3"),
            ("five digits", [3, 5, 1, LONGEST_NS], &[0, 4, 0], "another range"),
            ("all of a u64", [3, digits, 1, u64::MAX], &[0, 4, 0], "another range"),
            ("from 0", [3, digits, 0, LONGEST_NS], &[0, 4, 0], "another range"),
            ("a bomb", [1 << 24, digits, 1, LONGEST_NS], &vec![0; 1 << 24], "more than the"),
            ("a count of 2^63", [9, digits, 1, LONGEST_NS], &most, "more than can be"),
            ("zeros beyond the range", [4, digits, 1, LONGEST_NS], &[0xff, 0xff, 0x7f, 2], "array"),
        ];
        for (what, header, counts, why) in table {
            let error = Times::from_bytes(&deflated(header, counts)).unwrap_err();
            assert!(error.contains(why), "{what}: {error}");
        }
        for short in [&[][..], &DEFLATED.to_be_bytes(), &deflated(good, &[])[..20]] {
            assert!(Times::from_bytes(short).is_err(), "{short:?}");
        }
    }
}
