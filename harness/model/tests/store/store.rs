//! Run folders that are torn, foreign, full or hostile.

use caxton_analysis::reduce::resummarise;
use caxton_fixture as fixture;
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::Record;
use caxton_model::record::store::{
    LATEST, RECORD_FILE, RunFolder, SAMPLES_FILE, StoreError, update_latest,
};
use caxton_model::samples::Sample;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder for one test, and a run folder in it.
pub(crate) fn folder() -> (TempDir, PathBuf) {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("runs/one");
    (temporary, path)
}

/// The fixture, written to `path`.
pub(crate) fn written(path: &Path) -> (RunFolder, Record, Vec<Sample>) {
    let (record, samples) = fixture::run();
    let mut run = RunFolder::create(path).unwrap();
    let (first, rest) = samples.split_at(10);
    run.append(first).unwrap();
    run.append::<Sample>(&[]).unwrap();
    run.append(rest).unwrap();
    run.write(&record).unwrap();
    (run, record, samples)
}

/// What an error says, with the folder's name taken out.
fn says<T: std::fmt::Debug>(result: Result<T, StoreError>, folder: &TempDir) -> String {
    result.unwrap_err().to_string().replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn what_was_written_is_what_is_read() {
    let (temporary, path) = folder();
    let (_, record, samples) = written(&path);
    let (mut loaded, loaded_samples) = RunFolder::load(&path).unwrap();
    let length = fs::metadata(path.join(SAMPLES_FILE)).unwrap().len();
    assert_eq!(loaded.samples_bytes, length);
    assert_eq!(loaded_samples, samples);
    let csv = fs::read_to_string(path.join(SAMPLES_FILE)).unwrap();
    assert_eq!(csv.matches("iterations").count(), 1, "one header");
    resummarise(&mut loaded, &loaded_samples);
    loaded.samples_bytes = 0;
    assert_eq!(loaded, record);
    let names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "no temporary file stays: {names:?}");
    drop(temporary);
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let (temporary, path) = folder();
    RunFolder::create(&path).unwrap();
    RunFolder::create(&path).unwrap();
    fs::write(path.join("notes.txt"), "mine").unwrap();
    assert_eq!(
        says(RunFolder::create(&path), &temporary),
        "DIR/runs/one is not empty: name another folder, or move this one away"
    );
    let below = says(RunFolder::create(&path.join("notes.txt/run")), &temporary);
    assert!(below.starts_with("cannot write DIR/runs/one/notes.txt/run: "), "{below}");
}

#[test]
fn a_kill_between_samples_and_record_loses_only_what_was_not_promised() {
    let (_temporary, path) = folder();
    let (mut run, _, samples) = written(&path);
    run.append(&samples[..3]).unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, samples);
}

#[test]
fn garbage_behind_the_promise_is_not_read() {
    let (_temporary, path) = folder();
    let (_, _, samples) = written(&path);
    let file = OpenOptions::new().append(true).open(path.join(SAMPLES_FILE));
    file.unwrap().write_all(b"wasm/overhead/x/y,3,\"\xff\0half a ro").unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, samples);
}

#[test]
fn a_torn_append_is_cut_off_before_the_next() {
    let (_temporary, path) = folder();
    let (mut run, record, samples) = written(&path);
    let file = OpenOptions::new().append(true).open(path.join(SAMPLES_FILE));
    file.unwrap().write_all(b"half a ro").unwrap();
    run.is_torn = true;
    run.append(&samples[..2]).unwrap();
    run.write(&record).unwrap();
    let expected: Vec<Sample> = samples.iter().chain(&samples[..2]).cloned().collect();
    assert_eq!(RunFolder::load(&path).unwrap().1, expected);
}

#[test]
fn samples_that_were_cut_off_are_an_error() {
    let (temporary, path) = folder();
    written(&path);
    let file = OpenOptions::new().write(true).open(path.join(SAMPLES_FILE)).unwrap();
    file.set_len(100).unwrap();
    let promised = RunFolder::load_record(&path).unwrap().samples_bytes;
    assert_eq!(
        says(RunFolder::load(&path), &temporary),
        format!(
            "DIR/runs/one/samples.csv has 100 bytes of samples, its record promises {promised}: it \
             was cut off, copy it again"
        )
    );
    fs::remove_file(path.join(SAMPLES_FILE)).unwrap();
    assert!(says(RunFolder::load(&path), &temporary).contains("has 0 bytes of samples"));
}

