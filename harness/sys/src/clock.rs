//! Time: the only place where a clock is read.
#![allow(clippy::disallowed_methods, reason = "this is the file that the rule points to")]

use caxton_model::units::Nanos;
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

/// Nanoseconds of CLOCK_MONOTONIC, as the kernel writes them into samples.
pub fn boot_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a place for the answer; this clock always exists.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In programs, nanoseconds.
    pub user_ns: u64,
    /// In the kernel on their behalf, nanoseconds.
    pub kernel_ns: u64,
}

impl CpuTime {
    /// Since this process began.
    pub fn of_process() -> Self {
        Self::of(libc::RUSAGE_SELF)
    }

    /// Since the calling thread began.
    pub fn of_thread() -> Self {
        Self::of(libc::RUSAGE_THREAD)
    }

    fn of(who: libc::c_int) -> Self {
        // SAFETY: plain numbers, for which all-zero is a value; the kernel fills them in.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &raw mut usage);
            usage
        };
        let ns = |time: libc::timeval| {
            time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_usec.cast_unsigned() * 1_000
        };
        Self { user_ns: ns(usage.ru_utime), kernel_ns: ns(usage.ru_stime) }
    }

    /// Both together.
    pub fn total_ns(self) -> u64 {
        self.user_ns + self.kernel_ns
    }

    pub fn since(self, earlier: Self) -> Self {
        Self {
            user_ns: self.user_ns.saturating_sub(earlier.user_ns),
            kernel_ns: self.kernel_ns.saturating_sub(earlier.kernel_ns),
        }
    }
}

/// The time of day, UTC, RFC 3339 to the second.
pub fn utc() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Milliseconds since 1970, UTC.
pub fn unix_ms() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// Bits that differ from run to run: the seed of a run that was given none.
pub fn entropy() -> u64 {
    u64::from(jiff::Timestamp::now().subsec_nanosecond().unsigned_abs())
        ^ (u64::from(std::process::id()) << 32)
}
