//! `history`: many runs, as one page.

use super::error::{CommandError, unwritable};
use super::output::note;
use caxton_analysis::exit;
use caxton_model::record::Record;
use caxton_model::record::store::{RECORD_FILE, RunFolder};
use caxton_report::history;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders within folders that are searched: `profiles/runs/<run>`, and a few more.
const DEPTH_MAX: usize = 5;

/// Draws the runs in `dirs` and below into the page `out`.
pub(super) fn run(dirs: &[PathBuf], out: &Path) -> Result<u8, CommandError> {
    let mut folders = Vec::new();
    for dir in dirs {
        if !dir.is_dir() {
            return Err(CommandError::NoFolder { path: dir.clone() });
        }
        search(dir, DEPTH_MAX, &mut folders);
    }
    // A run that is found twice is one.
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for folder in folders {
        match RunFolder::load_record(&folder) {
            Ok(record) => drop(records.insert(record.run.id.clone(), record)),
            Err(error) => note(&format!("left out: {error}")),
        }
    }
    let records: Vec<Record> = records.into_values().collect();
    let html = history::page(&records)?;
    fs::write(out, html).map_err(unwritable(out))?;
    note(&format!("{} runs in {}", records.len(), out.display()));
    Ok(exit::FINE)
}

/// The folders of runs at `dir` and below, in the order of their names. Links are not followed:
/// `latest` is no other run.
fn search(dir: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if dir.join(RECORD_FILE).is_file() {
        found.push(dir.to_owned());
        return;
    }
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut below: Vec<PathBuf> = entries.filter(is_folder).map(|entry| entry.path()).collect();
    below.sort();
    for folder in below.iter().filter(|_| depth > 0) {
        search(folder, depth - 1, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::test_kit;

    #[test]
    fn runs_are_found_in_folders_of_folders_and_a_broken_one_is_left_out() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        test_kit::copy(&test_kit::fixture("record-v1"), &root.join("a/b"));
        test_kit::copy(&test_kit::fixture("record-v1"), &root.join("again"));
        fs::create_dir(root.join("bad")).unwrap();
        fs::write(root.join("bad").join(RECORD_FILE), "{").unwrap();
        let out = root.join("history.html");
        assert_eq!(run(&[root.to_owned()], &out).unwrap(), exit::FINE);
        let page = fs::read_to_string(&out).unwrap();
        assert!(page.contains("1 run of 1 machine"), "{page}");
        assert!(run(&[root.join("none")], &out).is_err());
    }
}
