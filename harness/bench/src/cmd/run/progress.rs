//! Progress: a bar with the time left on a terminal, a plain line per task elsewhere.

use super::super::output::{has_escapes, note, print, shown};
use super::meter::{Ahead, Meter};
use super::session::is_ci;
use crate::job::task::Pass;
use crate::measure::enough::Waiting;
use crate::measure::run::Observer;
use caxton_analysis::load::tally::LoadTally;
use caxton_model::case::Outcome;
use caxton_model::load::frame::MachineFigure;
use caxton_model::load::outcome::LoadOutcome;
use caxton_model::record::CaseRecord;
use caxton_model::sanitise::sanitise;
use caxton_model::units::{Bytes, Nanos, Unit};
use caxton_report::answer::case_line;
use caxton_sys::clock::{Clock, Monotonic};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Characters of a reason that are shown: it may be a guest's own words.
const REASON_MAX: usize = 600;

const SECOND_NS: u64 = 1_000_000_000;
/// Seconds between two lines about a load, where there is no terminal.
const LOAD_LINE_S: u64 = 10;

/// How often the time is told anew.
const TICK: Duration = Duration::from_secs(1);
/// Characters of the bar.
const BAR: u64 = 20;

/// Tells a user how a run goes.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    meter: Arc<Mutex<Meter>>,
    /// Whether the task was said to wait: once is enough where there is no bar.
    has_waited: AtomicBool,
}

impl Progress {
    /// Progress over all that lies ahead.
    pub(super) fn new(ahead: Ahead) -> Self {
        let meter = Arc::new(Mutex::new(Meter::new(ahead, Monotonic.now())));
        let is_terminal = std::io::stderr().is_terminal();
        let is_watched = is_terminal && has_escapes(is_terminal) && !is_ci();
        let is_watched = is_watched && shown().has_progress;
        let bar = is_watched.then(ProgressBar::new_spinner);
        if let Some(bar) = &bar {
            let shown = Arc::clone(&meter);
            let tell = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                let meter = shown.lock().unwrap_or_else(PoisonError::into_inner);
                // A terminal that takes no more is not told.
                let _ = out.write_str(&drawn(&meter, Monotonic.now()));
            };
            let style = ProgressStyle::with_template("{meter}  {prefix}{wide_msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style.with_key("meter", tell));
            bar.enable_steady_tick(TICK);
        }
        Self { bar, meter, has_waited: AtomicBool::new(false) }
    }

    fn count(&self, change: impl FnOnce(&mut Meter, Nanos)) {
        let mut meter = self.meter.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut meter, Monotonic.now());
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if shown().has_progress => note(line),
            None => {}
        }
    }

    /// A result, beside the bar.
    fn result(&self, line: &str) {
        let line = format!("{line}\n");
        match &self.bar {
            Some(bar) => bar.suspend(|| print(line)),
            None => print(line),
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn drawn(meter: &Meter, now: Nanos) -> String {
    let words = meter.words(now);
    let Some(estimate) = meter.estimate(now) else { return words };
    let full = estimate.percent * BAR / 100;
    let bar = (0..BAR).map(|at| if at < full { '█' } else { '░' });
    format!("{} {words}", bar.collect::<String>())
}

/// Tells nobody.
#[derive(Debug)]
pub(super) struct Silent;

impl Observer for Silent {}

impl Observer for Progress {
    fn task(&self, number: usize, of: usize, name: &str, passes: &[Pass]) {
        self.count(|meter, now| meter.task(passes, now));
        self.has_waited.store(false, Ordering::Relaxed);
        let launches = passes.first().map_or(0, |pass| pass.launches);
        match &self.bar {
            Some(bar) => {
                bar.set_prefix(format!("[{number}/{of}] {name}"));
                bar.set_message("");
            }
            None => self.say(&match launches {
                0 => format!("[{number}/{of}] {name}"),
                1 => format!("[{number}/{of}] {name} (1 launch)"),
                launches => format!("[{number}/{of}] {name} ({launches} launches)"),
            }),
        }
    }

    fn more_launches(&self, pass: Pass) {
        self.count(|meter, _| meter.more_launches(pass));
    }

    fn waiting(&self, waiting: Waiting) {
        match &self.bar {
            Some(bar) => bar.set_message(format!(": {waiting}")),
            None if !self.has_waited.swap(true, Ordering::Relaxed) => {
                self.say(&format!("  {waiting}"));
            }
            None => {}
        }
    }

    fn launch_done(&self, each: Nanos) {
        self.count(|meter, now| meter.launch_done(each, now));
    }

    fn load(&self, planned: Nanos, left: Nanos) {
        self.count(|meter, now| meter.load(planned, left, now));
    }

    fn load_second(&self, tally: &LoadTally) {
        let Some(line) = live(tally) else { return };
        match &self.bar {
            Some(bar) => {
                bar.set_prefix("");
                bar.set_message(line);
            }
            None if tally.next_second().is_multiple_of(LOAD_LINE_S) => {
                let left = tally.plan().granted().0.saturating_sub(tally.next_second() * SECOND_NS);
                self.say(&format!("  {line}, {} left", Nanos(left)));
            }
            None => {}
        }
    }

    fn load_done(&self, load: &LoadOutcome) {
        self.say(&sanitise(&format!("  {}: {}", load.plan.name, load.told()), REASON_MAX));
    }

    fn case_done(&self, case: &CaseRecord) {
        // Why one failed is said with its task.
        if shown().has_lines
            && let Some(line) = case_line(case)
        {
            self.result(&line);
        }
    }

    fn task_done(&self, name: &str, outcome: &Outcome) {
        let Some(reason) = outcome.reason() else { return };
        let reason = sanitise(reason, REASON_MAX);
        self.say(&format!("  {name}: {}: {reason}", outcome.name()));
    }
}

/// A load in a line: its last second, and memory.
fn live(tally: &LoadTally) -> Option<String> {
    let (last, plan) = (tally.last()?, tally.plan());
    let per_second = |count: u64| Unit::PerSecond.show(count as f64 / last.length_s.max(1e-9));
    let stage = plan.stages.get(last.stage as usize).map_or("", |stage| stage.name.as_str());
    let [p50, p99] = last
        .response_ns
        .map_or(["-".to_owned(), "-".to_owned()], |two| two.map(|ns| Nanos(ns).to_string()));
    let memory =
        tally.figure(MachineFigure::RssBytes).map_or("-".to_owned(), |b| Bytes(b).to_string());
    let done_s = tally.next_second();
    let line = format!(
        "{}/{stage} {done_s} s: offered {}, answered {}, p50 {p50}, p99 {p99}, {} in flight, \
         {} agents, {memory}",
        plan.name,
        per_second(last.counts.offered),
        per_second(last.counts.ok),
        last.in_flight,
        plan.agents,
    );
    Some(sanitise(&line, REASON_MAX))
}
