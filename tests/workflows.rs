//! The workflows: valid, frugal with rights, and deaf to what a stranger can put into an event. No
//! runner of theirs is at hand; what they call are scripts that are tried elsewhere.

use crate::capability;
use crate::executable::root;
use crate::tidy::git;
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

/// Every action that is used: its commit, and the version that the commit is. A tag can be moved to
/// other code, a commit cannot. None is excepted.
const ACTIONS: [[&str; 3]; 5] = [
    ["actions/checkout", "3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"],
    ["actions/download-artifact", "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c", "v8.0.1"],
    ["actions/github-script", "3a2844b7e9c422d3c10d287c895573f7108da1b3", "v9.0.0"],
    ["actions/upload-artifact", "043fb46d1a93c77aae656e7c1c64a875d1fc6a0a", "v7.0.1"],
    ["Swatinem/rust-cache", "6323deb102c322ba6fcbdcafc7e3dddab59af2b6", "v2.9.2"],
];

#[test]
fn actions_are_pinned_by_commit_and_say_which_version_that_is() {
    let uses = Regex::new(r"uses: *(.+)").unwrap();
    let known = ACTIONS.map(|[action, commit, version]| format!("{action}@{commit} # {version}"));
    for (path, text) in workflows() {
        for action in uses.captures_iter(&text).map(|found| found[1].to_owned()) {
            assert!(known.contains(&action), "{}: {action}", path.display());
        }
    }
    for action in known {
        assert!(workflows().iter().any(|(_, text)| text.contains(&action)), "{action} is used");
    }
}

/// The jobs of a workflow, each with its text.
fn jobs(text: &str) -> Vec<String> {
    let body = text.split("\njobs:\n").nth(1).expect("a workflow has jobs");
    let mut jobs: Vec<String> = Vec::new();
    for line in body.lines() {
        let is_head = line.starts_with("  ") && !line.starts_with("   ") && line.ends_with(':');
        match jobs.last_mut() {
            Some(job) if !is_head => *job += &format!("{line}\n"),
            _ => jobs.push(format!("{line}\n")),
        }
    }
    jobs
}

/// What of a job that may write is not git on files.
fn strangers_code(job: &str) -> Option<&'static str> {
    let may_write =
        Regex::new(r"(?m)^      [a-z-]+: write\b").expect("a pattern of ours").is_match(job);
    let code = ["cargo ", "scripts/", "rust-cache", "pip ", "npm ", "curl ", "wget "];
    code.into_iter().find(|code| may_write && job.contains(code))
}

#[test]
fn what_may_write_to_the_repository_builds_and_runs_nothing() {
    let bad =
        "  a:\n    permissions:\n      contents: write\n    steps:\n      - run: cargo bench\n";
    assert_eq!(strangers_code(bad), Some("cargo "), "it can fail");
    let mut writing = 0;
    for (path, text) in workflows() {
        let head = text.split("\njobs:\n").next().unwrap_or_default();
        assert!(!head.contains(": write"), "{}: rights are given to one job", path.display());
        for job in jobs(&text) {
            assert_eq!(strangers_code(&job), None, "{}:\n{job}", path.display());
            writing += usize::from(job.contains(": write"));
            // What does not push keeps no token for whatever it builds.
            let keeps = job.contains("actions/checkout@") && !job.contains("contents: write");
            let checkouts = job.matches("actions/checkout@").count();
            let without = job.matches("persist-credentials: false").count();
            assert!(!keeps || checkouts == without, "{}:\n{job}", path.display());
        }
    }
    assert_eq!(writing, 2, "the comment and the history");
}

/// Every script, and the steps of every workflow.
fn shells() -> Vec<(PathBuf, String)> {
    let mut paths = vec![root().join(".ci/run")];
    let scripts = fs::read_dir(root().join("scripts")).expect("scripts of ours");
    let scripts = scripts.map(|entry| entry.expect("a script of ours").path());
    paths.extend(scripts.filter(|path| path.extension().is_none()));
    let read = |path: PathBuf| (path.clone(), fs::read_to_string(path).expect("a script of ours"));
    paths.into_iter().map(read).chain(workflows()).collect()
}

