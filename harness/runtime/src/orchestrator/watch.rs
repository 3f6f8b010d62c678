//! What the host's thread and those that run agents tell each other: who sleeps, and how many
//! messages are done.

use caxton_sys::clock::{Clock, Monotonic};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// One thread that may sleep.
#[derive(Debug, Default)]
pub(super) struct Sleeper {
    sleeps: AtomicBool,
    thread: Mutex<Option<Thread>>,
}

impl Sleeper {
    /// Sleeps until woken, for `longest` at most, unless `has_work`. One thread at a time.
    pub(super) fn sleep(&self, longest: Option<Duration>, has_work: impl FnOnce() -> bool) {
        let mut thread = self.thread.lock().expect("nothing panics that holds this");
        let me = thread::current();
        if thread.as_ref().is_none_or(|thread| thread.id() != me.id()) {
            *thread = Some(me);
        }
        drop(thread);
        self.sleeps.store(true, Ordering::Relaxed);
        // Whoever gave work before this fence is seen below; whoever does after it sees `sleeps`.
        fence(Ordering::SeqCst);
        if !has_work() {
            match longest {
                Some(time) => thread::park_timeout(time),
                None => thread::park(),
            }
        }
        self.sleeps.store(false, Ordering::Relaxed);
    }

    /// Wakes it, if it sleeps; called after there is work for it.
    #[inline]
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.sleeps.load(Ordering::Relaxed) {
            self.rouse();
        }
    }

    #[cold]
    fn rouse(&self) {
        if let Some(thread) = &*self.thread.lock().expect("nothing panics that holds this") {
            thread.unpark();
        }
    }
}

/// The host, and the messages that it need not wait for any more.
#[derive(Debug)]
pub(super) struct Host {
    /// Its thread.
    pub(super) sleeper: Sleeper,
    /// Messages finished or gone.
    settled: AtomicU64,
    /// It waits for so many.
    awaited: AtomicU64,
}

impl Default for Host {
    fn default() -> Self {
        let (sleeper, settled) = (Sleeper::default(), AtomicU64::new(0));
        Self { sleeper, settled, awaited: AtomicU64::new(u64::MAX) }
    }
}

impl Host {
    /// `messages` more are finished or gone.
    #[inline]
    pub(super) fn settle(&self, messages: u64) {
        let settled = self.settled.fetch_add(messages, Ordering::SeqCst) + messages;
        if settled >= self.awaited.load(Ordering::SeqCst) {
            self.sleeper.wake();
        }
    }

    /// Sleeps until `messages` are, or `time` is over; how many are.
    pub(super) fn wait_for(&self, messages: u64, time: Duration) -> u64 {
        let deadline = Deadline::after(time);
        loop {
            let settled = self.settled.load(Ordering::SeqCst);
            let left = deadline.left();
            if settled >= messages || left.is_zero() {
                return settled;
            }
            self.awaited.store(messages, Ordering::SeqCst);
            let is_there = || self.settled.load(Ordering::SeqCst) >= messages;
            self.sleeper.sleep(Some(left), is_there);
            self.awaited.store(u64::MAX, Ordering::SeqCst);
        }
    }
}

/// How long the host still waits.
pub(super) struct Deadline {
    start_ns: u64,
    time: Duration,
}

impl Deadline {
    pub(super) fn after(time: Duration) -> Self {
        Self { start_ns: Monotonic.now().0, time }
    }

    pub(super) fn left(&self) -> Duration {
        self.time.saturating_sub(Duration::from_nanos(Monotonic.now().0 - self.start_ns))
    }
}
