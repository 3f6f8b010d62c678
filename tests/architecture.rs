//! The architecture as tests: which crate may depend on which, who may name what, no module that
//! imports in a circle, and ceilings that may only be lowered.

mod borders;
mod ceilings;
mod modules;
mod verdicts;

use crate::executable::{cargo, root};
use crate::tidy::{Rule, Source};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate of the harness, and the crates of this workspace that it may depend on.
const EDGES: [(&str, &[&str]); 10] = [
    ("caxton-stats", &[]),
    ("caxton-model", &["caxton-stats"]),
    ("caxton-analysis", &["caxton-model", "caxton-stats"]),
    ("caxton-report", &["caxton-analysis", "caxton-model", "caxton-stats"]),
    ("caxton-monitor", &["caxton-model"]),
    ("caxton-sys", &["agent-abi", "caxton-model"]),
    ("caxton-profiler", &["caxton-model", "caxton-sys"]),
    ("caxton-runtime", &["agent-abi", "caxton-model", "caxton-sys"]),
    (
        "caxton-bench",
        &[
            "agent-abi",
            "caxton-analysis",
            "caxton-model",
            "caxton-monitor",
            "caxton-profiler",
            "caxton-report",
            "caxton-runtime",
            "caxton-sys",
        ],
    ),
    // Only ever for tests.
    (FIXTURE, &["caxton-analysis", "caxton-model"]),
];
const FIXTURE: &str = "caxton-fixture";

/// Foreign crates with borders of their own, and the crates that may depend on them.
const FOREIGN: [(&str, &[&str]); 18] = [
    // The runtime reads options in the words of wasmtime's own command line.
    ("clap", &["caxton-bench", "caxton-runtime"]),
    ("comfy-table", &["caxton-report"]),
    ("framehop", &["caxton-profiler"]),
    ("hyper", &["caxton-monitor"]),
    ("inferno", &["caxton-report"]),
    ("libloading", &["caxton-sys"]),
    ("minijinja", &["caxton-report"]),
    ("perf-event", &["caxton-sys"]),
    ("perf-event-open-sys", &["caxton-sys"]),
    ("plotters", &["caxton-report"]),
    ("pprof", &["caxton-profiler", "caxton-report"]),
    ("prometheus-client", &["caxton-monitor"]),
    ("quick-xml", &["caxton-fixture", "caxton-report"]),
    ("tokio", &["caxton-bench", "caxton-monitor", "caxton-runtime"]),
    ("ureq", &["caxton-monitor"]),
    ("wasm-encoder", &["caxton-runtime"]),
    // The slab of `sys` implements a trait of the engine that is unsafe to implement.
    ("wasmtime", &["caxton-runtime", "caxton-sys"]),
    ("wasmtime-wasi", &["caxton-runtime"]),
];

/// A dependency of a crate, for tests or for all.
#[derive(Clone, Copy)]
struct Dependency<'a> {
    of: &'a str,
    on: &'a str,
    is_for_tests: bool,
}

/// What `cargo metadata` says of the workspace's crates.
fn metadata() -> Value {
    let words = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(cargo()).args(words).current_dir(root()).output();
    let output = output.expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON")
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().expect("a list of cargo metadata")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("a text of cargo metadata")
}

fn dependencies(metadata: &Value) -> Vec<Dependency<'_>> {
    let of_package = |package| {
        let of = text(package, "name");
        list(package, "dependencies").iter().map(move |dependency| Dependency {
            of,
            on: text(dependency, "name"),
            is_for_tests: dependency["kind"] == "dev",
        })
    };
    list(metadata, "packages").iter().flat_map(of_package).collect()
}

/// The dependencies that `EDGES` and `FOREIGN` do not have, and the other way round. An agent
/// depends on the contract alone.
fn wrong_edges(dependencies: &[Dependency<'_>]) -> Vec<String> {
    let is_ours = |name: &str| name.starts_with("caxton-") || name.starts_with("agent-");
    let foreign: BTreeMap<&str, &[&str]> = FOREIGN.into();
    let shipped = dependencies.iter().filter(|dependency| !dependency.is_for_tests);
    let shipped = shipped.filter(|dependency| !dependency.of.starts_with("agent-"));
    let held = |dependency: &&Dependency<'_>| {
        is_ours(dependency.on) || foreign.contains_key(dependency.on)
    };
    let found: BTreeSet<(&str, &str)> =
        shipped.filter(held).map(|dependency| (dependency.of, dependency.on)).collect();
    let inner = EDGES.iter().flat_map(|(of, all)| all.iter().map(|on| (*of, *on)));
    let outer = FOREIGN.iter().flat_map(|(on, all)| all.iter().map(|of| (*of, *on)));
    let listed: BTreeSet<(&str, &str)> = inner.chain(outer).collect();
    let extra = found.difference(&listed).map(|(of, on)| format!("{of} depends on {on}"));
    let absent = listed.difference(&found).map(|(of, on)| format!("{of} needs {on} no more"));
    let agents = dependencies.iter().filter(|dependency| dependency.of.starts_with("agent-"));
    let agents = agents.filter(|dependency| is_ours(dependency.on) && dependency.on != "agent-abi");
    let agents = agents.map(|dependency| format!("{} depends on {}", dependency.of, dependency.on));
    extra.chain(absent).chain(agents).collect()
}

#[test]
fn the_crates_are_the_layers() {
    let metadata = metadata();
    let all = dependencies(&metadata);
    assert_eq!(wrong_edges(&all), [""; 0], "change the code, or EDGES and architecture.md");
    let planted = |of, on| Dependency { of, on, is_for_tests: false };
    let back = |of, on| wrong_edges(&[&*all, &[planted(of, on)]].concat());
    assert_eq!(back("caxton-model", "caxton-report"), ["caxton-model depends on caxton-report"]);
    assert_eq!(back("caxton-report", FIXTURE), ["caxton-report depends on caxton-fixture"]);
    assert_eq!(back("agent-echo", "agent-noop"), ["agent-echo depends on agent-noop"]);
    assert_eq!(back("caxton-bench", "wasmtime"), ["caxton-bench depends on wasmtime"]);
    let less: Vec<_> = all.iter().copied().filter(|one| one.on != "clap").collect();
    let needless = ["caxton-bench needs clap no more", "caxton-runtime needs clap no more"];
    assert_eq!(wrong_edges(&less), needless);
    let names = list(&metadata, "packages").iter().map(|package| text(package, "name"));
    let crates: BTreeSet<&str> = names.filter(|name| !name.starts_with("agent-")).collect();
    assert_eq!(crates, EDGES.map(|(name, _)| name).into(), "each crate has its row in EDGES");
}

#[test]
fn each_crate_takes_the_lints_of_the_workspace() {
    fn broken(source: &Source) -> Vec<usize> {
        // The example of a user's workspace has no lints of ours.
        let is_package = source.path.ends_with("Cargo.toml")
            && source.text.contains("[package]")
            && !source.is_in("tests/workspace");
        let is_held = source.text.contains("[lints]\nworkspace = true\n");
        if is_package && !is_held { vec![1] } else { Vec::new() }
    }
    let rule = Rule {
        says: "a crate takes the workspace's lints: they hold the `// SAFETY:` comments, five \
               parameters, printing and exits",
        broken,
        bad: &[("a/Cargo.toml", "[package]\nname = \"a\"\n")],
        good: &[
            ("a/Cargo.toml", "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n"),
            ("Cargo.toml", "[workspace]\n"),
            ("tests/workspace/a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ],
    };
    rule.hold();
}
