//! Hostile and broken guests beside a sound agent: each costs itself, by its own name.

use crate::executable::{Kept, bench_says, fresh_out, root, smoke, smoke_ended, target, word};
use crate::mirror::Mirror;
use caxton_model::case::Outcome;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::CaseRecord;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::Path;

/// A guest kept as text.
fn fixture(name: &str) -> String {
    word(&root().join("tests/fixtures/guests").join(name).with_extension("wat"))
}

fn cases<'a>(kept: &'a Kept, agent: &str) -> Vec<&'a CaseRecord> {
    kept.record.cases.iter().filter(|case| case.key.agent == agent).collect()
}

/// Asserts that echo ran in every case, and that each has its number.
fn echo_is_unharmed(kept: &Kept) {
    let cases = cases(kept, "echo");
    assert_eq!(cases.len(), 4);
    for case in cases {
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        let metric = if case.key.is_overhead() {
            "wasm_to_native_time"
        } else if case.key.is_parts() {
            "part_call_ns"
        } else {
            "aa_time"
        };
        let summary = case.metric(metric).unwrap_or_else(|why| panic!("{}: {why}", case.key));
        assert!(summary.estimate > 0.0 && summary.samples > 0, "{}: {summary:?}", case.key);
    }
}

/// Runs the guest at `path` beside echo: it must end as `outcome`, for a reason that has `says`.
fn ends(path: &str, outcome: &str, says: &str) {
    ends_within(path, &[], (outcome, says));
}

fn ends_within(path: &str, words: &[&str], (outcome, says): (&str, &str)) {
    let words = [&["--agent", "echo", "--guest", path], words].concat();
    let Some(kept) = smoke_ended(1, &words) else { return };
    echo_is_unharmed(&kept);
    let stem = Path::new(path).file_stem().and_then(|stem| stem.to_str()).expect("plain names");
    let cases = cases(&kept, stem);
    assert_eq!(cases.len(), 2, "WASM, and WASM against itself");
    for case in cases {
        let reason = case.outcome.reason().unwrap_or_default();
        assert_eq!(case.outcome.name(), outcome, "{reason}");
        assert!(reason.contains(says), "{reason}");
        assert_eq!(reason.lines().count(), 1, "{reason}");
        let is_known = |reading: &Reading<_>| reading.known().is_some();
        assert!(!case.metrics.values().any(is_known), "a death is no number: {:?}", case.metrics);
    }
    let is_its = |sample: &caxton_model::samples::Sample| sample.case.agent == stem;
    assert!(!kept.samples.iter().any(is_its), "a death is no sample");
    let told = format!("{stem}: {outcome}: ");
    assert!(kept.said.stderr.contains(&told), "{}", kept.said.stderr);
    assert!(kept.said.stdout.contains(outcome), "{}", kept.said.stdout);
}

#[test]
fn a_sound_guest_runs_without_a_twin() {
    let Some(kept) = smoke_ended(0, &["--agent", "echo", "--guest", &fixture("echoes")]) else {
        return;
    };
    echo_is_unharmed(&kept);
    let cases = cases(&kept, "echoes");
    assert!(cases.iter().all(|case| case.outcome == Outcome::Ran));
    assert!(cases[0].metric("wasm_call_ns").is_ok());
    let ratio = cases[0].metric("wasm_to_native_time");
    assert!(
        matches!(&ratio, Err(Missing::NotRequested(why)) if why.contains("native build")),
        "{ratio:?}"
    );
}

#[test]
fn guests_alone_leave_the_agents_out() {
    let Some(kept) = smoke_ended(0, &["--guest", &fixture("echoes")]) else { return };
    assert!(kept.record.cases.iter().all(|case| case.key.agent == "echoes"));
}

#[test]
fn a_guest_that_never_comes_back_times_out() {
    // Long enough for echo on a loaded machine.
    ends_within(&fixture("loops"), &["--timeout", "8"], ("timed out", "8 s"));
}

