//! Which agents there are: each folder of `agents-wasm/` that is an agent crate.
//!
//! `cargo metadata` tells; no list is kept anywhere else.

use caxton_sys::surroundings::CARGO_VARIABLES;
use caxton_sys::{process, target_folder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seed of the example message on which the expected answers in the agents' manifests rest.
pub const EXAMPLE_SEED: u64 = 1;

/// Where runs and baselines are kept outside a checkout, from where the user stands.
pub const WITHOUT_CHECKOUT: &str = "target/caxton-bench";

#[derive(Debug, Clone)]
pub struct Workspace {
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    pub agents: BTreeMap<String, AgentSource>,
    /// Where runs and baselines are kept.
    pub profiles: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSource {
    pub name: String,
    pub package: String,
    /// Its folder and those of its path dependencies, whose files decide the build.
    pub folders: Vec<PathBuf>,
    /// SHA-256 of the example message and of its reply, in hex.
    pub expected: Expected,
    /// It checks a measurement and stands for no work: it is run only where it is named.
    pub calibration: bool,
}

/// What an agent's manifest promises under `[package.metadata.agent]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "[String; 2]", into = "[String; 2]")]
pub struct Expected {
    /// SHA-256 of `example(EXAMPLE_SEED)`.
    pub message_sha256: String,
    /// SHA-256 of the reply to it.
    pub reply_sha256: String,
}

impl From<[String; 2]> for Expected {
    fn from([message_sha256, reply_sha256]: [String; 2]) -> Self {
        Self { message_sha256, reply_sha256 }
    }
}

impl From<Expected> for [String; 2] {
    fn from(expected: Expected) -> Self {
        [expected.message_sha256, expected.reply_sha256]
    }
}

/// Why the agents cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    #[error("no caxton-bench workspace at or above {0}: run it by `cargo bench` in a checkout")]
    NoWorkspace(PathBuf),
    #[error("`cargo metadata` failed: {0}")]
    Cargo(String),
    #[error("{0}: [package.metadata.agent] must give message_sha256 and reply_sha256")]
    NoExpectedAnswer(PathBuf),
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    metadata: Option<PackageMetadata>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    agent: Option<AgentMetadata>,
}

#[derive(Clone, Deserialize)]
struct AgentMetadata {
    message_sha256: String,
    reply_sha256: String,
    #[serde(default)]
    calibration: bool,
}

#[derive(Deserialize)]
struct Dependency {
    path: Option<PathBuf>,
}

impl Workspace {
    /// Finds the workspace at or above `start` and lists its agents, for a user who stands in
    /// `started_in`: a relative target folder is of there.
    pub fn find(start: &Path, started_in: &Path) -> Result<Self, CatalogError> {
        let root = root_above(start).ok_or_else(|| CatalogError::NoWorkspace(start.to_owned()))?;
        let root = root.to_owned();
        let mut command = cargo(&root);
        command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]);
        command.envs(target_folder::variables(started_in, |name| std::env::var_os(name)));
        let text = process::output(&mut command).map_err(CatalogError::Cargo)?;
        Self::of(&root, &text)
    }

    /// The workspace at `root`, as `cargo metadata` tells of it in `text`.
    pub fn of(root: &Path, text: &str) -> Result<Self, CatalogError> {
        let metadata: Metadata =
            serde_json::from_str(text).map_err(|error| CatalogError::Cargo(error.to_string()))?;
        let agents = agents_of(&metadata, root)?;
        let profiles = root.join("profiles");
        Ok(Self { root: root.to_owned(), target: metadata.target_directory, agents, profiles })
    }

    /// The folder `root` of a user who has guests and no checkout: what is kept is kept in its
    /// `target/`.
    pub fn without_agents(root: &Path) -> Self {
        let (target, profiles) = (root.join("target"), root.join(WITHOUT_CHECKOUT));
        Self { root: root.to_owned(), target, agents: BTreeMap::new(), profiles }
    }
}

/// The cargo that runs this bench, or the one on the path, in `dir`.
pub fn cargo(dir: &Path) -> Command {
    cargo_at(&std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()), dir)
}

