//! The command line: what criterion's users and test runners say, and what a wrong word gets.

use crate::executable::{
    Place, Running, bench, bench_says, cargo, fresh_out, heard, root, smoke_ended, suite,
    tool_says, word,
};
use crate::mirror::Mirror;
use caxton_model::case::Outcome;
use caxton_model::record::store::RunFolder;
use std::fs;
use std::path::Path;

/// The agents' folders, in order.
fn agents() -> Vec<String> {
    let folders = fs::read_dir(root().join("agents-wasm")).expect("the agents' folder");
    let names = folders.flatten().filter(|entry| entry.path().join("Cargo.toml").is_file());
    let names = names.map(|entry| entry.file_name().into_string().expect("plain names"));
    let mut names: Vec<String> = names.filter(|name| name != "abi").collect();
    names.sort();
    names
}

/// True for an agent that is run only where it is named.
fn is_calibration(name: &str) -> bool {
    let manifest = root().join("agents-wasm").join(name).join("Cargo.toml");
    fs::read_to_string(manifest).expect("an agent's manifest").contains("\ncalibration = true\n")
}

/// The keys of the cases that are run by default.
fn cases() -> Vec<String> {
    let subjects = ["wasmtime-vs-native", "native-vs-native", "wasmtime-vs-wasmtime"];
    let overhead = |agent: &String| subjects.map(|s| format!("wasm/overhead/{s}/{agent}"));
    let limits = ["1MiB", "10MiB", "100MiB", "1000MiB"];
    let limits = limits.map(|limit| format!("wasm/memory-limit/wasmtime/ballast/limit={limit}"));
    let parts = |agent: &String| format!("wasm/parts/wasmtime/{agent}");
    let agents: Vec<String> = agents().into_iter().filter(|name| !is_calibration(name)).collect();
    let limits = limits.into_iter();
    agents.iter().flat_map(overhead).chain(limits).chain(agents.iter().map(parts)).collect()
}

#[test]
fn cargo_bench_lists_every_agent_in_four_cases_and_the_limits() {
    let words = ["bench", "--bench", "wasm", "--", "--list"];
    let said = heard(&cargo(), &words).ended(0);
    let expected: String = cases().iter().map(|case| format!("{case}: test\n")).collect();
    assert_eq!(said.stdout, format!("{expected}\n{} cases\n", cases().len()));
}

