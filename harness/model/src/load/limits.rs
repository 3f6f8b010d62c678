//! The most that a load may be: larger is refused, wherever it is read.

use crate::units::Nanos;

/// The largest count, and the largest sum of one: every whole number up to here is exact in an
/// `f64`, and a `u64` holds two thousand of them.
pub const MOST: u64 = 1 << 53;
/// The most stages of a plan: a second of each has three histograms of some 270 KiB.
pub const STAGES: usize = 64;
/// The longest time of a plan, or in one: 100 days of nanoseconds are exact in an `f64`.
pub const LONGEST: Nanos = Nanos(100 * 86_400 * 1_000_000_000);
