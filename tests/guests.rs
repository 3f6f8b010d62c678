//! Guests that keep no agent contract: commands, functions and components, measured from any
//! folder.

use crate::capability;
use crate::executable::{Place, Running, Said, root, tool, word};
use caxton_model::case::{Check, Outcome};
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A user's folder, outside any checkout.
pub(crate) struct User {
    folder: TempDir,
}

impl User {
    /// A folder with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a fresh folder");
        }
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `caxton-bench` with `words`, started here.
    pub(crate) fn says(&self, words: &[&str]) -> Said {
        let place = Place { folder: Some(self.path("")), ..Place::default() };
        Running::start(tool(), words, &place).wait()
    }

    /// A smoke run of `words` that ends with `code`.
    #[track_caller]
    fn runs(&self, code: i32, words: &[&str]) -> (Said, Record) {
        let words = [&["run"], words, &["--scale", "smoke"]].concat();
        let said = self.says(&words).ended(code);
        let (record, _) = RunFolder::load(&self.path("target/caxton-bench/latest"))
            .unwrap_or_else(|error| panic!("{words:?}: {error}"));
        (said, record)
    }

    /// Why the only guest of `words` failed, as the record and standard error say it.
    #[track_caller]
    fn fails(&self, words: &[&str]) -> Outcome {
        let (said, record) = self.runs(1, words);
        let outcome = record.cases[0].outcome.clone();
        let reason = outcome.reason().unwrap_or_else(|| panic!("{words:?} ran"));
        assert!(said.stderr.contains(reason), "{}", said.stderr);
        outcome
    }
}

pub(crate) fn fixture(name: &str) -> String {
    let path = root().join("tests/fixtures/guests").join(name).with_extension("wat");
    fs::read_to_string(path).expect("a fixture")
}

fn wrong(why: &str) -> Outcome {
    Outcome::WrongAnswer(why.to_owned())
}

#[test]
fn a_command_is_measured_beside_its_native_build_and_held_to_what_it_must_answer() {
    let user = User::with(&[("cat.wat", &fixture("cat")), ("in.txt", "some text\n")]);
    let with_native = ["cat.wat", "--stdin", "in.txt", "--native", "/bin/cat"];
    let (_, record) = user.runs(0, &with_native);
    let case = &record.cases[0];
    assert_eq!((case.ending(), case.check), ("ran, compared", Some(Check::NativeBuild)));
    for metric in [
        "wasm_to_native_time",
        "wasm_compile_ns",
        "wasm_fresh_ns",
        "wasm_run_ns",
        "wasm_end_ns",
        "native_run_ns",
        "native_cpu_ns",
        "empty_process_ns",
    ] {
        let summary = case.metric(metric).unwrap_or_else(|why| panic!("{metric}: {why}"));
        assert!(summary.estimate > 0.0, "{metric}: {summary:?}");
    }
    // What the worker's own counters and memory say is not of another process.
    for metric in ["native_task_clock_ns", "native_page_faults", "native_instance_rss_bytes"] {
        let missing = case.metric(metric).expect_err(metric);
        assert!(missing.to_string().contains("a process of its own"), "{metric}: {missing}");
    }
    let report = user.says(&["report"]).ended(0).stdout;
    assert!(report.contains("Programs: where a call goes"), "{report}");
    fs::write(user.path("cat.stdout.expected"), "some text\n").expect("a fresh folder");
    let (_, record) = user.runs(0, &["cat.wat", "--stdin", "in.txt"]);
    let case = &record.cases[0];
    assert_eq!((case.ending(), case.check), ("ran", Some(Check::Expected)));
    fs::write(user.path("other.txt"), "some Text\n").expect("a fresh folder");
    let outcome = user.fails(&["cat.wat", "--stdin", "in.txt", "--expect", "other.txt"]);
    let other = fs::canonicalize(user.path("other.txt")).expect("just written");
    let why = format!(
        "it answered 10 bytes where {} has 10, first difference at byte 5",
        other.display()
    );
    assert_eq!(outcome, wrong(&why));
    let outcome = user.fails(&["cat.wat", "--stdin", "in.txt", "--native", "/bin/true"]);
    assert_eq!(outcome, wrong("the two sides reply differently to the same message"));
}

