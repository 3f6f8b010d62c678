//! Reads the counts again and again, holds them against the objectives, and tells of alerts. It
//! never holds up its host: a sink that does not answer is told again later, by another thread.

use crate::burn::{AlertChange, BurnMonitor, SloView};
use crate::metrics::Metrics;
use crate::notice::{Notice, Sink};
use caxton_model::slo::AlertOptions;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{self, MissedTickBehavior};

/// How to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SloWatchOptions {
    /// Between two looks at the counts.
    pub every: Duration,
    pub alerts: AlertOptions,
    pub sinks: Vec<Sink>,
}

impl Default for SloWatchOptions {
    fn default() -> Self {
        let every = Duration::from_secs(10);
        Self { every, alerts: AlertOptions::default(), sinks: Vec::new() }
    }
}

/// What was seen at the last look.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    views: Vec<SloView>,
    /// Why a sink was not told, the last time that it was not.
    failed: Option<String>,
}

/// A watch that ends when it is dropped.
#[derive(Debug)]
pub struct SloWatch {
    seen: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl SloWatch {
    /// Watches `metrics` from now on.
    ///
    /// # Errors
    /// No thread is to be had.
    pub fn start(metrics: &Arc<Metrics>, options: SloWatchOptions) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, stopped) = oneshot::channel();
        let mut threads = Vec::new();
        let mut tell = Vec::new();
        for sink in options.sinks.clone() {
            // One list waits; where it is not taken, the next one says all of it again.
            let (sender, told) = mpsc::sync_channel(1);
            let (seen, every) = (Arc::clone(&seen), options.every);
            let notify = move || notify(&sink, &told, every, &seen);
            threads.push(thread::Builder::new().name("alerts".to_owned()).spawn(notify)?);
            tell.push(sender);
        }
        let (metrics, of_watch) = (Arc::clone(metrics), Arc::clone(&seen));
        let watch = move || {
            runtime.spawn(watch(metrics, options, tell, of_watch));
            let _ = runtime.block_on(stopped);
        };
        threads.insert(0, thread::Builder::new().name("watch".to_owned()).spawn(watch)?);
        Ok(Self { seen, stop: Some(stop), threads })
    }

    /// How each objective stood at the last look; nothing before the first one.
    pub fn views(&self) -> Vec<SloView> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).views.clone()
    }

    /// Takes why somebody was not told of an alert, since this was last asked.
    pub fn take_failure(&self) -> Option<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).failed.take()
    }
}

impl Drop for SloWatch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

async fn watch(
    metrics: Arc<Metrics>,
    options: SloWatchOptions,
    tell: Vec<SyncSender<Vec<Notice>>>,
    seen: Arc<Mutex<Seen>>,
) {
    let every_ms = u64::try_from(options.every.as_millis()).unwrap_or(u64::MAX);
    let mut monitor = BurnMonitor::new(metrics.slos().to_vec(), options.alerts, every_ms);
    let mut ticks = time::interval(options.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let start = ticks.tick().await;
    loop {
        let now = ticks.tick().await;
        let at_ms = u64::try_from((now - start).as_millis()).unwrap_or(u64::MAX);
        let changes = monitor.take(at_ms, &metrics.slo_counts());
        let stands = Stands { monitor: &monitor, at_ms, now: Timestamp::now(), every_ms };
        let notices: Vec<Notice> = changes.iter().map(|change| stands.notice(change)).collect();
        for sink in tell.iter().filter(|_| !notices.is_empty()) {
            // Full: what it has is not taken yet, and all that fires is told again.
            let _ = sink.try_send(notices.clone());
        }
        seen.lock().unwrap_or_else(PoisonError::into_inner).views = monitor.view();
    }
}

/// When a look was.
struct Stands<'a> {
    monitor: &'a BurnMonitor,
    at_ms: u64,
    now: Timestamp,
    every_ms: u64,
}

impl Stands<'_> {
    fn notice(&self, change: &AlertChange) -> Notice {
        let ms = |ms: u64| SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        // As Prometheus has it: an alert that is not heard of four times has ended.
        let goes_on = if change.is_firing { self.every_ms * 4 } else { 0 };
        Notice {
            slo: self.monitor.slos()[change.slo].clone(),
            severity: change.severity,
            is_firing: change.is_firing,
            since: self.now.saturating_sub(ms(self.at_ms - change.since_ms)).unwrap_or(self.now),
            until: self.now.saturating_add(ms(goes_on)).unwrap_or(self.now),
            burn: change.burn,
        }
    }
}

/// Tells `sink` of each alert, and of its end until it has taken it. Ends with the watch.
fn notify(sink: &Sink, told: &Receiver<Vec<Notice>>, every: Duration, seen: &Mutex<Seen>) {
    let mut untold: BTreeMap<(String, &'static str), Notice> = BTreeMap::new();
    loop {
        match told.recv_timeout(every) {
            Ok(notices) => untold
                .extend(notices.into_iter().map(|n| ((n.slo.name.clone(), n.severity.name()), n))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if untold.is_empty() {
            continue;
        }
        let all: Vec<Notice> = untold.values().cloned().collect();
        match sink.tell(&all) {
            Ok(()) => untold.clear(),
            Err(why) => {
                seen.lock().unwrap_or_else(PoisonError::into_inner).failed = Some(why);
            }
        }
    }
}
