//! The first page of a record: when, where, of what.

use crate::job::scale::Scale;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{Record, Revision, Run, SCHEMA, Status};
use caxton_runtime::subject::wasmtime;
use caxton_sys::{affinity, clock, host, process};
use std::collections::BTreeMap;
use std::path::Path;

/// Load above which the machine is busy with something else: half of a core.
const LOAD_MAX: f64 = 0.5;

/// The record of a run that begins now.
pub(super) fn begin(root: &Path, suite: &str, scale: Scale, seed: u64) -> Record {
    let started = clock::utc();
    let host = host::fingerprint();
    let mut record = Record {
        schema: SCHEMA,
        run: Run {
            id: run_id(root, suite),
            suite: suite.to_owned(),
            scale: scale.name().to_owned(),
            command: Vec::new(),
            updated_utc: started.clone(),
            started_utc: started,
            status: Status::Running,
            seed,
            revision: revision(root),
            build: build(),
        },
        host,
        engine: wasmtime::shared_configuration(),
        calibration: None,
        artifacts: Vec::new(),
        cases: Vec::new(),
        totals: BTreeMap::new(),
        warnings: Vec::new(),
        samples_bytes: 0,
    };
    record.warnings = warnings(&record);
    record
}

/// `<utc>-<revision>-<suite>`.
pub(super) fn run_id(root: &Path, suite: &str) -> String {
    let time: String = clock::utc().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let revision = match revision(root).commit {
        Reading::Known(commit) => commit,
        Reading::Missing(_) => "norev".to_owned(),
    };
    format!("{time}-{revision}-{suite}")
}

fn revision(root: &Path) -> Revision {
    let git = |args: &[&str]| process::output(process::git(root).args(args));
    let commit = git(&["rev-parse", "--short=12", "HEAD"]);
    // A new agent is a difference before git knows it. Said in full: a configuration may hide it.
    let dirty = git(&["status", "--porcelain", "--untracked-files=normal"]);
    let first_line = |why: String| why.lines().next().unwrap_or("no reason given").to_owned();
    Revision {
        commit: commit.map_err(|why| Missing::Unsupported(first_line(why))).into(),
        dirty: dirty.ok().map(|changes| !changes.is_empty()),
    }
}

/// How the harness itself was built.
fn build() -> BTreeMap<String, String> {
    let entries = [
        ("rustc", caxton_sys::build::RUSTC),
        ("flags", caxton_sys::build::FLAGS),
        ("target", caxton_sys::build::TARGET),
        ("opt_level", caxton_sys::build::OPT_LEVEL),
        ("profile", caxton_sys::build::PROFILE),
    ];
    entries.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// What the reader should know before believing a number.
fn warnings(record: &Record) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Reading::Known(load) = record.host.load_at_start
        && load > LOAD_MAX
    {
        warnings.push(format!(
            "load average {load:.2} at the start: believe ratios, not absolute times"
        ));
    }
    let build = &record.run.build;
    if build["opt_level"] != "3" {
        warnings.push(format!(
            "the harness was built with opt-level {}: use `cargo bench`",
            build["opt_level"]
        ));
    }
    if !build["flags"].contains("align-all-functions") {
        warnings.push(
            "the harness was built without 64-byte function alignment (RUSTFLAGS replaces \
             .cargo/config.toml): layout may move a function by 20 %"
                .to_owned(),
        );
    }
    if let Err(error) = affinity::cores_to_bind() {
        warnings.push(format!(
            "no process can be bound to a CPU here ({error}): the kernel moves them while they are \
             timed, so expect wider intervals"
        ));
    }
    match record.run.revision.dirty {
        Some(false) => {}
        Some(true) => warnings.push("the working tree differs from the commit".to_owned()),
        None => warnings
            .push("git does not say whether the working tree differs from the commit".to_owned()),
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_does_not_track_is_a_difference_and_what_it_does_not_say_is_unknown() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let git = |words: &str| process::output(process::git(root).args(words.split(' ')));
        if git("--version").is_err() {
            return;
        }
        let outside = revision(root);
        assert!(outside.commit.known().is_none() && outside.dirty.is_none(), "{outside:?}");
        git("init --quiet").expect("a fresh folder");
        let who = "-c user.name=test -c user.email=test -c commit.gpgsign=false";
        git(&format!("{who} commit --quiet --allow-empty -m one")).expect("a repository");
        assert_eq!(revision(root).dirty, Some(false));
        std::fs::write(root.join("new"), "x").expect("a fresh folder");
        assert_eq!(revision(root).dirty, Some(true));
        git("config status.showUntrackedFiles no").expect("a repository");
        assert_eq!(revision(root).dirty, Some(true), "whatever the user wants to see");
        std::fs::write(root.join(".git/info/exclude"), "new\n").expect("a repository");
        assert_eq!(revision(root).dirty, Some(false), "what is ignored is no source");
    }
}
