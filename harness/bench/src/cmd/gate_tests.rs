//! Runs and comparisons, judged.

use super::*;
use crate::cmd::args::Rules;
use crate::cmd::test_kit::{copy, fixture};
use caxton_model::record::store::{COMPARISON_FILE, SAMPLES_FILE};
use expect_test::expect;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

fn words(dir: &Path, limits: Option<PathBuf>) -> Gate {
    Gate { dir: dir.to_owned(), rules: Rules { limits, strict: false }, table: false }
}

/// The stored folder `name`, to be changed, and beside it a file of limits with `text`.
fn stored(name: &str, text: &str) -> (TempDir, PathBuf, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    copy(&fixture(name), &folder);
    let limits = temporary.path().join("limits.toml");
    fs::write(&limits, text).unwrap();
    (temporary, folder, limits)
}

fn entry(metric: &str, limit: &str) -> String {
    format!("[[limit]]\ncase = \"vs-native/json$\"\nmetric = \"{metric}\"\n{limit}\n")
}

#[test]
fn a_missed_limit_has_a_code_of_its_own() {
    let mut record = RunFolder::load_record(&fixture("record-v1")).unwrap();
    let code = |record: &Record, text: &str, is_strict| {
        let limits = Limits::parse("limits.toml", text).unwrap();
        judge_run(record, &limits, is_strict).1
    };
    assert_eq!(code(&record, "", false), exit::FAILED, "one case was refused");
    let missed = entry("wasm_call_ns", "max = 10");
    assert_eq!(code(&record, &missed, false), exit::LIMIT_MISSED, "more than a failed case");
    record.cases.retain(|case| !case.has_failed());
    assert_eq!(code(&record, "", false), exit::FINE);
    assert_eq!(code(&record, &missed, false), exit::LIMIT_MISSED);
    assert_eq!(code(&record, &entry("wasm_call_ns", "max = 1e9"), true), exit::FINE);
    let case = record.cases.iter().find(|case| case.key.agent == "json").unwrap();
    let inside = case.metric("wasm_call_ns").unwrap().estimate;
    let unclear = entry("wasm_call_ns", &format!("max = {inside}"));
    assert_eq!(code(&record, &unclear, false), exit::FINE);
    assert_eq!(code(&record, &unclear, true), exit::INCONCLUSIVE);
    assert_eq!(code(&record, &entry("wasm_cycles", "max = 1"), false), exit::NOT_COMPARABLE);
    assert_eq!(code(&record, &entry("resident_bytes", "max = 1"), false), exit::NOT_COMPARABLE);
    record.run.status = Status::Running;
    assert_eq!(code(&record, "", false), exit::NOT_COMPARABLE);
    record.run.status = Status::Interrupted;
    assert_eq!(code(&record, "", false), exit::INTERRUPTED);
}

