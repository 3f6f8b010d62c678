//! CPU profiles of the real executable: what is kept, whether the samples tell the truth about an
//! agent whose truth is known, and whether other tools can read them.

use crate::capability;
use crate::executable::{
    Kept, Place, Running, bench_says, heard, smoke, smoke_of, suite, tool_says, word,
};
use caxton_model::case::Outcome;
use caxton_model::profile::{Origin, Profile, names};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The agent whose truth is known: `work_a` does three times the work of `work_b`.
const TRUTH: &str = "split";
/// Standard errors that a share may be off.
const ERRORS_MAX: f64 = 4.0;

fn profiled(words: &[&str]) -> Option<Kept> {
    let common = ["--profile", "cpu", "--profile-time", "3", "--agent"];
    sampled(smoke(&[&common, words].concat())?)
}

/// None where this machine gives no samples.
fn sampled(kept: Kept) -> Option<Kept> {
    assert_eq!(kept.said.code, Some(0), "{}", kept.said.stderr);
    if let Some(why) = kept.record.cases[0].findings.get("no CPU profile") {
        capability::absent("profiler", why);
        return None;
    }
    Some(kept)
}

fn file(kept: &Kept, agent: &str, name: &str) -> PathBuf {
    Path::new(&kept.out).join("cpu").join(agent).join(name)
}

fn profile(kept: &Kept, agent: &str, side: &str) -> Profile {
    let text = fs::read(file(kept, agent, &format!("{side}.profile.json"))).expect("kept");
    serde_json::from_slice(&text).expect("a profile")
}

/// Samples with `function` of the agent somewhere on their stack.
fn samples_in(profile: &Profile, function: &str) -> u64 {
    let is_it = |stack: u32| {
        profile.frames_of(stack).any(|frame| {
            let is_guest = matches!(frame.origin, Origin::Guest | Origin::GuestInlined);
            is_guest && names::normalised(&frame.name).ends_with(function)
        })
    };
    profile.samples.iter().filter(|sample| is_it(sample.stack)).count() as u64
}

/// `function`'s part of the samples in it and in `other`, and the standard error of that part.
fn part(profile: &Profile, function: &str, other: &str) -> (f64, f64) {
    let (a, b) = (samples_in(profile, function), samples_in(profile, other));
    let n = (a + b) as f64;
    assert!(n > 0.0, "{function} and {other} are on no stack");
    let part = a as f64 / n;
    (part, (part * (1.0 - part) / n).sqrt())
}

#[test]
fn three_times_the_work_has_three_times_the_samples_on_every_thread() {
    let Some(kept) = profiled(&[TRUTH, "--profile-threads", "2"]) else { return };
    for side in ["native", "wasm"] {
        let profile = profile(&kept, TRUTH, side);
        let agents = profile.threads.iter().filter(|t| t.name.starts_with("agent-")).count();
        assert_eq!(agents, 2, "{:?}", profile.threads);
        let (share, error) = part(&profile, "work_a", "work_b");
        let off = (share - 0.75).abs();
        // Two points besides: the machine's caches know no 3:1.
        assert!(off <= 0.02 + ERRORS_MAX * error, "{side}: {share:.3} ± {error:.3}");
        let named = 1.0 - profile.health.unresolved_share();
        assert!(named >= 0.99, "{side}: {named} of the samples have a name");
        assert!(profile.health.rooted_share() > 0.95, "{side}: {:?}", profile.health);
    }
}

#[test]
fn a_guest_on_a_fiber_has_stacks_that_reach_the_thread() {
    let Some(kept) = profiled(&[TRUTH, "--profile-async", "wasm-vs-wasm|wasmtime-vs-wasmtime"])
    else {
        return;
    };
    let profile = profile(&kept, TRUTH, "wasm");
    assert!(profile.about.side.contains("call_async"), "{:?}", profile.about);
    let health = &profile.health;
    assert!(health.rooted_share() > 0.99 && health.mended > 0, "{health:?}");
    let (share, error) = part(&profile, "work_a", "work_b");
    assert!((share - 0.75).abs() <= 0.02 + ERRORS_MAX * error, "{share:.3} ± {error:.3}");
}

