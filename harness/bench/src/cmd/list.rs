//! `list`: one line per run, comparison and baseline.

use super::error::CommandError;
use super::output::{LINE_MAX, print};
use caxton_analysis::exit;
use caxton_model::baseline;
use caxton_model::baseline::Listed;
use caxton_model::record::kit::KIT_FILE;
use caxton_model::record::store::{BASELINES, RUNS};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Bytes;
use caxton_report::sections::{comparison_line, summary_line};
use std::fs;
use std::path::Path;

/// Prints what is in the folder `profiles`.
pub(super) fn run(profiles: &Path) -> Result<u8, CommandError> {
    print(text(profiles)?);
    Ok(exit::FINE)
}

fn text(profiles: &Path) -> Result<String, CommandError> {
    if !profiles.is_dir() {
        return Err(CommandError::NoFolder { path: profiles.to_owned() });
    }
    let runs = baseline::list_runs(profiles)?.into_iter();
    let runs = runs.map(|(name, listed)| ("run", profiles.join(RUNS).join(&name), name, listed));
    let kept = baseline::list_baselines(profiles)?.into_iter();
    let kept =
        kept.map(|(name, listed)| ("baseline", profiles.join(BASELINES).join(&name), name, listed));
    let mut lines = String::new();
    for (kind, path, name, listed) in runs.chain(kept) {
        let (kind, what) = match listed {
            Listed::Run(record) => (kind, summary_line(&record)),
            Listed::Comparison(comparison) => ("comparison", comparison_line(&comparison)),
            Listed::Bad(error) => (kind, error.to_string()),
        };
        let executable = match (kind, path.join(KIT_FILE).is_file()) {
            ("baseline", true) => "  with executable",
            ("baseline", false) => "  without executable",
            _ => "",
        };
        let size = Bytes(size(&path));
        let line = format!("{kind:10}  {name}  {what}{executable}  {size}");
        lines.push_str(&sanitise(&line, LINE_MAX));
        lines.push('\n');
    }
    if lines.is_empty() {
        lines = sanitise(&format!("no runs in {}", profiles.display()), LINE_MAX) + "\n";
    }
    Ok(lines)
}

/// Bytes of the files in `folder` and below; what cannot be read counts nothing.
fn size(folder: &Path) -> u64 {
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
    use expect_test::expect;

    #[test]
    fn runs_comparisons_and_baselines_have_a_line_each() {
        let temporary = tempfile::tempdir().unwrap();
        let profiles = temporary.path();
        let empty = text(profiles).unwrap();
        assert!(empty.starts_with("no runs in "), "{empty}");
        let runs = profiles.join(RUNS);
        test_kit::copy(&test_kit::fixture("record-v1"), &runs.join("a-run"));
        test_kit::copy(&test_kit::fixture("comparison-v1"), &runs.join("b-comparison"));
        fs::create_dir(runs.join("c-empty")).unwrap();
        test_kit::baseline(profiles, "main", "exit 0");
        test_kit::copy(&runs.join("a-run"), &profiles.join(BASELINES).join("old/wasm"));
        let lines = text(profiles).unwrap().replace(profiles.to_str().unwrap(), "DIR");
        expect![[r#"
            run         a-run  2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 6 of 8 cases ran  81.3 KiB
            comparison  b-comparison  2026-01-02T03:04:05Z  this checkout (commit abc1234 with changes) against main (commit abc1234)  wasm 5 cases  REGRESSED  63.8 KiB
            run         c-empty  DIR/runs/c-empty holds no record.json: run a bench first, or name a folder of profiles/runs  0 B
            baseline    main/wasm  2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 6 of 8 cases ran  with executable  82.1 KiB
            baseline    old/wasm  2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 6 of 8 cases ran  without executable  81.3 KiB
        "#]].assert_eq(&lines);
        let error = text(&profiles.join("none")).unwrap_err();
        assert_eq!(error.code(), exit::WRONG_USE);
    }
}
