//! Progress: a bar with the time left on a terminal, a plain line per task elsewhere.

use super::cases::is_ci;
use super::messages::note;
use crate::measure::run::Observer;
use caxton_results::case::Outcome;
use caxton_results::load::frame::Figure;
use caxton_results::load::outcome::LoadOutcome;
use caxton_results::load::tally::Tally;
use caxton_results::report::colour::wants_escapes;
use caxton_results::report::sanitise::sanitise;
use caxton_results::units::{Bytes, Nanos, Unit};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Characters of a reason that are shown: it may be a guest's own words.
const REASON_MAX: usize = 600;

/// Seconds between two lines about a load, where there is no terminal.
const LOAD_LINE_S: u64 = 10;

/// Tells a user how a run goes.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Progress over `launches` in all.
    pub fn new(launches: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let has_escapes = wants_escapes(is_terminal, |name| std::env::var_os(name));
        let is_watched = is_terminal && has_escapes && !is_ci();
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

    fn load_second(&self, tally: &Tally) {
        let Some(line) = live(tally) else { return };
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if tally.next_second().is_multiple_of(LOAD_LINE_S) => note(&format!("  {line}")),
            None => {}
        }
    }

    fn load_done(&self, load: &LoadOutcome) {
        let line = format!("  {}: {}", load.plan.name, load.verdict.name());
        let line = sanitise(&line, REASON_MAX);
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                bar.println(line);
            }
            None => note(&line),
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

/// A load in a line: its last second, memory, and the time left.
fn live(tally: &Tally) -> Option<String> {
    let (last, plan) = (tally.last()?, tally.plan());
    let per_second = |count: u64| Unit::PerSecond.show(count as f64 / last.length_s.max(1e-9));
    let stage = plan.stages.get(last.stage as usize).map_or("", |stage| stage.name.as_str());
    let [p50, p99] = last
        .response_ns
        .map_or(["-".to_owned(), "-".to_owned()], |two| two.map(|ns| Nanos(ns).to_string()));
    let memory = tally.figure(Figure::RssBytes).map_or("-".to_owned(), |b| Bytes(b).to_string());
    let done_s = tally.next_second();
    let left_s = (plan.granted().0 / 1_000_000_000).saturating_sub(done_s);
    let line = format!(
        "{}/{stage} {done_s} s: offered {}, answered {}, p50 {p50}, p99 {p99}, {} in flight, \
         {} agents, {memory}, {left_s} s left",
        plan.name,
        per_second(last.counts.offered),
        per_second(last.counts.ok),
        last.in_flight,
        plan.agents,
    );
    Some(sanitise(&line, REASON_MAX))
}
