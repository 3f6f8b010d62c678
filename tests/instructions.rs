//! Instructions of calls, counted by callgrind: whether they add up, whether they tell the truth
//! about an agent whose truth is known, and whether a single one more is found.

use crate::capability;
use crate::executable::{Kept, Place, Running, bench, bench_says, smoke_ended, word};
use crate::mirror::Mirror;
use caxton_model::case::Outcome;
use caxton_model::profile::{Profile, names};
use caxton_profiler::counting;
use std::fs;
use std::path::{Path, PathBuf};

/// The agent whose truth is known: `work_a` does three times the work of `work_b`, and `planted`
/// does four times its rounds as WASM.
const TRUTH: &str = "split";
/// Rounds of one call of its kernel, in the example message.
const ROUNDS: f64 = 1000.0;

fn has_valgrind() -> bool {
    match counting::availability() {
        Ok(()) => true,
        Err(why) => {
            capability::absent("valgrind", &why.to_string());
            false
        }
    }
}

/// The instructions of one call that `metric` counts: the estimate, and whether all processes
/// counted the same.
#[track_caller]
fn count(kept: &Kept, metric: &str) -> (f64, bool) {
    let case = kept.record.cases.iter().find(|case| case.key.is_overhead()).expect("a case");
    let summary = case.metric(metric).unwrap_or_else(|why| panic!("{metric}: {why}"));
    let range = summary.interval.expect("of what is counted");
    (summary.estimate, range.lower.to_bits() == range.upper.to_bits())
}

#[test]
fn whose_instructions_they_are_adds_up_and_the_agents_own_are_exact() {
    if !has_valgrind() {
        return;
    }
    let words = ["--agent", TRUTH, "--counts", "instructions", "wasmtime-vs-native"];
    let Some(kept) = smoke_ended(0, &words) else { return };
    for side in ["native", "wasm"] {
        let of = |part: &str| count(&kept, &format!("{side}_{part}_instructions"));
        let parts = ["agent", "library", "crossing", "engine", "harness", "unnamed"];
        let sum: f64 = parts.iter().map(|part| of(part).0).sum();
        let (total, _) = of("exact");
        assert!((sum - total).abs() < 0.5, "{side}: {sum} is not {total}");
        let (own, is_exact) = of("agent");
        assert!(is_exact, "{side}: two processes count the agent's code alike");
        // Nine rounds natively and twelve as WASM, of four instructions at the least.
        let rounds = if side == "wasm" { 12.0 } else { 9.0 };
        assert!(own > rounds * ROUNDS * 4.0 && own / total > 0.98, "{side}: {own} of {total}");
        assert!(of("first_call").0 > own * 0.9, "{side}");
        assert_eq!(of("unnamed").0, 0.0, "{side}: all code is somebody's");
    }
    let case = &kept.record.cases[0];
    let compile = case.metric("wasm_compile_instructions").expect("counted").estimate;
    let instantiate = case.metric("wasm_instantiate_instructions").expect("counted").estimate;
    assert!(compile > 1e7 && instantiate > 1e3, "a compiler is no small thing: {compile}");
}

#[test]
fn a_copy_is_a_loop_and_not_an_instruction_for_each_byte() {
    if !has_valgrind() {
        return;
    }
    let words = ["--agent", "memcpy", "--counts", "instructions", "wasmtime-vs-native"];
    let Some(kept) = smoke_ended(0, &words) else { return };
    // It copies more than 400,000 bytes, some 16 or 32 at a time.
    for side in ["native", "wasm"] {
        let (total, _) = count(&kept, &format!("{side}_exact_instructions"));
        assert!((10_000.0..100_000.0).contains(&total), "{side}: {total}");
    }
}

/// Two functions that call each other, `turns` times for each message.
fn calling_back(turns: u32) -> String {
    let echoes = include_str!("fixtures/guests/echoes.wat");
    let one = |name: &str, other: &str| {
        format!(
            "(func ${name} (param i32) (result i32)
               (if (result i32) (local.get 0)
                 (then (i32.add (call ${other} (i32.sub (local.get 0) (i32.const 1)))
                                (i32.load (i32.const 64))))
                 (else (i32.const 0))))"
        )
    };
    let (ping, pong) = (one("ping", "pong"), one("pong", "ping"));
    let handle = "(func (export \"agent_handle\") (param i32 i32) (result i32)";
    echoes.replace(handle, &format!("{handle}\n (drop (call $ping (i32.const {turns})))")).replace(
        "(func (export \"agent_drop\")",
        &format!("{ping} {pong}\n(func (export \"agent_drop\")"),
    )
}