/// A guest of a few hundred KiB for whose one function a compiler needs minutes and gigabytes: each
/// local is alive in each of so many loops, one within the other.
fn compile_bomb() -> String {
    const LOOPS: usize = 3000;
    const LOCALS: usize = 4000;
    let add = |i: usize| format!("(local.set {i} (i32.add (local.get {i}) (i32.const {i})))");
    let body: String = (2..LOCALS + 2).map(add).collect();
    let handle = format!(
        "(local {}) {}{body}{} i32.const 0",
        "i32 ".repeat(LOCALS),
        "(loop ".repeat(LOOPS),
        "(br_if 0 (local.get 0)))".repeat(LOOPS),
    );
    let echoes = fs::read_to_string(fixture("echoes")).expect("a fixture");
    let function = "(func (export \"agent_handle\") (param i32 i32) (result i32)";
    let bomb = echoes.replacen(
        function,
        &format!("{function} {handle})(func (param i32 i32) (result i32)"),
        1,
    );
    assert_ne!(bomb, echoes, "the fixture has an agent_handle");
    bomb
}

#[test]
fn a_guest_that_takes_for_ever_to_compile_times_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("bomb.wat");
    fs::write(&path, compile_bomb()).expect("a fresh folder");
    let words = ["--guest", &word(&path), "--guest", &fixture("echoes"), "--timeout", "8"];
    let Some(kept) = smoke_ended(1, &words) else { return };
    for case in cases(&kept, "bomb") {
        assert_eq!(case.outcome.name(), "timed out", "{:?}", case.outcome);
    }
    assert!(cases(&kept, "echoes").iter().all(|case| case.outcome == Outcome::Ran));
}

#[test]
fn a_guest_that_exits_in_its_start_died_before_work() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("exits.wat");
    let leaves = fs::read_to_string(fixture("echoes")).expect("a fixture");
    let exits = leaves.replacen(
        "(memory",
        "(import \"wasi_snapshot_preview1\" \"proc_exit\" (func $leave (param i32)))
         (func $start (call $leave (i32.const 0))) (start $start) (memory",
        1,
    );
    fs::write(&path, exits).expect("a fresh folder");
    ends(&word(&path), "died before work", "start: Exited with i32 exit status 0");
}

#[test]
fn a_guest_that_logs_is_timed_with_writes_that_succeed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("logs.wat");
    let echoes = fs::read_to_string(fixture("echoes")).expect("a fixture");
    let function = "(func (export \"agent_handle\") (param i32 i32) (result i32)";
    let logs = echoes
        .replacen(
            "(memory",
            "(import \"wasi_snapshot_preview1\" \"fd_write\"
               (func $write (param i32 i32 i32 i32) (result i32))) (memory",
            1,
        )
        .replacen(
            function,
            &format!(
                "(data (i32.const 1024) \"\\00\\08\\00\\00\\f4\\01\\00\\00\") {function}
                 (if (call $write (i32.const 2) (i32.const 1024) (i32.const 1) (i32.const 1040))
                   (then unreachable))"
            ),
            1,
        );
    assert_ne!(logs, echoes, "the fixture has an agent_handle");
    fs::write(&path, logs).expect("a fresh folder");
    let Some(kept) = smoke_ended(0, &["--guest", &word(&path)]) else { return };
    let case = &cases(&kept, "logs")[0];
    let written = case.metric("wasm_stderr_bytes").expect("it is counted");
    assert!((written.estimate - 500.0).abs() < f64::EPSILON, "{written:?}");
    let note = "logs writes 500 B to stderr per message: no write fails, the last 4.00 KiB";
    assert!(kept.said.stdout.contains(note), "{}", kept.said.stdout);
}