#[test]
fn pictures_and_raw_data_lie_beside_the_record() {
    let Some(kept) = profiled(&[TRUTH]) else { return };
    let case = &kept.record.cases[0];
    assert_eq!(case.outcome, Outcome::Ran);
    assert!(kept.record.is_profile());
    // A profiled run has no figures of speed.
    for metric in ["wasm_call_ns", "native_call_ns", "wasm_to_native_time"] {
        assert!(case.metric(metric).is_err(), "{metric}");
    }
    assert!(case.metric("wasm_sampling_cost").is_ok_and(|cost| cost.n >= 10), "{case:?}");
    for name in &case.profiles.files {
        assert!(!name.starts_with("no "), "{name}");
        let bytes = fs::metadata(file(&kept, TRUTH, name)).map(|m| m.len());
        assert!(bytes.is_ok_and(|bytes| bytes > 100), "{name}");
    }
    for name in ["native.svg", "wasm.svg", "differential.svg", "wasm.folded", "wasm.pb"] {
        assert!(case.profiles.files.iter().any(|file| file == name), "{:?}", case.profiles.files);
    }
    let folded = fs::read_to_string(file(&kept, TRUTH, "wasm.folded")).expect("kept");
    let guest = folded.lines().find(|line| line.contains("work_a")).expect("on some stack");
    assert!(guest.contains("wasmtime") && guest.contains("_[w]"), "{guest}");
    assert!(guest.contains("_[j]") && guest.contains("_[h]"), "{guest}");
    let said = tool_says(&["report", &kept.out]);
    assert_eq!((said.code, &said.stdout), (Some(0), &kept.said.stdout));
}

#[test]
fn two_sides_of_the_users_choice_are_compared_function_by_function() {
    let sides = ["--side", "native", "--side", "wasm -O opt-level=0", "--side", "again=native"];
    let Some(kept) = profiled(&[&[TRUTH][..], &sides].concat()) else { return };
    let case = |subject: &str| {
        let found = kept.record.cases.iter().find(|case| case.key.subject == subject);
        found.unwrap_or_else(|| panic!("{subject}: {:?}", kept.record.cases))
    };
    let slow = case("opt-level-0-vs-native");
    let changes = slow.profiles.changes.as_ref().expect("both sides were sampled");
    assert_eq!(changes.names(), ["native", "opt-level-0"]);
    // As WASM it does four times the work that it does natively.
    let planted = changes.grown.iter().find(|row| row.name.contains("planted::{closure"));
    let planted = planted.unwrap_or_else(|| panic!("{changes:?}"));
    assert!(planted.ratio().is_some_and(|ratio| ratio > 2.0), "{planted:?}");
    for name in ["native.svg", "opt-level-0.svg", "differential.svg"] {
        assert!(slow.profiles.files.iter().any(|file| file == name), "{:?}", slow.profiles);
        let path = Path::new(&kept.out).join("cpu/split/opt-level-0-vs-native").join(name);
        let picture = fs::read_to_string(&path).expect("it is kept");
        assert!(picture.contains("planted"), "{}", path.display());
    }
    // The same code is the same, but for what samples vary by.
    let same = case("again-vs-native").profiles.changes.as_ref().expect("both were sampled");
    let planted = same.grown.iter().chain(&same.shrunk).find(|row| row.name.contains("planted::"));
    let ratio = planted.and_then(|row| Some((row.ratio()?, row.ratio_error()?)));
    if let Some((ratio, error)) = ratio {
        assert!((ratio - 1.0).abs() <= 0.1 + ERRORS_MAX * error, "{ratio} ± {error}: {same:?}");
    }
}

