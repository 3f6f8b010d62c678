//! `list`: one line per run, comparison and baseline.

use super::error::CommandError;
use super::output::{LINE_MAX, print, style};
use caxton_analysis::exit;
use caxton_model::baseline;
use caxton_model::baseline::Listed;
use caxton_model::record::kit::KIT_FILE;
use caxton_model::record::store::{BASELINES, RUNS};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Bytes;
use caxton_report::paint::paint;
use caxton_report::sections::{comparison_line, summary_line};
use caxton_report::table::{Table, Tone};
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

/// A run, a comparison or a baseline.
#[derive(Serialize)]
struct Entry {
    kind: &'static str,
    name: String,
    path: String,
    /// What it is of, or why it cannot be read.
    what: String,
    /// Whether a baseline can be run again.
    has_executable: Option<bool>,
    bytes: u64,
}

/// Prints what is in the folder `profiles`, as a table or as JSON.
pub(super) fn run(profiles: &Path, is_json: bool) -> Result<u8, CommandError> {
    let entries = entries(profiles)?;
    if is_json {
        print(serde_json::to_string(&entries).unwrap_or_default() + "\n");
    } else if entries.is_empty() {
        print(sanitise(&format!("no runs in {}", profiles.display()), LINE_MAX) + "\n");
    } else {
        print(paint(&table(&entries), &style()));
    }
    Ok(exit::FINE)
}

fn entries(profiles: &Path) -> Result<Vec<Entry>, CommandError> {
    if !profiles.is_dir() {
        return Err(CommandError::NoFolder { path: profiles.to_owned() });
    }
    let runs = baseline::list_runs(profiles)?.into_iter();
    let runs = runs.map(|(name, listed)| ("run", profiles.join(RUNS).join(&name), name, listed));
    let kept = baseline::list_baselines(profiles)?.into_iter();
    let kept =
        kept.map(|(name, listed)| ("baseline", profiles.join(BASELINES).join(&name), name, listed));
    let entry = |(kind, path, name, listed): (&'static str, PathBuf, String, Listed)| {
        let (kind, what) = match listed {
            Listed::Run(record) => (kind, summary_line(&record)),
            Listed::Comparison(comparison) => ("comparison", comparison_line(&comparison)),
            Listed::Bad(error) => (kind, error.to_string()),
        };
        let has_executable = (kind == "baseline").then(|| path.join(KIT_FILE).is_file());
        let (bytes, path) = (size(&path), path.display().to_string());
        Entry { kind, name, path, what, has_executable, bytes }
    };
    Ok(runs.chain(kept).map(entry).collect())
}

fn table(entries: &[Entry]) -> Table {
    let mut table = Table::new("", &["<kind", "<name", "size", "<what"]);
    for Entry { kind, name, what, has_executable, bytes, .. } in entries {
        let executable = match has_executable {
            Some(true) => "with executable: ",
            Some(false) => "without executable: ",
            None => "",
        };
        let (size, what) = (Bytes(*bytes).to_string(), format!("{executable}{what}"));
        table.wide(Tone::Plain, [kind.to_owned(), name, size.as_str(), what.as_str()]);
    }
    table
}

/// Bytes of the files in `folder` and below; what cannot be read counts nothing.
pub(super) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) if found.is_file() => found.len(),
        _ => 0,
    };
    entries.map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::test_kit;
    use caxton_report::sections::Style;
    use expect_test::expect;

    #[test]
    fn runs_comparisons_and_baselines_have_a_line_each() {
        let temporary = tempfile::tempdir().unwrap();
        let profiles = temporary.path();
        assert!(entries(profiles).unwrap().is_empty());
        let runs = profiles.join(RUNS);
        test_kit::copy(&test_kit::fixture("record-v1"), &runs.join("a-run"));
        test_kit::copy(&test_kit::fixture("comparison-v1"), &runs.join("b-comparison"));
        fs::create_dir(runs.join("c-empty")).unwrap();
        test_kit::baseline(profiles, "main", "exit 0");
        test_kit::copy(&runs.join("a-run"), &profiles.join(BASELINES).join("old/wasm"));
        let lines = paint(&table(&entries(profiles).unwrap()), &Style::default());
        let lines = lines.replace(profiles.to_str().unwrap(), "DIR");
        // Without their indent, which is no part of what is expected below.
        let lines: String = lines.lines().map(|line| format!("{}\n", &line[2..])).collect();
        expect![[r#"
            kind        name              size  what
            run         a-run         81.3 KiB  2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 3 of 5 cases ran
            comparison  b-comparison  63.8 KiB  2026-01-02T03:04:05Z  this checkout (commit abc1234 with changes) against main (commit abc1234)  wasm 5 cases  REGRESSED
            run         c-empty            0 B  DIR/runs/c-empty holds no record.json: run a bench first, or name a run as `caxton-bench list` does
            baseline    main/wasm     82.1 KiB  with executable: 2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 3 of 5 cases ran
            baseline    old/wasm      81.3 KiB  without executable: 2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 3 of 5 cases ran
        "#]].assert_eq(&lines);
        let error = entries(&profiles.join("none")).err().unwrap();
        assert_eq!(error.code(), exit::WRONG_USE);
    }
}