#[test]
fn a_guest_that_misbehaves_costs_itself() {
    for (guest, outcome, says) in [
        ("traps", "died in the middle", "trap in agent_handle"),
        ("wild-reply", "died in the middle", "wild pointer: reply"),
        ("memory-bomb", "died in the middle", "was denied"),
        ("start-traps", "died before work", "trap in start"),
        ("leaves", "died in the middle", "exit status 0"),
        ("forges", "died in the middle", "trap in agent_handle"),
        ("fickle", "wrong answer", "wasm replied"),
    ] {
        ends(&fixture(guest), outcome, says);
    }
}

#[test]
fn files_that_are_no_guest_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes, says) in [
        ("truncated.wasm", b"\0asm\x01\0\0\0\x01\x7f".as_slice(), "no valid module"),
        ("component.wasm", b"\0asm\x0d\0\x01\0", "a component without wasi:cli/run"),
        ("empty.wasm", b"", "an empty file"),
        ("text.wasm", b"#!/bin/sh\n", "no valid module"),
        ("nothing.wat", b"(module)", "it exports no function _start"),
        (
            "foreign.wat",
            b"(module (import \"env\" \"f\" (func)))",
            "it imports what the host does not have: env.f",
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a fresh folder");
        ends(&word(&path), "refused", says);
    }
    let path = folder.path().join("folder.wasm");
    fs::create_dir(&path).expect("a fresh folder");
    ends(&word(&path), "refused", "folder.wasm");
}

#[test]
fn a_built_guest_that_was_cut_off_is_refused() {
    let Some(_) = smoke(&["--agent", "echo"]) else { return };
    let files = fs::read_dir(target().join("guests/artifacts")).into_iter().flatten().flatten();
    let built =
        files.map(|file| file.path()).find(|path| path.extension() == Some("wasm".as_ref()));
    let bytes = fs::read(built.expect("echo was built")).expect("readable");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("cut.wasm");
    fs::write(&path, &bytes[..100]).expect("a fresh folder");
    ends(&word(&path), "refused", "no valid module");
}

#[test]
fn an_agent_that_does_not_compile_costs_itself() {
    let mirror = Mirror::with_agent("broken", "//! Ends too early.\nfn broken( {\n");
    let out = word(&mirror.root.join("run"));
    let words = ["--agent", "broken", "--guest", &fixture("echoes"), "--out", &out];
    let Some(_) = mirror.bench(&words).if_built(1) else { return };
    let (record, _) = RunFolder::load(Path::new(&out)).expect("a kept run");
    assert_eq!(record.cases.len(), 6, "four of the agent, two of the guest");
    for case in &record.cases {
        if case.key.agent == "echoes" {
            assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
            continue;
        }
        let reason = case.outcome.reason().unwrap_or_default();
        assert_eq!((case.outcome.name(), reason.lines().count()), ("refused", 1), "{reason}");
        assert!(reason.contains("build failed: error"), "{reason}");
        let log = reason.rsplit(' ').next().unwrap_or_default();
        let log = fs::read_to_string(log).unwrap_or_else(|error| panic!("{log}: {error}"));
        assert!(log.contains("lib.rs:2"), "{log}");
    }
}

#[test]
fn guests_that_cannot_be_told_apart_or_found_are_a_wrong_use() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let twin = folder.path().join("traps.wat");
    let agent = folder.path().join("echo.wat");
    for path in [&twin, &agent] {
        fs::copy(fixture("traps"), path).expect("a fresh folder");
    }
    let (twin, agent) = (word(&twin), word(&agent));
    let missing = word(&folder.path().join("missing.wasm"));
    for (guests, named) in [
        (vec![missing.as_str()], "missing.wasm"),
        (vec![&fixture("traps"), &twin], "traps"),
        (vec![&agent], "echo.wat"),
    ] {
        let (_folder, out) = fresh_out();
        let mut words = vec!["--bench", "--agent", "echo", "--scale", "smoke", "--out", &out];
        words.extend(guests.iter().flat_map(|guest| ["--guest", guest]));
        let said = bench_says(&words).refused(2);
        assert!(said.only_error().contains(named), "{}", said.stderr);
    }
}
