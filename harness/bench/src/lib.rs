//! The bench family and the command line: plans, builds and runs agents, keeps records.
//!
//! From the bottom up: `guest` finds and builds agents; `job` is what is done with one, as data;
//! `suite` plans jobs; `timing` times blocks in turns; `workload` drives the subjects of
//! `caxton_runtime`; `worker` is the process of one launch, `measure` its parent; `cmd` is the
//! command line.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "no product depends on this crate")]

#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
pub mod cmd;
pub mod guest;
pub mod job;
pub mod measure;
pub mod suite;
pub mod timing;
pub mod worker;
pub mod workload;

use caxton_sys::allocator::{count, count_as};
use job::launch::{BENCH_ARGUMENT, WORKER_ARGUMENT};
use measure::turns::wire::TURNS_ARGUMENT;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What `caxton-bench` does with the words of its command line: a suite, a worker's part of one, or
/// a command on what was measured.
pub fn main(words: &[OsString]) -> ExitCode {
    caxton_sys::process::prepare();
    let word = |at: usize| words.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    let suite = suite::find(word(2));
    match (word(1), suite) {
        (BENCH_ARGUMENT, Some(suite)) => {
            count(suite.counting);
            worker(word(3)).unwrap_or_else(|| cmd::suite(suite, &words[3..]))
        }
        // Who types `run` wants to measure; cargo says so with a flag.
        ("run", Some(suite)) => {
            count(suite.counting);
            cmd::suite(suite, &[&[OsString::from("--bench")], &words[3..]].concat())
        }
        ("run", None) if is_guest(word(2)) => {
            count(suite::wasm::SUITE.counting);
            let first = ["--bench", "--guest"].map(OsString::from);
            cmd::suite(&suite::wasm::SUITE, &[&first[..], &words[2..]].concat())
        }
        (WORKER_ARGUMENT | TURNS_ARGUMENT, _) => {
            count_as(word(2));
            worker(word(1)).expect("one of the two that it knows")
        }
        _ => cmd::main(words),
    }
}

/// Whether `word` names a file with a guest, and no suite.
fn is_guest(word: &str) -> bool {
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("wasm" | "wat")) || word.contains('/')
}

/// The worker's part that `role` names, if it names one.
fn worker(role: &str) -> Option<ExitCode> {
    match role {
        WORKER_ARGUMENT => Some(worker::main()),
        TURNS_ARGUMENT => Some(worker::turns::main()),
        _ => None,
    }
}
