//! What the answers of each case are held against, so that an outcome can name it.

use crate::guest::files::BuiltFiles;
use crate::job::Job;
use crate::job::task::Task;
use caxton_model::case::Check;

/// What the answers of `task` are held against; none where there are no answers, or another
/// program gives them.
pub(super) fn check(task: &Task, files: &BuiltFiles) -> Option<Check> {
    match task.job {
        Job::Load(_) => None,
        Job::Overhead
        | Job::Sides(_)
        | Job::Parts
        | Job::Profile
        | Job::ProfileSides(_)
        | Job::Heap => {
            let files = files.get(task.agent())?.as_ref().ok()?;
            let expected = files.given.as_ref().and_then(|given| given.expected.as_ref());
            Some(match (&files.expected, &files.native) {
                _ if expected.is_some() => Check::Expected,
                (Some(_), _) => Check::Manifest,
                // Of each other.
                _ if matches!(task.job, Job::Sides(_) | Job::ProfileSides(_)) => Check::NativeBuild,
                (None, Some(_)) => Check::NativeBuild,
                (None, None) => Check::Nothing,
            })
        }
        // Of memory and of messages: what was asked for is counted.
        _ => Some(Check::Accounts),
    }
}
