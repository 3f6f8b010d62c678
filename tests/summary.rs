//! What a run prints: a line for each case and a summary, for people; one text, for programs.

use crate::capability;
use crate::executable::{Place, Running, Said, tool, word};
use crate::guests::{User, fixture};
use caxton_model::record::store::LATEST;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Where a run's folder has its record.
const RECORD: &str = "record.json";

/// A folder with two guests: one runs, one exits with 3.
fn two() -> User {
    const EXIT: &str = r#"(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 3))))"#;
    User::with(&[("cat.wat", &fixture("cat")), ("exit.wat", EXIT)])
}

const RUN: [&str; 5] = ["run", "cat.wat", "--guest", "exit.wat", "--scale=smoke"];

fn runs(user: &User, words: &[&str]) -> Said {
    user.says(&[&RUN, words].concat()).ended(1)
}

#[test]
fn a_run_prints_a_line_for_each_case_and_a_summary_that_leads_on() {
    let said = runs(&two(), &["--report=summary"]);
    let (cases, summary) = said.stdout.split_once("\n\n").expect("a summary below the cases");
    assert!(cases.starts_with("cat ") && cases.contains(" a call, n = 1"), "{cases}");
    assert!(summary.lines().count() <= 15, "{summary}");
    for words in [
        "Suite wasm, smoke: finished",
        "exit: wrong answer: it exited with 3",
        "answers are right (--expect FILE would): unchecked cat",
        "cat: ",
        "doubt: a smoke run",
        "kept in target/caxton-bench/runs/",
        "every table: caxton-bench report",
        "as a page: caxton-bench report --html",
    ] {
        assert!(summary.contains(words), "{words:?} in {summary}");
    }
    // Where all tables are printed, the folder is said beside them.
    let full = runs(&two(), &["--verbose"]);
    assert!(full.stdout.contains("Phases: "), "{}", full.stdout);
    assert!(full.stderr.contains("kept in target/caxton-bench/runs/"), "{}", full.stderr);
    let quiet = runs(&two(), &["--report=summary", "-q"]);
    assert!(quiet.stdout.starts_with("Suite wasm") && quiet.stderr.is_empty(), "{quiet:?}");
}

#[test]
fn a_program_gets_one_json_text() {
    let user = two();
    let said = runs(&user, &["--message-format=json"]);
    let record: Value = serde_json::from_str(&said.stdout).expect("JSON and nothing else");
    let kept = user.path("target/caxton-bench").join(LATEST).join(RECORD);
    let kept = fs::read_to_string(kept).expect("the run's folder");
    let kept: Value = serde_json::from_str(&kept).expect("a record");
    assert_eq!(record, kept);
    let said = user.says(&["run", "lost.wat", "--message-format=json"]).ended(2);
    let error: Value = serde_json::from_str(&said.stdout).expect("JSON and nothing else");
    assert_eq!(error["code"], 2);
    assert!(error["error"].as_str().is_some_and(|why| why.contains("lost.wat")), "{error}");
    // A word that cannot be read, and cases that are not there.
    for word in ["--nope", "no-such-case"] {
        let said = user.says(&["run", "cat.wat", word, "--message-format", "json"]);
        let error: Value = serde_json::from_str(&said.stdout).expect("JSON and nothing else");
        assert_eq!(error["code"].as_i64(), said.code.map(i64::from), "{error}");
    }
}

#[test]
fn a_smoke_run_takes_no_better_ones_place() {
    let user = two();
    runs(&user, &[]);
    let latest = user.path("target/caxton-bench").join(LATEST);
    let first = fs::canonicalize(&latest).expect("a run");
    // The next smoke run is as good as the first one.
    runs(&user, &[]);
    let second = fs::canonicalize(&latest).expect("a run");
    assert_ne!(first, second);
    let record = second.join(RECORD);
    let text = fs::read_to_string(&record).expect("a record");
    fs::write(&record, text.replace("\"smoke\"", "\"quick\"")).expect("a folder of ours");
    let said = runs(&user, &["--report=summary"]);
    assert_eq!(fs::canonicalize(&latest).expect("a run"), second);
    // What shows this run is named with its folder, then.
    let shown = "every table: caxton-bench report target/caxton-bench/runs/";
    assert!(said.stdout.contains(shown), "{}", said.stdout);
}

/// `caxton-bench` with `words` on a terminal that is `columns` wide.
fn on_terminal(folder: &Path, columns: u32, words: &[&str]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = format!("stty cols {columns} rows 30; '{}' {}", word(tool()), words.join(" "));
    let place = Place {
        folder: Some(folder.to_owned()),
        variables: vec![("NO_COLOR", "1".into())],
        ..Place::default()
    };
    let script = Path::new("/usr/bin/script");
    if !script.is_file() {
        capability::absent("script", "no terminal recorder");
        return None;
    }
    let said = Running::start(script, &["-qec", &line, "/dev/null"], &place).wait();
    Some(said.stdout.replace('\r', ""))
}

#[test]
fn nothing_is_wider_than_the_terminal() {
    let user = two();
    runs(&user, &[]);
    for (columns, command) in [(40, "report"), (80, "report"), (120, "report"), (80, "list")] {
        let Some(text) = on_terminal(&user.path(""), columns, &[command]) else { return };
        assert!(text.contains("wasm"), "{text}");
        let wide = text.lines().filter(|line| line.chars().count() > columns as usize);
        assert_eq!(wide.collect::<Vec<_>>(), [""; 0], "at {columns}");
    }
}
