//! The command line: what criterion's users and test runners say, and what a wrong word gets.

use crate::executable::{
    Place, Running, bench, bench_says, cargo, fresh_out, root, smoke, tool_says, word,
};
use caxton_results::case::Outcome;
use caxton_results::record::Status;
use caxton_results::record::store::RunFolder;
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
    let said = Running::start(&cargo(), &words, &Place::default()).wait();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
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
fn no_case_is_ignored() {
    let said = bench_says(&["--list", "--format", "terse", "--ignored"]);
    assert_eq!((said.code, said.stdout.as_str(), said.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn the_list_takes_filters_agents_and_limits() {
    let said = bench_says(&["--list", "--format", "terse", "--agent", "echo", "native/"]);
    assert_eq!(
        said.stdout,
        "wasm/overhead/wasmtime-vs-native/echo: test\nwasm/overhead/native-vs-native/echo: test\n"
    );
    let words = ["--list", "--format", "terse", "--memory-limit", "2,64KiB", "memory-limit"];
    let limits = "wasm/memory-limit/wasmtime/ballast/limit";
    assert_eq!(bench_says(&words).stdout, format!("{limits}=2MiB: test\n{limits}=64KiB: test\n"));
    let said = bench_says(&["--list", "--format", "terse", "--agent", "echo", "parts"]);
    assert_eq!(said.stdout, "wasm/parts/wasmtime/echo: test\n");
}

#[test]
fn one_limit_in_several_spellings_is_one_case() {
    let words = ["--list", "--format", "terse", "--memory-limit", "1,1MiB,1024KiB", "memory-limit"];
    let limits = "wasm/memory-limit/wasmtime/ballast/limit=1MiB: test\n";
    assert_eq!(bench_says(&words).stdout, limits, "a case key is a join key");
}

#[test]
fn a_relative_path_is_that_of_the_user() {
    let guest = "tests/fixtures/guests/echoes.wat";
    let words = ["bench", "--bench", "wasm", "--", "--list", "--guest", guest];
    // As a shell leaves it to its children; cargo changes the folder, not the variable.
    let place = Place { variables: vec![("PWD", root().to_owned())], ..Place::default() };
    let said = Running::start(&cargo(), &words, &place).wait();
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("/echoes: test\n"), "{}", said.stdout);
}

#[test]
fn a_reader_that_went_away_does_not_end_a_run() {
    // A report that is lost to a full disk is told; progress that nobody reads is not.
    for (stream, code) in [("1>&-", 0), ("2>/dev/full", 0), ("1>/dev/full", 2)] {
        let (_folder, out) = fresh_out();
        let script = format!("exec \"$0\" \"$@\" {stream}");
        let bench = word(bench());
        let shell = ["-c", &script, &bench, "--bench", "--scale", "smoke", "--agent", "echo"];
        let words = [&shell[..], &["--out", &out]].concat();
        let said = Running::start(Path::new("sh"), &words, &Place::default()).wait();
        let Some(said) = said.if_guests_can_be_built() else { return };
        assert_eq!(said.code, Some(code), "{stream}: {}", said.stderr);
        let (record, _) = RunFolder::load(Path::new(&out)).expect("a kept run");
        assert_eq!(record.run.status, Status::Finished, "{stream}");
    }
}

#[test]
fn a_name_from_the_list_runs_exactly_that_case() {
    let (_folder, out) = fresh_out();
    let name = "wasm/overhead/wasmtime-vs-wasmtime/echo";
    let words = [name, "--exact", "--nocapture", "--out", &out];
    let Some(said) = bench_says(&words).if_guests_can_be_built() else { return };
    assert_eq!(said.code, Some(0), "{}", said.stderr);
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
    assert_eq!(said.code, Some(0));
    assert!(said.stderr.contains("no case of suite wasm matches"), "{}", said.stderr);
}

#[test]
fn an_unknown_agent_is_told_which_there_are() {
    let said = bench_says(&["--bench", "--agent", "nosuch"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    let line = said.only_error();
    assert!(line.contains("\"nosuch\"") && line.ends_with(&agents().join(", ")), "{line}");
}

#[test]
fn an_unknown_flag_is_a_wrong_use() {
    for words in [&["--bench", "--nosuch"][..], &["--list", "--format", "xml"]] {
        let said = bench_says(words);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
        assert!(said.stderr.starts_with("error: "), "{}", said.stderr);
        assert!(said.stderr.contains(words[words.len() - 1]), "{}", said.stderr);
    }
}

#[test]
fn a_filter_that_is_no_pattern_is_told_in_one_line() {
    for pattern in ["(", "a{2,1}", "\\", "[z-a]"] {
        let said = bench_says(&["--bench", pattern]);
        assert_eq!(said.code, Some(2));
        let line = said.only_error();
        assert!(line.contains(&format!("{pattern:?}")) && line.contains("--exact"), "{line}");
    }
}

#[test]
fn a_filter_that_matches_nothing_says_so_and_is_no_error() {
    let (folder, out) = fresh_out();
    let said = bench_says(&["--bench", "nosuchcase", "--out", &out]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), ""));
    assert_eq!(said.stderr, "no case of suite wasm matches the filter\n");
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "no folder for no run");
}

#[test]
fn a_limit_that_no_guest_can_address_is_a_wrong_use() {
    for limit in ["5GiB", "0", "-1", "1.5", "much"] {
        let said = bench_says(&["--bench", &format!("--memory-limit={limit}")]);
        assert_eq!(said.code, Some(2), "{limit}: {}", said.stderr);
        assert!(said.stderr.contains("--memory-limit"), "{}", said.stderr);
    }
}

#[test]
fn a_number_that_is_no_time_is_a_wrong_use() {
    for word in ["--timeout=0", "--timeout=nan", "--profile-time=-1", "--profile-time=inf"] {
        let said = bench_says(&["--bench", "--agent", "echo", word]);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{word}: {}", said.stderr);
    }
}

#[test]
fn a_baseline_that_is_not_there_leaves_nothing_to_compare_with() {
    let (folder, out) = fresh_out();
    let words = ["--bench", "--agent", "echo", "--baseline", "no.such-baseline", "--out", &out];
    let said = bench_says(&words);
    assert_eq!((said.code, said.stdout.as_str()), (Some(4), ""));
    assert!(said.only_error().contains("\"no.such-baseline\""), "{}", said.stderr);
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "nothing was begun");
}

