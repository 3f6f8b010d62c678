//! Every target on mutations of its seeds: no panic, no more than 64 MiB at a time, no input that
//! takes a second of CPU time.
//!
//! ```text
//! scripts/mutations                              some seconds: what scripts/test runs
//! CAXTON_MUTATIONS=10000000 scripts/mutations    so many inputs over all targets
//! scripts/mutations seconds record               these targets alone
//! ```
//!
//! The inputs follow from `CAXTON_MUTATIONS_SEED` (1 where it is not set), the target's name and
//! the input's number. The one that runs lies in `NAME.current`: it is known after an abort, too.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a table for people")]

use caxton_fuzz::mutate::Seed;
use caxton_fuzz::{TARGETS, Target};
use caxton_sys::clock::CpuTime;
use fastrand::Rng;
use peak_alloc::PeakAlloc;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::FileExt;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Inputs over all targets where nobody says how many.
const INPUTS: u64 = 60_000;
/// The most bytes that one input may make live at a time.
const LIVE_BYTES_MAX: usize = 64 << 20;
/// The most CPU time of one input.
const CPU_NS_MAX: u64 = 1_000_000_000;
/// An input that is not over by then ends the test.
const HANGS_NS: u64 = 20 * CPU_NS_MAX;
/// And so does one that has so much memory.
const FLOODS_BYTES: usize = 2 << 30;
/// Runs that shortening one input may take.
const SHORTENINGS: usize = 3000;

/// Of the thread that runs the inputs: that of a program's first one.
const STACK_BYTES: usize = 8 << 20;

/// Panics so far, of any thread, and the last one.
static PANICS: AtomicU64 = AtomicU64::new(0);
static PANICKED: Mutex<Panic> = Mutex::new(Panic { place: String::new(), said: String::new() });
/// CPU time of the process when the current input began.
static BEGAN_NS: AtomicU64 = AtomicU64::new(u64::MAX);

/// A panic: where, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Panic {
    place: String,
    said: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.said)
    }
}

/// What an input cost.
struct Cost {
    /// Whether it said something.
    used: Result<bool, Panic>,
    /// The most that it made live.
    bytes: usize,
    /// CPU time.
    ns: u64,
}

/// What became of a target.
#[derive(Default)]
struct Tally {
    inputs: u64,
    used: u64,
    panics: u64,
    most_bytes: usize,
    most_ns: u64,
    /// What was wrong, by what and where: what was said, and the first such input.
    faults: BTreeMap<String, (String, Vec<u8>)>,
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let chosen = |target: &&Target| names.is_empty() || names.iter().any(|n| n == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(chosen).collect();
    if targets.len() < names.len().max(1) {
        let known: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("no such target; there are: {}", known.join(" "));
        return ExitCode::from(2);
    }
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map_or_else(String::new, ToString::to_string);
        let said = panicked.payload_as_str().unwrap_or_default().to_owned();
        *PANICKED.lock().unwrap_or_else(PoisonError::into_inner) = Panic { place, said };
        PANICS.fetch_add(1, Ordering::SeqCst);
    }));
    let work = thread::Builder::new().stack_size(STACK_BYTES).spawn(move || torment_all(&targets));
    let work = work.expect("a thread");
    while !work.is_finished() {
        thread::sleep(Duration::from_millis(50));
        let began = BEGAN_NS.load(Ordering::Relaxed);
        let took = CpuTime::of_process().total_ns().saturating_sub(began);
        let live = MEMORY.current_usage();
        if took > HANGS_NS || live > FLOODS_BYTES {
            eprintln!(
                "the input in the file .current has {live} bytes after {took} ns of CPU time"
            );
            return ExitCode::FAILURE;
        }
    }
    match work.join() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(_) => {
            eprintln!("{}", PANICKED.lock().unwrap_or_else(PoisonError::into_inner));
            ExitCode::FAILURE
        }
    }
}

/// Runs all `targets` and prints what became of each; how many faults were found.
fn torment_all(targets: &[&Target]) -> usize {
    let (total, seed) = (number("CAXTON_MUTATIONS", INPUTS), number("CAXTON_MUTATIONS_SEED", 1));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutations");
    fs::create_dir_all(&folder).expect("a folder for inputs");
    println!("target                inputs      used  panics  most live bytes  most CPU µs");
    let shares: u64 = targets.iter().map(|target| u64::from(target.share)).sum();
    let (mut inputs, mut faults) = (0, 0);
    for target in targets {
        let count = (total * u64::from(target.share)).div_ceil(shares);
        let tally = torment(target, count, seed, &folder);
        let Tally { used, panics, most_bytes, most_ns, .. } = tally;
        let (name, micros) = (target.name, most_ns / 1000);
        let shown = format!("{name:<18} {:>9} {used:>9} {panics:>7}", tally.inputs);
        println!("{shown} {most_bytes:>16} {micros:>12}");
        inputs += tally.inputs;
        faults += tally.faults.len();
        for (number, (fault, (said, input))) in tally.faults.into_iter().enumerate() {
            let path = folder.join(format!("{name}-{number}"));
            let input = shorten(target, &fault, input);
            fs::write(&path, &input).expect("a place for the input");
            println!("  {fault}: {said}\n    {} bytes in {}", input.len(), path.display());
        }
    }
    println!("{inputs} inputs, {faults} faults");
    faults
}

