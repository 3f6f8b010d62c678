//! Two versions compared by real executables: what is kept, what is found, and what happens when a
//! baseline was tampered with or a version dies on the way.

use crate::executable::{Said, tool_says, word};
use crate::mirror::Mirror;
use caxton_analysis::paired::judge::rejudge;
use caxton_bench::guest::digest::sha256_hex;
use caxton_model::case::{Check, Outcome};
use caxton_model::paired::Version;
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::record::store::RunFolder;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A mirror with the agent echo packed in it; none where guests cannot be built.
fn packed() -> Option<(Mirror, PathBuf)> {
    packed_agent("echo")
}

/// A mirror with one agent packed in it.
fn packed_agent(name: &str) -> Option<(Mirror, PathBuf)> {
    let mirror = Mirror::new();
    let kit = mirror.root.join("kit");
    let words = ["--agent", name, "--pack", &word(&kit)];
    mirror.bench(&words).if_guests_can_be_built()?.ended(0);
    Some((mirror, kit))
}

/// A copy of `kit`, beside it.
fn copy_of(kit: &Path, name: &str) -> PathBuf {
    let copy = kit.with_file_name(name);
    fs::create_dir(&copy).expect("a fresh folder");
    for file in fs::read_dir(kit).expect("a kit").flatten() {
        fs::copy(file.path(), copy.join(file.file_name())).expect("a fresh folder");
    }
    copy
}

/// Changes what the manifest of `kit` says.
fn edit(kit: &Path, change: impl Fn(&mut Value)) {
    let path = kit.join("kit.json");
    let mut manifest: Value =
        serde_json::from_slice(&fs::read(&path).expect("a kit")).expect("a manifest");
    change(&mut manifest);
    fs::write(path, manifest.to_string()).expect("a kit");
}

/// Puts a shell script before the executable of `kit`: `script` runs with `$n`, the number of times
/// that it was started before, from 0; then the executable takes over.
fn script(kit: &Path, script: &str) {
    fs::rename(kit.join("bench"), kit.join("real.so")).expect("a kit");
    let text = format!(
        "#!/bin/sh\nn=$(cat starts 2>/dev/null || echo 0)\necho $((n + 1)) > starts\n{script}\n\
         exec ../real.so \"$@\"\n"
    );
    fs::write(kit.join("bench"), &text).expect("a kit");
    fs::set_permissions(kit.join("bench"), fs::Permissions::from_mode(0o755)).expect("a kit");
    let real = fs::read(kit.join("real.so")).expect("a kit");
    edit(kit, |manifest| {
        let file = |name: &str, bytes: &[u8]| {
            let (sha256, bytes) = (sha256_hex(bytes), bytes.len());
            json!({"file": name, "sha256": sha256, "bytes": bytes})
        };
        manifest["executable"] = file("bench", text.as_bytes());
        // Carried along as an agent's file, for every file of a kit is one that its manifest names.
        let carrier = json!({"wasm": file("real.so", &real), "native": null, "expected": null});
        manifest["agents"]["carrier"] = carrier;
    });
}

/// Compares two kits, launch by launch; what was said, and what was kept.
fn compared(mirror: &Mirror, [base, candidate]: [&Path; 2], words: &[&str]) -> (Said, Comparison) {
    let out = mirror.root.join("compared");
    let [base, candidate, out_word] = [base, candidate, &out].map(word);
    let between = ["--between", &base, &candidate, "--agent", "echo", "--out", &out_word];
    let said = mirror.bench_at("quick", &[&between, words].concat());
    let (comparison, turns) =
        RunFolder::load_comparison(&out).unwrap_or_else(|error| panic!("{error}\n{}", said.stderr));
    let mut again = comparison.clone();
    rejudge(&mut again, &turns);
    assert_eq!(again, comparison, "the samples say what the comparison says");
    (said, comparison)
}

#[test]
fn a_version_against_itself_is_decided_and_audited() {
    let Some((mirror, kit)) = packed() else { return };
    let (said, comparison) = compared(&mirror, [&kit, &kit], &["--seed", "7"]);
    let [case] = &comparison.cases[..] else { panic!("{:?}", comparison.cases) };
    assert_eq!((&case.outcome, case.failed), (&Outcome::Ran, None));
    assert!((16..=60).contains(&case.launches.granted), "{:?}", case.launches);
    assert_eq!(comparison.design.seed, 7);
    assert_eq!((comparison.design.primary, comparison.design.secondary), (2, 3));
    let fuel = case.exact.iter().find(|exact| exact.metric.as_str() == "wasm_fuel");
    assert_eq!(fuel.expect("echo has fuel").verdict, Verdict::Ok);
    let sentinel = comparison.sentinel.as_ref().expect("one case is audited");
    assert_eq!(sentinel.outcome, Outcome::Ran);
    // Not what the noise of this hour says, but that the code says what was found.
    let is_bad = |v: Option<Verdict>| matches!(v, Some(Verdict::Regressed));
    let is_regressed = case.metrics.iter().any(|metric| is_bad(metric.verdict));
    let code = match (comparison.is_untrusted(), is_regressed) {
        (true, _) => 4,
        (false, true) => 3,
        (false, false) => 0,
    };
    assert_eq!(said.code, Some(code), "{}", said.stdout);
    let aligned = comparison.base.aligned.known().expect("not stripped");
    assert!(aligned.0 == aligned.1 && aligned.1 > 1000, "{aligned:?}");
}

