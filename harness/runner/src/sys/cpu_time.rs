//! CPU time of the calling thread, as the kernel counts it.
#![allow(unsafe_code, reason = "system calls")]

use caxton_results::reading::Missing;
use std::io;

/// CPU time in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTime {
    /// In this program's own code. The kernel splits the total by its ticks: good for shares of
    /// seconds, not of milliseconds.
    pub user_ns: u64,
    /// In the kernel on its behalf.
    pub kernel_ns: u64,
}

impl CpuTime {
    /// All of it.
    pub fn total_ns(self) -> u64 {
        self.user_ns + self.kernel_ns
    }

    /// What was used since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            user_ns: self.user_ns.saturating_sub(earlier.user_ns),
            kernel_ns: self.kernel_ns.saturating_sub(earlier.kernel_ns),
        }
    }
}

/// What the calling thread has used so far: the total to the nanosecond.
///
/// # Errors
/// The system's refusal.
pub fn of_thread() -> Result<CpuTime, Missing> {
    let mut total = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: plain values; the kernel fills both.
    let (clock, usage) = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        let clock = libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut total);
        let told = libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage);
        (clock.min(told), usage)
    };
    if clock != 0 {
        let why = io::Error::last_os_error();
        return Err(Missing::Failed(format!("CPU time of a thread: {why}")));
    }
    let total_ns = total.tv_sec as u64 * 1_000_000_000 + total.tv_nsec as u64;
    let kernel_us = usage.ru_stime.tv_sec as u64 * 1_000_000 + usage.ru_stime.tv_usec as u64;
    let kernel_ns = (kernel_us * 1_000).min(total_ns);
    Ok(CpuTime { user_ns: total_ns - kernel_ns, kernel_ns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_uses_time_of_its_own_thread() {
        let before = of_thread().expect("Linux");
        let mut x = 1u64;
        let mut now = before;
        while now.since(before).total_ns() < 2_000_000 {
            x = std::hint::black_box(x.wrapping_mul(3));
            now = of_thread().expect("Linux");
        }
        let other = std::thread::spawn(of_thread).join().expect("no panic").expect("Linux");
        assert!(other.total_ns() < now.total_ns(), "{other:?} {now:?}");
    }
}