fn number(variable: &str, usual: u64) -> u64 {
    let Ok(text) = std::env::var(variable) else { return usual };
    text.parse().unwrap_or_else(|_| panic!("{variable}={text}: write a whole number"))
}

/// Runs `count` inputs of `target`, its seeds first.
fn torment(target: &Target, count: u64, seed: u64, folder: &Path) -> Tally {
    let seeds = target.seeds().expect("seeds can be read");
    let seeds: Vec<Seed> = seeds.into_iter().map(|(_, bytes)| Seed::new(bytes)).collect();
    let current = Current::new(folder.join(format!("{}.current", target.name)));
    let mut tally = Tally::default();
    // Once without counting: what is made once and kept is no input's.
    let _ = attempt(target, seeds.first().expect("each target has a seed").bytes());
    for number in 0..count.max(seeds.len() as u64) {
        let mut hasher = DefaultHasher::new();
        (seed, target.name, number).hash(&mut hasher);
        let mut rng = Rng::with_seed(hasher.finish());
        let input = match seeds.get(number as usize) {
            Some(seed) => seed.bytes().to_vec(),
            None => {
                let [seed, other] = [rng.usize(..seeds.len()), rng.usize(..seeds.len())];
                seeds[seed].mutated(&seeds[other], &mut rng)
            }
        };
        current.put(&input);
        let cost = attempt(target, &input);
        tally.inputs += 1;
        tally.used += u64::from(cost.used == Ok(true));
        tally.panics += u64::from(cost.used.is_err());
        tally.most_bytes = tally.most_bytes.max(cost.bytes);
        tally.most_ns = tally.most_ns.max(cost.ns);
        if let Some(fault) = cost.fault() {
            let said = cost.used.map_or_else(|panic| panic.said, |_| String::new());
            tally.faults.entry(fault).or_insert((said, input));
        }
    }
    tally
}

fn attempt(target: &Target, input: &[u8]) -> Cost {
    let (before, panics) = (MEMORY.current_usage(), PANICS.load(Ordering::SeqCst));
    MEMORY.reset_peak_usage();
    let began = CpuTime::of_thread();
    BEGAN_NS.store(CpuTime::of_process().total_ns(), Ordering::Relaxed);
    let ran = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    BEGAN_NS.store(u64::MAX, Ordering::Relaxed);
    let ns = CpuTime::of_thread().since(began).total_ns();
    let bytes = MEMORY.peak_usage().saturating_sub(before);
    // One of another thread is none of this one's.
    let is_whole = PANICS.load(Ordering::SeqCst) == panics;
    let last = || PANICKED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Cost { used: ran.ok().filter(|_| is_whole).ok_or_else(last), bytes, ns }
}

impl Cost {
    /// What is wrong, in words that are the same for the same fault.
    fn fault(&self) -> Option<String> {
        match &self.used {
            Err(panic) => Some(format!("panic at {}", panic.place)),
            Ok(_) if self.bytes > LIVE_BYTES_MAX => Some("too many bytes live".to_owned()),
            Ok(_) if self.ns > CPU_NS_MAX => Some("too much CPU time".to_owned()),
            Ok(_) => None,
        }
    }
}

/// The shortest part of `input` found that has the same fault.
fn shorten(target: &Target, wanted: &str, mut input: Vec<u8>) -> Vec<u8> {
    let is_slow = wanted.contains("CPU time");
    let mut left = if is_slow { 20 } else { SHORTENINGS };
    let mut size = input.len() / 2;
    while size > 0 && left > 0 {
        let mut at = 0;
        while at < input.len() && left > 0 {
            let shorter = [&input[..at], &input[(at + size).min(input.len())..]].concat();
            left -= 1;
            if attempt(target, &shorter).fault().as_deref() == Some(wanted) {
                input = shorter;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    input
}

/// The file in which the input that runs lies.
struct Current {
    file: File,
    path: PathBuf,
}

impl Current {
    fn new(path: PathBuf) -> Self {
        Self { file: File::create(&path).expect("a file for the input that runs"), path }
    }

    fn put(&self, input: &[u8]) {
        let kept =
            self.file.write_all_at(input, 0).and_then(|()| self.file.set_len(input.len() as u64));
        kept.expect("a place for the input that runs");
    }
}

impl Drop for Current {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
