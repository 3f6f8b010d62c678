//! Who may name what: unsafe code, the engine, counters, clocks, processes.

use crate::tidy::syntax::Name;
use crate::tidy::{Rule, Source, lines_with};

const SYS: &str = "harness/sys/src";
const ABI: &str = "agents-wasm/abi";
/// What it implements is unsafe.
const SLAB: &str = "harness/sys/src/slab.rs";
const RING: &str = "harness/sys/src/perf_ring.rs";
const COUNTERS: &str = "harness/sys/src/counters.rs";
const CHAIN: &str = "harness/profiler/src/chain.rs";
const SIGPROF: &str = "harness/profiler/src/sigprof.rs";
const PB: &str = "harness/report/src/profile/pb.rs";
const CLOCK: &str = "harness/sys/src/clock.rs";
/// Measures with a clock, coins and a summary of its own.
const INDEPENDENT: &str = "harness/runtime/examples/independent.rs";
// A package that shall build without the harness starts processes and times them by itself.
const PEERS_PROCESS: &str = "harness/peers/src/process.rs";
/// A bench target becomes `caxton-bench`.
const SHIM: &str = "harness/bench/benches/shim/mod.rs";
/// The files that start processes.
const PROCESSES: [&str; 4] =
    [PEERS_PROCESS, "harness/sys/src/command.rs", "harness/sys/src/process.rs", SHIM];
/// The crates that are pure functions of files.
const PURE: [&str; 4] =
    ["harness/stats/src", "harness/model/src", "harness/analysis/src", "harness/report/src"];

/// A user's workspace: an agent declares what it imports of its own host in an `unsafe` block.
const EXAMPLE: &str = "tests/workspace";

/// The lines with a name that `is_meant`.
fn lines_naming(source: &Source, is_meant: impl Fn(&Name) -> bool) -> Vec<usize> {
    let names = source.syntax().names.iter().filter(|name| is_meant(name));
    names.map(|name| name.line).collect()
}

#[test]
fn unsafe_code_is_in_two_places() {
    fn broken(source: &Source) -> Vec<usize> {
        if [SYS, ABI, EXAMPLE].iter().any(|place| source.is_in(place)) {
            return Vec::new();
        }
        lines_naming(source, |name| name.path == ["unsafe"])
    }
    let rule = Rule {
        says: "unsafe code is only in sys and in the agents' contract",
        broken,
        bad: &[("a.rs", "unsafe { b() }\n"), ("harness/system/src/a.rs", "unsafe fn b();\n")],
        good: &[
            ("harness/sys/src/a.rs", "unsafe { b() }\n"),
            ("a.rs", "#![forbid(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe\";\n"),
        ],
    };
    rule.hold();
}

