//! Folders for files that a run needs while it lasts, and what runs that were killed left in them.

use super::messages::Problem;
use crate::guest::catalog::Workspace;
use crate::measure::keep::SHARED_PREFIX;
use caxton_model::baseline::sweep_baselines;
use caxton_model::record::folder::sweep_runs;
use caxton_model::record::lock::{HeldFolder, sweep};
use std::path::PathBuf;
use std::{fs, process};

/// How their names begin beside the build.
const PREFIX: &str = "kits-";

/// A folder for files that a run needs while it lasts: beside the build, so that it can hold
/// executables; where nothing can be written there, among all programs' temporary files.
pub(super) fn scratch(workspace: &Workspace) -> Result<HeldFolder, Problem> {
    let process = process::id();
    let beside = home(workspace);
    let made = fs::create_dir_all(&beside).is_ok();
    let made = made.then(|| HeldFolder::new_in(&beside, PREFIX, process).ok()).flatten();
    match made {
        Some(folder) => Ok(folder),
        None => Ok(HeldFolder::new_in(&std::env::temp_dir(), SHARED_PREFIX, process)?),
    }
}

/// Removes what runs that were killed left behind: folders and files that no process holds. What
/// they kept stays.
pub(super) fn sweep_leftovers(workspace: &Workspace) {
    let process = process::id();
    sweep(&home(workspace), PREFIX, process);
    sweep(&std::env::temp_dir(), SHARED_PREFIX, process);
    sweep_runs(&workspace.profiles(), process);
    sweep_baselines(&workspace.profiles(), process);
}

fn home(workspace: &Workspace) -> PathBuf {
    workspace.target.join("caxton")
}
