//! Runs, baselines and the link to the latest run, where they lie by default.

use crate::executable::{root, tool_says, word};
use crate::mirror::Mirror;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn a_run_is_kept_as_the_latest_and_as_a_baseline() {
    let mirror = Mirror::new();
    let Some(said) = mirror.bench(&["--agent", "echo", "--save-baseline", "one"]).if_built(0)
    else {
        return;
    };
    assert!(
        said.stderr.contains("baseline one kept in profiles/baselines/one/wasm"),
        "{}",
        said.stderr
    );
    let profiles = mirror.profiles();
    let runs = || fs::read_dir(profiles.join("runs")).expect("there").count();
    assert_eq!(runs(), 1);
    let report = |name: &str| tool_says(&["report", &word(&profiles.join(name))]).stdout;
    assert_eq!(report("latest"), said.stdout);
    assert_eq!(report("baselines/one/wasm"), said.stdout);

    let compared = mirror.bench(&["--agent", "echo", "--baseline", "one"]).ended(0);
    assert_eq!(runs(), 2);

    assert_eq!(report("latest"), compared.stdout, "the last thing that was done");
    let said = mirror.bench(&["--agent", "echo", "--baseline", "one", "no such case"]);
    assert_eq!((said.code, said.stdout.as_str()), (Some(4), ""), "nothing is not green");
    let said = mirror.bench(&["--agent", "echo", "--baseline", "two"]).ended(4);
    assert!(said.only_error().ends_with("there are: one (wasm)"), "{}", said.stderr);
    assert_eq!(runs(), 2, "nothing was begun");

    // What an earlier version kept: a record, and nothing that could run again.
    fs::remove_file(profiles.join("baselines/one/wasm/kit.json")).expect("a baseline has a kit");
    let said = mirror.bench(&["--agent", "echo", "--baseline", "one"]).ended(4);
    assert!(said.stderr.contains("the baseline has no executable"), "{}", said.stderr);
    assert!(said.stdout.contains("Not compared"), "{}", said.stdout);
    assert_eq!(runs(), 3);

    let list = tool_says(&["list", &word(&profiles)]).stdout;
    let rows = list.lines().skip(1);
    let kinds: Vec<_> = rows.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(kinds, ["run", "comparison", "run", "baseline"], "{list}");
}

#[test]
fn a_baseline_can_be_kept_from_a_chosen_folder_and_replaced() {
    let mirror = Mirror::new();
    let out = word(&mirror.root.join("elsewhere"));
    let words = ["--agent", "echo", "--save-baseline", "one", "--out", &out];
    let Some(_) = mirror.bench(&words).if_built(0) else { return };
    assert!(!mirror.profiles().join("runs").exists(), "the run lies elsewhere");
    let again = mirror.bench(&["--agent", "echo", "--save-baseline", "one"]).ended(0);
    let baseline = word(&mirror.profiles().join("baselines/one/wasm"));
    assert_eq!(tool_says(&["report", &baseline]).stdout, again.stdout);
    let kept = fs::read_dir(mirror.profiles().join("baselines/one")).expect("there").count();
    assert_eq!(kept, 2, "the link and one copy");
}

#[test]
fn a_checked_pass_is_kept_nowhere() {
    let mirror = Mirror::new();
    let Some(_) = mirror.bench(&["--agent", "echo", "--test"]).if_built(0) else { return };
    assert_eq!(fs::read_dir(mirror.profiles()).expect("there").count(), 0);
}

#[test]
fn a_baseline_that_travelled_as_an_artifact_is_compared_with_and_replaced() {
    let mirror = Mirror::new();
    let guest = word(&root().join("tests/fixtures/guests/echoes.wat"));
    mirror.bench(&["--guest", &guest, "--save-baseline", "one"]).ended(0);
    // Links followed, hidden folders left out, executable bits gone.
    let home = mirror.profiles().join("baselines/one");
    let kept = home.join("wasm");
    let copy = fs::read_link(&kept).expect("a link");
    fs::remove_file(&kept).expect("ours");
    fs::rename(home.join(copy), &kept).expect("ours");
    let bench = kept.join("bench");
    fs::set_permissions(&bench, fs::Permissions::from_mode(0o644)).expect("ours");
    let words = ["--guest", &guest, "--baseline", "one", "--counts"];
    mirror.bench(&words).ended(0);
    let said = mirror.bench(&["--guest", &guest, "--save-baseline", "one"]).ended(0);
    assert_eq!(tool_says(&["report", &word(&kept)]).stdout, said.stdout);
    mirror.bench(&words).ended(0);
}

#[test]
fn a_baseline_that_cannot_be_kept_is_refused_before_anything_is_measured() {
    let mirror = Mirror::new();
    fs::write(mirror.profiles().join("baselines"), "a file").expect("a fresh folder");
    let guest = word(&root().join("tests/fixtures/guests/echoes.wat"));
    let said = mirror.bench(&["--guest", &guest, "--save-baseline", "one"]).refused(2);
    assert!(said.only_error().contains("baselines/one: "), "{}", said.stderr);
    assert!(!mirror.profiles().join("runs").exists(), "nothing was begun");
}
