//! The workflows: valid, frugal with rights, and deaf to what a stranger can put into an event. No
//! runner of theirs is at hand; what they call are scripts that are tried elsewhere.

use crate::capability;
use crate::executable::root;
use regex::Regex;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Every workflow's path and text.
fn workflows() -> Vec<(PathBuf, String)> {
    let folder = root().join(".github/workflows");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a workflow of ours")
        .map(|entry| entry.expect("a workflow of ours").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).expect("a workflow of ours")))
        .collect()
}

/// Runs `program` with `words` and every workflow; absent, it is skipped.
fn checked_by(program: &str, words: &[&str]) {
    let paths = workflows().into_iter().map(|(path, _)| path);
    match Command::new(program).args(words).args(paths).current_dir(root()).output() {
        Err(error) => capability::absent(program, &error.to_string()),
        Ok(said) => assert!(
            said.status.success(),
            "{}{}",
            String::from_utf8_lossy(&said.stdout),
            String::from_utf8_lossy(&said.stderr)
        ),
    }
}

#[test]
fn workflows_keep_the_schema() {
    checked_by("check-jsonschema", &["--builtin-schema", "vendor.github-workflows"]);
}

#[test]
fn workflows_pass_their_linter() {
    checked_by("actionlint", &[]);
}

#[test]
fn actions_are_of_the_majors_that_still_work() {
    let known = [
        "actions/checkout@v7",
        "actions/download-artifact@v8",
        "actions/github-script@v9",
        "actions/upload-artifact@v7",
        "Swatinem/rust-cache@v2",
    ];
    let uses = Regex::new(r"uses: (\S+)").unwrap();
    for (path, text) in workflows() {
        for action in uses.captures_iter(&text).map(|found| found[1].to_owned()) {
            let is_pinned = action.split_once('@').is_some_and(|(_, at)| at.len() == 40);
            assert!(is_pinned || known.contains(&action.as_str()), "{}: {action}", path.display());
        }
    }
}

#[test]
fn rights_and_times_are_limited_and_events_reach_no_shell() {
    let job = Regex::new(r"(?m)^    runs-on:").unwrap();
    let limit = Regex::new(r"(?m)^    timeout-minutes:").unwrap();
    let command = Regex::new(r"(?m)^ +(- )?run: [^\n]*\$\{\{").unwrap();
    assert!(command.is_match("      - run: echo ${{ github.head_ref }}\n"), "it can fail");
    for (path, text) in workflows() {
        let path = path.display();
        assert!(text.contains("\npermissions:"), "{path} says its rights");
        assert!(text.contains("\nconcurrency:"), "{path} stops or waits for itself");
        assert!(!text.contains("pull_request_target"), "{path}: strangers' code, our rights");
        assert_eq!(job.find_iter(&text).count(), limit.find_iter(&text).count(), "{path}: limits");
        assert!(!command.is_match(&text), "{path}: an event's text belongs in `env`");
        // Only a script that is ours may see the text of an event as a whole.
        let blocks = text.split("run: |").skip(1).chain(text.split("run: >-").skip(1));
        for block in blocks {
            let own: Vec<&str> =
                block.lines().skip(1).take_while(|line| line.starts_with("          ")).collect();
            assert!(own.iter().all(|line| !line.contains("${{")), "{path}: {own:?}");
        }
    }
}
