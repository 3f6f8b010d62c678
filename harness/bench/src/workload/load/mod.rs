//! A load: messages on a schedule, second by second.
//!
//! `generator.rs` offers them and keeps the clocks, on a thread of its own; this one tells what it
//! saw, and reads memory beside it. `agents.rs`, `program.rs` and `target.rs` are what takes the
//! messages. What a load comes to is no matter of a worker: the seconds are told, and the run adds
//! them up.

pub mod agents;
pub mod cores;
pub mod generator;
pub mod looks;
pub mod monitored;
pub mod pace;
pub mod program;
#[cfg(test)]
pub mod queue;
mod scrape;
pub mod target;

use self::agents::{Agents, FaultInjection};
use self::cores::Cores;
use self::generator::{Bounds, Generator};
use self::looks::Linear;
use self::pace::RealTime;
use self::program::Program;
use self::scrape::Scraper;
use self::target::{Nobody, Target};
use crate::job::launch::Event;
use crate::job::load::{LoadJob, LoadTarget};
use crate::timing::context::Context;
use caxton_model::case::Outcome;
use caxton_model::load::frame::{LoadLine, LoadSecond, MachineLook, Segment};
use caxton_model::load::plan::Pacing;
use caxton_model::load::quiescence::Ledger;
use caxton_model::load::schedule::Schedule;
use caxton_runtime::subject::Attempt;
use caxton_sys::{affinity, clock};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Looks that a trend wants, and how far they are apart at the least and at the most.
const LOOKS: u64 = 240;
const LOOK_NS_MIN: u64 = 50_000_000;
const LOOK_NS_MAX: u64 = 1_000_000_000;

/// One load, or the rest of one.
///
/// # Errors
/// What became of it; `WrongAnswer` if the target's own count is another one.
pub fn run(ctx: &mut Context<'_>, job: &LoadJob) -> Attempt<()> {
    let (agent, linear) = (ctx.agent, Arc::new(Linear::default()));
    let cores = Cores::of(ctx.core);
    let at_once = cores.for_target;
    let restarts = job.restarts.unwrap_or(agents::RESTARTS);
    let faults = FaultInjection {
        deadly: job.target == LoadTarget::Churn,
        planted_bytes: job.planted_bytes,
        kills_from_ns: job.from_second * 1_000_000_000,
        restarts,
    };
    let start = || Agents::start(agent, &job.plan, faults, Arc::clone(&linear), at_once);
    let mut load = Load { ctx, job, linear: &linear, cores };
    match &job.target {
        LoadTarget::Agents | LoadTarget::Churn => load.run(&start),
        LoadTarget::Nobody => load.run(&|| Ok(Nobody::default())),
        LoadTarget::Program(words) => load.run(&|| Program::start(words)),
    }
}

struct Load<'a, 'c> {
    ctx: &'a mut Context<'c>,
    job: &'a LoadJob,
    linear: &'a Linear,
    cores: Cores,
}

impl Load<'_, '_> {
    fn run<T: Target + Send>(&mut self, start: &dyn Fn() -> Attempt<T>) -> Attempt<()> {
        // Warm-up start and stop, so that one-time allocations are not counted as leaks.
        let warm = self.cores.without(start)?;
        self.job.scrape.as_deref().inspect(|url| scrape::warm_up(url));
        drop(warm);
        let before = looks::count();
        let target = self.cores.without(start)?;
        self.ctx.working();
        self.tell(LoadLine::Segment(Segment {
            number: self.job.segment,
            started_utc: clock::utc(),
            started_unix_ms: clock::unix_ms(),
            from_second: self.job.from_second,
            target: target.words(),
            shared_core: self.cores.shared.clone(),
        }));
        let scraper = self.scraper();
        let generated = self.generate(target);
        if let Some(scraper) = scraper {
            self.tell(LoadLine::Scraped(scraper.end()));
        }
        let (mut target, sent) = generated?;
        if let Some(crashes) = target.crashes() {
            self.tell(LoadLine::Crashes(crashes));
        }
        target.add_up(sent)?;
        drop(target);
        let rows = looks::rows(&before, &looks::count(), 0);
        self.tell(LoadLine::Ended(Ledger { rows, messages: sent }));
        Ok(())
    }

