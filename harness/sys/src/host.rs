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
    let file = |path: &str| -> Reading<String> { text(path).into() };
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
        checks: BTreeMap::new(),
        memory_bytes: memory::physical().into(),
        load_at_start: memory::load_average().into(),
        load_at_end: memory::load_average().into(),
    }
}

/// What `path` says, without the spaces around it.
fn text(path: &str) -> Result<String, Missing> {
    let text = fs::read_to_string(path).map(|text| text.trim().to_owned());
    text.map_err(|error| Missing::Unsupported(format!("{path}: {error}")))
}

/// Where the kernel's clock comes from, such as `tsc`.
pub fn clock_source() -> Result<String, Missing> {
    text("/sys/devices/system/clocksource/clocksource0/current_clocksource")
}

/// The cores that share the execution units of `core`, itself among them, as the kernel sees them:
/// of a virtual machine its host may not tell.
pub fn siblings(core: usize) -> Result<Vec<usize>, Missing> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    let list = text(&path)?;
    cores_of(&list).ok_or_else(|| Missing::Unsupported(format!("{path}: {list:?}")))
}

/// The cores of a list such as `0-3,8`.
fn cores_of(list: &str) -> Option<Vec<usize>> {
    let range = |part: &str| -> Option<std::ops::RangeInclusive<usize>> {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    let ranges: Option<Vec<_>> = list.split(',').map(range).collect();
    Some(ranges?.into_iter().flatten().collect())
}

/// Time of all cores since the machine started, in the kernel's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoreTime {
    /// The machine would have run, and its host ran others.
    pub stolen: u64,
    pub all: u64,
}

impl CoreTime {
    /// Up to now (`/proc/stat`).
    pub fn now() -> Result<Self, Missing> {
        let stat = text("/proc/stat")?;
        let ticks = Self::parse(&stat);
        ticks.ok_or_else(|| Missing::Unsupported("/proc/stat tells no stolen time".to_owned()))
    }

    /// Its line `cpu`: user, nice, system, idle, iowait, irq, softirq, steal; what guests got is in
    /// user and nice already.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> =
            line.split_whitespace().take(8).map_while(|ticks| ticks.parse().ok()).collect();
        Some(Self { stolen: *ticks.get(7)?, all: ticks.iter().sum() })
    }

    /// Share of the time since `before` that was stolen; none where no tick passed.
    pub fn stolen_since(self, before: Self) -> Option<f64> {
        let all = self.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(self.stolen.saturating_sub(before.stolen) as f64 / all as f64)
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
    fn lists_of_cores_are_read_as_the_kernel_writes_them() {
        assert_eq!(cores_of("0"), Some(vec![0]));
        assert_eq!(cores_of("0,4"), Some(vec![0, 4]));
        assert_eq!(cores_of("0-2,8"), Some(vec![0, 1, 2, 8]));
        assert_eq!(cores_of(""), None);
    }

    #[test]
    fn stolen_time_is_a_share_of_what_passed() {
        let stat = |user: u64, stolen: u64| {
            format!("cpu  {user} 0 10 100 0 0 0 {stolen} 5 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n")
        };
        let parse = |text: &str| CoreTime::parse(text).expect("as the kernel writes it");
        let (before, after) = (parse(&stat(50, 4)), parse(&stat(130, 24)));
        assert_eq!(before, CoreTime { stolen: 4, all: 164 });
        assert_eq!(after.stolen_since(before), Some(0.2));
        assert_eq!(before.stolen_since(before), None);
        assert_eq!(CoreTime::parse("cpu  1 2 3\n"), None, "a kernel that does not tell");
    }

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