#[test]
fn limits_are_printed_with_figure_interval_and_n() {
    let record = RunFolder::load_record(&fixture("record-v1")).unwrap();
    let text = [
        entry("wasm_call_ns", "max = 25000\nmin = 20000"),
        entry("wasm_cycles", "max = 1"),
        entry("wasm_file_bytes", "max = 83000"),
        entry("resident_bytes", "max = 1"),
    ];
    let limits = Limits::parse("limits.toml", &text.concat()).unwrap();
    let (text, _) = judge_run(&record, &limits, false);
    let (own, _) = text.split_once("Targets").unwrap();
    expect![[r#"
        2026-01-02T03:04:05Z  commit abc1234  wasm quick  finished, 3 of 5 cases ran

        Limits
          case                                   metric                limit    figure              interval   n  verdict
          wasm/overhead/wasmtime-vs-native/json  wasm_call_ns      ≤ 25.0 µs   14.8 µs    [14.8 µs, 14.9 µs]  12  MET
          wasm/overhead/wasmtime-vs-native/json  wasm_call_ns      ≥ 20.0 µs   14.8 µs    [14.8 µs, 14.9 µs]  12  MISSED
          wasm/overhead/wasmtime-vs-native/json  wasm_cycles             ≤ 1         —                     —   —  MISSING
          wasm/overhead/wasmtime-vs-native/json  wasm_file_bytes  ≤ 81.1 KiB  81.3 KiB  [81.3 KiB, 81.3 KiB]   2  MISSED
          wasm/overhead/wasmtime-vs-native/json: no wasm_cycles: not supported: no hardware counters in this virtual
            machine
          The limit at line 14 matches no case of this run: correct it.

    "#]].assert_eq(own);
}

#[test]
fn a_result_says_what_it_rests_on() {
    let mut record = RunFolder::load_record(&fixture("record-v1")).unwrap();
    record.cases.retain(|case| !case.has_failed());
    let result = |text: &str| {
        let limits = Limits::parse("limits.toml", text).unwrap();
        let (text, _) = judge_run(&record, &limits, false);
        text.lines().last().unwrap().to_owned()
    };
    let none = "Result: no limit was asked for: no case failed, and targets decide nothing";
    assert_eq!(result(""), none);
    let met = "of 1 limits 1 met, 0 missed, 0 unclear, 0 not measured";
    let says = result(&entry("wasm_call_ns", "max = 1e9"));
    assert_eq!(says, format!("Result: no limit is missed: {met}"));
    let says = result(&entry("wasm_call_ns", "max = 1"));
    assert!(says.starts_with("Result: a limit is missed: of 1 limits 0 met, 1 missed"), "{says}");
    let says = result(&entry("wasm_cycles", "max = 1"));
    assert!(says.ends_with("0 unclear, 1 not measured"), "{says}");
}

#[test]
fn a_comparison_is_judged_by_its_samples() {
    let (_temporary, folder, limits) = stored("comparison-v1", "");
    assert_eq!(run(&words(&folder, Some(limits))).unwrap(), exit::REGRESSED);
}

#[test]
fn limits_change_margins_and_tolerances() {
    let text = [
        entry("wasm_call_ns", "margin = 0.1"),
        entry("wasm_fuel", "margin = 0.01"),
        entry("wasm_code_bytes", "margin = 0.01"),
    ];
    let limits = Limits::parse("limits.toml", &text.concat()).unwrap();
    let (comparison, turns) = RunFolder::load_comparison(&fixture("comparison-v1")).unwrap();
    let judged = judged(Path::new("c"), comparison.clone(), &turns, &limits).unwrap();
    let worse = |c: &Comparison| -> Vec<String> {
        let is_worse =
            |(_, v): &(&(CaseKey, MetricName), &Option<Verdict>)| **v == Some(Verdict::Regressed);
        let all = verdicts(c);
        all.iter().filter(is_worse).map(|((key, m), _)| format!("{} {m}", key.agent)).collect()
    };
    assert_eq!(worse(&comparison).len(), 4);
    assert_eq!(worse(&judged), ["noop linear_memory_bytes"]);
}

#[test]
fn what_was_edited_or_cut_off_is_told() {
    let says = |change: &dyn Fn(&Path)| {
        let (_temporary, folder, _) = stored("comparison-v1", "");
        change(&folder);
        let failure = run(&words(&folder, None)).unwrap_err();
        let text = failure.to_string().replace(folder.to_str().unwrap(), "DIR");
        format!("{} {text}", failure.code())
    };
    let page = |edit: &'static dyn Fn(String) -> String| {
        move |folder: &Path| {
            let path = folder.join(COMPARISON_FILE);
            let text = edit(fs::read_to_string(&path).unwrap());
            fs::write(&path, text).unwrap();
        }
    };
    let samples = |folder: &Path| {
        let path = folder.join(SAMPLES_FILE);
        let text = fs::read_to_string(&path).unwrap();
        // As long as before: only what it says is another.
        fs::write(&path, text.replace(",311213000", ",311197000")).unwrap();
    };
    let cut = |folder: &Path| {
        let file = fs::OpenOptions::new().write(true).open(folder.join(SAMPLES_FILE)).unwrap();
        file.set_len(100).unwrap();
    };
    let changes: [&dyn Fn(&Path); 6] = [
        &page(&|text| text.replace("\"regressed\"", "\"ok\"")),
        &page(&|text| text.replace("vs-native/sort", "vs-native/sport")),
        &page(&|text| text[..text.len() / 2].to_owned()),
        &page(&|text| text.replacen("\"schema\": 1", "\"schema\": 2", 1)),
        &samples,
        &cut,
    ];
    let said = changes.map(says);
    expect![[r#"
        4 DIR: of wasm/overhead/wasmtime-vs-native/json wasm_call_ns it says OK, and its samples say REGRESSED: it was edited, or written by another version
        4 DIR: it has samples of wasm/overhead/wasmtime-vs-native/sort, of which it says nothing: it was edited, or written by another version
        2 DIR/comparison.json is no whole record: EOF while parsing a string at line 231 column 15; it was cut off, edited, or written by another version; take it from a backup or run again
        2 DIR/comparison.json has schema 2, this version reads 1: read it with the version that wrote it
        4 DIR: of wasm/overhead/wasmtime-vs-native/json wasm_fuel it says REGRESSED, and its samples say OK: it was edited, or written by another version
        2 DIR/samples.csv has 100 bytes of samples, its record promises 55226: it was cut off, copy it again"#]].assert_eq(&said.join("\n"));
}
