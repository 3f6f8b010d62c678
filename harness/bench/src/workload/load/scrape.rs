//! Reads what a target says of itself while a load is on it: on a thread of its own, once a second.

use caxton_model::load::scraped::Scraped;
use caxton_model::sanitise::sanitise;
use caxton_monitor::get;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(1);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_millis(900);
/// How often a target is asked for what must be there, how long it may take each time, and the
/// pause between two.
const TRIES: u32 = 20;
const TRY: Duration = Duration::from_millis(400);
const PAUSE: Duration = Duration::from_millis(100);
/// Before the last time: a target may tell again what it told up to a tenth of a second ago.
const SETTLES: Duration = Duration::from_millis(200);
/// What is told of an error.
const WHY_MAX: usize = 200;

/// A target that is asked again and again.
pub(super) struct Scraper {
    stop: Sender<()>,
    thread: JoinHandle<Scraped>,
}

impl Scraper {
    /// Asks `url` from now on; the first answer is there when this returns, or will not be.
    pub(super) fn start(url: &str) -> Self {
        let mut scraped = Scraped::of(url);
        let first = get_patiently(url);
        let has_begun = first.is_ok();
        scraped.take(&first);
        let (stop, stopped) = mpsc::channel();
        let url = url.to_owned();
        let thread = thread::spawn(move || {
            while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                scraped.take(&ask(&url, PATIENCE));
            }
            // After the last answer: both sides have counted to their end.
            thread::sleep(SETTLES);
            let last = if has_begun { get_patiently(&url) } else { ask(&url, PATIENCE) };
            scraped.is_whole = has_begun && last.is_ok();
            scraped.take(&last);
            scraped
        });
        Self { stop, thread }
    }

    /// Asks a last time; all that was said.
    pub(super) fn end(self) -> Scraped {
        drop(self.stop);
        self.thread.join().unwrap_or_default()
    }
}

/// What `url` says, which may not be there yet, or have much to do.
fn get_patiently(url: &str) -> Result<String, String> {
    let mut said = ask(url, TRY);
    for _ in 1..TRIES {
        if said.is_ok() {
            break;
        }
        thread::sleep(PAUSE);
        said = ask(url, TRY);
    }
    said
}

/// Asks once, so that what a first request makes and keeps is there before anything is counted.
pub(super) fn warm_up(url: &str) {
    let _ = ask(url, TRY);
}

/// What `url` says, or why it says nothing.
fn ask(url: &str, patience: Duration) -> Result<String, String> {
    get(url, patience).map_err(|error| sanitise(&error, WHY_MAX))
}
