//! Builds guests and twins by cargo as a child process, unless the cache has them.
//!
//! A build that fails costs its agent, not the run; its output is kept in a file.

use super::artifact::{Built, Cache, source_hash};
use super::catalog::{AgentSource, Workspace};
use super::toolchain::{Side, Toolchain, Variant};
use caxton_sys::process;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Both files of an agent, or why there is none.
#[derive(Debug, Clone)]
pub struct BuiltAgent {
    /// The module.
    pub wasm: Result<Built, String>,
    /// The twin.
    pub native: Result<Built, String>,
}

/// What a build tells on its way.
#[derive(Debug, Clone, Copy)]
pub struct BuildStep<'a> {
    /// From 1.
    pub number: usize,
    /// Of how many.
    pub of: usize,
    /// The agent.
    pub agent: &'a str,
    /// The side.
    pub side: Side,
}

/// The builder's folders, held for one process at a time.
#[derive(Debug)]
pub struct Builder<'a> {
    workspace: &'a Workspace,
    toolchain: &'a Toolchain,
    cache: Cache,
    target: PathBuf,
    /// Set when the user wants to stop.
    stop: &'a AtomicBool,
    /// Two benches that start together must not both find the cache empty.
    lock: io::Result<File>,
}

impl<'a> Builder<'a> {
    /// Opens the cache under cargo's target folder; waits for another bench that is building. A
    /// build that is going on is ended once `stop` is set.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn open(
        workspace: &'a Workspace,
        toolchain: &'a Toolchain,
        stop: &'a AtomicBool,
    ) -> io::Result<Self> {
        let target = workspace.target.join("guests");
        let cache = Cache::open(target.join("artifacts"))?;
        let lock = lock(&target.join("lock"));
        if lock.is_ok() {
            cache.sweep();
        }
        Ok(Self { workspace, toolchain, cache, target, stop, lock })
    }

    /// What the record says if other builds could not be kept out. Where nothing can be written
    /// there is nobody to keep out.
    pub fn warning(&self) -> Option<String> {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let error = self.lock.as_ref().err()?;
        let is_read_only = matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem);
        let folder = self.target.display();
        let told =
            || format!("{folder} is not locked ({error}): build agents in one run at a time");
        (!is_read_only).then(told)
    }

    /// Builds both sides of each of `agents` as `variant`, telling `say` of every real build.
    pub fn build(
        &self,
        agents: &[&AgentSource],
        variant: Variant,
        say: &dyn Fn(BuildStep<'_>),
    ) -> BTreeMap<String, BuiltAgent> {
        let of = agents.len() * 2;
        let mut built = BTreeMap::new();
        for (i, agent) in agents.iter().enumerate() {
            let step = |number, side| BuildStep { number, of, agent: &agent.name, side };
            let one = |number, side| self.one(agent, (side, variant), &|| say(step(number, side)));
            let wasm = one(2 * i + 1, Side::Wasm);
            let native = one(2 * i + 2, Side::Native);
            built.insert(agent.name.clone(), BuiltAgent { wasm, native });
        }
        built
    }

    fn one(
        &self,
        agent: &AgentSource,
        (side, variant): (Side, Variant),
        say: &dyn Fn(),
    ) -> Result<Built, String> {
        let root = &self.workspace.root;
        let files = ["Cargo.toml", "Cargo.lock"].map(|name| root.join(name));
        let hash = source_hash(&agent.folders, &files, self.toolchain, (side, variant))
            .map_err(|error| format!("sources of {}: {error}", agent.name))?;
        if let Some(built) = self.cache.get(&hash, side) {
            return Ok(built);
        }
        if self.stop.load(Ordering::Relaxed) {
            return Err("interrupted".to_owned());
        }
        say();
        let what = (side, variant);
        let mut command = self.toolchain.cargo_build(&agent.package, what, root, &self.target);
        let output = process::finish(&mut command, self.stop);
        let output = output.map_err(|error| format!("cargo: {error}"))?;
        if !output.status.success() {
            return Err(self.keep_log(agent, side, &output.stderr));
        }
        let library = agent.package.replace('-', "_");
        let file = match side {
            Side::Wasm => format!("{library}.wasm"),
            Side::Native => format!("lib{library}.so"),
        };
        let file = self.target.join(self.toolchain.target(side)).join("guest").join(file);
        self.cache
            .put(&file, &agent.name, (self.toolchain, side, variant), &hash)
            .map_err(|error| format!("{}: {error}", file.display()))
    }

    fn keep_log(&self, agent: &AgentSource, side: Side, stderr: &[u8]) -> String {
        let log = self.target.join(format!("{}-{side}.log", agent.name));
        let kept = match fs::write(&log, stderr) {
            Ok(()) => format!("output in {}", log.display()),
            Err(error) => format!("its output could not be kept: {error}"),
        };
        let text = String::from_utf8_lossy(stderr);
        let first = text.lines().find(|line| line.starts_with("error"));
        format!("{side} build failed: {}; {kept}", first.unwrap_or("no error line"))
    }
}

/// The lock file at `path`, after whoever holds it.
fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}
