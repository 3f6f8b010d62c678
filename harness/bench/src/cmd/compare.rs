//! `compare`: B's executable runs both kits in launch pairs; where there are no kits, records tell
//! what they can.

use super::args::{ANY_KIT, Compare};
use super::error::{CommandError, unreadable};
use super::output::{note, print, style};
use super::place::{limits, package, profiles_of, root};
use super::process;
use super::revision::Builder;
use super::side::{Side, executable, hash};
use crate::guest::bench::{Bench, PACKAGE_VARIABLE};
use crate::measure::turns::kit::KitError;
use caxton_analysis::compare::Records;
use caxton_analysis::exit;
use caxton_analysis::limits::Limits;
use caxton_model::baseline::stored_records;
use caxton_model::record::Record;
use caxton_model::record::kit::Kit;
use caxton_report::sections::records_text;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

/// The suite of revisions, unless another is named.
const SUITE: &str = "wasm";

/// Compares as `args` say; the exit code.
pub(super) fn run(args: &Compare, bench: Option<&Bench>) -> Result<u8, CommandError> {
    // Ctrl-C is for the process that measures: it keeps what finished, and we pass its code on. A
    // signal that is taken already leaves us as we were.
    let _ = ctrlc::set_handler(|| {});
    // Before anything long begins.
    limits(args.rules.limits.as_deref())?;
    let root = root()?;
    if args.rev {
        let suite = args.suite.as_deref().unwrap_or(SUITE);
        let builder = Builder::new(&root, suite, bench)?;
        let [base, candidate] = builder.kits([&args.base, &args.candidate])?;
        return between(&root, [&base, &candidate], args);
    }
    let profiles = args.profiles.clone().unwrap_or_else(|| profiles_of(&root));
    sides(&root, &profiles, args)
}

fn sides(root: &Path, profiles: &Path, args: &Compare) -> Result<u8, CommandError> {
    let find = |name| Side::find(profiles, name, args.suite.as_deref());
    let (base, candidate) = (find(&args.base)?, find(&args.candidate)?);
    if let Some(wanted) = &args.suite {
        [&base, &candidate].into_iter().try_for_each(|side| side.check_suite(wanted))?;
    }
    if base.kit.is_some() && candidate.kit.is_some() {
        for side in [&base, &candidate] {
            trusted(&profiles_of(root), side, &args.trust)?;
        }
        return between(root, [&base, &candidate], args);
    }
    let unused = match args {
        Compare { table: true, .. } => Some("--table"),
        Compare { words, .. } if !words.is_empty() => Some("what stands behind --"),
        _ => None,
    };
    if let Some(flag) = unused {
        let why = "a side has no executable, so that only records are compared";
        return Err(CommandError::Unused { flag, why });
    }
    for side in [&base, &candidate].into_iter().filter(|side| side.kit.is_none()) {
        note(&format!(
            "{} has no executable: only records are compared, and no answers",
            side.name
        ));
    }
    let limits = limits(args.rules.limits.as_deref())?;
    records(profiles, &base.record()?, &candidate.record()?, &limits, args.rules.strict)
}

/// A kit is started only if it is one of this checkout's own `profiles`, or the user trusts it.
fn trusted(profiles: &Path, side: &Side, trust: &[String]) -> Result<(), CommandError> {
    let is_own = fs::canonicalize(profiles).is_ok_and(|profiles| side.path.starts_with(profiles));
    let sha256 = hash(&side.path)?;
    let is_trusted = |word: &String| word == ANY_KIT || word.eq_ignore_ascii_case(&sha256);
    if is_own || trust.iter().any(is_trusted) {
        return Ok(());
    }
    Err(CommandError::Stranger { path: side.path.clone(), sha256 })
}

/// Runs both kits by the candidate's executable, which says and keeps what it found.
pub(super) fn between(root: &Path, sides: [&Side; 2], args: &Compare) -> Result<u8, CommandError> {
    let mut all: Vec<OsString> = args.table.then(|| "--table".into()).into_iter().collect();
    all.extend(flags(args.rules.strict, args.bless_answers));
    all.extend(args.words.iter().map(OsString::from));
    start(root, sides, args.rules.limits.as_deref(), all)
}

/// What the executable of a kit is told beside the kits.
pub(super) fn flags(is_strict: bool, is_blessed: bool) -> Vec<OsString> {
    let strict = is_strict.then(|| "--strict".into());
    strict.into_iter().chain(is_blessed.then(|| "--bless-answers".into())).collect()
}

/// Runs both kits by the candidate's executable, with the user's limits and further `words` for it.
pub(super) fn start(
    root: &Path,
    sides: [&Side; 2],
    limits: Option<&Path>,
    words: Vec<OsString>,
) -> Result<u8, CommandError> {
    let [base, candidate] = sides;
    let kit = |side: &Side| {
        let none = || KitError::None { path: side.path.clone() };
        side.kit.clone().ok_or_else(none)
    };
    let (base_kit, candidate_kit): (Kit, Kit) = (kit(base)?, kit(candidate)?);
    if base_kit.suite != candidate_kit.suite {
        return Err(CommandError::Suites {
            base: base.name.clone(),
            base_suite: base_kit.suite,
            candidate: candidate.name.clone(),
            candidate_suite: candidate_kit.suite,
        });
    }
    let program = executable(&candidate.path, &candidate_kit)?;
    let mut command = process::command(program, root);
    if let Some(package) = package() {
        command.env(PACKAGE_VARIABLE, package);
    }
    command.args(&candidate_kit.arguments).arg("--between").args([&base.path, &candidate.path]);
    if let Some(path) = limits {
        // It runs in the checkout's root, which may not be where the user stands.
        command.arg("--limits").arg(fs::canonicalize(path).map_err(unreadable(path))?);
    }
    Ok(process::code(command.args(words))?)
}

/// Compares records alone, as far as they tell.
pub(super) fn records(
    profiles: &Path,
    base: &Record,
    candidate: &Record,
    limits: &Limits,
    is_strict: bool,
) -> Result<u8, CommandError> {
    let sessions = stored_records(profiles)?;
    let records = Records::compare(base, candidate, &sessions, limits);
    print(records_text(&records, &style()));
    Ok(exit::of(records.conclusion(), is_strict))
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
