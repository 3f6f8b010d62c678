//! `--baseline`, `--save-baseline`, `--pack` and `--relink`: versions that are kept, and compared
//! with.

use super::super::compare::records;
use super::super::error::CommandError;
use super::super::output::note;
use super::super::place::as_the_user_means;
use super::args::{Against, Output};
use super::cases::Wanted;
use super::comparison::compare;
use super::contest::{Comparing, comparable, pack_here};
use super::prepare::{Prepared, prepare};
use super::relink;
use super::session::{Session, folder_name, hold};
use crate::job::task::Task;
use caxton_analysis::exit;
use caxton_model::baseline;
use caxton_model::record::store::{BASELINES, RunFolder};
use caxton_model::record::{CaseRecord, Record, Status};
use std::path::{Path, PathBuf};
use std::process;

/// Why a baseline cannot be linked again.
const NO_EXECUTABLE: &str =
    "the baseline has no executable: leave --relink out, or keep it again with --save-baseline";

/// Where the baseline is that is compared with. The place of one to be kept is checked.
pub(super) fn find(
    session: &Session<'_>,
    output: &Output,
    against: &Against,
) -> Result<Option<PathBuf>, CommandError> {
    let profiles = &session.workspace.profiles;
    if let Some(name) = &output.save_baseline {
        baseline::check_place(&profiles.join(BASELINES), name)?;
    }
    let Some(name) = &against.baseline else { return Ok(None) };
    baseline::check_name(name)?;
    if let Some(path) = baseline::find(profiles, name, session.suite.name)? {
        return Ok(Some(path));
    }
    let shown = |name: String| match name.split_once('/') {
        Some((name, suite)) => format!("{name} ({suite})"),
        None => name,
    };
    let known = baseline::list_baselines(profiles)?.into_iter();
    let known: Vec<String> = known.map(|(name, _)| shown(name)).collect();
    let known = match &known[..] {
        [] => "there is none: make one with --save-baseline NAME".to_owned(),
        known => format!("there are: {}", known.join(", ")),
    };
    if against.baseline_lenient {
        note(&format!("warning: no baseline {name:?}; {known}"));
        return Ok(None);
    }
    Err(CommandError::NoBaseline { name: name.clone(), known })
}

/// What is done with kits and not in a run: packing one, comparing two, linking one again.
pub(super) fn with_kits(
    comparing: &Comparing<'_>,
    output: &Output,
    wanted: &Wanted<'_>,
    tasks: &[Task],
    baseline: Option<&Path>,
) -> Result<Option<u8>, CommandError> {
    let Comparing { session, against, out, .. } = *comparing;
    // Nothing is built for what cannot be compared.
    let tasks = &comparable(tasks)[..];
    let prepared = || prepare(&session.workspace, tasks, wanted.guests);
    if let Some(into) = &output.pack {
        let (into, name) = (as_the_user_means(into), folder_name(into));
        let _held = hold(&into)?;
        pack_here(session, tasks, &prepared()?, &into, &name)?;
        return Ok(Some(exit::FINE));
    }
    if against.relink.is_some() && against.baseline.is_none() {
        return relink::run(comparing, tasks, wanted.guests).map(Some);
    }
    if let Some((name, kept)) = against.baseline.as_ref().zip(baseline)
        && baseline::load_kit(kept)?.is_some()
    {
        let id = session.id_against(name);
        if let Some(out) = out {
            // Told before anything is built.
            RunFolder::check(out)?;
        }
        let prepared = prepared()?;
        let scratch = session.scratch()?;
        let packed = scratch.path().join("packed");
        pack_here(session, tasks, &prepared, &packed, "this checkout")?;
        return compare(comparing, [kept, &packed], &id, &scratch).map(Some);
    }
    match (against.relink, baseline) {
        (Some(_), Some(_)) => Err(CommandError::NoRelink { why: NO_EXECUTABLE.to_owned() }),
        (Some(_), None) => {
            note("warning: --relink is left out, as the baseline is");
            Ok(None)
        }
        (None, _) => Ok(None),
    }
}

/// Compares a run with a baseline that has no executable, as far as records tell; `code` is that of
/// the run itself, which comes first.
pub(super) fn compare_records(
    comparing: &Comparing<'_>,
    baseline: &Record,
    record: &Record,
    code: u8,
) -> Result<u8, CommandError> {
    note("the baseline has no executable: only records are compared, and no answers");
    let limits = comparing.limits()?;
    let Comparing { session, against, .. } = *comparing;
    let profiles = &session.workspace.profiles;
    let concluded = records(profiles, baseline, record, &limits, against.strict)?;
    Ok(if code == exit::FINE { concluded } else { code })
}

/// Whether a run can be a baseline.
pub(super) fn is_whole(record: &Record) -> bool {
    record.run.status == Status::Finished && !record.cases.iter().any(CaseRecord::has_failed)
}

/// Keeps the run in `folder` as baseline `name`, with all that is needed to run it again.
pub(super) fn save(
    session: &Session<'_>,
    name: &str,
    folder: &Path,
    tasks: &[Task],
    prepared: &Prepared,
) -> Result<(), CommandError> {
    let scratch = session.scratch()?;
    let kit = scratch.path().join("kit");
    let comparable = comparable(tasks);
    // What takes no turns with another version is kept as a record alone.
    let has_kit = !comparable.is_empty();
    if has_kit {
        pack_here(session, &comparable, prepared, &kit, name)?;
    }
    let baselines = session.workspace.profiles.join(BASELINES);
    let kit = has_kit.then_some(kit.as_path());
    let kept = baseline::save(folder, kit, &baselines, name, process::id())?;
    note(&format!("baseline {name} kept in {}", session.shown(&kept)));
    Ok(())
}
