//! Which agents there are: each folder of `agents-wasm/` that is an agent crate.
//!
//! `cargo metadata` tells; no list is kept anywhere else.

use super::bench::{Bench, Function};
use super::digest::sha256_hex;
use caxton_sys::surroundings::CARGO_VARIABLES;
use caxton_sys::{process, target_folder};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seed of the example message on which the expected answers in the agents' manifests rest.
pub const EXAMPLE_SEED: u64 = 1;

/// The agent that does nothing.
pub const NOOP: &str = "noop";
/// The agent that echoes.
pub const ECHO: &str = "echo";

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
    /// How a user's own workspace builds its agents; none for a checkout of this one.
    pub user: Option<UserBuild>,
}

/// How a user's workspace builds its agents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserBuild {
    pub profile: String,
}

/// Where an agent's source is, which decides how it is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentOrigin {
    /// A folder of `agents-wasm/`.
    Checkout,
    /// A package that a user names.
    Package { manifest: PathBuf },
    /// A function of a user's library.
    Function { function: Function, home: FunctionHome },
    /// Nowhere: beside it a user's agents are taken apart. It answers by these statements.
    Apparatus { answer: &'static str },
}

/// The library that a function is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionHome {
    /// With which the function's path begins.
    pub library: String,
    pub package: String,
    pub folder: PathBuf,
    /// Those of the user's features that it has.
    pub features: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentSource {
    pub name: String,
    pub package: String,
    /// What the package's library is called.
    pub library: String,
    /// In a checkout its folder and those of its path dependencies, whose files decide the build.
    pub folders: Vec<PathBuf>,
    pub origin: AgentOrigin,
    /// Features that a user asks for and its package has.
    pub features: Vec<String>,
    /// SHA-256 of the example message and of its reply, in hex; none where both sides need only
    /// answer the same.
    pub expected: Option<Expected>,
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
    /// What a workspace's own bench describes is not there.
    #[error("{what}: {why}")]
    Described { what: String, why: String },
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    target_directory: PathBuf,
    #[serde(default)]
    workspace_root: PathBuf,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    metadata: Option<PackageMetadata>,
    dependencies: Vec<Dependency>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct PackageMetadata {
    agent: Option<AgentMetadata>,
}

#[derive(Clone, Default, Deserialize)]
struct AgentMetadata {
    message_sha256: String,
    reply_sha256: String,
    #[serde(default)]
    calibration: bool,
}

#[derive(Deserialize)]
struct Dependency {
    #[serde(default)]
    name: String,
    path: Option<PathBuf>,
    #[serde(default)]
    rename: Option<String>,
}

impl Workspace {
    /// Finds the workspace at or above `start` and lists its agents, for a user who stands in
    /// `started_in`: a relative target folder is of there.
    pub fn find(start: &Path, started_in: &Path) -> Result<Self, CatalogError> {
        let root = root_above(start).ok_or_else(|| CatalogError::NoWorkspace(start.to_owned()))?;
        let root = root.to_owned();
        Self::of(&root, &metadata(&root, started_in)?)
    }

    /// The workspace at `root`, as `cargo metadata` tells of it in `text`.
    pub fn of(root: &Path, text: &str) -> Result<Self, CatalogError> {
        let metadata = parsed(text)?;
        let agents = agents_of(&metadata, root)?;
        let (target, profiles) = (metadata.target_directory, root.join("profiles"));
        Ok(Self { root: root.to_owned(), target, agents, profiles, user: None })
    }

    /// The workspace that `bench` is in, without agents, for a user who stands in `started_in`.
    ///
    /// # Errors
    /// Cargo does not tell of it.
    pub fn around(bench: &Bench, started_in: &Path) -> Result<Self, CatalogError> {
        Ok(Self::of_user(bench, &parsed(&metadata(&bench.folder, started_in)?)?))
    }

    /// The same with the agents that `bench` describes.
    ///
    /// # Errors
    /// What is described is not there, or cannot be built.
    pub fn of_bench(bench: &Bench, started_in: &Path) -> Result<Self, CatalogError> {
        let own = parsed(&metadata(&bench.folder, started_in)?)?;
        if ["bench", "check", "test"].contains(&bench.profile.as_str()) {
            let what = format!("profile {}", bench.profile);
            let why = "cargo builds no library by this name: write another that inherits it";
            return Err(CatalogError::Described { what, why: why.to_owned() });
        }
        let mut sources = vec![
            apparatus(NOOP, "Ok(Reply::Outbox)"),
            apparatus(ECHO, "Ok(Reply::Inbox { bytes: inbox.len() })"),
        ];
        for folder in &bench.agents {
            sources.push(agent_in(&bench.folder.join(folder), bench, &own, started_in)?);
        }
        for function in &bench.functions {
            sources.push(function_of(function, bench, &own)?);
        }
        check_names(&sources)?;
        let has = |feature: &&String| !sources.iter().any(|own| own.features.contains(feature));
        if let Some(what) = bench.features.iter().find(has) {
            let what = format!("feature {what}");
            let why = "no agent and no function's crate has it".to_owned();
            return Err(CatalogError::Described { what, why });
        }
        let agents = sources.into_iter().map(|source| (source.name.clone(), source)).collect();
        Ok(Self { agents, ..Self::of_user(bench, &own) })
    }

    fn of_user(bench: &Bench, own: &Metadata) -> Self {
        let (root, target) = (own.workspace_root.clone(), own.target_directory.clone());
        let profiles = match &bench.results {
            Some(folder) => bench.folder.join(folder),
            // A package may have several benches.
            None => target.join("caxton-bench").join(&bench.target),
        };
        let user = Some(UserBuild { profile: bench.profile.clone() });
        Self { root, target, agents: BTreeMap::new(), profiles, user }
    }

    /// The folder `root` of a user who has guests and no checkout: what is kept is kept in its
    /// `target/`.
    pub fn without_agents(root: &Path) -> Self {
        let (target, profiles) = (root.join("target"), root.join(WITHOUT_CHECKOUT));
        Self { root: root.to_owned(), target, agents: BTreeMap::new(), profiles, user: None }
    }
}

/// What `cargo metadata` tells in `folder`.
fn metadata(folder: &Path, started_in: &Path) -> Result<String, CatalogError> {
    let mut command = cargo(folder);
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]);
    command.envs(target_folder::variables(started_in, |name| std::env::var_os(name)));
    process::output(&mut command).map_err(CatalogError::Cargo)
}

