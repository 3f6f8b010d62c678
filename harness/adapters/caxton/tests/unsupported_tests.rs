//! The self-test: what a report calls unsupported is tried again, and must still be impossible.

use std::process::Command;

/// Every case that is expected to be impossible, and how its reason begins.
const TRIALS: [(&str, &str); 11] = [
    ("granted-pages/caxton/growing/limit=100MiB", "the limit's type refuses more than 10 MiB; "),
    ("granted-pages/caxton/growing/limit=1000MiB", "the limit's type refuses more than 10 MiB; "),
    ("delivery/caxton/none", "no message reaches an agent; 1000 of 1000 "),
    ("round-trip/caxton/none", "no agent can receive a message; "),
    ("response/caxton/none", "no agent can reply; "),
    ("tasks/caxton/none", "no agent does a task; "),
    ("call/caxton/none", "no exported function is ever called; "),
    ("overhead/caxton/none", "no WASI, which all our agents need; "),
    ("recovery/caxton/none", "nobody brings an agent back; "),
    ("checkpoint/caxton/none", "no such feature; "),
    ("busy-cpu/caxton/none", "no agent is ever busy; "),
];

#[test]
fn what_is_unsupported_still_is() {
    for (case, reason) in TRIALS {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut probe = Command::new(env!("CARGO_BIN_EXE_caxton-adapter"));
        probe.args(["__probe", &format!("caxton/{case}")]);
        for name in ["HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            probe.env(name, home.path());
        }
        let said = probe.output().expect("the adapter starts");
        assert!(said.status.success(), "{case}: {}", String::from_utf8_lossy(&said.stderr));
        let report: serde_json::Value = serde_json::from_slice(&said.stdout).expect("its report");
        let told = report["outcome"]["unsupported"].as_str();
        let told = told.unwrap_or_else(|| panic!("{case} is no more unsupported: {report}"));
        assert!(told.starts_with(reason), "{case}: {told}");
    }
}

#[test]
fn wrong_words_are_refused_before_anything_is_run() {
    for words in [&["0"][..], &["x"], &["101"], &["1", "no-such-case"], &["1", "a", "b"]] {
        let said = Command::new(env!("CARGO_BIN_EXE_caxton-adapter")).args(words).output();
        let said = said.expect("the adapter starts");
        assert_eq!((said.status.code(), &*said.stdout), (Some(2), &b""[..]), "{words:?}");
        assert!(String::from_utf8_lossy(&said.stderr).starts_with("error: "), "{words:?}");
    }
}