#[test]
fn functions_that_call_each_other_keep_who_called_them_first() {
    if !has_valgrind() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("back.wat");
    fs::write(&path, calling_back(200)).expect("ours");
    let words = ["--profile", "instructions", "--guest", &word(&path)];
    let Some(kept) = smoke_ended(0, &words) else { return };
    let taken = &kept.record.cases[0].profiles.taken[0];
    let folder = Path::new(&kept.out).join("instructions/back");
    let text = fs::read_to_string(folder.join("wasm.folded")).expect("kept");
    let (mut below, mut all) = (0, 0);
    for line in text.lines() {
        let (stack, weight) = line.rsplit_once(' ').expect("a stack and its weight");
        let weight: u64 = weight.parse().expect("a number");
        all += weight;
        below += if stack.contains("ping") && stack.contains("agent_handle") { weight } else { 0 };
    }
    assert_eq!(all, taken.total, "the stacks add up to the total");
    // 200 turns of some ten instructions, for each of 32 messages, are nearly all there is.
    let (of_all, cut) = (below as f64 / all as f64, 1.0 - taken.health.rooted_share());
    assert!(of_all > 0.7 && cut == 0.0, "{of_all} under agent_handle, {cut} cut:\n{text}");
}

#[test]
fn sides_of_the_users_choice_are_counted_too() {
    if !has_valgrind() {
        return;
    }
    let sides = ["--side", "wasm", "--side", "wasm -O opt-level=0"];
    let words = [&["--agent", "echo", "--counts", "instructions"], &sides[..]].concat();
    let Some(kept) = smoke_ended(0, &words) else { return };
    let case = kept.record.cases.iter().find(|case| !case.key.is_same_against_same());
    let of = |metric: &str| case.expect("a pair").metric(metric).expect("counted").estimate;
    let [reference, side] =
        ["reference", "side"].map(|role| of(&format!("{role}_agent_instructions")));
    assert!(side > reference, "not optimised it is more: {reference} {side}");
}

fn file(kept: &Kept, name: &str) -> PathBuf {
    Path::new(&kept.out).join("instructions").join(TRUTH).join(name)
}

/// Instructions per message with `function` of the agent somewhere on their stack, and in all, as
/// the folded stacks of `side` add up.
fn folded(kept: &Kept, side: &str, messages: f64, function: &str) -> (f64, f64) {
    let text = fs::read_to_string(file(kept, &format!("{side}.folded"))).expect("kept");
    let (mut below, mut all) = (0.0, 0.0);
    for line in text.lines() {
        let (stack, weight) = line.rsplit_once(' ').expect("a stack and its weight");
        let weight: f64 = weight.parse::<f64>().expect("a number") / messages;
        all += weight;
        let is_it = |frame: &str| names::normalised(frame).ends_with(&format!("::{function}"));
        below += if stack.split(';').any(is_it) { weight } else { 0.0 };
    }
    (below, all)
}

#[test]
fn a_profile_of_instructions_tells_the_truth_to_the_digit() {
    if !has_valgrind() {
        return;
    }
    let words = ["--profile", "instructions", "--agent", TRUTH];
    let Some(kept) = smoke_ended(0, &words) else { return };
    let case = &kept.record.cases[0];
    let mut planted = Vec::new();
    for side in ["native", "wasm"] {
        let text = fs::read(file(&kept, &format!("{side}.profile.json"))).expect("kept");
        let profile: Profile = serde_json::from_slice(&text).expect("a profile");
        let messages = profile.about.messages as f64;
        let below = |function: &str| folded(&kept, side, messages, function);
        let taken = case.profiles.taken.iter().find(|taken| taken.about.side == side);
        let total = taken.expect("in the record").total as f64 / messages;
        assert!((below("kernel").1 - total).abs() < 1e-6, "{side}: the stacks add up to the total");
        // The callers of the kernel are a few instructions themselves.
        let (work_a, work_b) = (below("work_a").0, below("work_b").0);
        assert!(work_b > ROUNDS && (work_a - 3.0 * work_b).abs() < 50.0, "{work_a} {work_b}");
        let (heavy, light) = (below("inlined_heavy").0, below("inlined_light").0);
        assert!(light > ROUNDS && (heavy / light - 3.0).abs() < 0.25, "{heavy} {light}");
        planted.push(below("planted").0);
    }
    let [native, wasm] = planted[..] else { panic!("two sides") };
    assert!((wasm / native) > 4.0, "four times the rounds: {native} {wasm}");
    let changes = case.profiles.changes.as_ref().expect("two sides");
    let named = changes.grown.iter().find(|row| row.name.contains("::planted"));
    let named = named.expect("the function that was made slower is among those that grew");
    assert!(named.growth() >= 3.0 * ROUNDS, "{named:?}");
    assert_eq!(named.growth_error(), None, "nothing was sampled");
    let differential = fs::read_to_string(file(&kept, "differential.svg")).expect("drawn");
    assert!(differential.contains("planted"));
    hot(&kept);
}

/// The kernel multiplies once a round, three quarters of the rounds for `work_a`.
fn hot(kept: &Kept) {
    let text = fs::read_to_string(file(kept, "hot.txt")).expect("written");
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let kernel = text.split("\n\n").find(|part| part.contains("imul")).expect("it multiplies");
    assert!(kernel.contains(&format!("{:.1}", 4.0 * ROUNDS)), "once a round of four:\n{kernel}");
    assert!(text.contains("kernel") && text.contains("src/lib.rs:"), "{text}");
}

