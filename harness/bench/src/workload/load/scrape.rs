//! Reads what a target says of itself while a load is on it: on a thread of its own, once a second.

use caxton_model::load::scraped::Scraped;
use caxton_model::sanitise::sanitise;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use ureq::Agent;

const EVERY: Duration = Duration::from_secs(1);
/// How long one answer may take, and how long it may be.
const PATIENCE: Duration = Duration::from_millis(900);
const BYTES_MAX: u64 = 4 << 20;
/// How often a target is asked for what must be there, and the pause between two.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);
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
                scraped.take(&get(&url));
            }
            // After the last answer: both sides have counted to their end.
            let last = get_patiently(&url);
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
    let mut said = get(url);
    for _ in 1..TRIES {
        if said.is_ok() {
            break;
        }
        thread::sleep(PAUSE);
        said = get(url);
    }
    said
}

/// What `url` says, or why it says nothing.
fn get(url: &str) -> Result<String, String> {
    let agent: Agent = Agent::config_builder().timeout_global(Some(PATIENCE)).build().into();
    let text = agent
        .get(url)
        .call()
        .and_then(|mut answer| answer.body_mut().with_config().limit(BYTES_MAX).read_to_string());
    text.map_err(|error| sanitise(&error.to_string(), WHY_MAX))
}
