//! A workspace with the sources of this one, but with profiles, and perhaps agents, of its own.

use crate::executable::{Place, Running, Said, bench, root, target};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct Mirror {
    pub(crate) root: PathBuf,
    target: PathBuf,
    _folder: TempDir,
}

impl Mirror {
    /// One that finds this workspace's built guests.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Under the same last names as the original, so that guests are found in its cache.
        let names: Vec<_> = root().iter().rev().take(2).collect();
        let root = names.iter().rev().fold(folder.path().to_owned(), |path, name| {
            path.join(Path::new(name).strip_prefix("/").unwrap_or(Path::new(name)))
        });
        for name in ["profiles", "agents-wasm"] {
            fs::create_dir_all(root.join(name)).expect("a fresh folder");
        }
        let original = self::root();
        // cargo may write to the lock file: not to ours.
        fs::copy(original.join("Cargo.lock"), root.join("Cargo.lock")).expect("a fresh folder");
        let agents = fs::read_dir(original.join("agents-wasm")).expect("the agents' folder");
        let agents = agents.flatten().map(|agent| Path::new("agents-wasm").join(agent.file_name()));
        // Cargo's configuration is part of what guests are found by.
        for name in [".cargo", "Cargo.toml", "harness", "tests"]
            .into_iter()
            .map(PathBuf::from)
            .chain(agents)
        {
            symlink(original.join(&name), root.join(&name)).expect("a fresh folder");
        }
        Self { root, target: target().to_owned(), _folder: folder }
    }

    /// One with a further agent, whose library is `source`. It builds in a folder of its own.
    pub(crate) fn with_agent(name: &str, source: &str) -> Self {
        let mirror = Self::new();
        let agent = mirror.root.join("agents-wasm").join(name);
        fs::create_dir_all(agent.join("src")).expect("a fresh folder");
        let hash = "0".repeat(64);
        let manifest = format!(
            "[package]\nname = \"agent-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
             [package.metadata.agent]\nmessage_sha256 = \"{hash}\"\nreply_sha256 = \"{hash}\"\n\n\
             [lib]\ncrate-type = [\"cdylib\"]\n"
        );
        fs::write(agent.join("Cargo.toml"), manifest).expect("a fresh folder");
        fs::write(agent.join("src/lib.rs"), source).expect("a fresh folder");
        Self { target: mirror.root.join("target"), ..mirror }
    }

    /// One in which the library of agent `name` is another: `change` of the original's text. It
    /// builds in a folder of its own.
    pub(crate) fn with_changed(name: &str, change: impl Fn(&str) -> String) -> Self {
        let mirror = Self::new();
        let (from, to) = (root().join("agents-wasm").join(name), mirror.root.join("agents-wasm"));
        let agent = to.join(name);
        fs::remove_file(&agent).expect("a link of ours");
        fs::create_dir_all(agent.join("src")).expect("a fresh folder");
        fs::copy(from.join("Cargo.toml"), agent.join("Cargo.toml")).expect("a fresh folder");
        let text = fs::read_to_string(from.join("src/lib.rs")).expect("the agent's library");
        let changed = change(&text);
        assert_ne!(text, changed, "the change must change something");
        fs::write(agent.join("src/lib.rs"), changed).expect("a fresh folder");
        Self { target: mirror.root.join("target"), ..mirror }
    }

    /// One without a built guest: all that a run makes is in folders of its own, temporary files
    /// included.
    pub(crate) fn apart() -> Self {
        let mirror = Self::new();
        fs::create_dir(mirror.temporary()).expect("a fresh folder");
        Self { target: mirror.root.join("target"), ..mirror }
    }

    /// The folder for temporary files of one that is [`Self::apart`].
    pub(crate) fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Where the processes of its runs stand, and what they read.
    pub(crate) fn place(&self) -> Place {
        let mut variables = vec![("CARGO_TARGET_DIR", self.target.clone())];
        if self.temporary().is_dir() {
            variables.push(("TMPDIR", self.temporary()));
        }
        Place { folder: Some(self.root.clone()), variables, ..Place::default() }
    }

    /// A run in it, at smoke scale.
    pub(crate) fn bench(&self, words: &[&str]) -> Said {
        self.bench_at("smoke", words)
    }

    /// A run in it, at another scale.
    pub(crate) fn bench_at(&self, scale: &str, words: &[&str]) -> Said {
        let common = ["--bench", "--scale", scale];
        Running::start(bench(), &[&common, words].concat(), &self.place()).wait()
    }

    pub(crate) fn profiles(&self) -> PathBuf {
        self.root.join("profiles")
    }
}