#[test]
fn the_planted_slow_function_is_what_grew_most() {
    let Some(kept) = profiled(&[TRUTH]) else { return };
    let changes = kept.record.cases[0].profiles.changes.as_ref().expect("two sides");
    let first = changes.grown.first().expect("some function");
    // Its loop's body is what is inlined into it.
    assert!(first.name.starts_with("agent_split::planted"), "{:?}", changes.grown);
}

/// A box of the differential picture: its function, what is said of it, its colour.
#[derive(Debug)]
struct Drawn {
    name: String,
    says: String,
    rgb: [u8; 3],
}

impl Drawn {
    /// The time behind `what`, in nanoseconds.
    fn ns(&self, what: &str) -> Option<f64> {
        let (_, rest) = self.says.split_once(what)?;
        let mut words = rest.split([' ', ')', ';']);
        let number: f64 = words.next()?.parse().ok()?;
        let unit = [("ns", 1.0), ("µs", 1e3), ("ms", 1e6)];
        let word = words.next()?;
        Some(number * unit.iter().find(|(name, _)| *name == word)?.1)
    }

    fn is_red(&self) -> bool {
        self.rgb[0] == 255 && self.rgb[1] == self.rgb[2] && self.rgb[1] < 250
    }

    fn is_blue(&self) -> bool {
        self.rgb[2] == 255 && self.rgb[0] == self.rgb[1] && self.rgb[0] < 250
    }
}

fn drawn(svg: &str) -> Vec<Drawn> {
    let one = |text: &str| {
        let (words, rest) = text.split_once("</title>")?;
        let words = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
        let (name, says) = words.rsplit_once(" (")?;
        let rgb = rest.split_once("fill=\"rgb(")?.1.split_once(')')?.0;
        let rgb: Vec<u8> = rgb.split(',').map(|part| part.parse().expect("a colour")).collect();
        let rgb = rgb.try_into().expect("three parts");
        Some(Drawn { name: name.to_owned(), says: says.to_owned(), rgb })
    };
    svg.split("<title>").skip(1).filter_map(one).collect()
}

/// What the samples with `function` on their stack take per message, and its standard error: their
/// number is Poisson's.
fn counted(profile: &Profile, function: &str) -> (f64, f64) {
    let (count, all) = (samples_in(profile, function) as f64, profile.samples.len() as f64);
    let each = profile.total() as f64 / all / profile.about.messages as f64;
    (count * each, count.sqrt() * each)
}

#[test]
fn the_differential_picture_says_what_the_samples_say() {
    let Some(kept) = profiled(&[TRUTH]) else { return };
    let svg = fs::read_to_string(file(&kept, TRUTH, "differential.svg")).expect("kept");
    let boxes = drawn(&svg);
    let reddest = boxes.iter().filter(|drawn| drawn.is_red()).min_by_key(|drawn| drawn.rgb[1]);
    let reddest = reddest.unwrap_or_else(|| panic!("nothing grew: {boxes:?}"));
    assert!(reddest.name.starts_with("agent_split::planted"), "{reddest:?} of {boxes:?}");
    let planted = boxes.iter().find(|drawn| drawn.name == "agent_split::planted");
    let planted = planted.unwrap_or_else(|| panic!("it is on no stack: {boxes:?}"));
    let [(native, native_error), (wasm, wasm_error)] =
        ["native", "wasm"].map(|side| counted(&profile(&kept, TRUTH, side), "::planted"));
    let says = |what: &str| planted.ns(what).unwrap_or_else(|| panic!("no {what}: {planted:?}"));
    let growth = says("WASM ") - says("native ");
    // Three digits are told of each side.
    let most = 2.0 * native_error.hypot(wasm_error) + 0.005 * (native + wasm);
    assert!((growth - (wasm - native)).abs() <= most, "{growth}: {wasm} - {native}, {planted:?}");
    // Four times the rounds, each of two instructions that wait for the one before.
    assert!(wasm / native > 3.0, "{wasm} over {native}");
    for drawn in &boxes {
        let than = [" more", " less"].map(|than| drawn.says.contains(than));
        let is_drawn_so = match than {
            [true, _] => drawn.is_red() || drawn.rgb == [250; 3],
            [_, true] => drawn.is_blue() || drawn.rgb == [250; 3],
            _ => !drawn.is_red() && !drawn.is_blue(),
        };
        assert!(is_drawn_so, "{drawn:?}");
    }
    assert!(boxes.iter().any(Drawn::is_blue), "WASM is slower everywhere: {boxes:?}");
    let changes = kept.record.cases[0].profiles.changes.as_ref().expect("two sides");
    let matched = changes.matched;
    assert!(matched.native_calls.is_some_and(|share| share > 0.6), "{matched:?}");
    assert!(matched.wasm_calls.is_some_and(|share| share > 0.6), "{matched:?}");
    assert!(!svg.contains("do not match"), "{matched:?}");
}