#[test]
fn a_version_that_dies_in_launch_7_costs_its_case_and_not_what_was_measured() {
    let Some((mirror, kit)) = packed() else { return };
    let candidate = copy_of(&kit, "dead");
    // One process told its reply, two the counts.
    script(&candidate, "[ $n = 9 ] && kill -SEGV $$");
    let (said, comparison) = compared(&mirror, [&kit, &candidate], &[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let case = &comparison.cases[0];
    assert_eq!((case.failed, case.launches.granted), (Some(Version::Candidate), 6));
    let why = "candidate, launch 7: the worker process crashed (SIGSEGV)";
    assert_eq!(case.outcome, Outcome::DiedBeforeWork(why.to_owned()));
    assert!(case.exact.len() > 3 && !case.metrics.is_empty(), "what was measured is kept");
    assert!(said.stdout.contains("launch 7"), "{}", said.stdout);

    fs::remove_dir_all(mirror.root.join("compared")).expect("ours");
    let (said, comparison) = compared(&mirror, [&candidate, &kit], &[]);
    assert_eq!(said.code, Some(4), "a base that dies is nothing to compare with: {}", said.stderr);
    assert_eq!(comparison.cases[0].failed, Some(Version::Base));
}

#[test]
fn a_version_that_hangs_is_ended() {
    let Some((mirror, kit)) = packed() else { return };
    let candidate = copy_of(&kit, "hung");
    script(&candidate, "[ $n = 4 ] && exec sleep 100000");
    let (said, comparison) = compared(&mirror, [&kit, &candidate], &["--timeout", "15"]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let case = &comparison.cases[0];
    assert_eq!((case.failed, case.launches.granted), (Some(Version::Candidate), 1));
    let why = "candidate, launch 2: no end within 15 s: killed";
    assert_eq!(case.outcome, Outcome::TimedOut(why.to_owned()));
}

#[test]
fn a_version_that_lies_is_not_believed() {
    let Some((mirror, kit)) = packed() else { return };
    let candidate = copy_of(&kit, "liar");
    script(&candidate, "[ $n = 5 ] && echo '\"loaded\"' && echo '{\"times\":[1]}' && exit 0");
    let (said, comparison) = compared(&mirror, [&kit, &candidate], &[]);
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let why = comparison.cases[0].outcome.reason().unwrap_or_default().to_owned();
    assert!(why.starts_with("candidate, launch 3: it answered out of order"), "{why}");
}

/// What is said of a baseline of which `spoil` spoiled the copy that the run is given.
fn spoiled(mirror: &Mirror, kit: &Path, spoil: impl Fn(&Path)) -> String {
    let base = copy_of(kit, "spoiled");
    spoil(&base);
    let [base_word, candidate] = [&base, kit].map(word);
    let said = mirror.bench(&["--between", &base_word, &candidate, "--agent", "echo"]).ended(4);
    let line = said.only_error().replace(&base_word, "BASE");
    fs::remove_dir_all(base).expect("ours");
    line
}

#[test]
fn a_spoiled_baseline_is_named_and_never_green() {
    let Some((mirror, kit)) = packed() else { return };
    let says = |spoil: &dyn Fn(&Path)| spoiled(&mirror, &kit, spoil);
    let line = says(&|base| fs::write(base.join("echo.wasm"), "another").expect("ours"));
    assert!(line.contains("BASE/echo.wasm is not the file that was kept: 7 bytes"), "{line}");
    let line = says(&|base| {
        let mut bytes = fs::read(base.join("bench")).expect("ours");
        *bytes.last_mut().expect("an executable") ^= 1;
        fs::write(base.join("bench"), bytes).expect("ours");
    });
    assert!(line.contains("BASE/bench is not the file that was kept: its SHA-256"), "{line}");
    let line = says(&|base| fs::remove_file(base.join("echo.so")).expect("ours"));
    assert!(line.contains("BASE/echo.so is not the file that was kept: No such file"), "{line}");
    let line = says(&|base| fs::remove_file(base.join("kit.json")).expect("ours"));
    assert!(line.contains("BASE has no executable"), "{line}");
    let line = says(&|base| edit(base, |m| m["build"]["target"] = json!("riscv64gc-unknown")));
    assert!(line.contains("BASE: built for riscv64gc-unknown, which cannot run on"), "{line}");
    let line = says(&|base| edit(base, |m| m["protocol"] = json!(99)));
    assert!(line.contains("BASE: its executable speaks protocol 99"), "{line}");
    let line = says(&|base| edit(base, |m| m["kit"] = json!(99)));
    assert!(line.contains("BASE/kit.json has schema 99, this version reads 1"), "{line}");
    let line = says(&|base| fs::write(base.join("kit.json"), "{\"kit\":1,").expect("ours"));
    assert!(line.contains("BASE/kit.json is no whole record"), "{line}");
    let line = says(&|base| edit(base, |m| m["executable"]["file"] = json!("../bench")));
    assert!(line.contains("\"../bench\" is no name"), "{line}");
    assert!(!mirror.profiles().join("runs").exists() || runs_in(&mirror) == 0, "nothing was begun");
}

fn runs_in(mirror: &Mirror) -> usize {
    fs::read_dir(mirror.profiles().join("runs")).map_or(0, Iterator::count)
}

#[test]
fn one_instruction_more_in_a_loop_is_found_by_its_fuel() {
    let Some((mirror, base)) = packed_agent("vm") else { return };
    let slower = Mirror::with_changed("vm", |text| {
        let head = "    fn run(&mut self, steps: u64) {\n";
        let loop_at = text.find(head).expect("the interpreter") + head.len();
        let (before, after) = text.split_at(loop_at);
        let (first, rest) = after.split_once("{\n").expect("its loop");
        format!("{before}{first}{{\nself.next |= std::hint::black_box(0);\n{rest}")
    });
    let kit = slower.root.join("kit");
    slower.bench(&["--agent", "vm", "--pack", &word(&kit)]).ended(0);
    let out = mirror.root.join("compared");
    let [base, kit, out_word] = [base, kit, out.clone()].map(|path| word(&path));
    let words = ["--between", &base, &kit, "--counts", "overhead", "--out", &out_word];
    let said = mirror.bench_at("quick", &words).ended(3);
    let (comparison, _) = RunFolder::load_comparison(&out).expect("it was kept");
    let case = &comparison.cases[0];
    assert!(case.metrics.is_empty(), "no time was measured");
    let fuel = case.exact.iter().find(|exact| exact.metric.as_str() == "wasm_fuel");
    let fuel = fuel.expect("vm has fuel");
    assert_eq!(fuel.verdict, Verdict::Regressed);
    let steps = fuel.candidate.expect("told") - fuel.base.expect("told");
    assert!(steps >= 20_000.0, "at least one for each of its 20,000 steps: {steps}");
    assert!(said.stdout.contains("wasm_fuel"), "{}", said.stdout);
}

/// A guest that sums up its message of 1,024 bytes, or the first `read` of them.
fn sums(read: u32) -> String {
    format!(
        r#"(module
          (memory (export "memory") 2)
          (data (i32.const 64) "CXTN\01\00\00\00")
          (func (export "agent_abi_version") (result i32) (i32.const 1))
          (func (export "agent_new") (param i32) (result i32) (i32.const 64))
          (func (export "agent_reserve") (param i32 i32 i32) (result i32)
            (i64.store (i32.const 72) (i64.const 4096))
            (i64.store (i32.const 80) (i64.extend_i32_u (local.get 1)))
            (i32.const 0))
          (func (export "agent_handle") (param i32 i32) (result i32) (local $i i32) (local $sum i64)
            (loop $next
              (local.set $sum (i64.add
                (i64.mul (local.get $sum) (i64.const 31))
                (i64.load8_u (i32.add (i32.const 4096) (local.get $i)))))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const {read}))))
            (i64.store (i32.const 2048) (local.get $sum))
            (i64.store (i32.const 88) (i64.const 2048))
            (i64.store (i32.const 96) (i64.const 8))
            (i32.const 0))
          (func (export "agent_example") (param i32 i64) (result i32) (local $i i32)
            (loop $next
              (i32.store8 (i32.add (i32.const 8192) (local.get $i))
                (i32.mul (local.get $i) (i32.const 7)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const 1024))))
            (i64.store (i32.const 88) (i64.const 8192))
            (i64.store (i32.const 96) (i64.const 1024))
            (i32.const 0))
          (func (export "agent_drop") (param i32)))"#
    )
}