#[test]
fn a_marked_section_is_the_figure() {
    let user = User::with(&[("marks.wat", &fixture("marks"))]);
    let (_, record) = user.runs(0, &["marks.wat"]);
    let case = &record.cases[0];
    let figure = |metric: &str| case.metric(metric).expect(metric).estimate;
    // One of 600 loops lies between the marks: as little as no busy machine makes a whole run.
    let share = figure("wasm_call_ns") / figure("wasm_run_ns");
    assert!(share > 0.0 && share < 0.9, "{share}");
}

#[test]
fn a_guest_that_fails_costs_itself_and_says_why() {
    const EXIT: &str = r#"(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) (func (export "_start") (call $exit (i32.const 3))))"#;
    const IMPORTS: &str = r#"(module (import "env" "price_of" (func (param i32) (result i32)))
      (memory (export "memory") 1) (func (export "_start")))"#;
    let user = User::with(&[
        ("exit.wat", EXIT),
        ("imports.wat", IMPORTS),
        (
            "loops.wat",
            r#"(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))"#,
        ),
        ("nothing.wat", "(module)"),
    ]);
    assert_eq!(user.fails(&["exit.wat"]), wrong("it exited with 3, not with 0"));
    user.runs(0, &["exit.wat", "--expect-exit", "3"]);
    let refused = user.fails(&["imports.wat"]);
    assert!(
        matches!(&refused, Outcome::Refused(why) if why.contains("env.price_of")),
        "{refused:?}"
    );
    user.runs(0, &["imports.wat", "--unknown-imports", "trap"]);
    let endless = user.fails(&["loops.wat", "--timeout", "3"]);
    assert!(matches!(&endless, Outcome::TimedOut(_)), "{endless:?}");
    let nothing = user.fails(&["nothing.wat"]);
    assert_eq!(nothing, Outcome::Refused("it exports no function _start, only:".to_owned()));
    // One that is fine beside one that is not.
    let (_, record) =
        user.runs(1, &["exit.wat", "--guest", "imports.wat", "--unknown-imports", "trap"]);
    let ran = record.cases.iter().filter(|case| case.outcome == Outcome::Ran);
    assert!(ran.clone().count() > 0 && ran.clone().all(|case| case.key.agent == "imports"));
}

#[test]
fn a_function_is_called_with_values_of_a_module_or_a_component() {
    const ADD: &str = r#"(module (memory (export "memory") 1)
      (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))"#;
    const COMPONENT: &str = r#"(component
      (core module $m (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1))))
      (core instance $i (instantiate $m))
      (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "add")))
      (instance $api (export "add" (func $add)))
      (export "demo:math/api" (instance $api)))"#;
    let user = User::with(&[("m.wat", ADD), ("c.wat", COMPONENT), ("sum", "42")]);
    for (file, call) in [("m.wat", "add(40, 2)"), ("c.wat", "api.add(40, 2)")] {
        let (_, record) = user.runs(0, &[file, "--invoke", call, "--expect", "sum"]);
        assert_eq!(record.cases[0].ending(), "ran", "{file}");
        let outcome = user.fails(&[file, "--invoke", &call.replace("40", "41"), "--expect", "sum"]);
        assert!(matches!(&outcome, Outcome::WrongAnswer(_)), "{file}: {outcome:?}");
    }
}

/// Planted: a function that works in guest code, one whose argument is long, and a command that
/// does nothing but write.
#[test]
fn who_works_in_a_call_is_told_apart() {
    const COMPONENT: &str = r#"(component
      (core module $m
        (memory (export "memory") 40)
        (func (export "room") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
        (func (export "work") (result i32) (local $i i32)
          (loop $on
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $on (i32.lt_u (local.get $i) (i32.const 30000000))))
          (local.get $i))
        (func (export "size") (param i32 i32) (result i32) (local.get 1)))
      (core instance $i (instantiate $m))
      (func (export "work") (result u32) (canon lift (core func $i "work")))
      (func (export "size") (param "text" string) (result u32)
        (canon lift (core func $i "size") (memory $i "memory") (realloc (func $i "room")))))"#;
    const WRITES: &str = r#"(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\10\00\00\00\01\00\00\00")
      (func (export "_start") (local $i i32)
        (loop $on
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $on (i32.lt_u (local.get $i) (i32.const 50000))))))"#;
    let user = User::with(&[("c.wat", COMPONENT), ("writes.wat", WRITES)]);
    let size = format!("size(\"{}\")", "word ".repeat(20_000));
    for (most, entries, words) in [
        ("wasm_guest_code_ns", 1, &["c.wat", "--invoke", "work()"][..]),
        // The allocator of the text, and the function.
        ("wasm_boundary_ns", 2, &["c.wat", "--invoke", &size]),
        ("wasm_host_functions_ns", 1, &["writes.wat"]),
    ] {
        let (said, record) = user.runs(0, words);
        assert!(said.stdout.contains("who works in a call"), "{}", said.stdout);
        let of = |metric: &str| {
            let summary = record.cases[0].metric(metric);
            summary.unwrap_or_else(|why| panic!("{words:?}: {metric}: {why:?}")).estimate
        };
        let parts = ["wasm_guest_code_ns", "wasm_boundary_ns", "wasm_host_functions_ns"].map(of);
        assert!(of(most) > 0.6 * parts.iter().sum::<f64>(), "{most}: {parts:?}");
        assert_eq!(of("wasm_entries"), f64::from(entries));
    }
}

