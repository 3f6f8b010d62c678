//! One launch: a fresh worker process, from its start to its end.

use super::child::{Received, Worker, died, now, timed_out};
use crate::job::launch::{Event, Launch, WORKER_ARGUMENT};
use crate::job::{CountedPhase, Job};
use crate::workload::instructions;
use caxton_model::case::{CaseKey, Outcome};
use caxton_profiler::counting;
use caxton_sys::{affinity, process};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[derive(Debug)]
pub struct Launched {
    /// What the worker told, up to its end. Complete only if `outcome` is `Ran`.
    pub events: Vec<Event>,
    /// How it ended; none when the user stopped the run.
    pub outcome: Option<Outcome>,
}

/// What becomes of an event, and of its worker.
#[derive(Debug)]
pub enum Control {
    Keep(Event),
    /// The event is done with.
    Done,
    Enough,
}

/// Runs `order` in a fresh worker, for at most `time`; each event goes through `on_event`.
pub fn launch(
    order: &Launch,
    time: Duration,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(Event) -> Control,
) -> io::Result<Launched> {
    let mut worker = match &order.job {
        Job::Instructions(job) if order.job.is_counted() => {
            let out = order.folder.join(instructions::OUT);
            let tool = counting::command(&out, job.phase == CountedPhase::Calls);
            let own = process::executable_for_others();
            match Worker::start_under(&tool, &own, WORKER_ARGUMENT, None) {
                Ok(worker) => worker,
                Err(error) => {
                    let why = format!("valgrind cannot be started: {error}");
                    return Ok(Launched {
                        events: Vec::new(),
                        outcome: Some(Outcome::Failed(why)),
                    });
                }
            }
        }
        // Not by its path: the file may have been rebuilt since this run began.
        _ => Worker::start(Path::new(process::THIS_EXECUTABLE), WORKER_ARGUMENT, None, None)?,
    };
    worker.say(order)?;
    worker.close();
    let start = now();
    let mut events = Vec::new();
    let end = loop {
        match worker.receive(start, time, stop) {
            Received::Value(event) => match on_event(event) {
                Control::Keep(event) => events.push(event),
                Control::Done => {}
                Control::Enough => break Received::Stopped,
            },
            end => break end,
        }
    };
    // A worker whose last word is said, or whose time is over, has nothing more to do.
    let is_done = matches!(events.last(), Some(Event::End(_)));
    let ended = worker.end(is_done || !matches!(end, Received::Ended))?;
    let outcome = match (end, events.last()) {
        (Received::Stopped, _) => None,
        (Received::Silent, _) => Some(timed_out(time)),
        (_, Some(Event::End(outcome))) => Some(outcome.clone()),
        _ => Some(died(events.contains(&Event::Working), &ended)),
    };
    Ok(Launched { events, outcome })
}

/// A launch's choices rest on the run's seed, its case and its number alone: how many launches came
/// before it is the machine's doing.
pub(super) fn launch_rng(seed: u64, case: &CaseKey, number: u32) -> fastrand::Rng {
    let mut hasher = DefaultHasher::new();
    (seed, case.to_string(), number).hash(&mut hasher);
    fastrand::Rng::with_seed(hasher.finish())
}

/// A CPU to stay on, by chance; none where no process can be bound to one.
pub(super) fn some_core(rng: &mut fastrand::Rng) -> Option<usize> {
    let cores = affinity::cores_to_bind().unwrap_or_default();
    (!cores.is_empty()).then(|| cores[rng.usize(..cores.len())])
}
