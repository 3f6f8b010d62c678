//! `compare`: B's executable runs both kits in launch pairs; where there are no kits, records tell
//! what they can.

use crate::cmd::args::{ANY_KIT, Compare};
use crate::cmd::failure::Failure;
use crate::cmd::kits::executable;
use crate::cmd::output::{note, print, style};
use crate::cmd::process::Job;
use crate::cmd::report::limits;
use crate::cmd::revision::Builder;
use crate::cmd::side::Side;
use crate::cmd::{checkout, kits};
use caxton_analysis::compare::Records;
use caxton_analysis::exit;
use caxton_model::baseline::stored_records;
use caxton_model::record::kit::Kit;
use caxton_report::sections::records_text;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The suite of revisions, unless another is named.
const SUITE: &str = "wasm";

/// Compares as `words` say; the exit code.
pub(crate) fn compare(words: &Compare) -> Result<u8, Failure> {
    // Ctrl-C is for the process that measures: it keeps what finished, and we pass its code on. A
    // signal that is taken already leaves us as we were.
    let _ = ctrlc::set_handler(|| {});
    let here = std::env::current_dir()
        .map_err(|source| Failure::Input { path: PathBuf::from("."), source })?;
    // Before anything long begins.
    limits(words.limits.as_deref())?;
    let root = checkout::root(&here)?;
    if words.rev {
        let builder = Builder::new(&root, words.suite.as_deref().unwrap_or(SUITE))?;
        let [base, candidate] = builder.kits([&words.base, &words.candidate])?;
        return between(&root, [&base, &candidate], words);
    }
    let profiles = words.profiles.clone().unwrap_or_else(|| root.join("profiles"));
    sides(&root, &profiles, words)
}

/// Compares two baselines or folders.
fn sides(root: &Path, profiles: &Path, words: &Compare) -> Result<u8, Failure> {
    let find = |name| Side::find(profiles, name, words.suite.as_deref());
    let (base, candidate) = (find(&words.base)?, find(&words.candidate)?);
    if let Some(wanted) = &words.suite {
        [&base, &candidate].into_iter().try_for_each(|side| side.check_suite(wanted))?;
    }
    if base.kit.is_some() && candidate.kit.is_some() {
        for side in [&base, &candidate] {
            trusted(&root.join("profiles"), side, &words.trust)?;
        }
        return between(root, [&base, &candidate], words);
    }
    let unused = match words {
        Compare { table: true, .. } => Some("--table"),
        Compare { words, .. } if !words.is_empty() => Some("what stands behind --"),
        _ => None,
    };
    if let Some(flag) = unused {
        let why = "a side has no executable, so that only records are compared".to_owned();
        return Err(Failure::Unused { flag, why });
    }
    for side in [&base, &candidate].into_iter().filter(|side| side.kit.is_none()) {
        note(&format!(
            "{} has no executable: only records are compared, and no answers",
            side.name
        ));
    }
    records(profiles, [&base, &candidate], words)
}

/// A kit is started only if it is one of this checkout's own `profiles`, or the user trusts it.
fn trusted(profiles: &Path, side: &Side, trust: &[String]) -> Result<(), Failure> {
    let is_own = fs::canonicalize(profiles).is_ok_and(|profiles| side.path.starts_with(profiles));
    let sha256 = kits::hash(&side.path)?;
    let is_trusted = |word: &String| word == ANY_KIT || word.eq_ignore_ascii_case(&sha256);
    if is_own || trust.iter().any(is_trusted) {
        return Ok(());
    }
    Err(Failure::Stranger { path: side.path.clone(), sha256 })
}

/// Runs both kits by the candidate's executable, which says and keeps what it found.
pub(crate) fn between(root: &Path, sides: [&Side; 2], words: &Compare) -> Result<u8, Failure> {
    let mut all = Vec::new();
    all.extend(words.table.then(|| "--table".into()));
    all.extend(words.strict.then(|| "--strict".into()));
    all.extend(words.bless_answers.then(|| "--bless-answers".into()));
    all.extend(words.words.iter().map(OsString::from));
    run(root, sides, (words.limits.as_deref(), all))
}

/// Runs both kits by the candidate's executable, with the user's limits and further words for it.
pub(crate) fn run(
    root: &Path,
    [base, candidate]: [&Side; 2],
    (limits, words): (Option<&Path>, Vec<OsString>),
) -> Result<u8, Failure> {
    let missing = |side: &Side| Failure::BadKit {
        path: side.path.clone(),
        why: "there is no kit".to_owned(),
    };
    let kit = |side: &Side| side.kit.clone().ok_or_else(|| missing(side));
    let (base_kit, candidate_kit): (Kit, Kit) = (kit(base)?, kit(candidate)?);
    if base_kit.suite != candidate_kit.suite {
        return Err(Failure::Suites {
            base: base.name.clone(),
            base_suite: base_kit.suite,
            candidate: candidate.name.clone(),
            candidate_suite: candidate_kit.suite,
        });
    }
    let program = executable(&candidate.path, &candidate_kit)?;
    let mut all: Vec<OsString> = candidate_kit.arguments.iter().map(OsString::from).collect();
    all.extend(["--between".into(), (&base.path).into(), (&candidate.path).into()]);
    if let Some(path) = limits {
        // It runs in the checkout's root, which may not be where the user stands.
        let path = fs::canonicalize(path)
            .map_err(|source| Failure::Input { path: path.to_owned(), source })?;
        all.extend(["--limits".into(), path.into()]);
    }
    all.extend(words);
    Ok(Job::new(&program, root, all).code()?)
}

/// Compares records alone.
fn records(profiles: &Path, sides: [&Side; 2], words: &Compare) -> Result<u8, Failure> {
    let [base, candidate] = [sides[0].record()?, sides[1].record()?];
    let limits = limits(words.limits.as_deref())?;
    let sessions = stored_records(profiles)?;
    let records = Records::compare(&base, &candidate, &sessions, &limits);
    print(records_text(&records, &style()).as_bytes())?;
    Ok(exit::of(records.conclusion(), words.strict))
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
