//! What the answers of each case are held against, so that an outcome can name it.

use super::protocol::AgentFiles;
use crate::plan::{Task, TaskKind};
use caxton_model::case::{Check, Outcome};
use std::collections::BTreeMap;

/// Each agent's files, or why there are none.
type Files = BTreeMap<String, Result<AgentFiles, Outcome>>;

/// What the answers of `task` are held against; none where there are no answers, or another
/// program gives them.
pub(super) fn check(task: &Task, files: &Files) -> Option<Check> {
    match task.kind {
        TaskKind::Load { .. } => None,
        TaskKind::Mail { .. } | TaskKind::MemoryLimit { .. } => Some(Check::Accounts),
        TaskKind::Overhead(_) | TaskKind::Parts(_) | TaskKind::Profile(_) | TaskKind::Heap(_) => {
            let files = files.get(&task.agent)?.as_ref().ok()?;
            Some(match (&files.expected, &files.native) {
                (Some(_), _) => Check::Manifest,
                (None, Some(_)) => Check::NativeBuild,
                (None, None) => Check::Nothing,
            })
        }
    }
}
