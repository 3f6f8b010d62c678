//! Who may name what: unsafe code, engines, clocks, processes, and the layers of the runner.

use super::{Rule, Source, lines_with};
use regex::Regex;

const SYS: &str = "harness/runner/src/sys";
const SUBJECT: &str = "harness/runner/src/subject";
const WASMTIME: &str = "harness/runner/src/subject/wasmtime";
/// What it implements is unsafe.
const SLAB: &str = "harness/runner/src/sys/slab.rs";
const WORKLOAD: &str = "harness/runner/src/workload";
const RESULTS: &str = "harness/results";
const ABI: &str = "agents-wasm/abi";
const RING: &str = "harness/runner/src/sys/perf_ring.rs";
const CHAIN: &str = "harness/runner/src/measure/profile/chain.rs";
const PPROF: [&str; 2] =
    ["harness/runner/src/measure/profile/pprof.rs", "harness/results/src/profile/pb.rs"];
// A package that shall build without the runner starts processes and times them by itself.
const PEERS_PROCESS: &str = "harness/peers/src/process.rs";
/// The files that start processes.
const PROCESSES: [&str; 3] =
    ["harness/cli/src/process.rs", PEERS_PROCESS, "harness/runner/src/sys/process.rs"];
const COUNTERS: &str = "harness/runner/src/measure/probe/counters.rs";

#[test]
fn unsafe_code_is_in_two_places() {
    fn broken(source: &Source) -> Vec<usize> {
        if source.is_in(SYS) || source.is_in(ABI) {
            return Vec::new();
        }
        lines_with(&source.blanked.code, r"\bunsafe\b")
    }
    let rule = Rule {
        says: "unsafe code is only in sys/ of the runner and in the agents' contract",
        broken,
        bad: &[
            ("a.rs", "unsafe { b() }\n"),
            ("harness/runner/src/systems/a.rs", "unsafe fn b();\n"),
        ],
        good: &[
            ("harness/runner/src/sys/a.rs", "unsafe { b() }\n"),
            ("a.rs", "#![forbid(unsafe_code)]\n// unsafe\nlet a = \"unsafe\";\n"),
        ],
    };
    rule.hold();
}

/// True if a comment with `SAFETY:` stands above the statement that line `number` is part of.
fn is_justified(lines: &[&str], number: usize) -> bool {
    for line in lines[..number - 1].iter().rev().map(|line| line.trim()) {
        if line.starts_with("//") {
            if line.contains("SAFETY:") {
                return true;
            }
        } else if line.is_empty() || line.ends_with([';', '{', '}', ',']) {
            return false;
        }
    }
    false
}

