//! Two versions compared by real executables: what is kept, what is found, and what happens when a
//! baseline was tampered with or a version dies on the way.

use crate::executable::{Said, word};
use crate::mirror::Mirror;
use caxton_bench_runner::guest::artifact::sha256_hex;
use caxton_results::case::Outcome;
use caxton_results::paired::Version;
use caxton_results::paired::comparison::Comparison;
use caxton_results::paired::decide::Verdict;
use caxton_results::record::store::RunFolder;
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
    let said = mirror.bench(&words).if_guests_can_be_built()?;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
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
    again.rejudge(&turns);
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
    let said = mirror.bench(&["--between", &base_word, &candidate, "--agent", "echo"]);
    assert_eq!(said.code, Some(4), "{said:?}");
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
    let said = slower.bench(&["--agent", "vm", "--pack", &word(&kit)]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let out = mirror.root.join("compared");
    let [base, kit, out_word] = [base, kit, out.clone()].map(|path| word(&path));
    let words = ["--between", &base, &kit, "--counts", "overhead", "--out", &out_word];
    let said = mirror.bench_at("quick", &words);
    assert_eq!(said.code, Some(3), "{}", said.stderr);
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
