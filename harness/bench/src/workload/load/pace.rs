//! How time passes for a generator.

use caxton_sys::clock::{Clock, Monotonic};
use std::time::Duration;

/// A clock, and how to wait on it.
pub trait Pace {
    /// Nanoseconds since some fixed instant.
    fn now_ns(&self) -> u64;

    /// Waits until `until_ns` at the latest; not at all where answers may come at any moment.
    fn wait(&self, until_ns: u64, is_answer_due: bool);
}

/// The machine's clock. Sleeps while nothing can come, and turns while something may.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealTime {
    /// Whether what answers may run on the same core: then each turn gives way to it.
    pub shares_core: bool,
}

/// A sleeper wakes up late by this much at the most, on a machine with time to spare.
const OVERSLEEP_NS: u64 = 150_000;

impl Pace for RealTime {
    #[inline]
    fn now_ns(&self) -> u64 {
        Monotonic.now().0
    }

    #[inline]
    fn wait(&self, until_ns: u64, is_answer_due: bool) {
        if is_answer_due {
            if self.shares_core {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
            return;
        }
        let left_ns = until_ns.saturating_sub(self.now_ns());
        match left_ns.checked_sub(OVERSLEEP_NS) {
            Some(ns) if ns > 0 => std::thread::sleep(Duration::from_nanos(ns)),
            _ => std::hint::spin_loop(),
        }
    }
}