#[test]
fn each_unsafe_block_says_why_it_is_sound() {
    fn broken(source: &Source) -> Vec<usize> {
        let lines: Vec<&str> = source.text.lines().collect();
        let blocks = lines_with(&source.blanked.code, r"\bunsafe\s*(\{|impl\b)");
        blocks.into_iter().filter(|line| !is_justified(&lines, *line)).collect()
    }
    let rule = Rule {
        says: "an unsafe block stands below a `// SAFETY:` comment of its own",
        broken,
        bad: &[
            ("a.rs", "let a = unsafe { b() };\n"),
            ("a.rs", "// SAFETY: c.\nlet a = 1;\nunsafe { b() };\n"),
            ("a.rs", "// It is fine.\nunsafe { b() };\n"),
            ("a.rs", "unsafe impl Send for A {}\n"),
        ],
        good: &[
            ("a.rs", "// SAFETY: c,\n// and d.\nlet a = unsafe { b() };\n"),
            ("a.rs", "// SAFETY: c.\nlet a =\n    unsafe { b() };\n"),
            ("a.rs", "/// # Safety\n/// c\nunsafe fn a();\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_folder_names_the_engine() {
    fn broken(source: &Source) -> Vec<usize> {
        if source.is_in(WASMTIME) || source.path == SLAB {
            return Vec::new();
        }
        let code = &source.blanked.code;
        // Where our own module of that name was brought in, the bare name is that module.
        let own = Regex::new(r"\bsubject::(wasmtime|\{[^;]*\bwasmtime)\s*[;,}]");
        let is_own = own.expect("a pattern of ours").is_match(code);
        let bare = if is_own { "" } else { r"|(^|[^\w:])wasmtime::" };
        // A path that ends in the name, such as `subject::wasmtime::`, is ours too.
        lines_with(code, &format!(r"(^|[^\w]::)wasmtime::|\bwasmtime_wasi::{bare}"))
    }
    let rule = Rule {
        says: "only subject/wasmtime/ and sys/slab.rs name the crates wasmtime and wasmtime_wasi",
        broken,
        bad: &[
            ("a.rs", "use wasmtime::Engine;\n"),
            ("a.rs", "let a: ::wasmtime::Engine;\n"),
            ("a.rs", "use crate::subject::wasmtime;\nuse ::wasmtime::Engine;\n"),
            ("a.rs", "fn a(b: &wasmtime_wasi::p1::A) {}\n"),
            ("harness/runner/src/sys/memfd.rs", "use wasmtime::Memory;\n"),
        ],
        good: &[
            ("a.rs", "use crate::subject::wasmtime::WasmSubject;\n"),
            ("a.rs", "use crate::{\n    subject::wasmtime::A,\n};\n// wasmtime::Engine\n"),
            ("a.rs", "use crate::subject::wasmtime;\nlet a = wasmtime::configuration();\n"),
            ("harness/runner/src/subject/wasmtime/a.rs", "use wasmtime::Engine;\n"),
            (SLAB, "use wasmtime::{LinearMemory, MemoryCreator};\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_probe_names_the_counters_and_one_ring_the_samples() {
    fn broken(source: &Source) -> Vec<usize> {
        let names = match source.path.as_str() {
            COUNTERS => return Vec::new(),
            RING => r"\bperf_event\s*(::|;)",
            _ => r"\bperf_event(_open_sys)?\s*(::|;)",
        };
        lines_with(&source.blanked.code, names)
    }
    let rule = Rule {
        says: "only probe/counters.rs names the crate perf_event, and only it and \
               sys/perf_ring.rs the crate perf_event_open_sys",
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
        let code = &source.blanked.code;
        let unwinds = if source.path == CHAIN { "" } else { r"\bframehop::" };
        let samples = if PPROF.contains(&source.path.as_str()) {
            ""
        } else if Regex::new(r"\bmod pprof;").expect("a pattern of ours").is_match(code) {
            // The bare name is a module of ours.
            r"(^|[^\w])::pprof::"
        } else {
            r"(^|[^\w:]|[^\w]::)pprof::"
        };
        let patterns = [unwinds, samples].into_iter().filter(|pattern| !pattern.is_empty());
        patterns.flat_map(|pattern| lines_with(code, pattern)).collect()
    }
    let rule = Rule {
        says: "only measure/profile/chain.rs names framehop; only measure/profile/pprof.rs and \
               profile/pb.rs of the results name the crate pprof",
        broken,
        bad: &[
            ("a.rs", "use framehop::Unwinder;\n"),
            ("a.rs", "use pprof::protos;\n"),
            ("a.rs", "mod pprof;\nuse ::pprof::protos;\n"),
            (CHAIN, "use pprof::protos;\n"),
        ],
        good: &[
            (CHAIN, "use framehop::Unwinder;\n"),
            (PPROF[0], "use ::pprof::ProfilerGuard;\n"),
            (PPROF[1], "use pprof::protos;\n"),
            ("a.rs", "mod pprof;\nuse pprof::Pprof;\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_reads_the_clock() {
    fn broken(source: &Source) -> Vec<usize> {
        if ["harness/runner/src/sys/clock.rs", PEERS_PROCESS].contains(&source.path.as_str()) {
            return Vec::new();
        }
        lines_with(&source.blanked.code, r"\b(Instant|SystemTime)::now\b")
    }
    let rule = Rule {
        says: "time is read only in sys/clock.rs, and in process.rs of the peers",
        broken,
        bad: &[
            ("a.rs", "let a = Instant::now();\n"),
            ("tests/a.rs", "std::time::SystemTime::now()\n"),
            ("harness/peers/src/a.rs", "Instant::now()\n"),
        ],
        good: &[
            ("harness/runner/src/sys/clock.rs", "Instant::now()\n"),
            (PEERS_PROCESS, "Instant::now()\n"),
            ("a.rs", "// Instant::now\n"),
        ],
    };
    rule.hold();
}

#[test]
fn one_file_starts_processes_and_none_ends_its_own() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_allowed = PROCESSES.contains(&source.path.as_str())
            || source.path.ends_with("/build.rs") && !source.path.contains("/src/")
            || source.is_all_tests();
        let starts =
            if is_allowed { Vec::new() } else { lines_with(source.shipped(), r"\bCommand::new\b") };
        let exits = lines_with(&source.blanked.code, r"\bprocess::(exit|abort)\b");
        [starts, exits].concat()
    }
    let rule = Rule {
        says: "processes start only in sys/process.rs, in process.rs of command line and peers, in \
               build scripts and tests; nothing exits",
        broken,
        bad: &[
            ("a.rs", "Command::new(x)\n"),
            ("harness/runner/src/guest/build.rs", "Command::new(x)\n"),
            ("harness/peers/src/a.rs", "Command::new(x)\n"),
            ("harness/cli/src/compare.rs", "Command::new(x)\n"),
            ("tests/a.rs", "std::process::exit(1)\n"),
        ],
        good: &[
            (PEERS_PROCESS, "Command::new(x)\n"),
            ("harness/runner/build.rs", "Command::new(x)\n"),
            ("harness/cli/src/process.rs", "Command::new(x)\n"),
            ("tests/a.rs", "Command::new(x)\n"),
            ("a.rs", "x\n#[cfg(test)]\nmod tests {\n    fn a() { Command::new(x) }\n}\n"),
        ],
    };
    rule.hold();
}

#[test]
fn results_touch_no_machine() {
    fn broken(source: &Source) -> Vec<usize> {
        if !source.is_in(RESULTS) {
            return Vec::new();
        }
        if source.path.ends_with("Cargo.toml") {
            let theirs =
                r"^(tokio|wasmtime|libc|procfs|perf-event|agent-abi|caxton-bench-runner)\b";
            return lines_with(&source.text, theirs);
        }
        let code = &source.blanked.code;
        let exit_code = Regex::new(r"\bprocess::ExitCode\b").expect("a pattern of ours");
        let code = exit_code.replace_all(code, "");
        let names = r"\b(tokio|wasmtime|Instant|SystemTime)\b|\bprocess::|std::(process|net)\b";
        [lines_with(&code, names), lines_with(&source.blanked.uncommented, "/proc\\b")].concat()
    }
    let rule = Rule {
        says: "harness/results names no engine, clock, process, network or /proc",
        broken,
        bad: &[
            ("harness/results/src/a.rs", "use std::process::Command;\n"),
            ("harness/results/src/a.rs", "use std::{fmt, process::id};\n"),
            ("harness/results/src/a.rs", "use std::time::Instant;\n"),
            ("harness/results/src/a.rs", "read(\"/proc/self/stat\")\n"),
            ("harness/results/src/a.rs", "tokio::spawn(a)\n"),
            ("harness/results/Cargo.toml", "[dependencies]\nagent-abi.workspace = true\n"),
        ],
        good: &[
            ("harness/results/src/a.rs", "use std::process::ExitCode; // not /proc\n"),
            ("harness/results/src/a.rs", "const A: &str = \"wasmtime-vs-native\";\n"),
            ("harness/runner/src/a.rs", "use std::process::Command;\n"),
            ("harness/results/Cargo.toml", "[dependencies]\ncsv.workspace = true\n"),
        ],
    };
    rule.hold();
}

/// The lines that name a module of the crate that `is_allowed` does not take.
fn arrows(source: &Source, is_allowed: fn(&str) -> bool) -> Vec<usize> {
    let code = &source.blanked.code;
    let path = Regex::new(r"\bcrate::(?:(\w+)|\{([^;]*))").expect("a pattern of ours");
    let lines = path.captures_iter(code).filter(|path| {
        let one = path.get(1).map(|name| vec![name.as_str()]);
        let names =
            one.unwrap_or_else(|| top_names(path.get(2).map_or("", |group| group.as_str())));
        !names.into_iter().all(is_allowed)
    });
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    lines.map(|path| line_of(path.get(0).map_or(0, |whole| whole.start()))).collect()
}

/// The first names in a group of paths, without what is nested deeper.
fn top_names(group: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        if depth < 0 {
            names.push(&group[start..at]);
            break;
        }
    }
    let first = |path: &str| path.trim().split("::").next().unwrap_or_default().trim().len();
    let names = names.into_iter().map(|path| &path.trim()[..first(path)]);
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn a_subject_knows_nothing_above_it() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_below =
            |name: &str| !["workload", "measure", "plan", "suite", "cli", "record"].contains(&name);
        if source.is_in(SUBJECT) { arrows(source, is_below) } else { Vec::new() }
    }
    let rule = Rule {
        says: "no file of subject/ mentions workload, measure, plan, suite or cli",
        broken,
        bad: &[
            ("harness/runner/src/subject/a.rs", "use crate::workload::Context;\n"),
            ("harness/runner/src/subject/a.rs", "use crate::{\n    sys::a, cli::b,\n};\n"),
            ("harness/runner/src/subject/a/b.rs", "fn a() { crate::measure::b() }\n"),
        ],
        good: &[
            ("harness/runner/src/subject/a.rs", "use crate::sys::cli::a;\n// crate::cli\n"),
            ("harness/runner/src/subject/a.rs", "use crate::{sys::{cli, plan}, guest};\n"),
            ("harness/runner/src/workload/a.rs", "use crate::measure::a;\n"),
        ],
    };
    rule.hold();
}

#[test]
fn a_workload_knows_neither_suite_nor_command_line() {
    fn broken(source: &Source) -> Vec<usize> {
        let is_below = |name: &str| !["cli", "suite"].contains(&name);
        if source.is_in(WORKLOAD) { arrows(source, is_below) } else { Vec::new() }
    }
    let rule = Rule {
        says: "no file of workload/ mentions cli or suite",
        broken,
        bad: &[
            ("harness/runner/src/workload/a.rs", "use crate::cli::args::Args;\n"),
            ("harness/runner/src/workload/a.rs", "use crate::{suite};\n"),
        ],
        good: &[("harness/runner/src/workload/a.rs", "use crate::measure::a;\n")],
    };
    rule.hold();
}

#[test]
fn the_system_layer_knows_only_itself() {
    fn broken(source: &Source) -> Vec<usize> {
        if source.is_in(SYS) { arrows(source, |name| name == "sys") } else { Vec::new() }
    }
    let rule = Rule {
        says: "no file of sys/ mentions a module of the crate other than sys",
        broken,
        bad: &[
            ("harness/runner/src/sys/a.rs", "use crate::guest::b;\n"),
            ("harness/runner/src/sys/a.rs", "use crate::{sys::b, subject};\n"),
        ],
        good: &[("harness/runner/src/sys/a.rs", "use crate::sys::{b, cli};\n")],
    };
    rule.hold();
}