#[test]
fn a_failed_step_of_a_pipe_fails_the_script() {
    for (path, text) in shells() {
        let path = path.display();
        if text.starts_with("#!") {
            assert!(text.starts_with("#!/usr/bin/env bash\n"), "{path}: sh has no pipefail");
            assert!(text.contains("\nset -euo pipefail\n"), "{path}");
        } else if text.contains("run: ") {
            // GitHub's own default is a bash without pipefail.
            assert!(text.contains("\ndefaults:\n  run:\n    shell: bash\n"), "{path}");
        }
    }
}

#[test]
fn what_is_built_is_what_the_lock_file_says() {
    // What a user starts first after adding an agent, which the lock file must then take in.
    const UNLOCKED: [&str; 2] = ["scripts/bench", "scripts/profile"];
    let building = Regex::new(r"\bcargo (bench|build|clippy|deny|install|run|test)\b").unwrap();
    let fetches = Regex::new(r"\bcargo (deny fetch|clippy --version)").unwrap();
    let mut seen = 0;
    for (path, text) in shells() {
        let name = path.strip_prefix(root()).expect("a path of the tree").display().to_string();
        let commands = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let commands = commands.filter(|line| building.is_match(line) && !fetches.is_match(line));
        let commands = commands.filter(|line| !line.starts_with("absent "));
        for command in commands.filter(|_| !UNLOCKED.contains(&name.as_str())) {
            assert!(command.contains("--locked"), "{name}: {command}");
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen} commands");
}

#[test]
fn what_pip_installs_has_its_hash() {
    let installs = Regex::new(r"\b(pip|pipx) install\b").unwrap();
    for (path, text) in shells() {
        // A command that goes on is one line.
        let text = text.replace("\\\n", " ");
        for command in text.lines().filter(|line| installs.is_match(line)) {
            let is_pinned = command.contains("--require-hashes")
                && command.contains("-r tests/requirements.txt");
            assert!(is_pinned, "{}: {command}", path.display());
        }
    }
    let pins = fs::read_to_string(root().join("tests/requirements.txt")).expect("ours");
    let pins = pins.replace("\\\n", " ");
    let packages = pins.lines().filter(|line| !line.starts_with('#'));
    for package in packages {
        assert!(package.contains("==") && package.contains("--hash=sha256:"), "{package}");
    }
}

#[test]
fn every_lock_file_is_judged_and_ci_does_not_skip_it() {
    let deny = fs::read_to_string(root().join("scripts/deny")).expect("a script of ours");
    let folders = ["", "harness/fuzz", "harness/peers"];
    for folder in folders {
        let name = if folder.is_empty() { "." } else { folder };
        assert!(root().join(folder).join("Cargo.lock").is_file(), "{name}");
        assert!(deny.contains(&format!(" {name}")), "scripts/deny judges {name}");
    }
    // Nothing of the suite is built with it, and what it locks has no cure: the script says so.
    let unjudged = ["harness/adapters/caxton"];
    for folder in unjudged {
        assert!(deny.contains(&format!("# Not {folder}: ")), "scripts/deny says why not {folder}");
    }
    let listed = git(&["ls-files", "*Cargo.lock"]);
    if let Ok(listed) = listed.map(|said| String::from_utf8_lossy(&said.stdout).into_owned())
        && !listed.is_empty()
    {
        assert_eq!(listed.lines().count(), folders.len() + unjudged.len(), "{listed}");
    }
    let tests = workflows().into_iter().find(|(path, _)| path.ends_with("test.yml"));
    let (_, text) = tests.expect("test.yml");
    let job = jobs(&text).into_iter().find(|job| job.contains("- run: scripts/deny\n"));
    let job = job.expect("a job judges what is built");
    assert!(job.contains("cargo install --locked cargo-deny --version "), "{job}");
    assert!(job.contains("CAXTON_REQUIRE: cargo-deny,advisories"), "{job}");
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