#[test]
fn an_independent_tool_reads_the_protobuf() {
    let Some(kept) = profiled(&[TRUTH]) else { return };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let Some(go) = std::env::split_paths(&path).map(|dir| dir.join("go")).find(|go| go.is_file())
    else {
        return capability::absent("go", "`go tool pprof` reads profile.pb; no go on the path");
    };
    let profile = file(&kept, TRUTH, "wasm.pb");
    let home = PathBuf::from(&kept.out);
    let place = Place { variables: vec![("HOME", home)], ..Place::default() };
    let words = ["tool", "pprof", "-top", "-nodecount=20", &word(&profile)];
    let said = Running::start(&go, &words, &place).wait().ended(0);
    assert!(said.stdout.contains("work_a") && said.stdout.contains("planted"), "{}", said.stdout);
}

#[test]
fn the_firefox_profile_holds_together() {
    let Some(kept) = profiled(&[TRUTH]) else { return };
    let text = fs::read(file(&kept, TRUTH, "wasm.firefox.json")).expect("kept");
    let profile: Value = serde_json::from_slice(&text).expect("JSON");
    assert!(profile["meta"]["preprocessedProfileVersion"].as_u64().is_some_and(|v| v > 40));
    let threads = profile["threads"].as_array().expect("threads");
    assert!(!threads.is_empty());
    let rows = |table: &Value| table["length"].as_u64().expect("a table has a length");
    let fits = |table: &Value, column: &str, limit: u64| {
        let cells = table[column].as_array().unwrap_or_else(|| panic!("no column {column}"));
        assert_eq!(cells.len() as u64, rows(table), "{column}");
        for cell in cells.iter().filter(|cell| !cell.is_null()) {
            let index = cell.as_i64().unwrap_or_else(|| panic!("{column}: {cell}"));
            assert!(index < limit as i64, "{column}: {index} of {limit}");
        }
    };
    for thread in threads {
        let (stacks, frames) = (&thread["stackTable"], &thread["frameTable"]);
        let shared = &profile["shared"];
        let strings = thread["stringArray"].as_array().or(shared["stringArray"].as_array());
        let texts = strings.expect("strings");
        let strings = texts.len() as u64;
        fits(&thread["samples"], "stack", rows(stacks));
        fits(stacks, "prefix", rows(stacks));
        fits(stacks, "frame", rows(frames));
        fits(frames, "func", rows(&thread["funcTable"]));
        fits(&thread["funcTable"], "name", strings);
        fits(&thread["funcTable"], "fileName", strings);
        // A function is one function, whichever of its lines was sampled.
        let names = thread["funcTable"]["name"].as_array().expect("names");
        let text = |at: &Value| texts[at.as_u64().expect("an index") as usize].to_string();
        let different: BTreeSet<String> = names.iter().map(text).collect();
        assert_eq!(different.len(), names.len());
        let lines = frames["line"].as_array().expect("lines");
        assert!(lines.iter().any(Value::is_u64), "no frame has a line");
    }
}

