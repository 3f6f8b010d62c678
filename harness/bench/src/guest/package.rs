//! Builds packages of a user's workspace as that workspace builds them: with its profile, lock
//! file, flags and toolchain. A function becomes a package of its own that calls it.

use super::catalog::{AgentOrigin, AgentSource, FunctionHome, UserBuild, Workspace, cargo};
use super::digest::sha256_hex;
use super::toolchain::{Build, Side, Toolchain};
use caxton_sys::surroundings::CARGO_VARIABLES;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};
use toml::{Table, Value};

/// The agent contract, as the bench's own sources have it.
const ABI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../agents-wasm/abi");

/// Builds the packages of one workspace.
pub(super) struct PackageBuilder<'a> {
    pub workspace: &'a Workspace,
    pub user: &'a UserBuild,
    pub toolchain: &'a Toolchain,
}

impl PackageBuilder<'_> {
    /// `cargo rustc` of one side of `agent`, into `target_dir`. Flags of the workspace stay: what a
    /// reactor needs is said to the last crate alone.
    ///
    /// # Errors
    /// The package that calls a function cannot be written.
    pub(super) fn command(
        &self,
        agent: &AgentSource,
        build: Build,
        target_dir: &Path,
    ) -> io::Result<Command> {
        let manifest = match &agent.origin {
            AgentOrigin::Function { .. } | AgentOrigin::Apparatus { .. } => {
                self.write_caller(agent, build.side)?
            }
            AgentOrigin::Package { manifest } => manifest.clone(),
            AgentOrigin::Checkout => self.workspace.root.join("Cargo.toml"),
        };
        let mut command = cargo(&self.workspace.root);
        command.envs(CARGO_VARIABLES).env("CARGO_TARGET_DIR", target_dir);
        command.args(["rustc", "--quiet", "--lib", "--crate-type", "cdylib"]);
        command.arg("--manifest-path").arg(manifest).args(["--package", &agent.package]);
        command.args(["--profile", &self.user.profile]);
        command.args(["--target", self.toolchain.target(build.side)]);
        if matches!(agent.origin, AgentOrigin::Package { .. }) {
            command.args(agent.features.iter().flat_map(|name| ["--features", name]));
        }
        for feature in build.variant.features() {
            command.args(["--features", feature]);
        }
        let flags = build.variant.flags(build.side);
        if !flags.is_empty() {
            // Of these cargo heeds the first one that is there.
            match (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS")) {
                (Ok(own), _) => {
                    let all = format!("{own}\u{1f}{}", flags.join("\u{1f}"));
                    command.env("CARGO_ENCODED_RUSTFLAGS", all)
                }
                (_, Ok(own)) => command.env("RUSTFLAGS", format!("{own} {}", flags.join(" "))),
                _ => command.arg("--config").arg(format!("build.rustflags={flags:?}")),
            };
        }
        let reactor = self.toolchain.link_flags(build.side);
        if !reactor.is_empty() {
            command.arg("--").args(reactor);
        }
        Ok(command)
    }

    /// What the record says of such a build: its profile as the workspace has it, its features,
    /// flags and lock file.
    pub(super) fn words(&self, agent: &AgentSource, build: Build) -> Vec<String> {
        let Self { workspace, user, toolchain } = self;
        let mut words = vec![format!("--profile={}", user.profile)];
        let manifest = table(&workspace.root.join("Cargo.toml"));
        let profile = manifest.get("profile").and_then(|all| all.get(&user.profile));
        for (key, value) in profile.and_then(Value::as_table).into_iter().flatten() {
            words.push(format!("profile.{}.{key}={value}", user.profile));
        }
        let features = agent.features.iter().map(String::as_str);
        let features = features.chain(build.variant.features().iter().copied());
        words.extend(features.map(|name| format!("--features={name}")));
        words.extend(build.variant.flags(build.side).iter().map(|flag| (*flag).to_owned()));
        for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS"] {
            words.extend(env::var(name).ok().map(|flags| format!("{name}={flags}")));
        }
        let configuration = table(&workspace.root.join(".cargo/config.toml"));
        let own = configuration.get("build").and_then(|build| build.get("rustflags"));
        words.extend(own.map(|flags| format!("build.rustflags={flags}")));
        // Which of them hold for a target only cargo knows.
        let targets = configuration.get("target").and_then(Value::as_table);
        for (target, own) in targets.into_iter().flatten() {
            let own = own.get("rustflags");
            words.extend(own.map(|flags| format!("target.{target}.rustflags={flags}")));
        }
        let lock = fs::read(workspace.root.join("Cargo.lock"));
        words.extend(lock.ok().map(|lock| format!("Cargo.lock={}", sha256_hex(&lock))));
        words.extend(toolchain.link_flags(build.side));
        words
    }

    /// Writes the package of `agent`, which has none of its own; its manifest. What did not change
    /// is left alone, so that nothing is built anew.
    fn write_caller(&self, agent: &AgentSource, side: Side) -> io::Result<PathBuf> {
        let (home, answer, message) = match &agent.origin {
            AgentOrigin::Function { function, home } => {
                let call = format!("*outbox = {}(inbox);", function.path);
                let answer = format!("{call}\n        Ok(Reply::Outbox)");
                (Some(home), answer, &function.message[..])
            }
            AgentOrigin::Apparatus { answer } => (None, (*answer).to_owned(), &[][..]),
            AgentOrigin::Checkout | AgentOrigin::Package { .. } => {
                return Err(io::Error::other("an agent with a package of its own"));
            }
        };
        // Each side's cargo writes to the lock file.
        let folder = self.workspace.target.join("caxton/functions");
        let folder = folder.join(&agent.name).join(side.name());
        fs::create_dir_all(&folder)?;
        let manifest = folder.join("Cargo.toml");
        write_new(&manifest, self.caller_manifest(&agent.package, home).as_bytes())?;
        write_new(&folder.join("lib.rs"), caller_source(&answer).as_bytes())?;
        write_new(&folder.join("message"), message)?;
        // The same versions as in the workspace; cargo strikes out what is not needed.
        let lock = self.workspace.root.join("Cargo.lock");
        if lock.is_file() {
            fs::copy(lock, folder.join("Cargo.lock"))?;
        }
        Ok(manifest)
    }

    fn caller_manifest(&self, name: &str, home: Option<&FunctionHome>) -> String {
        let path = |path: &Path| Value::from(&*path.to_string_lossy());
        let package =
            pairs([("name", name.into()), ("version", "0.0.0".into()), ("edition", "2024".into())]);
        let library = pairs([("path", "lib.rs".into()), ("crate-type", vec!["cdylib"].into())]);
        let abi = pairs([("path", path(Path::new(ABI)))]);
        let mut dependencies = Table::from_iter([("agent-abi".to_owned(), abi)]);
        if let Some(home) = home {
            let called = pairs([
                ("package", home.package.as_str().into()),
                ("path", path(&home.folder)),
                ("features", home.features.clone().into()),
            ]);
            dependencies.insert(home.library.clone(), called);
        }
        let mut manifest = Table::from_iter([
            ("package".to_owned(), package),
            ("lib".to_owned(), library),
            ("dependencies".to_owned(), dependencies.into()),
            // It lies below a workspace that knows nothing of it.
            ("workspace".to_owned(), Table::new().into()),
        ]);
        let root = &self.workspace.root;
        let own = table(&root.join("Cargo.toml"));
        for name in ["profile", "patch"] {
            if let Some(own) = own.get(name) {
                manifest.insert(name.to_owned(), rooted(own.clone(), root));
            }
        }
        format!("# Made by caxton-bench.\n{manifest}")
    }
}