#[test]
fn sides_are_compared_with_the_first_and_a_side_that_cannot_run_is_a_row() {
    let user = User::with(&[
        ("cat.wat", &fixture("cat")),
        ("other.wat", &fixture("cat").replacen("4096", "512", 2)),
        (
            "exit.wat",
            "(module (memory (export \"memory\") 1) (func (export \"_start\") unreachable))",
        ),
        ("in.txt", "some text\n"),
    ]);
    let words = [
        "cat.wat",
        "--stdin",
        "in.txt",
        "--side",
        "wasm",
        "--side",
        "wasm -C compiler=winch",
        "--side",
        "other.wat",
        "--side",
        "bad=exit.wat",
    ];
    let (said, record) = user.runs(1, &words);
    let versus: Vec<_> =
        record.cases.iter().filter(|case| !case.key.is_same_against_same()).collect();
    let subjects: Vec<&str> = versus.iter().map(|case| &*case.key.subject).collect();
    assert_eq!(subjects, ["compiler-winch-vs-wasm", "other-vs-wasm", "bad-vs-wasm"]);
    for case in &versus[..2] {
        assert_eq!(case.outcome, Outcome::Ran, "{}", case.key);
        assert!(case.metric("side_to_reference_time").expect("a ratio").estimate > 0.0);
    }
    // The record tells what each case's engines were, asked of themselves.
    let mut compilers: Vec<&str> =
        versus[0].engines.iter().map(|engine| &*engine["compiler"]).collect();
    compilers.sort_unstable();
    assert_eq!(compilers, ["cranelift, opt_level=speed", "winch"]);
    assert!(matches!(versus[2].outcome, Outcome::DiedInTheMiddle(_)), "{:?}", versus[2].outcome);
    assert!(said.stdout.contains("Sides of cat"), "{}", said.stdout);
    for (words, why) in [
        (&["--side", "wasm"][..], "give two or more"),
        (&["--side", "wasm", "--side", "wasm -O opt-level=9"], "unknown optimization level `9`"),
        (&["--side", "wasm", "--side", "none.wasm"], "No such file"),
    ] {
        let said = user.says(&[&["run", "cat.wat"], words].concat()).refused(2);
        assert!(said.only_error().contains(why), "{said:?}");
    }
}

#[test]
fn what_is_said_wrongly_of_a_guest_is_one_error() {
    let user = User::with(&[("cat.wat", &fixture("cat"))]);
    for (words, why) in [
        (&["absent.wat"][..], "absent.wat"),
        (&["cat.wat", "--stdin", "absent.txt"], "absent.txt"),
        (&["cat.wat", "--dir", "cat.wat"], "no folder"),
        (&["cat.wat", "--env", "NAME"], "expected NAME=VALUE"),
        (&["cat.wat", "--invoke", "f("], "expected a name and values"),
        (&["cat.wat", "--guest", "cat.wat"], "a second guest named cat"),
    ] {
        let said = user.says(&[&["run"], words].concat()).refused(2);
        assert!(said.only_error().contains(why), "{said:?}");
    }
    assert!(!Path::new(&word(&user.path("target"))).exists(), "nothing was kept");
}

