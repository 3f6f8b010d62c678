//! `--resume`: goes on with the loads of a run that ended before they did.

use super::super::error::CommandError;
use super::super::output::note;
use super::super::place::as_the_user_means;
use super::measure::{code_of, measure};
use super::prepare::{Prepared, prepare};
use super::session::{Session, folder_name};
use super::showing::Showing;
use crate::guest::catalog::Workspace;
use crate::job::Job;
use crate::job::load::LoadJob;
use crate::job::scale::Scale;
use crate::job::task::Task;
use crate::measure::keep;
use crate::measure::settings::Settings;
use caxton_model::file;
use caxton_model::record::store::{RUNS, RunFolder};
use caxton_model::record::{CaseRecord, Status};
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process;

/// Goes on with the run called `named`, at its own scale and by its own seed.
pub(super) fn run(
    session: &Session<'_>,
    named: &Path,
    settings: Settings,
    showing: Showing,
) -> Result<u8, CommandError> {
    let path = find(named, &session.workspace);
    let (folder, mut record) = RunFolder::reopen(&path, process::id())?;
    let no = |why: String| CommandError::NoResume { path: path.clone(), why };
    if record.run.suite != session.suite.name {
        let why = format!("it is of suite {}, this is {}", record.run.suite, session.suite.name);
        return Err(no(why));
    }
    let tasks = record.cases.iter().map(|case| task(&path, case)).collect::<Result<Vec<_>, _>>();
    let tasks = tasks.map_err(no)?;
    if record.run.status == Status::Finished {
        note("the run is finished: nothing is left to do");
    }
    let scale = Scale::from_str(&record.run.scale, true).map_err(no)?;
    let Prepared { files, artifacts, warnings } =
        prepare(&session.workspace, &tasks, &BTreeMap::new())?;
    if hashes(&artifacts) != hashes(&record.artifacts) {
        let why = "the agents' files are others than those the run began with: go on with the \
                   revision that it was begun by, or start anew"
            .to_owned();
        return Err(no(why));
    }
    record.run.status = Status::Running;
    for warning in warnings.into_iter().chain(folder.warnings()) {
        if !record.warnings.contains(&warning) {
            record.warnings.push(warning);
        }
    }
    let settings = Settings { scale, seed: record.run.seed, ..settings };
    let mut ended = measure(settings, record, Some(folder), &tasks, &files)?;
    if path.parent() == Some(&*session.workspace.profiles.join(RUNS)) {
        ended.point_latest(session)?;
    }
    showing.run(session, &ended.record, Some(&path));
    Ok(code_of(&ended.record))
}

fn hashes(artifacts: &[caxton_model::record::Artifact]) -> Vec<&str> {
    artifacts.iter().map(|artifact| artifact.sha256.as_str()).collect()
}

/// The run's folder: as it is named, or that of this name among the runs.
fn find(named: &Path, workspace: &Workspace) -> PathBuf {
    let as_named = as_the_user_means(named);
    let among_runs = workspace.profiles.join(RUNS).join(folder_name(named));
    if !as_named.exists() && among_runs.exists() { among_runs } else { as_named }
}

/// The task of a case, as it was when the run began.
fn task(run: &Path, case: &CaseRecord) -> Result<Task, String> {
    let name = Path::new(&keep::load_folder(&case.key)).join(keep::LOAD_FILE);
    let path = run.join(&name);
    let text = file::read_text_within(run, &name, file::PAGE_MAX)
        .map_err(|error| format!("{}: {error}; only loads can be gone on with", path.display()))?;
    let bad = |why: String| format!("{}: {why}", path.display());
    let job: LoadJob = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    job.check().map_err(bad)?;
    Ok(Task::new(case.key.clone(), Job::Load(Box::new(job))))
}