#[test]
fn a_test_runner_gets_nothing_but_names() {
    let said = bench_says(&["--list", "--format", "terse"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let names: Vec<&str> = said.stdout.lines().filter_map(|l| l.strip_suffix(": test")).collect();
    assert_eq!(names, cases());
    assert_eq!(names.len(), said.stdout.lines().count());
}

#[test]
fn a_list_is_of_what_is_asked_for() {
    let limits = "wasm/memory-limit/wasmtime/ballast/limit";
    let own = ["wasmtime-vs-native", "native-vs-native"].map(|s| format!("wasm/overhead/{s}/echo"));
    for (words, expected) in [
        (&["--ignored"][..], vec![]),
        (&["--agent", "echo", "native/"], own.to_vec()),
        (&["--agent", "echo", "parts"], vec!["wasm/parts/wasmtime/echo".to_owned()]),
        (
            &["--memory-limit", "2,64KiB", "memory-limit"],
            vec![format!("{limits}=2MiB"), format!("{limits}=64KiB")],
        ),
        // A case key is a join key.
        (&["--memory-limit", "1,1MiB,1024KiB", "memory-limit"], vec![format!("{limits}=1MiB")]),
    ] {
        let said = bench_says(&[&["--list", "--format", "terse"], words].concat()).ended(0);
        let expected: String = expected.iter().map(|case| format!("{case}: test\n")).collect();
        assert_eq!((said.stdout, said.stderr.as_str()), (expected, ""), "{words:?}");
    }
}

#[test]
fn a_relative_path_is_that_of_the_user() {
    let guest = "tests/fixtures/guests/echoes.wat";
    let words = ["bench", "--bench", "wasm", "--", "--list", "--guest", guest];
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    // As a shell leaves it to its children; and stale, as a program leaves it that starts cargo in
    // a folder of its own.
    for pwd in [root(), elsewhere.path(), Path::new("/no/such/folder"), Path::new("")] {
        let place = Place { variables: vec![("PWD", pwd.to_owned())], ..Place::default() };
        let said = Running::start(&cargo(), &words, &place).wait();
        assert_eq!(said.code, Some(0), "{}: {}", pwd.display(), said.stderr);
        assert!(said.stdout.contains("/echoes: test\n"), "{}", said.stdout);
    }
    // From another folder of the workspace it is another path, which the error names as a whole.
    let place = Place { folder: Some(root().join("tests")), ..Place::default() };
    let said = Running::start(&cargo(), &words, &place).wait();
    let tried = root().join("tests").join(guest);
    assert!(said.stderr.contains(&format!("guest {}: ", tried.display())), "{}", said.stderr);
    let words =
        ["bench", "--bench", "wasm", "--", "--list", "--guest", "fixtures/guests/echoes.wat"];
    assert_eq!(Running::start(&cargo(), &words, &place).wait().code, Some(0));
}

#[test]
fn a_relative_target_folder_is_of_the_users_folder_for_every_cargo() {
    let mirror = Mirror::new();
    let guest = word(&root().join("tests/fixtures/guests/echoes.wat"));
    let stands_in = mirror.profiles();
    let place = Place {
        folder: Some(stands_in.clone()),
        variables: vec![("CARGO_TARGET_DIR", "own".into())],
        ..Place::default()
    };
    // A baseline is packed in the target folder.
    let words = ["--bench", "--scale", "smoke", "--guest", &guest, "--save-baseline", "x"];
    let said = Running::start(bench(), &words, &place).wait().ended(0);
    assert!(stands_in.join("own/caxton").is_dir(), "{}", said.stderr);
    assert!(!mirror.root.join("own").exists(), "a second target folder");
}

#[test]
fn a_name_from_the_list_runs_exactly_that_case() {
    let (_folder, out) = fresh_out();
    let name = "wasm/overhead/wasmtime-vs-wasmtime/echo";
    let words = [name, "--exact", "--nocapture", "--out", &out];
    let Some(_) = bench_says(&words).if_built(0) else { return };
    let (record, samples) = RunFolder::load(Path::new(&out)).expect("a kept run");
    let seen: Vec<_> = record.cases.iter().map(|c| (c.key.to_string(), &c.outcome)).collect();
    assert_eq!(seen, [(name.to_owned(), &Outcome::Ran)]);
    assert!(samples.iter().all(|sample| sample.case.to_string() == name));
}

#[test]
fn an_agent_for_calibration_is_run_where_it_is_named_and_by_no_pattern() {
    assert!(is_calibration("split"));
    let pattern = ["--list", "--format", "terse", "/split"];
    assert_eq!(bench_says(&pattern).stdout, "");
    let named = [&pattern[..], &["--agent", "split"]].concat();
    assert_eq!(bench_says(&named).stdout.lines().count(), 4, "three comparisons and the parts");
}

#[test]
fn an_exact_name_is_no_pattern() {
    let said = bench_says(&["wasm/overhead/wasmtime-vs-native/ech", "--exact"]);
    assert_eq!(said.code, Some(0), "nothing was to be kept or judged");
    let why = "no case of suite wasm matches wasm/overhead/wasmtime-vs-native/ech (did you mean \
               wasm/overhead/wasmtime-vs-native/echo?); --list shows all ";
    assert!(said.stderr.starts_with(why), "{}", said.stderr);
}

#[test]
fn an_unknown_agent_is_told_which_there_are() {
    let said = bench_says(&["--bench", "--agent", "nosuch"]).refused(2);
    let line = said.only_error();
    assert!(line.contains("\"nosuch\"") && line.ends_with(&agents().join(", ")), "{line}");
    let said = bench_says(&["--bench", "--agent", "jsno"]);
    assert!(said.only_error().contains("; did you mean json? there are: "), "{}", said.stderr);
}

#[test]
fn a_wrong_word_is_named_and_begins_nothing() {
    let (folder, out) = fresh_out();
    // Of a word that is told in one line, what that line has besides.
    let table: [(&[&str], i32, &str, &str); 20] = [
        (&["--nosuch"], 2, "--nosuch", ""),
        (&["--list", "--format", "xml"], 2, "xml", ""),
        (&["--baseline", "no.such-baseline"], 4, "\"no.such-baseline\"", "error"),
        (&["("], 2, "\"(\"", "--exact"),
        (&["a{2,1}"], 2, "\"a{2,1}\"", "--exact"),
        (&["\\"], 2, "\"\\\\\"", "--exact"),
        (&["[z-a]"], 2, "\"[z-a]\"", "--exact"),
        (&["--baseline", "../runs"], 2, "", "no name of a baseline"),
        (&["--save-baseline", "../runs"], 2, "", "no name of a baseline"),
        (&["--baseline", "a/b"], 2, "", "no name of a baseline"),
        (&["--save-baseline", "a/b"], 2, "", "no name of a baseline"),
        (&["--baseline", ".hidden"], 2, "", "no name of a baseline"),
        (&["--save-baseline", ".hidden"], 2, "", "no name of a baseline"),
        (&["--baseline", ""], 2, "", "no name of a baseline"),
        (&["--save-baseline", ""], 2, "", "no name of a baseline"),
        (&["--memory-limit=5GiB"], 2, "--memory-limit", ""),
        (&["--timeout=0"], 2, "", ""),
        (&["--timeout=nan"], 2, "", ""),
        (&["--profile-time=-1"], 2, "", ""),
        (&["--profile-time=inf"], 2, "", ""),
    ];
    for (words, code, says, line) in table {
        let common = ["--bench", "--agent", "echo", "--out", &out];
        let said = bench_says(&[&common[..], words].concat()).refused(code);
        assert!(said.stderr.starts_with("error: ") && said.stderr.contains(says), "{said:?}");
        assert!(line.is_empty() || said.only_error().contains(line), "{words:?}: {said:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "nothing was begun");
}

#[test]
fn a_filter_that_matches_nothing_is_not_green_where_something_was_to_be_kept() {
    let (folder, out) = fresh_out();
    for (words, code, says) in [
        (&["--bench", "jsno", "--out", &out][..], 2, "did you mean json?"),
        (&["--bench", "jsno", "--save-baseline", "typo"], 2, "did you mean json?"),
        (&["--bench", "burst", "--out", &out], 4, "such cases are in --bench scenarios"),
        (&["--bench", "jsno", "--baseline", "none"], 4, "did you mean json?"),
        (&["--bench", "jsno", "--relink", "1"], 4, "did you mean json?"),
    ] {
        let said = bench_says(words);
        assert_eq!((said.code, said.stdout.as_str()), (Some(code), ""), "{words:?}");
        let line = said.only_error();
        assert!(line.contains("no case of suite wasm matches ") && line.contains(says), "{line}");
    }
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "no folder for no run");
    let machine = Place { variables: vec![("CI", "true".into())], ..Place::default() };
    Running::start(bench(), &["--bench", "jsno"], &machine).wait().ended(2);
}

#[test]
fn a_flag_that_a_suite_does_not_use_is_refused_by_its_executable() {
    for (name, words, says) in [
        ("scenarios", &["--guest", "a.wasm"][..], "--guest (bench wasm and heap)"),
        ("scenarios", &["--agent", "json"], "--agent (bench wasm and heap)"),
        ("scenarios", &["--memory-limit", "1"], "--memory-limit (bench wasm)"),
        ("scenarios", &["selftest"], "selftest (bench wasm)"),
        ("wasm", &["--time", "5s"], "--time (bench scenarios)"),
        ("wasm", &["--plan", "plan.toml"], "--plan (bench scenarios)"),
    ] {
        let (folder, out) = fresh_out();
        let out = if words == ["selftest"] { vec![] } else { vec!["--bench", "--out", &out] };
        let words = [&out, words].concat();
        let said = heard(suite(name), &words).refused(2);
        let line = said.only_error();
        assert!(line.contains(&format!("suite {name} does not use {says}")), "{line}");
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "nothing was begun");
    }
    for (words, says) in [
        (["--agent", "echo", "--memory-limit", "1"], "add --agent ballast"),
        (["--test", "--scale", "full", "json"], "one pass at smoke scale"),
    ] {
        let said = bench_says(&words).ended(2);
        assert!(said.only_error().contains(says), "{}", said.stderr);
    }
}

#[test]
fn a_flag_of_the_tool_that_would_change_nothing_is_refused() {
    let run = word(&root().join("tests/fixtures/record-v1"));
    for words in [
        &["report", "--table", &run][..],
        &["gate", "--table", &run],
        &["compare", "--table", &run, &run],
        &["compare", &run, &run, "--", "json"],
        &["compare", "--suite", "heap", &run, &run],
    ] {
        let said = tool_says(words);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{words:?} {}", said.stderr);
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    }
}

#[test]
fn a_lenient_baseline_that_is_not_there_is_a_warning() {
    let words = ["--agent", "echo", "--baseline", "no.such-baseline", "--baseline-lenient"];
    let Some(kept) = smoke_ended(0, &words) else { return };
    let warning = "warning: no baseline \"no.such-baseline\"";
    assert!(kept.said.stderr.contains(warning), "{}", kept.said.stderr);
}

#[test]
fn criterions_words_are_understood() {
    bench_says(&["--bench", "--noplot", "--quick", "--list", "echo"]).ended(0);
    let words = ["--bench", "--noplot", "--profile-time", "0.2", "--agent", "echo"];
    let Some(said) = bench_says(&words).if_built(0) else { return };
    assert!(said.stderr.contains("wasm/overhead/wasmtime-vs-native/echo"), "{}", said.stderr);
}

#[test]
fn help_and_version_are_results() {
    for (word, says) in [("--help", "--save-baseline <NAME>"), ("--version", ".")] {
        let said = bench_says(&[word]);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.contains(says), "{}", said.stdout);
    }
}

#[test]
fn a_folder_that_is_no_run_is_told_in_one_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let said = tool_says(&["report", folder.path().to_str().expect("plain")]).refused(2);
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("record.json"), "{}", said.stderr);
    let said = tool_says(&["export", "--format", "nosuch", "."]).ended(2);
    assert!(said.stderr.contains("bmf"), "the formats are named: {}", said.stderr);
}