#[test]
fn a_manifest_runs_many_guests_each_in_its_own_way() {
    let manifest = "[[guest]]\nfile = 'cat.wat'\nstdin = 'in.txt'\nexpect = 'in.txt'\n\
                    native = '/bin/cat'\n\n\
                    [[guest]]\nname = 'by-sides'\nfile = 'cat.wat'\nstdin = 'in.txt'\n\
                    side = ['wasm', 'old=cat.wat -C compiler=winch']\n";
    let user = User::with(&[
        ("cat.wat", &fixture("cat")),
        ("in.txt", "some text\n"),
        ("bench.toml", manifest),
    ]);
    let (said, record) = user.runs(0, &["bench.toml"]);
    let keys: Vec<String> = record.cases.iter().map(|case| case.key.to_string()).collect();
    assert_eq!(
        keys,
        [
            "wasm/overhead/wasmtime-vs-native/cat",
            "wasm/overhead/native-vs-native/cat",
            "wasm/overhead/wasmtime-vs-wasmtime/cat",
            "wasm/sides/wasm-vs-wasm/by-sides",
            "wasm/sides/old-vs-wasm/by-sides",
            "wasm/sides/old-vs-old/by-sides",
        ]
    );
    assert_eq!(record.cases[0].ending(), "ran", "{}", said.stdout);
    let told = user.says(&["run", "bench.toml", "--stdin", "in.txt"]).refused(2);
    assert!(told.only_error().contains("leave the flags out"), "{}", told.stderr);
    fs::write(user.path("bench.toml"), "[[guest]]\nfile = 'none.wasm'\n").expect("writable");
    let told = user.says(&["run", "bench.toml"]).refused(2);
    assert!(told.only_error().contains("none.wasm"), "{}", told.stderr);
}

#[test]
fn the_modules_of_a_folder_are_run_and_held_to_the_answers_beside_them() {
    let user = User::with(&[("in.txt", "some text\n")]);
    for (folder, expected) in [("right", "some text\n"), ("wrong", "other text\n")] {
        let folder = user.path("all").join(folder);
        fs::create_dir_all(&folder).expect("a fresh folder");
        fs::write(folder.join("cat.wat"), fixture("cat")).expect("a fresh folder");
        fs::write(folder.join("cat.stdout.expected"), expected).expect("a fresh folder");
    }
    let (_, record) = user.runs(1, &["./all", "--stdin", "in.txt"]);
    let ended: Vec<_> = record.cases.iter().filter(|case| case.key.is_overhead()).collect();
    assert_eq!((&*ended[0].key.agent, ended[0].ending()), ("right-cat", "ran"));
    assert_eq!(&*ended[1].key.agent, "wrong-cat");
    assert!(matches!(ended[1].outcome, Outcome::WrongAnswer(_)), "{:?}", ended[1].outcome);
    let told = user.says(&["run", "./all", "--native", "/bin/cat"]).refused(2);
    assert!(told.only_error().contains("--native is of one guest"), "{}", told.stderr);
    let told = user.says(&["run", "./target"]).refused(2);
    assert!(told.only_error().contains("without a module"), "{}", told.stderr);
}

#[test]
fn a_profile_of_a_command_compares_it_with_nothing() {
    let user = User::with(&[("cat.wat", &fixture("cat")), ("in.txt", "some text\n")]);
    let words = ["cat.wat", "--stdin", "in.txt", "--native", "/bin/cat", "--profile", "cpu"];
    let (said, record) = user.runs(0, &[&words[..], &["--profile-time", "0.2"]].concat());
    let profiles = &record.cases[0].profiles;
    if let Some(why) = record.cases[0].findings.get("no CPU profile") {
        capability::absent("sampling", why);
        return;
    }
    // The native build runs in a process of its own, which is not sampled.
    let sides: Vec<&str> = profiles.taken.iter().map(|own| own.about.side.as_str()).collect();
    assert_eq!(sides, ["wasm"]);
    assert!(!profiles.files.iter().any(|file| file.contains("differential")), "{profiles:?}");
    assert!(profiles.changes.is_none());
    assert!(said.stdout.contains("no CPU profile of the native build"), "{}", said.stdout);
    let picture = user.path("target/caxton-bench/latest/cpu/cat/wasm.svg");
    let picture = fs::read_to_string(&picture).expect("a flame graph");
    // The tool's own functions are one box; the guest's lie on it.
    assert!(picture.contains("<title>[host] ("), "{picture}");
    assert!(!picture.contains("<title>caxton_bench::worker"), "{picture}");
    assert!(picture.contains("(_start) ("), "{picture}");
}
