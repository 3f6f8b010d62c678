//! The bench family and the command line: plans, builds and runs agents, keeps records.
//!
//! A `plan` says what to run; a `workload` drives the subjects of `caxton_runtime` with the kit of
//! `timing`; `measure` schedules launches; `cli` is a bench's command line, `cmd` the one of
//! `caxton-bench`.
#![forbid(unsafe_code)]

#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
pub mod cli;
pub mod cmd;
pub mod guest;
pub mod measure;
pub mod plan;
mod record;
pub mod suite;
pub mod timing;
pub mod workload;

use caxton_sys::allocator::{count, count_as};
use measure::protocol::{BENCH_ARGUMENT, WORKER_ARGUMENT};
use measure::turns::wire::TURNS_ARGUMENT;
use std::ffi::OsString;
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
            worker(word(3))
                .unwrap_or_else(|| cli::bench::main(suite, &[&words[..1], &words[3..]].concat()))
        }
        // Who types `run` wants to measure; cargo says so with a flag.
        ("run", Some(suite)) => {
            count(suite.counting);
            let bench = [OsString::from("--bench")];
            cli::bench::main(suite, &[&words[..1], &bench, &words[3..]].concat())
        }
        (WORKER_ARGUMENT | TURNS_ARGUMENT, _) => {
            count_as(word(2));
            worker(word(1)).expect("one of the two that it knows")
        }
        _ => cmd::main(words),
    }
}

/// The worker's part that `role` names, if it names one.
fn worker(role: &str) -> Option<ExitCode> {
    match role {
        WORKER_ARGUMENT => Some(measure::worker::main()),
        TURNS_ARGUMENT => Some(measure::turns::worker::main()),
        _ => None,
    }
}