fn parsed(text: &str) -> Result<Metadata, CatalogError> {
    serde_json::from_str(text).map_err(|error| CatalogError::Cargo(error.to_string()))
}

impl Package {
    /// The name of its library, if it has one.
    fn library(&self) -> Option<&str> {
        let is_library = |target: &&Target| {
            target.kind.iter().any(|kind| matches!(kind.as_str(), "lib" | "rlib" | "cdylib"))
        };
        self.targets.iter().find(is_library).map(|target| target.name.as_str())
    }

    fn agent(&self) -> Option<AgentMetadata> {
        self.metadata.as_ref()?.agent.clone()
    }
}

/// Refuses two agents of one name, and two whose files cargo would give one name.
fn check_names(sources: &[AgentSource]) -> Result<(), CatalogError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let (mut names, mut libraries) = (BTreeSet::new(), BTreeSet::new());
    for source in sources {
        let name = &source.name;
        let why = if name.is_empty() || !name.bytes().all(is_plain) {
            "its name must be of letters, digits, - and _: rename the folder, or call \
             `.named(..)` on the function"
        } else if !names.insert(name) || !libraries.insert(&source.library) {
            "two agents or functions have this name, or one that differs in - and _ alone: rename \
             the folder or library, or call `.named(..)` on the function"
        } else {
            continue;
        };
        return Err(CatalogError::Described { what: format!("agent {name:?}"), why: why.into() });
    }
    Ok(())
}

/// Those features of `bench` that `package` has.
fn features_of(bench: &Bench, package: &Package) -> Vec<String> {
    let has = |name: &&String| package.features.contains_key(*name);
    bench.features.iter().filter(has).cloned().collect()
}