fn pairs<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    pairs.map(|(key, value)| (key.to_owned(), value)).into_iter().collect::<Table>().into()
}

impl UserBuild {
    /// Where cargo puts what its profile builds.
    pub(super) fn folder(&self) -> &str {
        match self.profile.as_str() {
            "dev" | "test" => "debug",
            "bench" => "release",
            own => own,
        }
    }
}

/// `value` of the manifest in `root`, its relative paths made whole.
fn rooted(value: Value, root: &Path) -> Value {
    let Value::Table(table) = value else { return value };
    let whole = |(key, value): (String, Value)| match value.as_str() {
        Some(path) if key == "path" => {
            let path = root.join(path).to_string_lossy().into_owned();
            (key, Value::from(path))
        }
        _ => (key, rooted(value, root)),
    };
    table.into_iter().map(whole).collect::<Table>().into()
}

fn caller_source(answer: &str) -> String {
    format!(
        "//! Made by caxton-bench.

use agent_abi::{{Agent, AgentError, Host, Reply, export_agent}};

struct Caller;

impl Agent for Caller {{
    fn new(_: Host) -> Self {{
        Self
    }}

    #[allow(unused_variables)]
    fn handle(&mut self, inbox: &mut [u8], outbox: &mut Vec<u8>) -> Result<Reply, AgentError> {{
        {answer}
    }}

    fn example(_: u64) -> Vec<u8> {{
        include_bytes!(\"message\").to_vec()
    }}
}}

export_agent!(Caller);
agent_abi::heap_sampled!();
"
    )
}

/// The TOML file at `path`; an empty table where there is none. Cargo says what is wrong with it.
fn table(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.parse().unwrap_or_default()
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::read(path) {
        Ok(there) if there == bytes => Ok(()),
        _ => fs::write(path, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::Function;
    use super::super::toolchain::Variant;
    use super::*;

    #[test]
    fn a_caller_is_built_with_the_profiles_and_patches_of_its_workspace() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let own = "[profile.release]\nlto = true\n[patch.crates-io]\nshop = { path = 'shop' }\n";
        fs::write(root.join("Cargo.toml"), own).expect("a fresh folder");
        let workspace = Workspace::without_agents(root);
        let user = UserBuild { profile: "release".to_owned() };
        let toolchain = Toolchain::scripted();
        let packages = PackageBuilder { workspace: &workspace, user: &user, toolchain: &toolchain };
        let home = FunctionHome {
            library: "shop".to_owned(),
            package: "my-shop".to_owned(),
            folder: root.join("crates/shop"),
            features: vec!["fast".to_owned()],
        };
        let function = Function::new("shop::top");
        let made: Table =
            packages.caller_manifest("caxton-function-top", Some(&home)).parse().expect("TOML");
        let at =
            |path: &str| path.split('/').fold(Value::from(made.clone()), |at, key| at[key].clone());
        assert_eq!(at("profile/release/lto"), Value::from(true));
        let whole = root.join("shop").to_string_lossy().into_owned();
        assert_eq!(at("patch/crates-io/shop/path"), Value::from(whole));
        assert_eq!(at("dependencies/shop/package"), Value::from("my-shop"));
        assert_eq!(at("dependencies/shop/features"), vec!["fast"].into());
        let build = Build { side: Side::Native, variant: Variant::Measured };
        let source = AgentSource {
            name: "top".to_owned(),
            package: "my-shop".to_owned(),
            library: "shop".to_owned(),
            folders: Vec::new(),
            origin: AgentOrigin::Function { function, home },
            features: Vec::new(),
            expected: None,
            calibration: false,
        };
        let words = packages.words(&source, build);
        assert!(words.contains(&"profile.release.lto=true".to_owned()), "{words:?}");
    }
}