/// A kit of the guest `sums`, of which a version reads `read` bytes.
fn summing(mirror: &Mirror, name: &str, read: u32) -> PathBuf {
    let folder = mirror.root.join(format!("{name}-source"));
    fs::create_dir(&folder).expect("a fresh folder");
    let (guest, kit) = (folder.join("sums.wat"), mirror.root.join(name));
    fs::write(&guest, sums(read)).expect("a fresh folder");
    mirror.bench(&["--guest", &word(&guest), "--pack", &word(&kit)]).ended(0);
    kit
}

/// Compares two kits of guest `sums` at smoke scale.
fn sums_compared(mirror: &Mirror, kits: [&Path; 2], words: &[&str]) -> (Said, Comparison) {
    let out = mirror.root.join("compared");
    let _ = fs::remove_dir_all(&out);
    let [base, candidate, out_word] = [kits[0], kits[1], &out].map(word);
    let between = ["--between", &base, &candidate, "--agent", "sums", "--out", &out_word];
    let said = mirror.bench(&[&between, words].concat());
    let (comparison, _) =
        RunFolder::load_comparison(&out).unwrap_or_else(|error| panic!("{error}\n{}", said.stderr));
    (said, comparison)
}

#[test]
fn a_version_that_reads_less_and_answers_otherwise_has_not_improved() {
    let mirror = Mirror::new();
    let (all, less) = (summing(&mirror, "all", 1024), summing(&mirror, "less", 10));
    let (said, comparison) = sums_compared(&mirror, [&all, &less], &[]);
    assert_eq!(said.code, Some(1), "{}", said.stdout);
    let [case] = &comparison.cases[..] else { panic!("{:?}", comparison.cases) };
    let Answers::Different(why) = &case.answers else { panic!("{:?}", case.answers) };
    assert!(why.starts_with("their replies to the same message are 8 bytes, SHA-256 "), "{why}");
    assert!(case.metrics.is_empty() && case.exact.is_empty(), "nothing was measured");
    assert!(said.stdout.contains("Result: DIFFERENT ANSWERS"), "{}", said.stdout);
    assert!(!said.stdout.contains("IMPROVED"), "{}", said.stdout);
    // Two files, two hashes, and no commit of ours.
    let hash = &comparison.base.agents["sums"].wasm.sha256[..16];
    assert!(said.stdout.contains(&format!("SHA-256 {hash} of guest sums")), "{}", said.stdout);
    assert!(!said.stdout.contains("(commit"), "{}", said.stdout);
    tool_says(&["gate", &word(&mirror.root.join("compared"))]).ended(1);

    let (said, comparison) = sums_compared(&mirror, [&all, &less], &["--bless-answers"]);
    let case = &comparison.cases[0];
    assert!(matches!(case.answers, Answers::Blessed(_)), "{:?}", case.answers);
    assert_ne!(said.code, Some(1), "{}", said.stdout);
    let fuel = case.exact.iter().find(|exact| exact.metric.as_str() == "wasm_fuel");
    assert_eq!(fuel.expect("a guest has fuel").verdict, Verdict::Improved);
    assert!(said.stdout.contains("different answers, blessed"), "{}", said.stdout);

    let (_, comparison) = sums_compared(&mirror, [&all, &all], &[]);
    assert_eq!(comparison.cases[0].answers, Answers::Same);
}

