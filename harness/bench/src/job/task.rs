//! A plan is tasks, each the cases that one kind of launch fills.

use crate::guest::catalog::{ECHO, NOOP};
use crate::guest::toolchain::Variant;
use crate::job::scale::Scale;
use crate::job::{Instructions, Job};
use caxton_model::case::CaseKey;
use caxton_model::units::Nanos;

/// Processes that tell fuel at scales that measure.
pub const FUEL_LAUNCHES: u32 = 2;

/// Processes that count the instructions of calls: a count is exact only if they agree.
pub const INSTRUCTION_LAUNCHES: u32 = 2;

/// Launches of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    pub launches: u32,
    /// How long one is expected to take.
    pub each: Nanos,
}

/// Cases that are measured together, launch by launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The cases that it fills, of one agent; at least one.
    pub cases: Vec<CaseKey>,
    pub job: Job,
}

impl Task {
    pub fn new(case: CaseKey, job: Job) -> Self {
        Self { cases: vec![case], job }
    }

    pub fn agent(&self) -> &str {
        &self.cases[0].agent
    }

    pub fn cases(&self) -> &[CaseKey] {
        &self.cases
    }

    /// The agents whose files it needs: its own, and those it is compared with.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let others: &[&str] = if self.job == Job::Parts { &[NOOP, ECHO] } else { &[] };
        std::iter::once(self.agent()).chain(others.iter().copied())
    }

    /// The build of its agent that it needs beside the measured one.
    pub fn variant(&self) -> Option<Variant> {
        match &self.job {
            Job::Parts => Some(Variant::Simd),
            job if job.is_profile() => Some(Variant::FramePointers),
            Job::Heap => Some(Variant::Heap),
            _ => None,
        }
    }

    /// Launches of it at `scale`, those in place of disturbed ones not counted.
    pub fn launches(&self, scale: Scale) -> u32 {
        let [smoke, quick, full] = match self.job {
            // An exact interval over all comparisons of a run at once needs
            // 1 + log2(100 × comparisons) of them: 13 for thirty.
            Job::Overhead | Job::Sides(_) => [1, 15, 40],
            Job::Profile
            | Job::ProfileSides(_)
            | Job::ProfileRoute { .. }
            | Job::Instructions(_) => [1, 1, 1],
            Job::Spin { .. } | Job::Load(_) => [1, 1, 1],
            // A count is exact only if two processes agree.
            Job::Fuel => [0, FUEL_LAUNCHES, FUEL_LAUNCHES],
            Job::Heap => [1, 2, 2],
            // Each compiles the agent six times.
            Job::Parts => [1, 8, 16],
            // Memory limits, and agents that exchange messages: six is the least for an exact
            // interval at 95 %.
            _ => [1, 6, 12],
        };
        match scale {
            Scale::Smoke => smoke,
            Scale::Quick => quick,
            Scale::Full => full,
        }
    }

    /// The task that profiles what this one times, for the first of its cases; none for work that
    /// is no steady state.
    pub fn profiled(self) -> Option<Self> {
        let first = self.cases.into_iter().next()?;
        let job = match self.job {
            Job::Overhead | Job::Profile => Job::Profile,
            // Of the reference alone there is nothing to compare.
            Job::Sides(pair) if !first.is_same_against_same() => Job::ProfileSides(pair),
            Job::Route { pair, load } => Job::ProfileRoute { pair, load },
            _ => return None,
        };
        Some(Self::new(first, job))
    }

    /// The task that counts the instructions of what this one times, for the first of its cases;
    /// none for work that is no steady state.
    pub fn counted(self) -> Option<Self> {
        let first = self.cases.into_iter().next()?;
        let pair = match self.job {
            Job::Overhead => None,
            Job::Sides(pair) if !first.is_same_against_same() => Some(pair),
            _ => return None,
        };
        Some(Self::new(first, Job::Instructions(Instructions::of(pair, true))))
    }

    /// The part of the task whose cases `keep` takes; none if it takes none.
    pub fn keep(mut self, keep: &dyn Fn(&CaseKey) -> bool) -> Option<Self> {
        self.cases.retain(|case| keep(case));
        (!self.cases.is_empty()).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Pair;

    #[test]
    fn a_task_keeps_the_cases_that_are_wanted() {
        let case = |pair: Pair| CaseKey::new("wasm", "overhead", pair.subject(), "json");
        let cases = vec![case(Pair::Overhead), case(Pair::WasmAgain)];
        let task = Task { cases, job: Job::Overhead };
        let kept = task.clone().keep(&|case| case.is_same_against_same()).expect("one is left");
        assert_eq!(kept.cases().len(), 1);
        let profiled = task.clone().profiled().expect("a steady state");
        assert_eq!(profiled.cases(), [case(Pair::Overhead)]);
        assert_eq!(kept.needs().collect::<Vec<_>>(), ["json"]);
        assert_eq!(task.keep(&|_| false), None);
    }

    #[test]
    fn a_call_taken_apart_needs_two_other_agents() {
        let task = Task::new(CaseKey::new("wasm", "parts", "wasmtime", "json"), Job::Parts);
        assert_eq!(task.needs().collect::<Vec<_>>(), ["json", "noop", "echo"]);
        assert!(task.launches(Scale::Quick) >= 6, "the least for an interval at 95 %");
        assert_eq!(task.clone().keep(&CaseKey::is_parts), Some(task));
    }
}