#[test]
fn each_crate_but_sys_forbids_unsafe_code() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_root = match *source.path.split('/').collect::<Vec<_>>() {
            ["harness", of, "src", file] => {
                of != "sys" && of != "peers" && ["lib.rs", "main.rs"].contains(&file)
            }
            _ => false,
        };
        let is_held = source.text.contains("\n#![forbid(unsafe_code)]\n");
        if is_root && !is_held { vec![1] } else { Vec::new() }
    }
    let rule = Rule {
        says: "lib.rs and main.rs of each crate of the harness but sys forbid unsafe code",
        broken,
        bad: &[
            ("harness/a/src/lib.rs", "//! a\n"),
            ("harness/a/src/main.rs", "//! a\n// #![forbid(unsafe_code)]\n"),
        ],
        good: &[
            ("harness/a/src/lib.rs", "//! a\n#![forbid(unsafe_code)]\n"),
            ("harness/sys/src/lib.rs", "//! a\n"),
            ("harness/a/src/b.rs", "//! a\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_of_sys_names_the_engine() {
    fn broken(source: &Source) -> Vec<usize> {
        if source.path == SLAB || !source.is_in(SYS) {
            return Vec::new();
        }
        lines_naming(source, |name| name.begins_in("wasmtime"))
    }
    let rule = Rule {
        says: "sys/ names wasmtime in slab.rs alone, which implements a trait of it that is \
               unsafe to implement",
        broken,
        bad: &[
            ("harness/sys/src/memfd.rs", "use wasmtime::Memory;\n"),
            ("harness/sys/src/memfd.rs", "fn a(b: ::wasmtime::Engine) {}\n"),
        ],
        good: &[
            (SLAB, "use wasmtime::{LinearMemory, MemoryCreator};\n"),
            ("harness/sys/src/a.rs", "// wasmtime::Engine\nfn a(b: c::wasmtime::D) {}\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_names_the_counters_and_one_ring_the_samples() {
    fn broken(source: &Source) -> Vec<usize> {
        let names: &[&str] = match source.path.as_str() {
            COUNTERS => &[],
            RING => &["perf_event"],
            _ => &["perf_event", "perf_event_open_sys"],
        };
        lines_naming(source, |name| names.iter().any(|krate| name.begins_in(krate)))
    }
    let rule = Rule {
        says: "only counters.rs of sys names the crate perf_event, and only it and perf_ring.rs \
               the crate perf_event_open_sys",
        broken,
        bad: &[
            ("a.rs", "use perf_event::Builder;\n"),
            ("a.rs", "use perf_event_open_sys::bindings;\n"),
            (RING, "use perf_event::Builder;\n"),
        ],
        good: &[
            (RING, "use perf_event_open_sys::bindings;\n"),
            ("a.rs", "let perf_event_paranoid = \"perf_event::x\";\n"),
            (COUNTERS, "use perf_event::A;\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_unwinds_and_two_know_pprof() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_unwinder = |name: &Name| source.path != CHAIN && name.begins_in("framehop");
        let is_pprof =
            |name: &Name| ![SIGPROF, PB].contains(&&*source.path) && name.begins_in("pprof");
        lines_naming(source, |name| is_unwinder(name) || is_pprof(name))
    }
    let rule = Rule {
        says: "only chain.rs of the profiler names framehop; only its sigprof.rs and profile/pb.rs \
               of the report name the crate pprof",
        broken,
        bad: &[
            ("a.rs", "use framehop::Unwinder;\n"),
            ("a.rs", "use pprof::protos;\n"),
            ("a.rs", "use ::pprof::protos;\n"),
            (CHAIN, "use pprof::protos;\n"),
        ],
        good: &[
            (CHAIN, "use framehop::Unwinder;\n"),
            (SIGPROF, "use pprof::ProfilerGuard;\n"),
            (PB, "use pprof::protos;\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_reads_the_clock() {
    fn broken(source: &Source) -> Vec<usize> {
        if [CLOCK, PEERS_PROCESS, INDEPENDENT].contains(&source.path.as_str()) {
            return Vec::new();
        }
        lines_naming(source, |name| name.holds("Instant::now") || name.holds("SystemTime::now"))
    }
    let rule = Rule {
        says: "time is read only in clock.rs of sys, in process.rs of the peers, and by the \
               independent runner",
        broken,
        bad: &[
            ("a.rs", "let a = Instant::now();\n"),
            ("tests/a.rs", "std::time::SystemTime::now()\n"),
            ("harness/peers/src/a.rs", "START.get_or_init(Instant::now)\n"),
        ],
        good: &[
            (CLOCK, "Instant::now()\n"),
            (PEERS_PROCESS, "Instant::now()\n"),
            ("a.rs", "// Instant::now\n"),
        ],
    };
    rule.hold();
}

#[test]
fn three_files_start_processes_and_none_ends_its_own() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_allowed = PROCESSES.contains(&source.path.as_str())
            || source.path.ends_with("/build.rs") && !source.path.contains("/src/")
            || source.is_all_tests();
        let is_shipped = |name: &Name| source.syntax().is_shipped(name.line);
        lines_naming(source, |name| {
            let starts = !is_allowed && name.holds("Command::new") && is_shipped(name);
            starts || name.holds("process::exit") || name.holds("process::abort")
        })
    }
    let rule = Rule {
        says: "processes start only in process.rs and command.rs of sys, in process.rs of the \
               peers, in build scripts and tests; nothing exits",
        broken,
        bad: &[
            ("a.rs", "Command::new(x)\n"),
            ("harness/bench/src/guest/build.rs", "Command::new(x)\n"),
            ("harness/peers/src/a.rs", "Command::new(x)\n"),
            ("harness/bench/src/cmd/process.rs", "Command::new(x)\n"),
            ("tests/a.rs", "std::process::exit(1)\n"),
        ],
        good: &[
            (PEERS_PROCESS, "Command::new(x)\n"),
            ("harness/sys/build.rs", "Command::new(x)\n"),
            ("tests/a.rs", "Command::new(x)\n"),
            ("a.rs", "\n#[cfg(test)]\nmod tests {\n    fn a() { Command::new(x) }\n}\n"),
        ],
    };
    rule.hold();
}

#[test]
fn what_is_read_from_files_touches_no_machine() {
    fn broken(source: &Source) -> Vec<usize> {
        if !PURE.iter().any(|folder| source.is_in(folder)) {
            return Vec::new();
        }
        let is_machine = |name: &Name| {
            let parts = ["Instant", "SystemTime", "process", "std::net", "tokio", "wasmtime"];
            let is_part = |part: &&str| name.path.len() > 1 && name.holds(part);
            parts.iter().any(is_part) && !name.holds("process::ExitCode")
        };
        let paths = source.syntax().literals.iter();
        let paths = paths.filter(|(_, text)| !lines_with(text, r"/proc\b").is_empty());
        let paths = paths.map(|(lines, _)| *lines.start());
        lines_naming(source, is_machine).into_iter().chain(paths).collect()
    }
    let rule = Rule {
        says: "stats, model, analysis and report name no engine, clock, process, network or /proc",
        broken,
        bad: &[
            ("harness/model/src/a.rs", "use std::process::Command;\n"),
            ("harness/model/src/a.rs", "use std::{fmt, process::id};\n"),
            ("harness/report/src/a.rs", "use std::time::Instant;\n"),
            ("harness/stats/src/a.rs", "read(\"/proc/self/stat\")\n"),
            ("harness/analysis/src/a.rs", "tokio::spawn(a)\n"),
        ],
        good: &[
            ("harness/model/src/a.rs", "use std::process::ExitCode; // not /proc\n"),
            ("harness/model/src/a.rs", "const A: &str = \"wasmtime-vs-native\";\n"),
            ("harness/sys/src/a.rs", "use std::process::Command;\n"),
        ],
    };
    rule.hold();
}