#[test]
fn words_about_profiles_are_checked_before_anything_runs() {
    let heap = bench_says(&["--bench", "--profile", "heap"]).ended(2);
    assert!(heap.only_error().contains("cargo bench --bench heap"), "{heap:?}");
    for words in [
        &["--profiler", "perf-clock"][..],
        &["--profile", "gpu"],
        &["--profile", "cpu", "--profiler", "gdb"],
        &["--profile", "cpu", "--profile-hz", "0"],
        &["--profile", "cpu", "--save-baseline", "x"],
    ] {
        let said = bench_says(&[&["--bench"], words].concat());
        assert_eq!(said.code, Some(2), "{words:?}: {}", said.stderr);
    }
}

#[test]
fn the_other_engine_profiles_too_and_says_its_real_rate() {
    let Some(kept) = profiled(&[TRUTH, "--profiler", "pprof", "wasmtime-vs-wasmtime"]) else {
        return;
    };
    let profile = profile(&kept, TRUTH, "wasm");
    assert_eq!(profile.health.engine, "pprof");
    assert!(profile.health.real_hz.is_some_and(|hz| hz > 0.0), "{:?}", profile.health);
    assert!(samples_in(&profile, "work_a") > samples_in(&profile, "work_b"));
}

/// Samples with a frame on their stack that `is_it`, and of those the ones with one that `is_too`.
fn samples_with(
    profile: &Profile,
    is_it: impl Fn(Origin, &str) -> bool,
    is_too: impl Fn(Origin, &str) -> bool,
) -> (usize, usize) {
    let has = |stack: u32, is: &dyn Fn(Origin, &str) -> bool| {
        profile.frames_of(stack).any(|frame| is(frame.origin, &frame.name))
    };
    let found: Vec<u32> =
        profile.samples.iter().map(|sample| sample.stack).filter(|s| has(*s, &is_it)).collect();
    let both = found.iter().filter(|stack| has(**stack, &is_too)).count();
    (found.len(), both)
}

#[test]
fn messages_are_sampled_from_the_thread_of_their_runtime_to_the_hash_of_their_body() {
    const REFERENCE: &str = "orchestrator::reference";
    const TASKS: &str = "orchestrator::tasks";
    // Of a body of 64 KiB an agent does nothing but hash it.
    let params = "agents=10,bytes=65536";
    let case = format!("payload/reference-vs-native-tokio/courier/{params}");
    let words = ["--profile", "cpu", "--profile-time", "2", &case];
    let Some(kept) = smoke_of("throughput", &words).and_then(sampled) else { return };
    let folder = "courier/reference-vs-native-tokio-agents-10-bytes-65536";
    let is_guest = |origin, _: &str| matches!(origin, Origin::Guest | Origin::GuestInlined);
    let is_hash = |origin, name: &str| {
        is_guest(origin, name) && names::normalised(name).contains("body_hash")
    };
    for (side, own, other) in [("reference", REFERENCE, TASKS), ("native-tokio", TASKS, REFERENCE)]
    {
        let profile = profile(&kept, folder, side);
        let (agents, hashing) = samples_with(&profile, is_guest, is_hash);
        assert!(agents > 100 && hashing * 10 > agents * 9, "{side}: {hashing} of {agents}");
        let is_of = |module: &'static str| {
            move |origin, name: &str| origin == Origin::Host && name.contains(module)
        };
        let (_, in_own) = samples_with(&profile, is_guest, is_of(own));
        let (_, in_other) = samples_with(&profile, is_guest, is_of(other));
        assert!(in_own * 100 >= agents * 99 && in_other == 0, "{in_own}, {in_other} of {agents}");
        assert!(file(&kept, folder, &format!("{side}.svg")).is_file());
    }
    assert!(file(&kept, folder, "differential.svg").is_file());
    assert!(kept.said.stdout.contains("reference-vs-native-tokio"), "{}", kept.said.stdout);
}

#[test]
fn messages_are_profiled_by_samples_alone() {
    for words in [&["--profile", "instructions"][..], &["--profile-time", "1"]] {
        let said = heard(suite("throughput"), words).refused(2);
        assert!(said.stderr.contains("samples of messages alone"), "{}", said.stderr);
    }
}
