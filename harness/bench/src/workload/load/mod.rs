//! A load: messages on a schedule, second by second.
//!
//! `generator.rs` offers them and keeps the clocks, on a thread of its own, or on several that
//! share the schedule (`joined.rs`); this one tells what they saw, and reads memory beside it.
//! `agents.rs`, `program.rs` and `target.rs` are what takes the messages. What a load comes to is
//! no matter of a worker: the seconds are told, and the run adds them up.

pub mod agents;
pub mod cores;
pub mod generator;
mod joined;
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
use self::joined::{Joined, SeenBy};
use self::looks::Linear;
use self::pace::{Pace, RealTime};
use self::program::Program;
use self::scrape::Scraper;
use self::target::{Nobody, Target};
use crate::job::launch::Event;
use crate::job::load::{GENERATORS_MAX, LoadJob, LoadTarget};
use crate::timing::context::Context;
use caxton_model::case::Outcome;
use caxton_model::load::frame::{LoadLine, MachineLook, Segment};
use caxton_model::load::plan::Pacing;
use caxton_model::load::quiescence::Ledger;
use caxton_model::load::schedule::Schedule;
use caxton_runtime::subject::Attempt;
use caxton_sys::{affinity, clock};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

/// Looks that a trend wants, and how far they are apart at the least and at the most.
const LOOKS: u64 = 240;
const LOOK_NS_MIN: u64 = 50_000_000;
const LOOK_NS_MAX: u64 = 1_000_000_000;

/// Messages per second that one generator offers on time on any machine of today.
const PER_GENERATOR: f64 = 500_000.0;

/// One load, or the rest of one.
///
/// # Errors
/// What became of it; `WrongAnswer` if the target's own count is another one.
pub fn run(ctx: &mut Context<'_>, job: &LoadJob) -> Attempt<()> {
    let (agent, linear) = (ctx.agent, Arc::new(Linear::default()));
    let cores = Cores::of(ctx.core);
    let generators = job.generators.unwrap_or_else(|| usual(job, cores.at_once));
    let cores = cores.with_generators(generators);
    let at_once = cores.for_target;
    let restarts = job.restarts.unwrap_or(agents::RESTARTS);
    let faults = FaultInjection {
        deadly: job.target == LoadTarget::Churn,
        planted_bytes: job.planted_bytes,
        kills_from_ns: job.from_second * 1_000_000_000,
        restarts,
    };
    let start = || {
        let started = Agents::start(agent, &job.plan, faults, Arc::clone(&linear), at_once);
        started.map(|agents| vec![agents])
    };
    let mut load = Load { ctx, job, linear: &linear, cores };
    match &job.target {
        LoadTarget::Agents | LoadTarget::Churn => load.run(&start),
        LoadTarget::Nobody => {
            load.run(&|| Ok((0..generators).map(|_| Nobody::default()).collect()))
        }
        LoadTarget::Program(words) => load.run(&|| Program::start(words, generators)),
    }
}

/// As many generators as the highest rate of the plan takes, where they leave half of the cores.
fn usual(job: &LoadJob, at_once: u32) -> u32 {
    if !job.may_share() {
        return 1;
    }
    let rates = job.plan.stages.iter().filter_map(|stage| stage.rate.peak());
    let wanted = (rates.fold(0.0, f64::max) / PER_GENERATOR).ceil() as u32;
    wanted.clamp(1, (at_once / 2).clamp(1, GENERATORS_MAX))
}

struct Load<'a, 'c> {
    ctx: &'a mut Context<'c>,
    job: &'a LoadJob,
    linear: &'a Linear,
    cores: Cores,
}

impl Load<'_, '_> {
    /// Runs it on what `start` gives: the target as each generator has it.
    fn run<T: Target + Send>(&mut self, start: &dyn Fn() -> Attempt<Vec<T>>) -> Attempt<()> {
        // Warm-up start and stop, so that one-time allocations are not counted as leaks.
        let warm = self.cores.without(start)?;
        self.job.scrape.as_deref().inspect(|url| scrape::warm_up(url));
        drop(warm);
        let before = looks::count();
        let targets = self.cores.without(start)?;
        self.ctx.working();
        self.tell(LoadLine::Segment(Segment {
            number: self.job.segment,
            started_utc: clock::utc(),
            started_unix_ms: clock::unix_ms(),
            from_second: self.job.from_second,
            target: targets.first().map_or_else(String::new, Target::words),
            generators: targets.len() as u32,
            shared_core: self.cores.shared.clone(),
        }));
        let scraper = self.scraper();
        let generated = self.generate(targets);
        if let Some(scraper) = scraper {
            self.tell(LoadLine::Scraped(scraper.end()));
        }
        let (mut targets, sent) = generated?;
        if let Some(crashes) = targets.iter_mut().find_map(Target::crashes) {
            self.tell(LoadLine::Crashes(crashes));
        }
        // Where there are several, none of them knows what the others were sent.
        if let [target] = &mut targets[..] {
            target.add_up(sent)?;
        }
        drop(targets);
        let rows = looks::rows(&before, &looks::count(), 0);
        self.tell(LoadLine::Ended(Ledger { rows, messages: sent }));
        Ok(())
    }

