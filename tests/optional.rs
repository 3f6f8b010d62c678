//! What a file system, a sandbox or a limit refuses: an optional call that fails is a warning; a
//! limit is told with its name and not counted as the agent's.

use crate::capability;
use crate::executable::{
    Running, Said, bench, fresh_out, heard, root, smoke, smoke_ended, target, tool, word,
};
use crate::mirror::Mirror;
use caxton_model::case::Outcome;
use caxton_model::record::Record;
use caxton_model::record::store::{LATEST, RUNS, RunFolder};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Stands before the C library and refuses what `REFUSED` names.
const SHIM: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
static int no(const char *what, int error) {
    const char *refused = getenv("REFUSED");
    if (!refused || strcmp(refused, what)) return 0;
    errno = error;
    return 1;
}
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int flock(int fd, int how);
int flock(int fd, int how) { return no("flock", ENOTSUP) ? -1 : NEXT(flock)(fd, how); }
int symlink(const char *to, const char *at) {
    return no("symlink", EPERM) ? -1 : NEXT(symlink)(to, at);
}
int fsync(int fd) {
    struct stat found;
    if (!fstat(fd, &found) && S_ISDIR(found.st_mode) && no("fsync", EINVAL)) return -1;
    return NEXT(fsync)(fd);
}
int sched_setaffinity(pid_t id, size_t bytes, const cpu_set_t *set) {
    return no("affinity", EPERM) ? -1 : NEXT(sched_setaffinity)(id, bytes, set);
}
"#;

/// The library of [`SHIM`]; none where there is no C compiler.
fn shim() -> Option<(TempDir, PathBuf)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, library) = (folder.path().join("shim.c"), folder.path().join("shim.so"));
    fs::write(&source, SHIM).expect("a fresh folder");
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl");
    match cc.output() {
        Ok(out) if out.status.success() => Some((folder, library)),
        Ok(out) => panic!("{}", String::from_utf8_lossy(&out.stderr)),
        Err(error) => {
            capability::absent("cc", &error.to_string());
            None
        }
    }
}

/// The only run of `mirror`.
fn only_run(mirror: &Mirror) -> Record {
    let runs = fs::read_dir(mirror.profiles().join(RUNS)).expect("a run").flatten();
    let runs: Vec<PathBuf> = runs.map(|run| run.path()).collect();
    let [run] = &runs[..] else { panic!("not one run: {runs:?}") };
    RunFolder::load(run).expect("it loads").0
}

#[test]
fn a_call_that_is_refused_is_a_warning_and_the_run_goes_on() {
    let Some((_folder, library)) = shim() else { return };
    let refusals = [
        ("flock", "is not locked (Operation not supported"),
        ("fsync", "cannot be synced (Invalid argument"),
        ("affinity", "no process can be bound to a CPU here (Operation not permitted"),
        ("symlink", "`latest` does not point to this run: "),
    ];
    for (what, warning) in refusals {
        let mirror = Mirror::new();
        let mut place = mirror.place();
        place.variables.extend([("LD_PRELOAD", library.clone()), ("REFUSED", what.into())]);
        let words = ["--bench", "--scale", "smoke", "--agent", "noop", "--save-baseline", "one"];
        let said = Running::start(bench(), &words, &place).wait();
        let Some(said) = said.if_guests_can_be_built() else { return };
        assert_eq!(said.code, Some(0), "{what}: {}", said.stderr);
        let record = only_run(&mirror);
        assert!(record.cases.iter().all(|case| case.outcome == Outcome::Ran), "{what}");
        let is_told = record.warnings.iter().any(|told| told.contains(warning));
        assert!(is_told, "{what}: {:?}", record.warnings);
        let kept = mirror.profiles().join("baselines/one/wasm");
        RunFolder::load(&kept).unwrap_or_else(|error| panic!("{what}: {error}"));
        let words = ["--bench", "--agent", "noop", "--baseline", "one", "--counts"];
        let compared = Running::start(bench(), &words, &place).wait();
        assert_eq!(compared.code, Some(0), "{what}: {}", compared.stderr);
    }
}

#[test]
fn a_folder_in_the_place_of_latest_is_a_warning() {
    let mirror = Mirror::new();
    fs::create_dir(mirror.profiles().join(LATEST)).expect("a fresh folder");
    let guest = word(&root().join("tests/fixtures/guests/echoes.wat"));
    mirror.bench(&["--guest", &guest]).ended(0);
    let record = only_run(&mirror);
    let is_told = |warning: &String| warning.contains("latest is a folder, not a link");
    assert!(record.warnings.iter().any(is_told), "{:?}", record.warnings);
}

