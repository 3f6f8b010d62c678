//! How a run measures, and how long its launches are expected to take.

use super::enough::Wish;
use crate::job::launch::Sampling;
use crate::job::scale::Scale;
use crate::job::task::{FUEL_LAUNCHES, INSTRUCTION_LAUNCHES, Pass, Task};
use crate::job::{Instructions, Job};
use caxton_model::units::Nanos;
use std::path::PathBuf;
use std::time::Duration;

/// How long it takes to name what was sampled, and to draw it.
const PICTURES_TAKE: Nanos = Nanos(7_000_000_000);
/// How long the profile beside a call's parts takes in all.
pub const LOOK_TAKES: Nanos = Nanos(4_000_000_000);

/// Whether instructions are counted beside what is timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountWish {
    No,
    /// Where they can be: what cannot be counted is missing.
    IfPossible,
    /// The user asked for them: a case that cannot be counted has failed.
    Asked,
}

/// What the user wants of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    pub scale: Scale,
    pub seed: u64,
    /// Longest time for a launch.
    pub timeout: Duration,
    /// Only call, for an outside profiler: how long per side.
    pub spin: Option<Nanos>,
    pub perf_map: bool,
    /// Whether flame graphs show every frame below the agent's.
    pub full_stacks: bool,
    /// How to sample the tasks that are profiles.
    pub sampling: Sampling,
    pub instructions: CountWish,
    /// When a case was measured often enough.
    pub wish: Wish,
    /// Where compiled code is kept for launches that callgrind runs.
    pub code: PathBuf,
}

impl Settings {
    /// The same with instructions counted if that `is_asked`, and in a full run; compiled code is
    /// kept for that in the folder `code`.
    #[must_use]
    pub fn counting(self, is_asked: bool, code: PathBuf) -> Self {
        let instructions = match (is_asked, self.scale) {
            (true, _) => CountWish::Asked,
            (false, Scale::Full) => CountWish::IfPossible,
            (false, _) => CountWish::No,
        };
        Self { instructions, code, ..self }
    }

    /// Launches of `task`, those in place of disturbed ones not counted.
    pub fn launches(&self, task: &Task) -> u32 {
        if self.spin.is_some() { 1 } else { task.launches(self.scale) }
    }

    /// How long a launch that does `job` is expected to take.
    pub fn expected(&self, job: &Job) -> Nanos {
        match (self.spin, job.is_profile()) {
            (Some(time), _) => Nanos(time.0 * 2),
            // Two sides, with and without the sampler; then names and pictures.
            (None, true) => Nanos(self.sampling.time.0 * 3 + PICTURES_TAKE.0),
            (None, false) => job.expected(),
        }
    }

    /// The launches of `task` by kind, those in place of disturbed ones not counted; of a load
    /// none.
    pub fn passes(&self, task: &Task) -> Vec<Pass> {
        if matches!(task.job, Job::Load(_)) {
            return Vec::new();
        }
        let pass = |launches, job: &Job| Pass { launches, each: self.expected(job) };
        let launches = match task.job {
            // Compiling, by callgrind and without; and calls.
            Job::Instructions(_) => 3,
            _ => self.launches(task),
        };
        let mut passes = vec![pass(launches, &task.job)];
        let is_measured = self.spin.is_none() && self.scale != Scale::Smoke;
        match task.job {
            Job::Overhead if is_measured => {
                passes.push(pass(FUEL_LAUNCHES, &Job::Fuel));
                passes.push(pass(1, &Job::Compiling));
            }
            Job::Parts if is_measured => passes.push(Pass { launches: 1, each: LOOK_TAKES }),
            _ => {}
        }
        let has_instructions = self.instructions != CountWish::No && self.spin.is_none();
        if matches!(task.job, Job::Overhead | Job::Sides(_)) && has_instructions {
            // Compiling, by callgrind and without; and calls.
            let launches = 2 + INSTRUCTION_LAUNCHES;
            passes.push(pass(launches, &Job::Instructions(Instructions::of(None, false))));
        }
        passes
    }
}