    /// Who asks the target what it says of itself, if anybody is to.
    fn scraper(&self) -> Option<Scraper> {
        self.job.scrape.as_deref().map(Scraper::start)
    }

    /// Has the messages generated, by a thread for each of `targets`, and tells each second; the
    /// targets, and how many messages they took.
    fn generate<T: Target + Send>(&mut self, targets: Vec<T>) -> Attempt<(Vec<T>, u64)> {
        let stop = AtomicBool::new(false);
        let (from_second, for_ns) = (self.job.from_second, self.job.for_ns);
        let bounds = Bounds { from_second, for_ns, stop: &stop };
        let (of, plan) = (targets.len(), self.job.plan.shared_by(targets.len() as u64));
        let pace = RealTime { shares_core: self.cores.shared.is_some() };
        let (tell, seen) = mpsc::channel::<SeenBy>();
        let failure = OnceLock::new();
        let (ended, sent) = thread::scope(|scope| {
            let ready = targets.into_iter().enumerate().map(|(number, target)| {
                let schedule = Schedule::new(&plan).share(number as u32, of as u32);
                let mut generator = Generator::new(&plan, bounds, schedule, target, &pace);
                generator.pass_over();
                generator
            });
            let ready: Vec<_> = ready.collect();
            let now_ns = pace.now_ns();
            let mut threads = Vec::new();
            for (number, generator) in ready.into_iter().enumerate() {
                // One begins when it runs; several at one instant.
                let generator = if of == 1 { generator } else { generator.beginning(now_ns) };
                let core = self.cores.of_generator(number);
                let (tell, failure, stop) = (tell.clone(), &failure, &stop);
                let named = thread::Builder::new().name("generator".to_owned());
                let spawned = named.spawn_scoped(scope, move || {
                    // It may also run elsewhere, and be seen to be late.
                    let _ = core.map(affinity::pin_to);
                    // Nobody hears only if this process is ending.
                    let hear = |second| drop(tell.send(SeenBy { generator: number, second }));
                    let ended = generator.run(&mut |second| hear(Some(second)));
                    hear(None);
                    ended.inspect_err(|why| {
                        // The first one that fails says why; the others need not go on.
                        let _ = failure.set(why.clone());
                        stop.store(true, Ordering::Relaxed);
                    })
                });
                threads
                    .push(spawned.map_err(|error| Outcome::Failed(format!("no thread: {error}"))));
            }
            drop(tell);
            if threads.iter().any(Result::is_err) {
                stop.store(true, Ordering::Relaxed);
            }
            let sent = self.watch(&seen, of);
            let ended = threads.into_iter().map(|thread| {
                let panicked = |_| Outcome::Failed("the generator panicked".to_owned());
                thread?.join().map_err(panicked)?
            });
            (ended.collect::<Attempt<Vec<T>>>(), sent)
        });
        match failure.into_inner() {
            Some(why) => Err(why),
            None => ended.map(|targets| (targets, sent)),
        }
    }

    /// Tells the frames as they come, with what is read meanwhile; how many messages were sent.
    fn watch(&mut self, seen: &Receiver<SeenBy>, generators: usize) -> u64 {
        let planned_ns = match (self.job.for_ns, self.job.plan.pacing) {
            (Some(for_ns), _) => for_ns,
            (None, Pacing::Open) => self.job.plan.granted().0,
            // As fast as it goes: nobody knows how soon it is over.
            (None, Pacing::Closed { .. }) => 0,
        };
        let step_ns = (planned_ns / LOOKS).clamp(LOOK_NS_MIN, LOOK_NS_MAX);
        let (start_ns, from_ns) = (self.ctx.clock.now().0, self.job.from_second * 1_000_000_000);
        let (mut sent, mut taken, mut looks) = (0, 0, Vec::<MachineLook>::new());
        let mut joined = Joined::of(generators);
        loop {
            let since_ns = self.ctx.clock.now().0 - start_ns;
            let left_ns = (taken * step_ns).saturating_sub(since_ns);
            match seen.recv_timeout(Duration::from_nanos(left_ns)) {
                Ok(by) => {
                    joined.add(by);
                    while let Some(mut second) = joined.take() {
                        sent += second.counts().sent;
                        second.looks = std::mem::take(&mut looks);
                        self.tell(LoadLine::Second(Box::new(second)));
                    }
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
