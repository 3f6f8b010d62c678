//! Progress: a bar with the time left on a terminal, a plain line per task elsewhere.

use super::messages::note;
use crate::measure::run::Observer;
use caxton_results::case::Outcome;
use caxton_results::report::sanitise::sanitise;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Characters of a reason that are shown: it may be a guest's own words.
const REASON_MAX: usize = 600;

/// Tells a user how a run goes.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `launches` in all.
    pub fn new(launches: u64) -> Self {
        let is_watched = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = is_watched.then(|| ProgressBar::new(launches));
        if let Some(bar) = &bar {
            let style = "{bar:30} {percent:>3} %  {eta:>5} left  {msg}";
            bar.set_style(
                ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()),
            );
            bar.tick();
        }
        Self { bar }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Tells nobody.
#[derive(Debug)]
pub struct Silent;

impl Observer for Silent {
    fn task(&self, _: usize, _: usize, _: &str, _: u32) {}

    fn launch_done(&self) {}

    fn task_done(&self, _: &str, _: &Outcome) {}
}

impl Observer for Progress {
    fn task(&self, number: usize, of: usize, name: &str, launches: u32) {
        match &self.bar {
            Some(bar) => bar.set_message(format!("[{number}/{of}] {name}")),
            None => note(&format!("[{number}/{of}] {name} ({launches} launches)")),
        }
    }

    fn launch_done(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
        }
    }

    fn task_done(&self, name: &str, outcome: &Outcome) {
        let Some(reason) = outcome.reason() else { return };
        let reason = sanitise(reason, REASON_MAX);
        let line = format!("  {name}: {}: {reason}", outcome.name());
        match &self.bar {
            Some(bar) => bar.println(line),
            None => note(&line),
        }
    }
}
