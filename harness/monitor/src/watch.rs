//! Reads the counts again and again, holds them against the objectives, and tells of alerts. It
//! never holds up its host: a sink that does not answer is told again later, by another thread.

use crate::burn::{AlertChange, BurnMonitor, SloView};
use crate::metrics::{Metrics, held};
use crate::notice::{Notice, Sink};
use caxton_model::slo::AlertOptions;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::{self, MissedTickBehavior};

/// How often Prometheus tells an Alertmanager again of an alert, unless it is told otherwise.
const RESEND_MS: u64 = 60_000;
/// The most looks that are kept of an objective.
const LOOKS_MAX: u64 = 300_000;

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

impl SloWatchOptions {
    fn check(&self) -> Result<(), String> {
        let windows_s = self.alerts.windows_s();
        let [shortest, longest] = [windows_s.first(), windows_s.last()]
            .map(|window_s| Duration::from_secs(window_s.copied().unwrap_or(1)));
        let every = self.every;
        if every.is_zero() || every * 2 > shortest {
            return Err(format!(
                "a look every {every:?}: two must lie in the shortest window, which is {shortest:?}"
            ));
        }
        let looks = longest.as_nanos() / every.as_nanos();
        if looks > u128::from(LOOKS_MAX) {
            return Err(format!(
                "a look every {every:?}: {looks} in the longest window, of which {LOOKS_MAX} can \
                 be kept"
            ));
        }
        Ok(())
    }
}

/// What was seen at the last look.
#[derive(Debug, Clone, Default, PartialEq)]
struct Seen {
    views: Vec<SloView>,
    /// Why a sink was not told, the last time that it was not.
    failed: Option<String>,
}

/// A watch that ends when it is dropped, which waits for a post under way: 5 s at most.
#[derive(Debug)]
pub struct SloWatch {
    seen: Arc<Mutex<Seen>>,
    stop: Option<oneshot::Sender<()>>,
    outboxes: Vec<Arc<Outbox>>,
    threads: Vec<JoinHandle<()>>,
}

impl SloWatch {
    /// Watches `metrics` from now on.
    ///
    /// # Errors
    /// No thread is to be had, or the looks are too far apart for the shortest window, or too many
    /// for the longest one.
    pub fn start(metrics: &Arc<Metrics>, options: SloWatchOptions) -> io::Result<Self> {
        options.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (stop, stopped) = oneshot::channel();
        let (mut threads, mut outboxes) = (Vec::new(), Vec::new());
        for sink in options.sinks.clone() {
            let outbox = Arc::new(Outbox::default());
            outboxes.push(Arc::clone(&outbox));
            let (seen, every) = (Arc::clone(&seen), options.every);
            let notify = move || notify(&sink, &outbox, every, &seen);
            threads.push(thread::Builder::new().name("alerts".to_owned()).spawn(notify)?);
        }
        let to_tell = outboxes.clone();
        let (metrics, of_watch) = (Arc::clone(metrics), Arc::clone(&seen));
        let watch = move || {
            runtime.spawn(watch(metrics, options, to_tell, of_watch));
            let _ = runtime.block_on(stopped);
        };
        threads.insert(0, thread::Builder::new().name("watch".to_owned()).spawn(watch)?);
        Ok(Self { seen, stop: Some(stop), outboxes, threads })
    }

    /// How each objective stood at the last look; nothing before the first one.
    pub fn views(&self) -> Vec<SloView> {
        held(&self.seen).views.clone()
    }

    /// Takes why somebody was not told of an alert, since this was last asked.
    pub fn take_failure(&self) -> Option<String> {
        held(&self.seen).failed.take()
    }
}

