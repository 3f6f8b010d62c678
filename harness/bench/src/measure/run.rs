//! Walks through a plan: task by task, launch by launch, and keeps the record.
//!
//! After each task its samples and the record are on disk. A case that fails costs itself; the
//! user's wish to stop ends the run between two events, with what was measured kept.

use super::check::check;
use super::enough::{self, AfterLaunch, Reached, Waiting, Wish};
use super::keep::{self, Scratch, keep};
use super::launch::{Control, launch, launch_rng, some_core};
use super::pictures;
use super::settings::{CountWish, LOOK_TAKES, Settings};
use crate::guest::files::{AgentFiles, BuiltFiles};
use crate::job::cost::Cost;
use crate::job::launch::{Event, Launch, PROTOCOL, Sampling};
use crate::job::scale::Scale;
use crate::job::task::{Pass, Task};
use crate::job::{Instructions, Job};
use crate::timing::calibrate;
use crate::workload::instructions::SLOWER;
use caxton_analysis::load::tally as load;
use caxton_analysis::quiet::Best;
use caxton_analysis::reduce;
use caxton_analysis::reduce::Levels;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::load::outcome::LoadOutcome;
use caxton_model::profile::Profile;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::store::{RunFolder, StoreError};
use caxton_model::record::{Budget, CaseRecord, Profiles, Record, Status};
use caxton_model::samples::Sample;
use caxton_model::units::Nanos;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::{clock, memory};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What is told while a run goes on.
pub trait Observer {
    /// A task begins: number from 1, of how many, what, and its launches (of a load none).
    fn task(&self, _number: usize, _of: usize, _name: &str, _passes: &[Pass]) {}
    /// The task takes these launches more.
    fn more_launches(&self, _: Pass) {}
    /// What it takes them for.
    fn waiting(&self, _: Waiting) {}
    /// A launch has ended that was expected to take so long.
    fn launch_done(&self, _each: Nanos) {}
    /// A load begins: how long it was to take, and how much of that is left.
    fn load(&self, _planned: Nanos, _left: Nanos) {}
    /// A case has its figures, before its task is done.
    fn case_done(&self, _: &CaseRecord) {}
    fn task_done(&self, _name: &str, _outcome: &Outcome) {}
    /// A second of a load is over.
    fn load_second(&self, _: &load::LoadTally) {}
    /// A load is over.
    fn load_done(&self, _: &LoadOutcome) {}
}

/// Why a run ended early: the machine, not an agent.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The run folder cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("no worker process can be started: {0}")]
    Worker(#[from] std::io::Error),
}

pub struct Run<'a> {
    /// The record so far.
    pub record: Record,
    /// Where it is kept; nowhere in smoke mode.
    pub folder: Option<RunFolder>,
    pub settings: Settings,
    pub stop: &'a AtomicBool,
    /// Is told how it goes.
    pub observer: &'a dyn Observer,
    /// The quietest moment that is known of this machine.
    pub best: Best,
    samples: Vec<Sample>,
    costs: Vec<Cost>,
    started: Nanos,
    pub(super) scratch: Scratch,
}

/// How long the profile beside a call's parts looks: some 2,000 samples.
const LOOK_NS: u64 = 2_000_000_000;

/// What the launches of one task came to.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) done: u32,
    /// Whether the launches are all that the user's precision, or his budget, allows.
    is_all: bool,
    pub(super) outcome: Option<Outcome>,
    pub(super) events: Vec<Event>,
}

impl Tally {
    /// The launches that ran, of those that were `planned` or that a precision took.
    fn launches(&self, planned: u32) -> Budget {
        Budget { wanted: if self.is_all { self.done } else { planned }, granted: self.done }
    }
}

impl<'a> Run<'a> {
    /// A run that has not begun.
    pub fn new(
        record: Record,
        folder: Option<RunFolder>,
        settings: Settings,
        stop: &'a AtomicBool,
        observer: &'a dyn Observer,
    ) -> Self {
        let (samples, costs, best) = (Vec::new(), Vec::new(), Best::default());
        let (started, scratch) = (Monotonic.now(), Scratch::default());
        Self { record, folder, settings, stop, observer, samples, costs, best, started, scratch }
    }