/// The agent whose package a user has in `folder`; `own` tells of the workspace of `bench`.
fn agent_in(
    folder: &Path,
    bench: &Bench,
    own: &Metadata,
    started_in: &Path,
) -> Result<AgentSource, CatalogError> {
    let wrong = |why: &str| CatalogError::Described {
        what: folder.display().to_string(),
        why: why.to_owned(),
    };
    let real = folder.canonicalize().map_err(|error| wrong(&error.to_string()))?;
    let manifest = real.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(wrong("no package: there is no Cargo.toml"));
    }
    let is_it = |package: &&Package| package.manifest_path == manifest;
    // Cargo is asked once more only of a package of another workspace.
    let all;
    let package = match own.packages.iter().find(is_it) {
        Some(package) => Some(package),
        None => {
            all = parsed(&metadata(&real, started_in)?)?;
            all.packages.iter().find(is_it)
        }
    };
    let package = package.ok_or_else(|| wrong("cargo knows no package there"))?;
    let library = package.library().ok_or_else(|| wrong("an agent's package has a library"))?;
    let name = real.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let AgentMetadata { message_sha256, reply_sha256, .. } = package.agent().unwrap_or_default();
    let is_promised = !message_sha256.is_empty();
    Ok(AgentSource {
        name,
        package: package.name.clone(),
        library: library.to_owned(),
        folders: Vec::new(),
        origin: AgentOrigin::Package { manifest },
        features: features_of(bench, package),
        expected: is_promised.then_some(Expected { message_sha256, reply_sha256 }),
        calibration: false,
    })
}

/// The agent that calls `function`, of a library of the workspace that `all` tells of.
fn function_of(
    function: &Function,
    bench: &Bench,
    all: &Metadata,
) -> Result<AgentSource, CatalogError> {
    let library = function.path.split("::").next().unwrap_or_default().trim();
    let package = package_named(library, bench, all).ok_or_else(|| CatalogError::Described {
        what: function.path.clone(),
        why: format!("{library} is no library of a package of this workspace"),
    })?;
    let home = FunctionHome {
        library: library.to_owned(),
        package: package.name.clone(),
        folder: package.manifest_path.parent().unwrap_or(Path::new("/")).to_owned(),
        features: features_of(bench, package),
    };
    let caller = Function::caller_of(&function.name);
    let expected = function.reply.as_ref().map(|reply| Expected {
        message_sha256: sha256_hex(&function.message),
        reply_sha256: sha256_hex(reply),
    });
    Ok(AgentSource {
        name: function.name.clone(),
        library: caller.replace('-', "_"),
        package: caller,
        folders: Vec::new(),
        features: home.features.clone(),
        origin: AgentOrigin::Function { function: function.clone(), home },
        expected,
        calibration: false,
    })
}

/// The agent `name`, which answers by the statements `answer` and is run only where it is named.
fn apparatus(name: &str, answer: &'static str) -> AgentSource {
    let package = Function::caller_of(name);
    AgentSource {
        name: name.to_owned(),
        library: package.replace('-', "_"),
        package,
        folders: Vec::new(),
        origin: AgentOrigin::Apparatus { answer },
        features: Vec::new(),
        expected: None,
        calibration: true,
    }
}

/// The package whose library the crate of `bench` calls `library`: its own, or that of a
/// dependency, perhaps under another name.
fn package_named<'a>(library: &str, bench: &Bench, all: &'a Metadata) -> Option<&'a Package> {
    let manifest = bench.folder.join("Cargo.toml");
    let own = all.packages.iter().find(|package| package.manifest_path == manifest)?;
    if own.library() == Some(library) {
        return Some(own);
    }
    let named = |dependency: &&Dependency| match &dependency.rename {
        Some(name) => name.replace('-', "_") == library,
        None => {
            let of = all.packages.iter().find(|package| package.name == dependency.name);
            of.and_then(Package::library) == Some(library)
        }
    };
    let dependency = own.dependencies.iter().filter(|own| own.path.is_some()).find(named)?;
    all.packages.iter().find(|package| package.name == dependency.name)
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
        let AgentMetadata { message_sha256, reply_sha256, calibration } = package
            .agent()
            .ok_or_else(|| CatalogError::NoExpectedAnswer(package.manifest_path.clone()))?;
        let source = AgentSource {
            name: name.to_owned(),
            package: package.name.clone(),
            library: package.name.replace('-', "_"),
            folders: folders_of(package, &metadata.packages),
            origin: AgentOrigin::Checkout,
            features: Vec::new(),
            expected: Some(Expected { message_sha256, reply_sha256 }),
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
#[path = "catalog_tests.rs"]
mod tests;
