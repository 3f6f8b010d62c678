//! `prune`: removes old runs.

use super::error::CommandError;
use super::list::size;
use super::output::{note, print};
use super::place::profiles;
use caxton_analysis::exit;
use caxton_model::baseline::{Listed, list_runs};
use caxton_model::record::Status;
use caxton_model::record::lock::FolderLock;
use caxton_model::record::store::{LATEST, RUNS};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Bytes;
use std::path::{Path, PathBuf};
use std::{fs, process};

const NAME_MAX: usize = 200;

/// Removes all runs and comparisons but the `keep` newest, the latest one, loads that can be gone
/// on with and those that a process works on; what is no run stays. With `is_dry` it only says
/// which. What cannot be removed is said, and is exit code 2.
pub(super) fn run(keep: usize, is_dry: bool) -> Result<u8, CommandError> {
    let profiles = profiles();
    if !profiles.is_dir() {
        return Err(CommandError::NoFolder { path: profiles });
    }
    let (mut count, mut freed, mut code) = (0, 0, exit::FINE);
    for (name, path) in old(&profiles, keep)? {
        let bytes = size(&path);
        // Whoever writes to it holds it; the lock goes with the folder.
        match FolderLock::take(&path, process::id()) {
            Err(error) => {
                note(&format!("left: {error}"));
                continue;
            }
            Ok(_) if is_dry => {}
            Ok(_held) => {
                if let Err(error) = fs::remove_dir_all(&path) {
                    note(&format!("error: {}: {error}", path.display()));
                    code = exit::WRONG_USE;
                    continue;
                }
            }
        }
        count += 1;
        freed += bytes;
        print(format!("{}  {}\n", sanitise(&name, NAME_MAX), Bytes(bytes)));
    }
    let did = if is_dry { "would be removed" } else { "removed" };
    print(format!("{count} {did}, {}\n", Bytes(freed)));
    Ok(code)
}

/// The runs that are not among the `keep` newest by when they began, nor the latest.
fn old(profiles: &Path, keep: usize) -> Result<Vec<(String, PathBuf)>, CommandError> {
    let latest = fs::canonicalize(profiles.join(LATEST)).ok();
    let began = |(name, listed): (String, Listed)| match listed {
        // An interrupted load can be gone on with.
        Listed::Run(record)
            if record.run.status != Status::Finished
                && record.cases.iter().any(|case| case.load.is_some()) =>
        {
            None
        }
        Listed::Run(record) => Some((record.run.started_utc, name)),
        Listed::Comparison(comparison) => Some((comparison.run.started_utc, name)),
        Listed::Bad(_) => None,
    };
    let mut runs: Vec<(String, String)> =
        list_runs(profiles)?.into_iter().filter_map(began).collect();
    runs.sort();
    runs.truncate(runs.len().saturating_sub(keep));
    let placed = runs.into_iter().map(|(_, name)| {
        let path = profiles.join(RUNS).join(&name);
        (name, path)
    });
    let is_latest = |path: &Path| latest.is_some() && fs::canonicalize(path).ok() == latest;
    Ok(placed.filter(|(_, path)| !path.is_symlink() && !is_latest(path)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::test_kit;
    use std::os::unix::fs::symlink;

    #[test]
    fn the_newest_the_latest_and_what_is_no_run_stay() {
        let temporary = tempfile::tempdir().unwrap();
        let profiles = temporary.path();
        let runs = profiles.join(RUNS);
        for (name, day) in [("a", "01"), ("b", "05"), ("c", "03"), ("d", "02")] {
            test_kit::copy(&test_kit::fixture("record-v1"), &runs.join(name));
            let record = runs.join(name).join("record.json");
            let text = fs::read_to_string(&record).unwrap();
            let began = format!("\"started_utc\": \"2026-01-{day}T");
            let text = text.replace("\"started_utc\": \"2026-01-02T", &began);
            fs::write(record, text).unwrap();
        }
        fs::create_dir(runs.join("mine")).unwrap();
        symlink("runs/a", profiles.join(LATEST)).unwrap();
        let names = |keep| -> Vec<String> {
            old(profiles, keep).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(0), ["d", "c", "b"]);
        assert_eq!(names(2), ["d"]);
        assert_eq!(names(9), [""; 0]);
    }
}
