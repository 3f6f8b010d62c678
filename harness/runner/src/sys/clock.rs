//! Time: the only place where a clock is read.
#![allow(clippy::disallowed_methods, reason = "this is the file that the rule points to")]

use caxton_results::units::Nanos;
use std::sync::OnceLock;
use std::time::Instant;

/// A monotonic clock: the real one, or a scripted one in tests.
pub trait Clock {
    /// Nanoseconds since some fixed instant.
    fn now(&self) -> Nanos;
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    #[inline]
    fn now(&self) -> Nanos {
        static START: OnceLock<Instant> = OnceLock::new();
        let start = START.get_or_init(Instant::now);
        Nanos(u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }
}

/// The time of day, UTC, RFC 3339 to the second.
pub fn utc() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Bits that differ from run to run: the seed of a run that was given none.
pub fn entropy() -> u64 {
    u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs())
        ^ (u64::from(std::process::id()) << 32)
}
