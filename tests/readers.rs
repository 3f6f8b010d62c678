//! What the programs say for which exports are made. They read the golden files: what the exporters
//! make, byte for byte.

use crate::executable::{output_of, root};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn golden(name: &str) -> PathBuf {
    root().join("harness/report/src/export/goldens").join(name)
}

/// What `program` says with `words` and the file `input`; none where there is no such program.
fn says(program: &str, words: &[&str], input: &Path) -> Option<Output> {
    let file = File::open(input).expect("a golden file");
    output_of(Command::new(program).args(words).stdin(file), program, "no such program")
}

/// What was said, as an error where something was found.
fn verdict(output: &Output) -> Result<String, String> {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    let said = said.concat();
    if output.status.success() { Ok(said) } else { Err(said) }
}

#[test]
fn xmllint_takes_our_junit_and_no_other() {
    let schema = root().join("tests/fixtures/junit.xsd").display().to_string();
    let words = ["--noout", "--nonet", "--schema", &schema, "-"];
    let [compared, unbuilt] =
        ["junit", "unbuilt"].map(|name| format!("../../ci/goldens/{name}.xml"));
    for name in ["junit.xml", &compared, "load/junit.xml", &unbuilt] {
        let Some(output) = says("xmllint", &words, &golden(name)) else { return };
        verdict(&output).unwrap_or_else(|said| panic!("{name}: {said}"));
    }
    let broken = fs::read_to_string(golden(&compared)).expect("a golden file");
    let broken = broken.replace("time=\"", "time=\"about ");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("junit.xml");
    fs::write(&path, broken).expect("written");
    let output = says("xmllint", &words, &path).expect("it was there");
    let said = verdict(&output).expect_err("a time that is none");
    assert!(said.contains("attribute 'time'"), "{said}");
}

/// What the guide does with a run's samples, done with the run of the fixture.
#[test]
fn the_guides_program_reads_samples() {
    let guide = fs::read_to_string(root().join("harness/docs/reports-and-exports.md"));
    let guide = guide.expect("a guide");
    let program = guide.split("```python\n").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("read.py");
    fs::write(&path, program.expect("a program in Python")).expect("written");
    let run = root().join("tests/fixtures/record-v1");
    let words = [path.display().to_string(), run.display().to_string()];
    let words = [&*words[0], &*words[1]];
    let Some(output) = says("python3", &words, &run.join("record.json")) else { return };
    let said = verdict(&output).expect("it reads a run");
    // By hand, from the file.
    let text = fs::read_to_string(run.join("samples.csv")).expect("samples");
    let call = |row: &&str| row.contains("/json,0,wasm_call_ns,");
    let each = text.lines().filter(call).map(|row| {
        let cells: Vec<&str> = row.split(',').collect();
        cells[6].parse::<f64>().expect("a value") / cells[5].parse::<f64>().expect("a count")
    });
    let mut each: Vec<f64> = each.collect();
    each.sort_by(f64::total_cmp);
    let (count, half) = (each.len(), each.len() / 2);
    assert!(count > 1, "{count} samples");
    let median = if count % 2 == 1 { each[half] } else { (each[half - 1] + each[half]) / 2.0 };
    let line = format!("/json launch 0: {median:.1} ns, n = {count}\n");
    assert!(said.contains(&line), "{line}{said}");
}

#[test]
fn promtool_finds_nothing_to_mend() {
    let golden = golden("metrics.prom");
    let Some(output) = says("promtool", &["check", "metrics"], &golden) else { return };
    assert_eq!(verdict(&output), Ok(String::new()));
}

#[test]
fn critcmp_shows_our_times() {
    let path = golden("critcmp.json");
    let words = ["--color", "never", &path.display().to_string()];
    let Some(output) = says("critcmp", &words, &path) else { return };
    let said = verdict(&output).expect("critcmp reads it");
    let is_it =
        |line: &&str| line.starts_with("wasm/overhead/wasmtime-vs-native/json wasm_call_ns ");
    let line = said.lines().find(is_it).expect("a line of ours");
    assert!(line.contains(" 14.") && line.contains("µs"), "{line}");
}
