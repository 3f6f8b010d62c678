//! The executables under test: found by cargo, run in the workspace's root, heard to their end.
//!
//! Every wait is bounded, by counting: a test that hangs is worse than one that fails.

use crate::capability;
use caxton_model::record::Record;
use caxton_model::record::store::RunFolder;
use caxton_model::samples::Sample;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Between two looks at a process.
const POLL: Duration = Duration::from_millis(10);

/// Looks at a process before it is given up. A first run builds all guests, perhaps behind
/// another build: far more than a healthy machine needs.
const POLLS_MAX: u32 = 90_000;

/// In the environment of every process that a test starts, and so in that of its children.
const MARK: &str = "CAXTON_TEST_MARK";

/// The commands of `caxton-bench`, but for `run`.
pub(crate) const COMMANDS: [&[&str]; 13] = [
    &["report"],
    &["export"],
    &["list"],
    &["prune"],
    &["compare"],
    &["gate"],
    &["ci"],
    &["history"],
    &["doctor"],
    &["slo", "rules"],
    &["monitor"],
    &["completions"],
    &["man"],
];

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        fs::canonicalize(root).expect("the runner's crate lies two folders down")
    })
}

/// The executable of the bench `wasm`.
pub(crate) fn bench() -> &'static Path {
    static BENCH: OnceLock<PathBuf> = OnceLock::new();
    BENCH.get_or_init(|| built("wasm", &["bench", "--bench", "wasm", "--no-run"]))
}

/// Where cargo builds.
pub(crate) fn target() -> &'static Path {
    // <target>/release/deps/wasm-<hash>
    bench().ancestors().nth(3).expect("cargo's own folders lie between")
}

/// The executable `caxton-bench`.
pub(crate) fn tool() -> &'static Path {
    static TOOL: OnceLock<PathBuf> = OnceLock::new();
    let words = ["build", "--profile", "bench", "-p", "caxton-bench"];
    TOOL.get_or_init(|| built("caxton-bench", &words))
}

/// The cargo that runs the tests.
pub(crate) fn cargo() -> PathBuf {
    std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into()).into()
}

/// Lets cargo make `target`, and asks it where it lies.
fn built(target: &str, words: &[&str]) -> PathBuf {
    let words = [words, &["--message-format", "json"]].concat();
    let said = heard(&cargo(), &words);
    assert_eq!(said.code, Some(0), "cargo {words:?}:\n{}", said.stderr);
    let messages = said.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let executable = messages
        .filter(|message| message["target"]["name"] == target)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from));
    executable.unwrap_or_else(|| panic!("cargo {words:?} names no executable {target}"))
}

/// What a process said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// This, which must have ended with `code`.
    #[track_caller]
    pub(crate) fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }

    /// This, which must have ended with `code` and have given no result.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> Self {
        assert_eq!((self.code, self.stdout.as_str()), (Some(code), ""), "{self:?}");
        self
    }

    /// The standard error, which must be a single line about an error.
    pub(crate) fn only_error(&self) -> &str {
        let line = self.stderr.trim_end();
        assert!(line.starts_with("error: ") && line.lines().count() == 1, "{self:?}");
        line
    }

    /// This, which must have ended with `code`, unless guests cannot be built.
    #[track_caller]
    pub(crate) fn if_built(self, code: i32) -> Option<Self> {
        Some(self.if_guests_can_be_built()?.ended(code))
    }

    /// This, unless the machine has no compiler for guests: then the test is skipped.
    pub(crate) fn if_guests_can_be_built(self) -> Option<Self> {
        let why = self.stderr.lines().find(|line| line.ends_with("run scripts/setup"));
        if let (Some(2), Some(why)) = (self.code, why) {
            capability::absent("wasm", why);
            return None;
        }
        Some(self)
    }
}

/// Where a process runs and what it reads.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// Its folder instead of the workspace's root.
    pub(crate) folder: Option<PathBuf>,
    /// Its standard input; nothing when empty.
    pub(crate) input: Vec<u8>,
    /// Further variables of its environment.
    pub(crate) variables: Vec<(&'static str, PathBuf)>,
}

/// A process that was started. It is ended when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    streams: TempDir,
}

impl Running {
    /// Starts `program` in `place`.
    pub(crate) fn start(program: &Path, words: &[&str], place: &Place) -> Self {
        // Files, not pipes: nobody must read while the test waits.
        let streams = tempfile::tempdir().expect("a temporary folder");
        let file = |name: &str| File::create(streams.path().join(name)).expect("a fresh folder");
        fs::write(streams.path().join("in"), &place.input).expect("a fresh folder");
        let child = Command::new(program)
            .args(words)
            .current_dir(place.folder.as_deref().unwrap_or(root()))
            .env(MARK, streams.path())
            // Tests read tables.
            .env("CAXTON_BENCH_REPORT", "full")
            .envs(place.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::from(File::open(streams.path().join("in")).expect("just written")))
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        Self { child, streams }
    }

