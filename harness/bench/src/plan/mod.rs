//! A plan says what to run: tasks, each the cases that one kind of launch fills; and how much.

pub mod filter;
pub mod scale;

use crate::guest::toolchain::Variant;
use crate::measure::protocol::{LoadJob, MailWork, PairCase};
use crate::plan::scale::Scale;
use caxton_model::case::CaseKey;
use caxton_model::units::Bytes;

/// The agent that does nothing.
pub const NOOP: &str = "noop";
/// The agent that echoes.
pub const ECHO: &str = "echo";

/// Cases that are measured together, launch by launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The agent.
    pub agent: String,
    /// What is done with it.
    pub kind: TaskKind,
}

/// Kinds of tasks.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskKind {
    /// Comparisons of sides.
    Overhead(Vec<PairCase>),
    /// The sides of these comparisons, profiled: the first one's case takes the profiles.
    Profile(Vec<PairCase>),
    /// A steady-state call taken apart, with the agents it is compared with.
    Parts(CaseKey),
    /// The agent under a memory limit.
    MemoryLimit {
        /// The case.
        case: CaseKey,
        /// The limit.
        limit: Bytes,
    },
    /// What is allocated for it and by it.
    Heap(CaseKey),
    /// Many of it exchange messages.
    Mail {
        /// The case.
        case: CaseKey,
        /// What they do.
        what: MailWork,
    },
    /// A load is put on many of it.
    Load {
        /// The case.
        case: CaseKey,
        /// The load.
        job: Box<LoadJob>,
    },
}

impl Task {
    /// The keys of its cases.
    pub fn cases(&self) -> Vec<&CaseKey> {
        match &self.kind {
            TaskKind::Overhead(pairs) => pairs.iter().map(|pair| &pair.case).collect(),
            TaskKind::Profile(pairs) => vec![&pairs[0].case],
            TaskKind::MemoryLimit { case, .. }
            | TaskKind::Mail { case, .. }
            | TaskKind::Load { case, .. }
            | TaskKind::Parts(case)
            | TaskKind::Heap(case) => vec![case],
        }
    }

    /// The agents whose files it needs: its own, and those it is compared with.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let others: &[&str] = match self.kind {
            TaskKind::Parts(_) => &[NOOP, ECHO],
            _ => &[],
        };
        std::iter::once(self.agent.as_str()).chain(others.iter().copied())
    }

    /// The build of its agent that it needs beside the measured one.
    pub fn variant(&self) -> Option<Variant> {
        match self.kind {
            TaskKind::Parts(_) => Some(Variant::Simd),
            TaskKind::Profile(_) => Some(Variant::FramePointers),
            TaskKind::Heap(_) => Some(Variant::Heap),
            TaskKind::Overhead(_)
            | TaskKind::MemoryLimit { .. }
            | TaskKind::Mail { .. }
            | TaskKind::Load { .. } => None,
        }
    }

    /// Launches of it at `scale`, those in place of disturbed ones not counted.
    pub fn launches(&self, scale: Scale) -> u32 {
        match self.kind {
            TaskKind::Overhead(_) => scale.launches(),
            TaskKind::Profile(_) | TaskKind::Load { .. } => 1,
            TaskKind::Parts(_) => scale.parts_launches(),
            TaskKind::MemoryLimit { .. } => scale.limit_launches(),
            TaskKind::Heap(_) => scale.heap_launches(),
            TaskKind::Mail { .. } => scale.mail_launches(),
        }
    }

    /// The task that profiles what this one times; none for work that is no steady state.
    pub fn profiled(self) -> Option<Self> {
        match self.kind {
            TaskKind::Overhead(pairs) | TaskKind::Profile(pairs) => {
                Some(Self { agent: self.agent, kind: TaskKind::Profile(pairs) })
            }
            TaskKind::Parts(_)
            | TaskKind::Heap(_)
            | TaskKind::MemoryLimit { .. }
            | TaskKind::Mail { .. }
            | TaskKind::Load { .. } => None,
        }
    }

    /// The part of the task whose cases `keep` takes; none if it takes none.
    pub fn keep(self, keep: &dyn Fn(&CaseKey) -> bool) -> Option<Self> {
        let kind = match self.kind {
            TaskKind::Overhead(mut pairs) => {
                pairs.retain(|pair| keep(&pair.case));
                (!pairs.is_empty()).then_some(TaskKind::Overhead(pairs))
            }
            TaskKind::Profile(pairs) => keep(&pairs[0].case).then_some(TaskKind::Profile(pairs)),
            TaskKind::Parts(case) => keep(&case).then_some(TaskKind::Parts(case)),
            TaskKind::MemoryLimit { case, limit } => {
                keep(&case).then_some(TaskKind::MemoryLimit { case, limit })
            }
            TaskKind::Heap(case) => keep(&case).then_some(TaskKind::Heap(case)),
            TaskKind::Mail { case, what } => keep(&case).then_some(TaskKind::Mail { case, what }),
            TaskKind::Load { case, job } => keep(&case).then_some(TaskKind::Load { case, job }),
        };
        kind.map(|kind| Self { agent: self.agent, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::protocol::Pair;

    #[test]
    fn a_task_keeps_the_cases_that_are_wanted() {
        let pair = |pair: Pair| PairCase {
            pair,
            case: CaseKey::new("wasm", "overhead", pair.subject(), "json"),
        };
        let kind = TaskKind::Overhead(vec![pair(Pair::Overhead), pair(Pair::WasmAgain)]);
        let task = Task { agent: "json".to_owned(), kind };
        let kept = task.clone().keep(&|case| case.is_same_against_same()).expect("one is left");
        assert_eq!(kept.cases().len(), 1);
        let profiled = task.clone().profiled().expect("a steady state");
        assert_eq!(profiled.cases(), [&pair(Pair::Overhead).case]);
        assert_eq!(kept.needs().collect::<Vec<_>>(), ["json"]);
        assert_eq!(task.keep(&|_| false), None);
    }

    #[test]
    fn a_call_taken_apart_needs_two_other_agents() {
        let kind = TaskKind::Parts(CaseKey::new("wasm", "parts", "wasmtime", "json"));
        let task = Task { agent: "json".to_owned(), kind };
        assert_eq!(task.needs().collect::<Vec<_>>(), ["json", "noop", "echo"]);
        assert!(task.launches(Scale::Quick) >= 6, "the least for an interval at 95 %");
        assert_eq!(task.clone().keep(&CaseKey::is_parts), Some(task));
    }
}
