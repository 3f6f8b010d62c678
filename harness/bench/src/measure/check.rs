//! What the answers of each case are held against, so that an outcome can name it.

use super::protocol::AgentFiles;
use super::protocol::Job;
use crate::plan::Task;
use caxton_model::case::{Check, Outcome};
use std::collections::BTreeMap;

/// Each agent's files, or why there are none.
type Files = BTreeMap<String, Result<AgentFiles, Outcome>>;

/// What the answers of `task` are held against; none where there are no answers, or another
/// program gives them.
pub(super) fn check(task: &Task, files: &Files) -> Option<Check> {
    match task.job {
        Job::Load(_) => None,
        Job::Overhead | Job::Parts | Job::Profile | Job::Heap => {
            let files = files.get(&task.agent)?.as_ref().ok()?;
            Some(match (&files.expected, &files.native) {
                (Some(_), _) => Check::Manifest,
                (None, Some(_)) => Check::NativeBuild,
                (None, None) => Check::Nothing,
            })
        }
        // Of memory and of messages: what was asked for is counted.
        _ => Some(Check::Accounts),
    }
}