    /// Who asks the target what it says of itself, if anybody is to.
    fn scraper(&self) -> Option<Scraper> {
        self.job.scrape.as_deref().map(Scraper::start)
    }

    /// Has the messages generated, and tells each second; the target, and how many it took.
    fn generate<T: Target + Send>(&mut self, target: T) -> Attempt<(T, u64)> {
        let (plan, stop) = (&self.job.plan, AtomicBool::new(false));
        let bounds =
            Bounds { from_second: self.job.from_second, for_ns: self.job.for_ns, stop: &stop };
        let schedule = Schedule::new(plan);
        let (tell, frames) = mpsc::channel::<LoadSecond>();
        let pace = RealTime { shares_core: self.cores.shared.is_some() };
        thread::scope(|scope| {
            let generator = Generator::new(plan, bounds, schedule, target, &pace);
            let named = thread::Builder::new().name("generator".to_owned());
            let core = self.cores.generator;
            let generating = named.spawn_scoped(scope, move || {
                // It may also run elsewhere, and be seen to be late.
                let _ = core.map(affinity::pin_to);
                // Nobody hears only if this process is ending.
                generator.run(&mut |frame| drop(tell.send(frame)))
            });
            let generating =
                generating.map_err(|error| Outcome::Failed(format!("no thread: {error}")))?;
            let sent = self.watch(&frames);
            let ended = generating.join();
            let ended = ended.map_err(|_| Outcome::Failed("the generator panicked".to_owned()))?;
            Ok((ended?, sent))
        })
    }

    /// Tells the frames as they come, with what is read meanwhile; how many messages were sent.
    fn watch(&mut self, frames: &Receiver<LoadSecond>) -> u64 {
        let planned_ns = match (self.job.for_ns, self.job.plan.pacing) {
            (Some(for_ns), _) => for_ns,
            (None, Pacing::Open) => self.job.plan.granted().0,
            // As fast as it goes: nobody knows how soon it is over.
            (None, Pacing::Closed { .. }) => 0,
        };
        let step_ns = (planned_ns / LOOKS).clamp(LOOK_NS_MIN, LOOK_NS_MAX);
        let (start_ns, from_ns) = (self.ctx.clock.now().0, self.job.from_second * 1_000_000_000);
        let (mut sent, mut taken, mut looks) = (0, 0, Vec::<MachineLook>::new());
        loop {
            let since_ns = self.ctx.clock.now().0 - start_ns;
            let left_ns = (taken * step_ns).saturating_sub(since_ns);
            match frames.recv_timeout(Duration::from_nanos(left_ns)) {
                Ok(mut frame) => {
                    sent += frame.counts().sent;
                    frame.looks = std::mem::take(&mut looks);
                    self.tell(LoadLine::Second(Box::new(frame)));
                }
                Err(RecvTimeoutError::Timeout) => {
                    let is_whole = taken.is_multiple_of((LOOK_NS_MAX / step_ns).max(1));
                    // Noted for when it was due; what was missed is not made up for, and is seen
                    // to be missing.
                    let slot = (since_ns / step_ns).max(taken);
                    let due_ns = from_ns + slot * step_ns;
                    taken = slot + 1;
                    looks.push(looks::look(due_ns, self.linear, is_whole));
                }
                Err(RecvTimeoutError::Disconnected) => return sent,
            }
        }
    }

    fn tell(&mut self, line: LoadLine) {
        let case = self.ctx.case.clone();
        (self.ctx.tell)(Event::Load { case, line: Box::new(line) });
    }
}