#[test]
fn a_name_that_leads_out_of_the_baselines_is_refused() {
    for word in ["--baseline", "--save-baseline"] {
        for name in ["../runs", "a/b", ".hidden", ""] {
            let said = bench_says(&["--bench", "--agent", "echo", word, name]);
            assert_eq!(said.code, Some(2), "{word} {name:?}: {}", said.stderr);
            assert!(said.only_error().contains("no name of a baseline"), "{}", said.stderr);
        }
    }
}

#[test]
fn a_lenient_baseline_that_is_not_there_is_a_warning() {
    let words = ["--agent", "echo", "--baseline", "no.such-baseline", "--baseline-lenient"];
    let Some(kept) = smoke(&words) else { return };
    assert_eq!(kept.said.code, Some(0), "{}", kept.said.stderr);
    let warning = "warning: no baseline \"no.such-baseline\"";
    assert!(kept.said.stderr.contains(warning), "{}", kept.said.stderr);
}

#[test]
fn criterions_words_are_understood() {
    let said = bench_says(&["--bench", "--noplot", "--quick", "--list", "echo"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let words = ["--bench", "--noplot", "--profile-time", "0.2", "--agent", "echo"];
    let Some(said) = bench_says(&words).if_guests_can_be_built() else { return };
    assert_eq!(said.code, Some(0), "{}", said.stderr);
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
    let said = tool_says(&["report", folder.path().to_str().expect("plain")]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    assert!(said.stderr.contains("record.json"), "{}", said.stderr);
    let said = tool_says(&["export", "--format", "nosuch", "."]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("bmf"), "the formats are named: {}", said.stderr);
}