/// The cargo called `program`, in `dir`. What it says is read, so it is said without colours.
pub fn cargo_at(program: &OsStr, dir: &Path) -> Command {
    let mut command = process::command(program, dir);
    command.envs(CARGO_VARIABLES);
    command
}

/// The root of the workspace at or above `start`.
pub fn root_above(start: &Path) -> Option<&Path> {
    let is_root = |dir: &&Path| dir.join("agents-wasm").is_dir() && dir.join("harness").is_dir();
    start.ancestors().find(is_root)
}

fn agents_of(
    metadata: &Metadata,
    root: &Path,
) -> Result<BTreeMap<String, AgentSource>, CatalogError> {
    let home = root.join("agents-wasm");
    let mut agents = BTreeMap::new();
    for package in &metadata.packages {
        let Some(folder) = package.manifest_path.parent() else { continue };
        let Some(name) = folder.strip_prefix(&home).ok().and_then(Path::to_str) else { continue };
        if name == "abi" {
            continue;
        }
        let promised = package.metadata.as_ref().and_then(|m| m.agent.clone());
        let AgentMetadata { message_sha256, reply_sha256, calibration } = promised
            .ok_or_else(|| CatalogError::NoExpectedAnswer(package.manifest_path.clone()))?;
        let source = AgentSource {
            name: name.to_owned(),
            package: package.name.clone(),
            folders: folders_of(package, &metadata.packages),
            expected: Expected { message_sha256, reply_sha256 },
            calibration,
        };
        agents.insert(source.name.clone(), source);
    }
    Ok(agents)
}

/// The folders of `package` and of all it depends on by path.
fn folders_of(package: &Package, all: &[Package]) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    let mut open: Vec<PathBuf> =
        package.manifest_path.parent().map(Path::to_owned).into_iter().collect();
    while let Some(folder) = open.pop() {
        if !found.insert(folder.clone()) {
            continue;
        }
        let package = all.iter().find(|p| p.manifest_path.parent() == Some(&folder));
        open.extend(
            package.iter().flat_map(|p| p.dependencies.iter().filter_map(|d| d.path.clone())),
        );
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_found_by_their_folder() {
        let text = r#"{"target_directory":"/w/target","packages":[
            {"name":"caxton-results","description":null,"manifest_path":"/w/harness/results/Cargo.toml",
             "metadata":null,"dependencies":[]},
            {"name":"agent-abi","description":"contract","manifest_path":"/w/agents-wasm/abi/Cargo.toml",
             "metadata":null,"dependencies":[{"path":null}]},
            {"name":"agent-echo","description":"answers","manifest_path":"/w/agents-wasm/echo/Cargo.toml",
             "metadata":{"agent":{"message_sha256":"aa","reply_sha256":"bb"}},
             "dependencies":[{"path":"/w/agents-wasm/abi"},{"path":null}]},
            {"name":"agent-split","manifest_path":"/w/agents-wasm/split/Cargo.toml",
             "metadata":{"agent":{"message_sha256":"cc","reply_sha256":"dd","calibration":true}},
             "dependencies":[]}]}"#;
        let metadata: Metadata = serde_json::from_str(text).expect("valid");
        let agents = agents_of(&metadata, Path::new("/w")).expect("complete");
        assert_eq!(agents.keys().collect::<Vec<_>>(), ["echo", "split"]);
        assert_eq!((agents["echo"].calibration, agents["split"].calibration), (false, true));
        assert_eq!(agents["split"].expected.reply_sha256, "dd");
        let folders = [PathBuf::from("/w/agents-wasm/abi"), PathBuf::from("/w/agents-wasm/echo")];
        assert_eq!(agents["echo"].folders, folders);
    }

    #[test]
    fn an_agent_without_an_expected_answer_is_an_error() {
        let text = r#"{"target_directory":"/w/target","packages":[
            {"name":"agent-x","description":null,"manifest_path":"/w/agents-wasm/x/Cargo.toml",
             "metadata":null,"dependencies":[]}]}"#;
        let metadata: Metadata = serde_json::from_str(text).expect("valid");
        let error = agents_of(&metadata, Path::new("/w")).expect_err("incomplete");
        assert!(error.to_string().starts_with("/w/agents-wasm/x/Cargo.toml"), "{error}");
    }
}
