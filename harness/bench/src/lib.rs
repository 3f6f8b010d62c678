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
            worker(word(3)).unwrap_or_else(|| cmd::suite(suite, &told(&words[3..], false)))
        }
        // Who types `run` wants to measure; cargo says so with a flag.
        ("run", Some(suite)) => {
            count(suite.counting);
            cmd::suite(suite, &told(&words[3..], true))
        }
        ("run", None) if is_guest(word(2)) => {
            count(suite::wasm::SUITE.counting);
            let guest = [&[OsString::from("--guest")], &words[2..]].concat();
            cmd::suite(&suite::wasm::SUITE, &told(&guest, true))
        }
        (WORKER_ARGUMENT | TURNS_ARGUMENT, _) => {
            count_as(word(2));
            worker(word(1)).expect("one of the two that it knows")
        }
        _ => cmd::main(words),
    }
}

/// The words of a suite, with the flag that asks it to measure if `measures`, or if cargo says so.
/// Cargo says so last: behind `--` that would be an argument of a guest.
fn told(words: &[OsString], measures: bool) -> Vec<OsString> {
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (own, mut guests) = (&words[..at], words[at..].to_vec());
    let of_cargo = guests.len() > 1 && guests.last().is_some_and(|word| word == BENCH_FLAG);
    if of_cargo {
        guests.pop();
    }
    let flag = (measures || of_cargo).then(|| OsString::from(BENCH_FLAG));
    own.iter().cloned().chain(flag).chain(guests).collect()
}

/// How cargo says that a bench shall measure.
const BENCH_FLAG: &str = "--bench";

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cargo_says_is_no_argument_of_a_guest() {
        for (words, measures, expected) in [
            ("json --bench", false, "json --bench"),
            ("json", true, "json --bench"),
            ("selftest --trials 9", true, "selftest --trials 9 --bench"),
            ("--guest a.wasm -- -v x --bench", false, "--guest a.wasm --bench -- -v x"),
            ("--guest a.wasm -- -v x", true, "--guest a.wasm --bench -- -v x"),
            ("--list -- x", false, "--list -- x"),
        ] {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let expected: Vec<OsString> = expected.split(' ').map(OsString::from).collect();
            assert_eq!(told(&words, measures), expected);
        }
    }
}
