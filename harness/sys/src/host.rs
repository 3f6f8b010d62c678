//! What a record says of its surroundings: the machine's fingerprint, which has fixed properties
//! only, and the source's revision.

use super::{clock, memory, process};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{Host, Revision};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Reads the fingerprint of this machine, with the load at the start.
pub fn fingerprint() -> Host {
    let file = |path: &str| -> Reading<String> {
        let text = fs::read_to_string(path).map(|text| text.trim().to_owned());
        text.map_err(|error| Missing::Unsupported(format!("{path}: {error}"))).into()
    };
    let cores = super::affinity::allowed_cores()
        .map(|cores| cores.len().to_string())
        .map_err(|error| Missing::Failed(error.to_string()));
    let entries: [(&str, Reading<String>); 12] = [
        ("cpu_model", memory::cpu_field("model name").into()),
        ("cpu_family_model_stepping", cpu_identity().into()),
        ("cores_allowed", cores.into()),
        ("architecture", Reading::Known(std::env::consts::ARCH.to_owned())),
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("hypervisor", hypervisor().into()),
        ("governor", file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")),
        ("smt", file("/sys/devices/system/cpu/smt/control")),
        ("aslr", file("/proc/sys/kernel/randomize_va_space")),
        ("transparent_huge_pages", file("/sys/kernel/mm/transparent_hugepage/enabled")),
        ("perf_event_paranoid", file("/proc/sys/kernel/perf_event_paranoid")),
        ("max_map_count", file("/proc/sys/vm/max_map_count")),
    ];
    Host {
        fingerprint: entries
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v))
            .collect::<BTreeMap<_, _>>(),
        memory_bytes: memory::physical().into(),
        load_at_start: memory::load_average().into(),
        load_at_end: memory::load_average().into(),
    }
}

fn cpu_identity() -> Result<String, Missing> {
    let parts = ["cpu family", "model", "stepping"].map(memory::cpu_field);
    let [family, model, stepping] = parts;
    Ok(format!("{}/{}/{}", family?, model?, stepping?))
}

fn hypervisor() -> Result<String, Missing> {
    let flags = memory::cpu_field("flags")?;
    if !flags.split_whitespace().any(|flag| flag == "hypervisor") {
        return Ok("none".to_owned());
    }
    let product = fs::read_to_string("/sys/class/dmi/id/sys_vendor");
    Ok(product.map_or_else(|_| "yes, unnamed".to_owned(), |name| name.trim().to_owned()))
}

/// What a run is called that begins now: `<utc>-<revision>-<suite>`.
pub fn run_id(root: &Path, suite: &str) -> String {
    let time: String = clock::utc().chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let revision = match revision(root).commit {
        Reading::Known(commit) => commit,
        Reading::Missing(_) => "norev".to_owned(),
    };
    format!("{time}-{revision}-{suite}")
}

/// The revision of the checkout at `root`, as git tells it.
pub fn revision(root: &Path) -> Revision {
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
        fs::write(root.join("new"), "x").expect("a fresh folder");
        assert_eq!(revision(root).dirty, Some(true));
        git("config status.showUntrackedFiles no").expect("a repository");
        assert_eq!(revision(root).dirty, Some(true), "whatever the user wants to see");
        fs::write(root.join(".git/info/exclude"), "new\n").expect("a repository");
        assert_eq!(revision(root).dirty, Some(false), "what is ignored is no source");
    }
}