    /// True as soon as `is_so`; false if the process ended before.
    pub(crate) fn lives_until(&mut self, is_so: impl Fn() -> bool) -> bool {
        for _ in 0..POLLS_MAX {
            // Before the question: a process that ended may have made it true on its way.
            let ended = self.child.try_wait().expect("a child of ours").is_some();
            if is_so() {
                return !ended;
            }
            if ended {
                return false;
            }
            thread::sleep(POLL);
        }
        panic!("it neither ends nor gets there: {}", self.stream("err"));
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Said {
        self.lives_until(|| false);
        let code = self.child.wait().expect("a child of ours").code();
        Said { code, stdout: self.stream("out"), stderr: self.stream("err") }
    }

    /// Sends it `signal`, such as `INT`.
    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(sent.success(), "{kill}");
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file of what it says on standard error.
    pub(crate) fn stderr(&self) -> PathBuf {
        self.streams.path().join("err")
    }

    /// Looks at it at most `polls` times; after how many looks it ended, if it did.
    pub(crate) fn ends_within(&mut self, polls: u32) -> Option<u32> {
        let is_ended = |_: &u32| {
            let ended = self.child.try_wait().expect("a child of ours").is_some();
            if !ended {
                thread::sleep(POLL);
            }
            ended
        };
        (0..polls).find(is_ended)
    }

    /// What its whole family bears, itself included.
    pub(crate) fn mark(&self) -> Mark {
        Mark(format!("{MARK}={}\0", self.streams.path().display()).into_bytes())
    }

    fn stream(&self, name: &str) -> String {
        let bytes = fs::read(self.streams.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After `wait` there is nothing left to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the processes of one family bear in their environment.
pub(crate) struct Mark(Vec<u8>);

impl Mark {
    /// True if some process that bears it becomes none within a bounded wait.
    pub(crate) fn is_gone_soon(&self) -> bool {
        const POLLS: u32 = 3_000;
        (0..POLLS).any(|_| {
            let is_gone = self.bearers() == 0;
            if !is_gone {
                thread::sleep(POLL);
            }
            is_gone
        })
    }

    /// Living processes that bear it; a dead one that nobody has waited for shows no environment.
    pub(crate) fn bearers(&self) -> usize {
        let processes = fs::read_dir("/proc").expect("Linux");
        let environs = processes.flatten().filter_map(|p| fs::read(p.path().join("environ")).ok());
        environs.filter(|environ| environ.windows(self.0.len()).any(|w| w == self.0)).count()
    }
}

/// A temporary folder, and a path in it that does not exist yet, as a word.
pub(crate) fn fresh_out() -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = word(&folder.path().join("run"));
    (folder, out)
}

/// A path as a word of a command line.
pub(crate) fn word(path: &Path) -> String {
    path.to_str().expect("test paths are plain").to_owned()
}

/// What `program` says to `words` in the workspace's root.
pub(crate) fn heard(program: &Path, words: &[&str]) -> Said {
    Running::start(program, words, &Place::default()).wait()
}

/// The bench with `words`, as a test runner calls it.
pub(crate) fn bench_says(words: &[&str]) -> Said {
    heard(bench(), words)
}

/// `caxton-bench` with `words`.
pub(crate) fn tool_says(words: &[&str]) -> Said {
    heard(tool(), words)
}

/// A run that was kept, in a folder that goes with it.
pub(crate) struct Kept {
    pub(crate) said: Said,
    pub(crate) record: Record,
    pub(crate) samples: Vec<Sample>,
    /// The run's folder.
    pub(crate) out: String,
    _folder: TempDir,
}

/// A run of `words` at smoke scale; none where guests cannot be built.
pub(crate) fn smoke(words: &[&str]) -> Option<Kept> {
    kept(bench(), words)
}

/// The same, which must have ended with `code`.
#[track_caller]
pub(crate) fn smoke_ended(code: i32, words: &[&str]) -> Option<Kept> {
    let kept = smoke(words)?;
    assert_eq!(kept.said.code, Some(code), "{:?}", kept.said);
    Some(kept)
}

/// The same of the bench `heap`.
pub(crate) fn smoke_of_heap(words: &[&str]) -> Option<Kept> {
    smoke_of("heap", words)
}

/// The same of the bench `name`.
pub(crate) fn smoke_of(name: &'static str, words: &[&str]) -> Option<Kept> {
    kept(suite(name), words)
}

/// The executable of the bench `name`.
pub(crate) fn suite(name: &'static str) -> &'static Path {
    static BENCHES: Mutex<BTreeMap<&str, &Path>> = Mutex::new(BTreeMap::new());
    let mut benches = BENCHES.lock().unwrap_or_else(PoisonError::into_inner);
    benches.entry(name).or_insert_with(|| {
        // As long as the tests: there are six at most.
        Box::leak(built(name, &["bench", "--bench", name, "--no-run"]).into_boxed_path())
    })
}

fn kept(bench: &Path, words: &[&str]) -> Option<Kept> {
    let (folder, out) = fresh_out();
    let common = ["--bench", "--scale", "smoke", "--out", &out];
    let said = heard(bench, &[&common, words].concat());
    let said = said.if_guests_can_be_built()?;
    let (record, samples) = RunFolder::load(Path::new(&out))
        .unwrap_or_else(|error| panic!("{words:?}: {error}\n{}", said.stderr));
    Some(Kept { said, record, samples, out, _folder: folder })
}

/// What `command` says; none where its program, of the package `name`, is absent.
pub(crate) fn output_of(command: &mut Command, name: &str, hint: &str) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        // Denied: a folder of PATH is closed to this user, and no other one has the program.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            capability::absent(name, hint);
            None
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}