/// The bench, copied to where it may be executed, with the target folder mounted once more in a
/// namespace of its own.
const REMOUNTED: &str = r#"
    target=$1 how=$2
    shift 2
    mount --bind "$target" "$target" && mount -o "remount,$how,bind" "$target" || exit 77
    exec "$@"
"#;

/// What the bench says while its target folder is mounted as `how`; none where nothing can be
/// mounted, or no guest be built.
fn remounted(how: &str, words: &[&str]) -> Option<Said> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = folder.path().join("bench");
    fs::copy(tool(), &program).expect("a fresh folder");
    let (target, program) = (word(target()), word(&program));
    let shell = ["--mount", "--map-root-user", "sh", "-c", REMOUNTED, "sh"];
    let words = [&shell[..], &[&target, how, &program, "__bench", "wasm"], words].concat();
    let said = heard(Path::new("unshare"), &words);
    if said.stderr.starts_with("unshare: ") || said.code == Some(77) {
        capability::absent("mount", said.stderr.trim());
        return None;
    }
    said.if_guests_can_be_built()
}

#[test]
fn a_target_that_cannot_be_written_to_is_no_hindrance_once_all_is_built() {
    let mirror = Mirror::new();
    let built = mirror.bench(&["--agent", "noop", "--pack", &word(&mirror.root.join("kit"))]);
    let Some(built) = built.if_guests_can_be_built() else { return };
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    // Each build of it, and of those beside it.
    smoke_ended(0, &["--agent", "noop"]);
    let (_folder, out) = fresh_out();
    let words = ["--bench", "--scale", "smoke", "--agent", "noop", "--out", &out];
    let Some(said) = remounted("ro", &words) else { return };
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let (_folder, out) = fresh_out();
    let words = ["--bench", "--scale", "smoke", "--agent", "noop", "--out", &out];
    let Some(said) = remounted("noexec", &words) else { return };
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let (record, _) = RunFolder::load(Path::new(&out)).expect("it loads");
    let refused = |outcome: &Outcome| {
        matches!(outcome, Outcome::Refused(why)
        if why.contains("dlopen failed: ") && why.contains("failed to map segment"))
    };
    assert!(record.cases.iter().any(|case| refused(&case.outcome)), "{}", said.stdout);
}

/// The bench under a limit of the shell's, into `out`.
fn limited(limit: &str, out: &str, words: &[&str]) -> Option<Said> {
    let script = format!("ulimit {limit}; exec \"$@\"");
    let bench = word(bench());
    let common = ["-c", &script, "sh", &bench, "--bench", "--scale", "smoke", "--out", out];
    let words = [&common[..], words].concat();
    heard(Path::new("sh"), &words).if_guests_can_be_built()
}

#[test]
fn a_limit_of_the_machine_is_not_counted_as_the_agents() {
    let (_folder, out) = fresh_out();
    // Less than the addresses that an engine reserves for one memory.
    let Some(said) = limited("-v 3000000", &out, &["--agent", "noop"]) else { return };
    assert_eq!(said.code, Some(1), "{}", said.stderr);
    let (record, _) = RunFolder::load(Path::new(&out)).expect("it loads");
    for case in &record.cases {
        let Outcome::Failed(why) = &case.outcome else {
            panic!("{}: {:?}", case.key, case.outcome)
        };
        assert!(why.contains("the machine, not the agent: address space is limited to"), "{why}");
    }
}

#[test]
fn a_file_that_may_not_grow_ends_the_run_with_what_was_finished() {
    // A compiler's files grow, too.
    let Some(_) = smoke(&["--memory-limit", "1"]) else { return };
    let (_folder, out) = fresh_out();
    // In blocks of 512 bytes: enough for the record, not for the samples of all agents.
    let Some(said) = limited("-f 160", &out, &["--memory-limit", "1"]) else { return };
    assert_eq!(said.code, Some(2), "{}", said.stderr);
    let errors: Vec<&str> = said.stderr.lines().filter(|l| l.starts_with("error: ")).collect();
    let [error] = errors[..] else { panic!("not one error: {}", said.stderr) };
    assert!(error.contains("File too large") && error.contains("ulimit -f"), "{error}");
    let (record, _) = RunFolder::load(Path::new(&out)).expect("it loads");
    assert!(record.cases.iter().any(|case| case.outcome == Outcome::Ran), "{}", said.stderr);
    let script = "ulimit -f 1; exec \"$@\"";
    let words = ["-c", script, "sh", &word(tool()), "export", "--format", "json", &out];
    let said = heard(Path::new("sh"), &words).ended(2);
    assert!(said.stderr.contains("File too large"), "{}", said.stderr);
}
