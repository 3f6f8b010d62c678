//! A suite in its checkout, and the folders that what is run there is kept in.

use super::super::error::CommandError;
use super::super::output::note;
use super::super::place::started_in;
use super::record;
use crate::guest::bench::Bench;
use crate::guest::catalog::{CatalogError, Workspace};
use crate::job::scale::Scale;
use crate::measure::keep::SHARED_PREFIX;
use crate::suite::Suite;
use caxton_model::baseline::sweep_baselines;
use caxton_model::case::Outcome;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::folder::sweep_runs;
use caxton_model::record::lock::{FolderLock, HeldFolder, sweep};
use caxton_model::record::store::{self, RunFolder, StoreError, StoredPage};
use caxton_model::record::{Record, Status};
use caxton_report::sections::quoted;
use caxton_sys::host;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, process};

/// Names that are tried for the folder of a run.
const FOLDERS_MAX: u32 = 100;

/// How the names of temporary folders beside the build begin.
const PREFIX: &str = "kits-";

/// Set by Ctrl-C.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// Lets Ctrl-C end a run in order.
pub(crate) fn watch_for_ctrl_c() {
    static ONCE: AtomicBool = AtomicBool::new(false);
    let is_watched = ONCE.swap(true, Ordering::Relaxed);
    if !is_watched && ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)).is_err() {
        note("Ctrl-C will end this run at once: its signal is taken");
    }
}

pub(super) fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// A suite in its checkout.
pub(super) struct Session<'a> {
    pub suite: &'a Suite,
    pub workspace: Workspace,
    /// What the suite was told.
    pub command: Vec<String>,
    /// The command that shows a run of it.
    pub report: String,
}

impl<'a> Session<'a> {
    /// Of the workspace that `bench` is in, else in the checkout that the user stands in;
    /// `needs_agents` unless guests are all that is run, for which any folder will do.
    pub(super) fn open(
        suite: &'a Suite,
        words: &[OsString],
        bench: Option<&Bench>,
        needs_agents: bool,
    ) -> Result<Self, CommandError> {
        let command = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        if let Some(bench) = bench {
            let workspace = match needs_agents {
                true => Workspace::of_bench(bench, started_in())?,
                false => Workspace::around(bench, started_in())?,
            };
            let report = format!("cargo bench --bench {} -- report", bench.target);
            return Ok(Self { suite, workspace, command, report });
        }
        let here = env::current_dir().unwrap_or_default();
        let workspace = match Workspace::find(&here, started_in()) {
            Err(CatalogError::NoWorkspace(_)) if !needs_agents => {
                Workspace::without_agents(started_in())
            }
            found => found?,
        };
        let report = if workspace.agents.is_empty() { "" } else { "cargo " };
        let report = format!("{report}caxton-bench report");
        Ok(Self { suite, workspace, command, report })
    }

    /// The record of a run that begins now.
    pub(super) fn begin(&self, scale: Scale, seed: u64) -> Record {
        let mut record = record::begin(&self.workspace.root, self.suite.name, scale, seed);
        record.run.command.clone_from(&self.command);
        record
    }

    /// What a run that begins now is called.
    pub(super) fn id(&self) -> String {
        host::run_id(&self.workspace.root, self.suite.name)
    }

    /// What a comparison with `name` that begins now is called.
    pub(super) fn id_against(&self, name: &str) -> String {
        format!("{}-vs-{name}", self.id())
    }

