//! The bench family and the command line: plans, builds and runs agents, keeps records.
//!
//! A workspace of your own measures its agents and functions by [`main!`], as
//! `harness/docs/own-workspace.md` tells:
//!
//! ```ignore
//! caxton_bench::main!(describe);
//!
//! fn describe(bench: &mut caxton_bench::Bench) {
//!     bench.function(caxton_bench::function!(shop::top_words).message("a b a"));
//! }
//! ```
//!
//! All else here is the tool itself and changes without notice.
//!
//! From the bottom up: `guest` finds and builds agents; `job` is what is done with one, as data;
//! `suite` plans jobs; `timing` times blocks in turns; `workload` drives the subjects of
//! `caxton_runtime`; `worker` is the process of one launch, `measure` its parent; `cmd` is the
//! command line.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "what is not documented is hidden")]

#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
#[doc(hidden)]
pub mod cmd;
#[doc(hidden)]
pub mod guest;
#[doc(hidden)]
pub mod job;
#[doc(hidden)]
pub mod measure;
#[doc(hidden)]
pub mod suite;
#[doc(hidden)]
pub mod timing;
#[doc(hidden)]
pub mod worker;
#[doc(hidden)]
pub mod workload;

use caxton_sys::allocator::{count, count_as};
use guest::bench::PACKAGE_VARIABLE;
use job::launch::{BENCH_ARGUMENT, WORKER_ARGUMENT};
use measure::turns::wire::TURNS_ARGUMENT;
use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use suite::wasm;

pub use caxton_runtime::subject::wasmtime::HostState;
pub use caxton_runtime::wasmtime;
#[doc(hidden)]
pub use caxton_sys::allocator::Allocator;
pub use guest::bench::{Bench, Function};

/// The whole of a workspace's own bench: `caxton_bench::main!(describe);`, where `describe` is a
/// `fn(&mut Bench)` that says what is measured.
#[macro_export]
macro_rules! main {
    ($describe:path) => {
        const _: () = {
            #[global_allocator]
            static ALLOCATOR: $crate::Allocator = $crate::Allocator;
        };

        fn main() -> ::std::process::ExitCode {
            let names = [::core::env!("CARGO_PKG_NAME"), ::core::env!("CARGO_CRATE_NAME")];
            $crate::main_of(::core::env!("CARGO_MANIFEST_DIR"), names, $describe)
        }
    };
}

/// A function `fn(&[u8]) -> Vec<u8>` by its path, which begins with the name of a library of the
/// workspace: `function!(shop::top_words)`.
#[macro_export]
macro_rules! function {
    ($path:path) => {{
        const _: fn(&[u8]) -> ::std::vec::Vec<u8> = $path;
        $crate::Function::new(::core::stringify!($path))
    }};
}

/// What `caxton-bench` does with the words of its command line: a suite, a worker's part of one, or
/// a command on what was measured.
pub fn main(words: &[OsString]) -> ExitCode {
    enter(words, None)
}

/// The bench in `folder` of the package and the bench target that `names` say.
#[doc(hidden)]
pub fn main_of(folder: &str, names: [&str; 2], describe: fn(&mut Bench)) -> ExitCode {
    // A bench that was built for a revision outlives the folder that it was built in.
    let told = env::var_os(PACKAGE_VARIABLE);
    let folder = told.as_ref().map_or(Path::new(folder), Path::new);
    let [package, target] = names;
    let mut bench = Bench::new(folder, package, target);
    describe(&mut bench);
    caxton_runtime::subject::wasmtime::provide(std::mem::take(&mut bench.host));
    let words: Vec<OsString> = env::args_os().collect();
    enter(&words, Some(&bench))
}

fn enter(words: &[OsString], bench: Option<&Bench>) -> ExitCode {
    caxton_sys::process::prepare();
    let word = |at: usize| words.get(at).and_then(|word| word.to_str()).unwrap_or_default();
    let suite = suite::find(word(2));
    match (word(1), suite) {
        (BENCH_ARGUMENT, Some(suite)) => {
            count(suite.counting);
            worker(word(3)).unwrap_or_else(|| cmd::suite(suite, &told(&words[3..], false), bench))
        }
        // Who types `run` wants to measure; cargo says so with a flag.
        ("run", Some(suite)) => {
            count(suite.counting);
            cmd::suite(suite, &told(&words[3..], true), bench)
        }
        ("run", None) if is_guest(word(2)) => {
            count(wasm::SUITE.counting);
            let guest = [&[OsString::from("--guest")], &words[2..]].concat();
            cmd::suite(&wasm::SUITE, &told(&guest, true), bench)
        }
        (WORKER_ARGUMENT | TURNS_ARGUMENT, _) => {
            count_as(word(2));
            worker(word(1)).expect("one of the two that it knows")
        }
        (first, _) if bench.is_some() && !cmd::is_command(first) => {
            count(wasm::SUITE.counting);
            cmd::suite(&wasm::SUITE, &told(&words[1..], false), bench)
        }
        // Cargo's own word is of measuring.
        _ if bench.is_some() => {
            let is_own = |word: &&OsString| *word != BENCH_FLAG;
            cmd::main(&words.iter().filter(is_own).cloned().collect::<Vec<_>>(), bench)
        }
        _ => cmd::main(words, None),
    }
}

/// The words of a suite, with the flag that asks it to measure if `measures`, or if cargo says so.
/// Cargo says so last: behind `--` that would be an argument of a guest.
fn told(words: &[OsString], measures: bool) -> Vec<OsString> {
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let (mut own, mut guests) = (words[..at].to_vec(), words[at..].to_vec());
    let last = if guests.len() > 1 { &mut guests } else { &mut own };
    let of_cargo = last.pop_if(|word| word == BENCH_FLAG).is_some();
    let flag = (measures || of_cargo).then(|| OsString::from(BENCH_FLAG));
    own.into_iter().chain(flag).chain(guests).collect()
}

/// How cargo says that a bench shall measure.
const BENCH_FLAG: &str = "--bench";

/// Whether `word` names a guest's file, a folder or a manifest of guests, and no suite.
fn is_guest(word: &str) -> bool {
    let ending = Path::new(word).extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("wasm" | "wat" | "toml")) || word.contains('/') || word == "."
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
            ("json --bench", true, "json --bench"),
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