    /// Runs all tasks. `files` holds each agent's files, or why there are none.
    ///
    /// # Errors
    /// [`RunError`]; what was finished before is on disk.
    pub fn all(&mut self, tasks: &[Task], files: &BuiltFiles) -> Result<(), RunError> {
        for task in tasks {
            let wanted = self.settings.launches(task);
            let is_new = |key: &&CaseKey| self.record.cases.iter().all(|case| case.key != **key);
            let new: Vec<CaseKey> = task.cases().iter().filter(is_new).cloned().collect();
            if let Job::Load(job) = &task.job {
                self.keep_load(&task.cases[0], job)?;
            }
            for key in new {
                self.record.cases.push(CaseRecord {
                    key,
                    outcome: Outcome::NotRun("the run has not come to it".to_owned()),
                    engines: BTreeSet::new(),
                    check: check(task, files),
                    launches: Budget { wanted, granted: 0 },
                    metrics: BTreeMap::new(),
                    findings: BTreeMap::new(),
                    profiles: Profiles::default(),
                    load: None,
                    compiled: None,
                });
            }
        }
        self.write()?;
        for (i, task) in tasks.iter().enumerate() {
            if self.stopped() {
                break;
            }
            let name = task.cases()[0].to_string();
            self.observer.task(i + 1, tasks.len(), &name, &self.settings.passes(task));
            let tally = match files_of(task, files) {
                Ok(own) if let Job::Load(job) = &task.job => {
                    self.load(&task.cases[0], &own[0], job)?;
                    self.observer.task_done(&name, &self.outcome_of(task));
                    continue;
                }
                Ok(own) => self.task(task, &own)?,
                Err(outcome) => Tally { outcome: Some(outcome), ..Tally::default() },
            };
            self.settle(task, tally)?;
            for case in self.record.cases.iter().filter(|case| task.cases().contains(&case.key)) {
                self.observer.case_done(case);
            }
            self.observer.task_done(&name, &self.outcome_of(task));
        }
        self.record.run.status =
            if self.stopped() { Status::Interrupted } else { Status::Finished };
        // Once more over all of it: what is quiet is known only now.
        reduce::resummarise(&mut self.record, &self.samples);
        self.write()?;
        Ok(())
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn outcome_of(&self, task: &Task) -> Outcome {
        let cases = task.cases();
        let record = self.record.cases.iter().find(|case| cases.contains(&case.key));
        record.map_or(Outcome::Ran, |case| case.outcome.clone())
    }

    /// All launches of one task, the fuel pass last.
    fn task(&mut self, task: &Task, files: &[AgentFiles]) -> Result<Tally, RunError> {
        let mut tally = Tally::default();
        if let Job::Instructions(job) = &task.job {
            self.instructions(&task.cases[0], &files[0], job, &mut tally)?;
            return Ok(tally);
        }
        let each = self.settings.expected(&task.job);
        let started = Monotonic.now();
        for number in 0.. {
            match self.next(task, &mut tally, started) {
                AfterLaunch::Enough | AfterLaunch::Spent(_) => break,
                AfterLaunch::Launch => {}
                AfterLaunch::More(waiting) => self.observer.waiting(waiting),
            }
            if number >= self.settings.launches(task) {
                self.observer.more_launches(Pass { launches: 1, each });
            }
            let Some(job) = self.job(task) else { break };
            let task = Task { job, ..task.clone() };
            let mut order = self.order(task, files.to_vec(), number);
            if order.job == Job::Heap {
                order.folder = self.scratch.fresh()?;
            }
            if !self.one_launch(&order, &mut tally)? {
                return Ok(tally);
            }
            tally.done += 1;
            self.observer.launch_done(each);
        }
        if task.job == Job::Overhead
            && let Some(overhead) = task.cases.iter().find(|case| case.is_overhead())
            && self.settings.spin.is_none()
        {
            self.fuel(overhead, &files[0], &mut tally)?;
            if self.settings.scale != Scale::Smoke {
                self.compiling(overhead, &files[0], &mut tally)?;
            }
        }
        let is_counted =
            self.settings.instructions != CountWish::No && self.settings.spin.is_none();
        let pair = match &task.job {
            Job::Sides(pair) => Some(pair.clone()),
            _ => None,
        };
        let case = task.cases.iter().find(|case| match task.job {
            Job::Overhead => case.is_overhead(),
            Job::Sides(_) => !case.is_same_against_same(),
            _ => false,
        });
        if let Some(case) = case.filter(|_| is_counted) {
            self.instructions(case, &files[0], &Instructions::of(pair, false), &mut tally)?;
        }
        if task.job == Job::Parts && self.settings.scale != Scale::Smoke {
            self.look(&task.cases[0], &files[0], &mut tally)?;
        }
        Ok(tally)
    }

    /// A short profile of the WASM side in a process of its own: how much of a call is the agent's
    /// own code by another method. What it cannot tell costs nothing else.
    fn look(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        let mut order = self.order(Task::new(case.clone(), Job::Profile), vec![files.clone()], 0);
        order.sampling = Sampling {
            engine: None,
            time: Nanos(LOOK_NS),
            threads: 1,
            asynchronous: false,
            ..self.settings.sampling
        };
        let mut looked = Tally::default();
        self.one_launch(&order, &mut looked)?;
        self.observer.launch_done(LOOK_TAKES);
        // Only what it says of shares: its times are those of a process that was looked at.
        let is_share = |event: &Event| match event {
            Event::Sample(sample) => sample.metric.as_str().contains("_profile_"),
            _ => false,
        };
        tally.events.extend(looked.events.into_iter().filter(is_share));
        Ok(())
    }

    /// Whether `task`, which began at `started`, takes another launch. Where the user's wish was
    /// not met in its time, the record says so.
    fn next(&mut self, task: &Task, tally: &mut Tally, started: Nanos) -> AfterLaunch {
        self.best = self.best.or_better(Best::of(&enough::probes(&tally.events)));
        let now = Monotonic.now();
        let since = |then: Nanos| Duration::from_nanos(now.0 - then.0);
        let Settings { scale, wish, .. } = self.settings;
        let reached = Reached {
            scale,
            // What only calls for an outside profiler is done once.
            wish: if self.settings.spin.is_some() { Wish::default() } else { wish },
            done: tally.done,
            planned: self.settings.launches(task),
            of_task: since(started),
            of_run: since(self.started),
        };
        let next = reached.next(&tally.events, self.best);
        let is_over = matches!(next, AfterLaunch::Enough | AfterLaunch::Spent(_));
        tally.is_all = is_over && wish.precision.is_some();
        if let AfterLaunch::Spent(waiting) = next
            && wish != Wish::default()
        {
            let seconds = reached.of_task.as_secs();
            let name = &task.cases[0];
            let warning =
                format!("{name}: after {} launches in {seconds} s: {waiting}", tally.done);
            self.record.warnings.push(warning);
        }
        next
    }

    fn fuel(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        let task = Task::new(case.clone(), Job::Fuel);
        let launches = task.launches(self.settings.scale);
        if launches == 0 {
            let why = "fuel is counted at --scale quick and full".to_owned();
            tally.events.push(no_fuel(case, Missing::NotRequested(why)));
        }
        for number in 0..launches {
            let order = self.order(task.clone(), vec![files.clone()], number);
            let mut fuel = Tally::default();
            let told = self.one_launch(&order, &mut fuel)?;
            self.observer.launch_done(self.settings.expected(&Job::Fuel));
            tally.events.append(&mut fuel.events);
            if !told {
                let why = fuel.outcome.as_ref().and_then(Outcome::reason).unwrap_or("interrupted");
                tally.events.push(no_fuel(case, Missing::Failed(why.to_owned())));
                break;
            }
        }
        Ok(())
    }

    /// What a launch of `task` does; none if there is nothing to call for an outside profiler.
    fn job(&self, task: &Task) -> Option<Job> {
        match (&task.job, self.settings.spin) {
            (Job::Overhead, Some(time)) => {
                Some(Job::Spin { time, perf_map: self.settings.perf_map })
            }
            (job, Some(_)) if !job.is_profile() => None,
            (job, _) => Some(job.clone()),
        }
    }

    /// What launch `number` of `task` is told.
    pub(super) fn order(&self, task: Task, files: Vec<AgentFiles>, number: u32) -> Launch {
        // What is profiled may have threads: it stays on no core.
        let is_bound = !task.job.is_profile();
        let mut rng = launch_rng(self.settings.seed, &task.cases[0], number);
        Launch {
            protocol: PROTOCOL,
            launch: number,
            seed: rng.u64(..),
            core: is_bound.then(|| some_core(&mut rng)).flatten(),
            effort: self.settings.scale.effort(),
            sampling: self.settings.sampling,
            files,
            folder: PathBuf::new(),
            code: self.settings.code.clone(),
            cases: task.cases,
            job: task.job,
        }
    }

    /// True if the launch ran to its end; its events are in `tally` then.
    pub(super) fn one_launch(
        &mut self,
        order: &Launch,
        tally: &mut Tally,
    ) -> Result<bool, RunError> {
        // Two sides; a profile has windows without the sampler too, and names to find.
        let extra_ns = match order.job {
            Job::Spin { time, .. } => time.0 * 2,
            ref job if job.is_profile() => order.sampling.time.0 * 4,
            _ => 0,
        };
        let times = if order.job.is_counted() { SLOWER } else { 1 };
        let time = self.settings.timeout * times + Duration::from_nanos(extra_ns);
        let launched = launch(order, time, self.stop, &mut Control::Keep)?;
        match launched.outcome {
            Some(Outcome::Ran) => {
                tally.events.extend(launched.events);
                Ok(true)
            }
            other => {
                tally.outcome = other;
                Ok(false)
            }
        }
    }

    /// Puts what a task's launches told into its cases, and on disk.
    fn settle(&mut self, task: &Task, mut tally: Tally) -> Result<(), RunError> {
        let mut samples = Vec::new();
        let mut missing = Vec::new();
        let mut profiles = Vec::new();
        let mut engines = BTreeSet::new();
        let keys = task.cases();
        for event in std::mem::take(&mut tally.events) {
            match event {
                Event::Sample(sample) => samples.push(sample),
                Event::Cost(cost) => self.costs.push(cost),
                Event::Missing { case, metric, why } => missing.push((case, metric, why)),
                Event::Finding { case, name, text } => {
                    let record = self.record.cases.iter_mut().find(|record| record.key == case);
                    if let Some(record) = record {
                        let told = record.findings.entry(name).or_insert_with(|| text.clone());
                        if *told != text {
                            *told = format!("{told}; in another launch: {text}");
                        }
                    }
                }
                Event::Engines(used) => engines.extend(used),
                Event::Compiled { case, compiled } => {
                    let record = self.record.cases.iter_mut().find(|record| record.key == case);
                    if let Some(record) = record {
                        record.compiled = Some(compiled);
                    }
                }
                Event::Profile { case, profile } => profiles.push((case, *profile)),
                Event::Keep { case, what } => {
                    if let Some(folder) = self.folder.as_ref().filter(|_| tally.outcome.is_none()) {
                        let written = keep(folder.path(), &case, &what)?;
                        let record = self.record.cases.iter_mut().find(|c| c.key == case);
                        if let Some(record) = record {
                            record.profiles.folder = keep::folder(&case);
                            record.profiles.files.extend(written);
                        }
                    }
                }
                Event::Working | Event::Code { .. } | Event::End(_) | Event::Load { .. } => {}
            }
        }
        if let Some(folder) = &mut self.folder {
            folder.append(&samples)?;
        }
        self.keep_profiles(&profiles)?;
        self.best = self.best.or_better(Best::of(&samples));
        self.record.calibration = calibrate::medians(&self.costs, self.best);
        let levels = Levels::of_record(&self.record);
        for case in self.record.cases.iter_mut().filter(|case| keys.contains(&case.key)) {
            let own: Vec<Sample> = samples.iter().filter(|s| s.case == case.key).cloned().collect();
            // An agent that failed has no numbers, whatever it did before.
            let failed = tally.outcome.is_some();
            case.metrics = if failed { BTreeMap::new() } else { reduce::reduce(&own, &levels) };
            for (_, metric, why) in missing.iter().filter(|(key, ..)| *key == case.key) {
                case.metrics.entry(*metric).or_insert_with(|| Reading::Missing(why.clone()));
            }
            reduce::inherit_missing(&mut case.metrics);
            case.launches = tally.launches(case.launches.wanted);
            case.engines.clone_from(&engines);
            case.outcome = match &tally.outcome {
                Some(outcome) => outcome.clone(),
                None if tally.done > 0 => Outcome::Ran,
                None => Outcome::NotRun("stopped before its first launch ended".to_owned()),
            };
        }
        self.samples.append(&mut samples);
        self.write()
    }

    /// Writes what profiles come to beside the record, and says in it where.
    fn keep_profiles(&mut self, profiles: &[(CaseKey, Profile)]) -> Result<(), RunError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for case in &mut self.record.cases {
            let own = profiles.iter().filter(|(key, _)| *key == case.key);
            let own: Vec<&Profile> = own.map(|(_, profile)| profile).collect();
            if !own.is_empty() {
                case.profiles =
                    pictures::keep(folder.path(), case, &own, self.settings.full_stacks)?;
            }
        }
        Ok(())
    }

    pub(super) fn write(&mut self) -> Result<(), RunError> {
        self.record.run.updated_utc = clock::utc();
        self.record.host.load_at_end = memory::load_average().into();
        if let Some(folder) = &self.folder {
            folder.write(&self.record)?;
        }
        Ok(())
    }
}

/// The files that `task` needs, its own agent's first; or why it cannot be.
fn files_of(task: &Task, files: &BuiltFiles) -> Result<Vec<AgentFiles>, Outcome> {
    let found = task.needs().map(|name| match files.get(name) {
        Some(found) => found.clone(),
        None => {
            let why = format!("it is measured beside agent {name}: agents-wasm/ has none such");
            Err(Outcome::Refused(why))
        }
    });
    found.collect()
}

fn no_fuel(case: &CaseKey, why: Missing) -> Event {
    let metric = caxton_model::metric::MetricName::parse("wasm_fuel").expect("in the table");
    Event::Missing { case: case.clone(), metric, why }
}