impl Drop for SloWatch {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.take().map(|stop| stop.send(()));
        self.outboxes.iter().for_each(|outbox| outbox.close());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

async fn watch(
    metrics: Arc<Metrics>,
    options: SloWatchOptions,
    outboxes: Vec<Arc<Outbox>>,
    seen: Arc<Mutex<Seen>>,
) {
    let every_ms = u64::try_from(options.every.as_millis()).unwrap_or(u64::MAX);
    let mut monitor = BurnMonitor::new(metrics.slos().to_vec(), options.alerts, every_ms);
    let mut ticks = time::interval(options.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let start = ticks.tick().await;
    loop {
        ticks.tick().await;
        let at_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let changes = monitor.take(at_ms, &metrics.slo_counts());
        let stands = Stands { monitor: &monitor, at_ms, now: Timestamp::now(), every_ms };
        for (sink, outbox) in options.sinks.iter().zip(&outboxes) {
            // An Alertmanager wants to hear of an alert as long as it fires, others of its start
            // and its end.
            let is_for_all = matches!(sink, Sink::Alertmanager(_));
            let own = changes.iter().filter(|change| is_for_all || change.is_new);
            outbox.put(own.map(|change| stands.notice(change)));
        }
        held(&seen).views = monitor.view();
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
        // As Prometheus has it: an alert that is not heard of for four minutes, or four looks, has
        // ended.
        let goes_on = if change.is_firing { self.every_ms.max(RESEND_MS) * 4 } else { 0 };
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

/// What a sink is to be told: of each alert what is newest.
#[derive(Debug, Default)]
struct Outbox {
    untold: Mutex<Untold>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Untold {
    notices: BTreeMap<(String, &'static str), Notice>,
    is_closed: bool,
}

fn key(notice: &Notice) -> (String, &'static str) {
    (notice.slo.name.clone(), notice.severity.name())
}

impl Outbox {
    fn held(&self) -> MutexGuard<'_, Untold> {
        held(&self.untold)
    }

    fn put(&self, notices: impl Iterator<Item = Notice>) {
        self.held().notices.extend(notices.map(|notice| (key(&notice), notice)));
        self.changed.notify_all();
    }

    fn close(&self) {
        self.held().is_closed = true;
        self.changed.notify_all();
    }

    /// All that is to be told, as soon as there is anything; none once it is closed.
    fn wait(&self) -> Option<Vec<Notice>> {
        let is_idle = |untold: &mut Untold| untold.notices.is_empty() && !untold.is_closed;
        let untold = self.changed.wait_while(self.held(), is_idle);
        let untold = untold.unwrap_or_else(PoisonError::into_inner);
        (!untold.is_closed).then(|| untold.notices.values().cloned().collect())
    }

    /// Forgets what was told, but for what is newer.
    fn told(&self, notices: &[Notice]) {
        let mut untold = self.held();
        for notice in notices {
            let key = key(notice);
            if untold.notices.get(&key) == Some(notice) {
                untold.notices.remove(&key);
            }
        }
    }

    /// Waits for `time`, or until it is closed.
    fn pause(&self, time: Duration) {
        let is_open = |untold: &mut Untold| !untold.is_closed;
        drop(self.changed.wait_timeout_while(self.held(), time, is_open));
    }
}

/// Tells `sink` of each alert and of its end, until it has taken that. Ends with the watch.
fn notify(sink: &Sink, outbox: &Outbox, every: Duration, seen: &Mutex<Seen>) {
    while let Some(notices) = outbox.wait() {
        match sink.tell(&notices) {
            Ok(()) => outbox.told(&notices),
            Err(why) => {
                held(seen).failed = Some(why);
                outbox.pause(every);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Failure, Labels};
    use crate::objectives;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    /// Takes a request, which is answered with `status`; its body.
    fn take(listener: &TcpListener, status: &str) -> serde_json::Value {
        let accepted = (0..3000).find_map(|_| {
            thread::sleep(Duration::from_millis(10));
            listener.accept().ok()
        });
        let (mut stream, _) = accepted.expect("somebody posts within 30 s");
        stream.set_nonblocking(false).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut bytes) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                bytes = length.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; bytes];
        reader.read_exact(&mut body).unwrap();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    #[test]
    fn a_sink_is_told_once_that_an_alert_began_and_once_that_it_is_over_even_if_it_refuses() {
        let metrics =
            Metrics::new(objectives(&["success rate>0.99"]).unwrap(), Labels::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let sink = Sink::Webhook(format!("http://{}/", listener.local_addr().unwrap()));
        let options = SloWatchOptions {
            every: Duration::from_millis(20),
            // Every window is a second.
            alerts: AlertOptions { speed: 1_000_000, events_min: 1 },
            sinks: vec![sink],
        };
        let watch = SloWatch::start(&metrics, options).unwrap();
        let mut recorder = metrics.recorder();
        // Two looks must see that it grows.
        let is_over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let failing = thread::spawn(move || {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                recorder.failed(Failure::Lost);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let refused = take(&listener, "500 no");
        assert_eq!(refused["status"], "firing", "{refused}");
        let begun = take(&listener, "200 OK");
        assert_eq!(begun["status"], "firing", "it is told again: {begun}");
        is_over.store(true, std::sync::atomic::Ordering::Relaxed);
        failing.join().unwrap();
        let mut ended = take(&listener, "200 OK");
        // The ticket may begin after the page.
        while ended["status"] == "firing" {
            ended = take(&listener, "200 OK");
        }
        assert_eq!(ended["status"], "resolved", "{ended}");
        assert!(watch.take_failure().is_some_and(|why| why.contains("500")));
        assert_eq!(watch.take_failure(), None);
    }

    #[test]
    fn looks_that_miss_a_window_or_fill_the_memory_are_refused() {
        let metrics = Metrics::new(Vec::new(), Labels::default()).unwrap();
        for (every, speed, is_fine) in [
            (Duration::from_secs(10), 1, true),
            (Duration::from_secs(10), 60, false),
            (Duration::from_secs(1), 60, true),
            (Duration::from_millis(100), 1, false),
            (Duration::ZERO, 1, false),
        ] {
            let alerts = AlertOptions { speed, events_min: 1 };
            let started =
                SloWatch::start(&metrics, SloWatchOptions { every, alerts, sinks: Vec::new() });
            assert_eq!(started.is_ok(), is_fine, "{every:?}");
        }
    }
}
