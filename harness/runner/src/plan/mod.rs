//! A plan says what to run: tasks, each the cases that one kind of launch fills; and how much.

pub mod filter;
pub mod scale;

use crate::measure::protocol::PairCase;
use crate::plan::scale::Scale;
use caxton_results::case::CaseKey;
use caxton_results::units::Bytes;

/// Cases that are measured together, launch by launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The agent.
    pub agent: String,
    /// What is done with it.
    pub kind: TaskKind,
}

/// Kinds of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskKind {
    /// Comparisons of sides.
    Overhead(Vec<PairCase>),
    /// The agent under a memory limit.
    MemoryLimit {
        /// The case.
        case: CaseKey,
        /// The limit.
        limit: Bytes,
    },
    /// What is allocated for it and by it.
    Heap(CaseKey),
}

impl Task {
    /// The keys of its cases.
    pub fn cases(&self) -> Vec<&CaseKey> {
        match &self.kind {
            TaskKind::Overhead(pairs) => pairs.iter().map(|pair| &pair.case).collect(),
            TaskKind::MemoryLimit { case, .. } | TaskKind::Heap(case) => vec![case],
        }
    }

    /// Launches of it at `scale`, those in place of disturbed ones not counted.
    pub fn launches(&self, scale: Scale) -> u32 {
        match self.kind {
            TaskKind::Overhead(_) => scale.launches(),
            TaskKind::MemoryLimit { .. } => scale.limit_launches(),
            TaskKind::Heap(_) => scale.heap_launches(),
        }
    }

    /// The part of the task whose cases `keep` takes; none if it takes none.
    pub fn keep(self, keep: &dyn Fn(&CaseKey) -> bool) -> Option<Self> {
        let kind = match self.kind {
            TaskKind::Overhead(mut pairs) => {
                pairs.retain(|pair| keep(&pair.case));
                (!pairs.is_empty()).then_some(TaskKind::Overhead(pairs))
            }
            TaskKind::MemoryLimit { case, limit } => {
                keep(&case).then_some(TaskKind::MemoryLimit { case, limit })
            }
            TaskKind::Heap(case) => keep(&case).then_some(TaskKind::Heap(case)),
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
        assert_eq!(task.keep(&|_| false), None);
    }
}