    /// A path as it is shown to a user of this checkout.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace.root).unwrap_or(path).display().to_string()
    }

    /// The command that shows the run in `folder`.
    pub(super) fn report_of(&self, folder: &Path) -> String {
        let latest = self.workspace.profiles.join(store::LATEST);
        let is_latest = fs::canonicalize(latest)
            .is_ok_and(|latest| fs::canonicalize(folder).is_ok_and(|folder| folder == latest));
        match is_latest {
            true => self.report.clone(),
            false => format!("{} {}", self.report, quoted(&self.shown(folder))),
        }
    }

    /// The folder of a run or comparison called `id`, unless the user names `out`. Its first page
    /// is `page`, which gets the folder's name.
    pub(super) fn folder<P: StoredPage>(
        &self,
        out: Option<&Path>,
        id: &str,
        page: &mut P,
    ) -> Result<RunFolder, CommandError> {
        let process = process::id();
        if let Some(out) = out {
            page.run_mut().id = folder_name(out);
            return Ok(RunFolder::begin(out, page, process)?);
        }
        let runs = self.workspace.profiles.join(store::RUNS);
        // Two benches may start within a second.
        for number in 0..FOLDERS_MAX {
            let name = if number == 0 { id.to_owned() } else { format!("{id}-{number}") };
            page.run_mut().id.clone_from(&name);
            match RunFolder::begin(&runs.join(name), page, process) {
                Err(StoreError::InUse { .. } | StoreError::NotEmpty { .. }) => {}
                begun => return Ok(begun?),
            }
        }
        Err(StoreError::NotEmpty { path: runs.join(id) }.into())
    }

    /// Points `latest` to `page`, a run or a comparison that has ended and is kept with the others,
    /// unless it `says_little` and the latest one does not; what its record says where that cannot
    /// be.
    pub(super) fn point_latest(&self, id: &str, says_little: bool) -> Option<String> {
        let profiles = &self.workspace.profiles;
        if says_little && is_good(&profiles.join(store::LATEST)) {
            return None;
        }
        let error = store::update_latest(profiles, id).err()?;
        Some(format!("`latest` does not point to this run: {error}"))
    }

    /// A folder for files that a run needs while it lasts: beside the build, so that it can hold
    /// executables; where nothing can be written there, among all programs' temporary files.
    pub(super) fn scratch(&self) -> Result<HeldFolder, CommandError> {
        let (beside, process) = (self.scratch_home(), process::id());
        let made = fs::create_dir_all(&beside).is_ok();
        let made = made.then(|| HeldFolder::new_in(&beside, PREFIX, process).ok()).flatten();
        match made {
            Some(folder) => Ok(folder),
            None => Ok(HeldFolder::new_in(&env::temp_dir(), SHARED_PREFIX, process)?),
        }
    }

    /// Removes what runs that were killed left behind: folders and files that no process holds.
    /// What they kept stays.
    pub(super) fn sweep_leftovers(&self) {
        let (profiles, process) = (&self.workspace.profiles, process::id());
        sweep(&self.scratch_home(), PREFIX, process);
        sweep(&env::temp_dir(), SHARED_PREFIX, process);
        sweep_runs(profiles, process);
        sweep_baselines(profiles, process);
    }

    /// Where machine code is kept that takes long to make again.
    pub(super) fn code_folder(&self) -> PathBuf {
        self.scratch_home().join("code")
    }

    fn scratch_home(&self) -> PathBuf {
        self.workspace.target.join("caxton")
    }
}

/// Whether what is in `folder` is good as the latest run.
fn is_good(folder: &Path) -> bool {
    let is_whole = |(comparison, _): (Comparison, _)| comparison.run.status == Status::Finished;
    RunFolder::load_record(folder).is_ok_and(|record| !says_little(&record))
        || RunFolder::load_comparison(folder).is_ok_and(is_whole)
}

/// Whether a run is no good as the latest one: not whole, a smoke run, or nothing of it ran.
pub(super) fn says_little(record: &Record) -> bool {
    let ran = record.cases.iter().any(|case| case.outcome == Outcome::Ran);
    record.run.status != Status::Finished || record.run.scale == Scale::Smoke.name() || !ran
}

pub(super) fn folder_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Holds the folder `out`, which is made, for the folders that will be made in it.
pub(super) fn hold(out: &Path) -> Result<FolderLock, StoreError> {
    fs::create_dir_all(out).map_err(|source| StoreError::Write { path: out.to_owned(), source })?;
    FolderLock::take(out, process::id())
}

/// True where a machine runs this and nobody watches.
pub(super) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| is_set(&value))
}

/// `CI=false` is how some tools say that there is none.
fn is_set(value: &std::ffi::OsStr) -> bool {
    !value.is_empty() && value != "false" && value != "0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_says_no_is_not_set() {
        let is_set = |value: &str| is_set(value.as_ref());
        assert!(is_set("true") && is_set("1") && !is_set("") && !is_set("false"));
    }
}
