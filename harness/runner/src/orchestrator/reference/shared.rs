//! What the threads of a reference orchestrator share: who sleeps, and how many messages are done.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::thread::{self, Thread};
use std::time::Duration;

/// One thread that may sleep.
#[derive(Debug, Default)]
pub(super) struct Sleeper {
    sleeps: AtomicBool,
    thread: OnceLock<Thread>,
}

impl Sleeper {
    /// This thread is the one.
    pub(super) fn register(&self) {
        // A second call comes from the same thread.
        let _ = self.thread.set(thread::current());
    }

    /// Sleeps until woken, for `longest` at most, unless `has_work`.
    pub(super) fn sleep(&self, longest: Option<Duration>, has_work: impl FnOnce() -> bool) {
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
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// What all threads see.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) shards: Vec<Sleeper>,
    /// A command waits for this shard.
    pub(super) commands: Vec<AtomicBool>,
    pub(super) host: Sleeper,
    /// How many agents there are.
    pub(super) agents: AtomicU32,
    /// Messages finished or gone.
    settled: AtomicU64,
    /// The host waits for so many.
    awaited: AtomicU64,
}

impl Shared {
    pub(super) fn new(shards: u32) -> Self {
        Self {
            shards: (0..shards).map(|_| Sleeper::default()).collect(),
            commands: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            host: Sleeper::default(),
            agents: AtomicU32::new(0),
            settled: AtomicU64::new(0),
            awaited: AtomicU64::new(u64::MAX),
        }
    }

    /// `messages` more are finished or gone.
    #[inline]
    pub(super) fn settle(&self, messages: u64) {
        let settled = self.settled.fetch_add(messages, Ordering::SeqCst) + messages;
        if settled >= self.awaited.load(Ordering::SeqCst) {
            self.host.wake();
        }
    }

    /// How many are.
    pub(super) fn settled(&self) -> u64 {
        self.settled.load(Ordering::SeqCst)
    }

    /// Sleeps until `messages` are, or `time` is over.
    pub(super) fn wait(&self, messages: u64, time: Duration) {
        self.awaited.store(messages, Ordering::SeqCst);
        self.host.register();
        self.host.sleep(Some(time), || self.settled() >= messages);
        self.awaited.store(u64::MAX, Ordering::SeqCst);
    }
}
