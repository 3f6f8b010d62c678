//! The tree as a whole: what lies at its top, what each agent brings, what no file may tell.

use super::{Rule, Source, lines_with};
use regex::Regex;

#[test]
fn the_top_level_is_what_the_map_says() {
    fn broken(source: &Source) -> Vec<usize> {
        const FILES: [&str; 3] = ["Cargo.toml", "Cargo.lock", "README.md"];
        const FOLDERS: [&str; 5] = ["harness", "agents-wasm", "profiles", "scripts", "tests"];
        let is_allowed = match source.path.split_once('/') {
            Some((folder, _)) => FOLDERS.contains(&folder) || folder.starts_with('.'),
            None => {
                let name = source.path.as_str();
                let by_start = ["LICENSE-", "rust-toolchain", "."];
                FILES.contains(&name) || by_start.iter().any(|start| name.starts_with(start))
            }
        };
        if is_allowed { Vec::new() } else { vec![1] }
    }
    let rule = Rule {
        says: "the top level holds Cargo.toml, README.md, harness, agents-wasm, profiles, scripts, \
               tests, and dot-files",
        broken,
        bad: &[("clippy.toml", ""), ("src/lib.rs", ""), ("harness.md", ""), ("xtask/a", "")],
        good: &[("Cargo.toml", ""), (".clippy.toml", ""), ("scripts/a", ""), ("LICENSE-MIT", "")],
    };
    rule.hold();
}

#[test]
fn each_agent_states_its_answer_and_needs_no_readme() {
    fn broken(source: &Source) -> Vec<usize> {
        let parts: Vec<&str> = source.path.split('/').collect();
        match parts[..] {
            ["agents-wasm", _, .., name] if name.to_lowercase().starts_with("readme") => vec![1],
            ["agents-wasm", agent, "Cargo.toml"] if agent != "abi" => {
                let head = "[package.metadata.agent]";
                let names = ["message_sha256", "reply_sha256"];
                let is_stated = |name: &&str| {
                    let line = format!("(?m)^{name} = \"[0-9a-f]{{64}}\"$");
                    let line = Regex::new(&line).expect("a pattern of ours");
                    source.text.contains(head) && line.is_match(&source.text)
                };
                if names.iter().all(is_stated) { Vec::new() } else { vec![1] }
            }
            _ => Vec::new(),
        }
    }
    const HASH: &str = "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"";
    let manifest = |names: [&str; 2]| {
        format!("[package.metadata.agent]\n{} = {HASH}\n{} = {HASH}\n", names[0], names[1])
    };
    let count =
        |names| broken(&Source::new("agents-wasm/a/Cargo.toml", &manifest(names), false)).len();
    assert_eq!(count(["message_sha256", "reply_sha256"]), 0);
    assert_eq!(count(["message_sha256", "answer_sha256"]), 1);
    let rule = Rule {
        says: "an agent's manifest gives message_sha256 and reply_sha256 of 64 hex digits, and its \
               folder has no README",
        broken,
        bad: &[
            ("agents-wasm/a/Cargo.toml", "[package]\n"),
            (
                "agents-wasm/a/Cargo.toml",
                "[package.metadata.agent]\nmessage_sha256 = \"ab\"\nreply_sha256 = \"cd\"\n",
            ),
            ("agents-wasm/a/README.md", "words\n"),
        ],
        good: &[("agents-wasm/abi/Cargo.toml", "[package]\n"), ("README.md", "words\n")],
    };
    rule.hold();
}

#[test]
fn no_file_tells_of_the_machine_it_was_written_on() {
    fn broken(source: &Source) -> Vec<usize> {
        // In pieces, because this file is one of those that are searched.
        let folders = r"(^|[^\w.~$}/-])/(root|home|tmp|work)/";
        let hosts = [
            ["index", "crates", "io"].join(r"\."),
            ["static", "crates", "io"].join(r"\."),
            ["pypi", "org"].join(r"\."),
            ["deb", "debian", "org"].join(r"\."),
            ["registry", "npmjs"].join(r"\."),
        ];
        lines_with(&source.text, &format!("{folders}|{}", hosts.join("|")))
    }
    let rule = Rule {
        says: "no file holds an absolute path of a home or temporary folder, or a registry's host",
        broken,
        bad: &[
            ("a.md", concat!("see /ho", "me/me/x\n")),
            ("a.rs", concat!("let a = \"/tm", "p/x\";\n")),
            ("a", concat!("/ro", "ot/.cargo\n")),
            ("a", concat!("cd=/wo", "rk/main\n")),
            ("a.toml", concat!("registry = \"https://index.crates", ".io/\"\n")),
        ],
        good: &[
            ("a.md", "agents-wasm/home/x, a/work/b, $HOME/tmp, https://crates.io\n"),
            ("Cargo.lock", "source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"),
        ],
    };
    rule.hold();
}