#[test]
fn a_kit_from_before_replies_were_told_is_compared_and_called_unchecked() {
    let mirror = Mirror::new();
    let (all, less) = (summing(&mirror, "all", 1024), summing(&mirror, "less", 10));
    // Its worker says what an earlier one says.
    script(&all, "../real.so \"$@\" | sed -u 's/,\"reply\":{[^}]*}//'; exit");
    let (said, comparison) = sums_compared(&mirror, [&all, &less], &["--counts"]);
    let case = &comparison.cases[0];
    let why = "the base's executable does not tell its reply: it is of an earlier version";
    assert_eq!(case.answers, Answers::Unchecked(why.to_owned()));
    assert!(case.exact.iter().any(|exact| exact.metric.as_str() == "wasm_fuel"));
    assert!(said.stdout.contains("answers unchecked: the base's"), "{}", said.stdout);
}

#[test]
fn a_guest_that_nothing_checks_is_called_unchecked() {
    let mirror = Mirror::new();
    let guest = mirror.root.join("sums.wat");
    fs::write(&guest, sums(1024)).expect("a fresh folder");
    let out = mirror.root.join("run");
    let said = mirror.bench(&["--guest", &word(&guest), "--out", &word(&out)]).ended(0);
    let record = RunFolder::load_record(&out).expect("it was kept");
    let case = record.cases.iter().find(|case| case.key.is_overhead()).expect("its calls");
    assert_eq!((&case.outcome, case.check), (&Outcome::Ran, Some(Check::Nothing)));
    assert!(said.stdout.contains("ran, unchecked"), "{}", said.stdout);
}
