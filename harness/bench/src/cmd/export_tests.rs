//! What is written where, of the stored run and comparison of the first schema.

use super::*;
use crate::cmd::args::Command;
use crate::cmd::test_kit::{command, fixture};
use serde_json::Value;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// Exports the fixture `name`, with more `words`.
fn exported(name: &str, words: &[&str]) -> Result<u8, CommandError> {
    let dir = fixture(name).display().to_string();
    let all = [&["export", &dir], words].concat();
    let Command::Export(words) = command(&all) else { panic!("{all:?}") };
    run(&words)
}

fn files(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn without_a_format_every_one_is_written() {
    for (name, count) in
        [("record-v1", EXPORTERS.len()), ("comparison-v1", COMPARISON_EXPORTERS.len())]
    {
        let folder = TempDir::new().unwrap();
        let [once, again] = ["once", "again"].map(|name| folder.path().join(name));
        for (out, all) in [(&once, "-o"), (&again, "--all")] {
            let out = out.display().to_string();
            let words = if all == "-o" { vec!["-o", &out] } else { vec!["--all", "-o", &out] };
            assert_eq!(exported(name, &words).unwrap(), exit::FINE);
        }
        let names = files(&once);
        assert_eq!((names.len(), files(&again)), (count, names.clone()));
        for name in names {
            let [a, b] = [&once, &again].map(|folder| fs::read(folder.join(&name)).unwrap());
            assert!(!a.is_empty() && a == b, "{name}");
        }
    }
}

#[test]
fn a_baseline_stands_beside_a_run_in_markdown_only() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("report.md").display().to_string();
    let base = fixture("record-v1").display().to_string();
    let words = ["--format", "markdown", "--baseline", &base, "-o", &out];
    assert_eq!(exported("record-v1", &words).unwrap(), exit::FINE);
    let text = fs::read_to_string(&out).unwrap();
    assert!(text.contains("\nBaseline: run ") && text.contains("| 0 % |"), "{text}");
    for (name, words) in [
        ("record-v1", ["--format", "csv", "--baseline", &base]),
        ("comparison-v1", ["--format", "markdown", "--baseline", &base]),
    ] {
        let failure = exported(name, &words).unwrap_err();
        assert!(matches!(failure, CommandError::BaselineUnused { .. }), "{failure}");
    }
}

#[test]
fn cases_and_metrics_are_chosen_and_a_dashboard_has_headlines_alone() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out").display().to_string();
    let names = |words: &[&str]| {
        let words = [words, &["-o", &out]].concat();
        assert_eq!(exported("record-v1", &words).unwrap(), exit::FINE);
        let text = fs::read_to_string(&out).unwrap();
        let cases: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
        let cases = cases.into_iter();
        cases.map(|(case, own)| (case, own.into_keys().collect())).collect::<Vec<(_, Vec<_>)>>()
    };
    let usual = names(&["--format", "bmf"]);
    let known = |metric: &String| HEADLINES.contains(&metric.as_str());
    assert!(usual.iter().all(|(_, own)| !own.is_empty() && own.iter().all(known)), "{usual:?}");
    let all = names(&["--format", "bmf", "--metric", ""]);
    assert!(all.iter().flat_map(|(_, own)| own).any(|metric| metric == "aa_time"), "{all:?}");
    let one = names(&["--format", "bmf", "--case", "vs-native/json", "--metric", "^wasm_call"]);
    let [(case, own)] = &one[..] else { panic!("{one:?}") };
    assert!(case.contains("json") && own == &["wasm_call_ns"], "{one:?}");
    let failure = exported("comparison-v1", &["--metric", "x"]).unwrap_err();
    assert_eq!(failure.code(), exit::WRONG_USE);
}

#[test]
fn a_format_of_runs_is_none_of_comparisons() {
    let failure = exported("comparison-v1", &["--format", "csv"]).unwrap_err();
    let expected = "csv is for runs: of a comparison there are junit, summary, comment, \
                    annotations, markdown";
    assert_eq!((failure.to_string().as_str(), failure.code()), (expected, exit::WRONG_USE));
}