#[test]
fn a_bad_row_is_named_by_its_line() {
    let (temporary, path) = folder();
    written(&path);
    let file = path.join(SAMPLES_FILE);
    let good = fs::read_to_string(&file).unwrap();
    let third = good.lines().nth(2).unwrap();
    let zeros = "0".repeat(third.len());
    let mut report = Vec::new();
    for bad in [
        zeros.clone(),
        third.replace("native_call_ns", "native_calls_s"),
        third.replacen("wasm/overhead/", "wasm-overhead-", 1),
        format!("{}x", &third[..third.len() - 1]),
    ] {
        assert_eq!(bad.len(), third.len());
        fs::write(&file, good.replacen(third, &bad, 1)).unwrap();
        let text = says(RunFolder::load(&path), &temporary);
        report.push(text);
    }
    fs::write(&file, good.replacen(third, &"\u{fffd}".repeat(100), 1)).unwrap();
    report.push(says(RunFolder::load(&path), &temporary));
    fs::write(&file, {
        let mut bytes = good.clone().into_bytes();
        let at = good.find(third).unwrap();
        bytes[at] = 0xff;
        bytes
    })
    .unwrap();
    report.push(says(RunFolder::load(&path), &temporary));
    expect_test::expect![[r#"
        DIR/runs/one/samples.csv, line 3: 1 fields where 7 belong; the file was edited, copy it again
        DIR/runs/one/samples.csv, line 3: "native_calls_s" is no metric of this version; the file was edited, copy it again
        DIR/runs/one/samples.csv, line 3: "wasm-overhead-wasmtime-vs-native/noop" is no case key: expected suite/workload/subject/agent[/name=value,…]; the file was edited, copy it again
        DIR/runs/one/samples.csv, line 3: field 6: invalid digit found in string; the file was edited, copy it again
        DIR/runs/one/samples.csv, line 3: 1 fields where 7 belong; the file was edited, copy it again
        DIR/runs/one/samples.csv, line 3: invalid utf-8: invalid UTF-8 in field 0 near byte index 0; the file was edited, copy it again"#]].assert_eq(&report.join("\n"));
}

#[test]
fn a_record_that_is_not_one_is_told() {
    let (temporary, path) = folder();
    let mut report = vec![says(RunFolder::load(&path), &temporary)];
    fs::create_dir_all(&path).unwrap();
    report.push(says(RunFolder::load(&path), &temporary));
    let (record, _) = fixture::run();
    let whole = serde_json::to_string_pretty(&record).unwrap();
    let file = path.join(RECORD_FILE);
    for json in [
        "",
        "{\"schema\": 1",
        "[1, 2]",
        "{\"schema\": 1}",
        "{\"schema\": 2, \"anything\": []}",
        "{\"run\": {}}",
        &whole[..whole.len() / 2],
        &whole.replacen("wasm_call_ns", "wasm_caller", 1),
        &whole.replacen("wasm/overhead/wasmtime-vs-native/noop", "noop", 1),
    ] {
        fs::write(&file, json).unwrap();
        report.push(says(RunFolder::load(&path), &temporary));
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    report.push(says(RunFolder::load(&path), &temporary));
    expect_test::expect![[r#"
        DIR/runs/one holds no record.json: run a bench first, or name a run as `caxton-bench list` does
        DIR/runs/one holds no record.json: run a bench first, or name a run as `caxton-bench list` does
        DIR/runs/one/record.json is no whole record: EOF while parsing a value at line 1 column 0; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: EOF while parsing an object at line 1 column 12; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: trailing characters at line 1 column 5; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: missing field `run` at line 1 column 13; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json has schema 2, this version reads 1: read it with the version that wrote it
        DIR/runs/one/record.json is no whole record: missing field `schema` at line 1 column 11; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: EOF while parsing an object at line 1135 column 22; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: "wasm_caller" is no metric of this version at line 280 column 21; it was cut off, edited, or written by another version; take it from a backup or run again
        DIR/runs/one/record.json is no whole record: "noop" is no case key: expected suite/workload/subject/agent[/name=value,…] at line 91 column 19; it was cut off, edited, or written by another version; take it from a backup or run again
        cannot read DIR/runs/one/record.json: not a regular file, but a folder"#]].assert_eq(&report.join("\n"));
}

#[test]
fn a_number_that_json_cannot_hold_does_not_replace_a_good_record() {
    let (_temporary, path) = folder();
    let (run, record, _) = written(&path);
    let mut bad = record;
    bad.host.load_at_end = Reading::Known(f64::NAN);
    let error = run.write(&bad).unwrap_err().to_string();
    assert!(error.contains("record.json: invalid type: null"), "{error}");
    RunFolder::load(&path).unwrap();
}

/// `/dev/full` takes nothing, as a full disk; None where a system has no such thing.
#[expect(clippy::print_stdout, reason = "a test that is skipped says so")]
fn full_disk() -> Option<&'static Path> {
    let path = Path::new("/dev/full");
    if !path.exists() {
        println!("SKIP no /dev/full");
        return None;
    }
    Some(path)
}

#[test]
fn a_full_disk_is_named_and_keeps_what_was_there() {
    let Some(full) = full_disk() else { return };
    let (temporary, path) = folder();
    let (record, samples) = fixture::run();
    let mut run = RunFolder::create(&path).unwrap();
    symlink(full, path.join(SAMPLES_FILE)).unwrap();
    let text = says(run.append(&samples), &temporary);
    assert!(text.starts_with("cannot write DIR/runs/one/samples.csv: "), "{text}");
    assert!(text.ends_with("; free some space, what finished before is kept"), "{text}");
    run.write(&record).unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, []);
    // When there is space again, the run goes on from what is known to be whole.
    fs::remove_file(path.join(SAMPLES_FILE)).unwrap();
    run.append(&samples).unwrap();
    run.write(&record).unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, samples);
}

#[test]
fn a_folder_that_went_away_is_named() {
    let (temporary, path) = folder();
    let (mut run, record, samples) = written(&path);
    fs::remove_dir_all(&path).unwrap();
    let text = says(run.write(&record), &temporary);
    assert!(text.starts_with("cannot write DIR/runs/one/record.json: "), "{text}");
    let text = says(run.append(&samples), &temporary);
    assert!(text.starts_with("cannot write DIR/runs/one/samples.csv: "), "{text}");
}

#[test]
fn hostile_names_come_back_as_they_were() {
    let (_temporary, path) = folder();
    let mut run = RunFolder::create(&path).unwrap();
    let (record, _) = fixture::run();
    let metric = MetricName::parse("wasm_call_ns").unwrap();
    let agents = [fixture::HOSTILE, "a,\"b\"\r\n", "größe", &"x".repeat(5000)];
    let sample = |agent: &&str| {
        let case = CaseKey::new("wasm", "overhead", "wasmtime-vs-native", agent);
        Sample { case, launch: 0, metric, block: 0, index: 0, iterations: 1, value: u64::MAX }
    };
    let samples: Vec<Sample> = agents.iter().map(sample).collect();
    run.append(&samples).unwrap();
    run.write(&record).unwrap();
    assert_eq!(RunFolder::load(&path).unwrap().1, samples);
}

#[test]
fn latest_points_to_the_last_run_and_replaces_no_folder() {
    let (temporary, path) = folder();
    written(&path);
    let profiles = temporary.path();
    update_latest(profiles, "none").unwrap();
    update_latest(profiles, "one").unwrap();
    assert_eq!(fs::read_link(profiles.join(LATEST)).unwrap(), Path::new("runs/one"));
    RunFolder::load(&profiles.join(LATEST)).unwrap();
    fs::remove_file(profiles.join(LATEST)).unwrap();
    fs::create_dir(profiles.join(LATEST)).unwrap();
    assert_eq!(
        says(update_latest(profiles, "one"), &temporary),
        "DIR/latest is a folder, not a link made by this tool: move it away"
    );
}

/// Old runs must load for ever: a change that breaks this needs a new schema.
#[test]
fn a_run_of_schema_1_loads_and_its_samples_say_what_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/record-v1");
    let (record, samples) = RunFolder::load(&folder).unwrap();
    assert_eq!((record.schema, samples.len()), (1, 739));
    let mut replayed = record.clone();
    resummarise(&mut replayed, &samples);
    // The last bits of `exp` and `ln` are the platform's own, and a reason may be reworded.
    let known = |record: Record| {
        let mut record = fixture::rounded(record);
        for case in &mut record.cases {
            case.metrics.retain(|_, reading| reading.known().is_some());
        }
        record
    };
    assert_eq!(known(replayed), known(record));
}