#[test]
fn without_valgrind_it_says_so_in_one_line() {
    let place = Place { variables: vec![("PATH", "/nowhere".into())], ..Place::default() };
    for words in [["--counts", "instructions"], ["--profile", "instructions"]] {
        let words = [&["--bench", "--agent", "echo"], &words[..]].concat();
        let said = Running::start(bench(), &words, &place).wait().refused(2);
        assert!(said.only_error().contains("there is no valgrind"), "{}", said.stderr);
    }
    let said = bench_says(&["--bench", "--agent", "echo", "--counts"]).refused(2);
    assert!(said.only_error().contains("--counts compares"), "{}", said.stderr);
}

#[test]
fn a_guest_that_cannot_be_called_is_one_failed_case() {
    if !has_valgrind() {
        return;
    }
    let guests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/guests");
    let guest = word(&guests.join("traps.wat"));
    for how in ["--counts", "--profile"] {
        let Some(kept) = smoke_ended(1, &["--guest", &guest, how, "instructions"]) else { return };
        let outcome = &kept.record.cases[0].outcome;
        assert!(matches!(outcome, Outcome::DiedInTheMiddle(_)), "{how}: {outcome:?}");
    }
}

/// A guest whose function `name` stores `times` numbers, each somewhere else.
fn storing(name: &str, times: usize) -> String {
    let echoes = include_str!("fixtures/guests/echoes.wat");
    let store = |at: usize| format!("(i32.store (i32.const {}) (i32.const 7))", 128 + 8 * at);
    let stores: String = (0..times).map(store).collect();
    let work = format!("(func ${name} {stores})\n  (func (export \"agent_drop\")");
    let called = "(func (export \"agent_handle\") (param i32 i32) (result i32)\n    (call $work)";
    echoes.replace("(func (export \"agent_drop\")", &work).replace(
        "(func (export \"agent_handle\") (param i32 i32) (result i32)",
        &called.replace("work", name),
    )
}

#[test]
fn a_single_store_more_is_found_and_named_and_another_name_is_no_change() {
    if !has_valgrind() {
        return;
    }
    let mirror = Mirror::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("storing.wat");
    let guest = word(&path);
    let put = |name: &str, times: usize| fs::write(&path, storing(name, times)).expect("ours");
    put("first", 3);
    mirror.bench(&["--guest", &guest, "--save-baseline", "one"]).ended(0);
    let words = ["--guest", &guest, "--baseline", "one", "--counts", "instructions"];
    put("other", 3);
    let said = mirror.bench(&words).ended(0);
    assert!(said.stdout.contains("Changes\n  none"), "a name is not executed: {}", said.stdout);
    put("first", 4);
    let said = mirror.bench(&words).ended(3);
    let line = said.stdout.lines().find(|line| line.contains("wasm_agent_instructions"));
    let line = line.expect("it is told");
    assert!(line.contains("REGRESSED") && line.contains("more, exact"), "{line}");
    let table = said.stdout.split("storing, wasm: instructions per message").nth(1);
    assert!(table.expect("by function").contains("first"), "{}", said.stdout);
}

#[test]
fn a_loop_that_was_planted_is_found_in_native_code_and_named() {
    if !has_valgrind() {
        return;
    }
    let mirror = Mirror::with_changed(TRUTH, |text| format!("{text}\n// A copy.\n"));
    let own = ["--agent", TRUTH, "wasmtime-vs-native"];
    let words = [&own[..], &["--save-baseline", "one"]].concat();
    let Some(_) = mirror.bench(&words).if_built(0) else { return };
    let path = mirror.root.join("agents-wasm").join(TRUTH).join("src/lib.rs");
    let text = fs::read_to_string(&path).expect("ours");
    let before = "    kernel(x, rounds).rotate_left(1)";
    let after = format!("    (0..rounds).for_each(|i| _ = black_box(i));\n{before}");
    let planted = text.replace(before, &after);
    assert_ne!(planted, text, "there is a place to plant at");
    fs::write(&path, planted).expect("ours");
    let words = [&own[..], &["--baseline", "one", "--counts", "instructions"]].concat();
    let said = mirror.bench(&words).ended(3);
    for side in ["native", "wasm"] {
        let metric = format!("{side}_agent_instructions");
        let line = said.stdout.lines().find(|line| line.contains(&metric)).expect("it is told");
        assert!(line.contains("REGRESSED"), "{line}");
        let title = format!("{TRUTH}, {side}: instructions per message");
        let table = said.stdout.split(&title).nth(1).expect("by function");
        let table = table.split("\n\n").next().unwrap_or_default();
        let outer = table.lines().find(|line| line.contains("inlined into them: "));
        let first = outer.and_then(|line| line.split("inlined into them: ").nth(1));
        let first = first.unwrap_or_default();
        assert!(first.starts_with("agent_split::work_b "), "it has the loop: {table}");
        assert!(!table.contains("work_a") && !table.contains("planted"), "no other: {table}");
    }
}
