//! Builds guests and native builds by cargo as a child process, unless the cache has them.
//!
//! A build that fails costs its agent, not the run; its output is kept in a file.

use super::artifact::{Built, Cache, source_hash};
use super::catalog::{AgentOrigin, AgentSource, Workspace};
use super::digest::sha256_hex;
use super::package::PackageBuilder;
use super::toolchain::{Build, Side, Toolchain, Variant};
use caxton_model::reading::Reading;
use caxton_model::record::Artifact;
use caxton_model::units::Bytes;
use caxton_sys::process;
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

/// Between two looks at a lock that another process holds.
const PATIENCE: Duration = Duration::from_millis(100);

/// Both files of an agent, or why there is none.
#[derive(Debug, Clone)]
pub struct BuiltAgent {
    pub wasm: Result<Built, String>,
    pub native: Result<Built, String>,
}

/// One side of an agent, before it is built.
enum Sought<'a> {
    /// The cache has it, or its sources cannot be read.
    Found(Result<Built, String>),
    Absent(BuildRequest<'a>),
}

/// One side of an agent that must be built.
struct BuildRequest<'a> {
    agent: &'a AgentSource,
    build: Build,
    /// The cache keeps the file under it; none where cargo itself knows what is built.
    hash: Option<String>,
}

/// What a build tells on its way.
#[derive(Debug, Clone, Copy)]
pub struct BuildStep<'a> {
    /// From 1.
    pub number: usize,
    /// Of how many that the cache has not.
    pub of: usize,
    pub agent: &'a str,
    pub side: Side,
}

/// The builder's folders, held for one process at a time.
#[derive(Debug)]
pub struct Builder<'a> {
    workspace: &'a Workspace,
    toolchain: &'a Toolchain,
    cache: Cache,
    target: PathBuf,
    stop: &'a AtomicBool,
    /// Two benches that start together must not both find the cache empty.
    lock: io::Result<File>,
}

impl<'a> Builder<'a> {
    /// Opens the cache under cargo's target folder; waits for another bench that is building, and
    /// tells `say` so. Waiting, and a build that is going on, end once `stop` is set.
    pub fn open(
        workspace: &'a Workspace,
        toolchain: &'a Toolchain,
        stop: &'a AtomicBool,
        say: &dyn Fn(&str),
    ) -> io::Result<Self> {
        let target = workspace.target.join("guests");
        let cache = Cache::open(target.join("artifacts"))?;
        let lock = lock(&target.join("lock"), stop, say);
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

    /// Builds both sides of each of `agents` as `variant`, telling `say` of every real build. The
    /// two sides are built beside each other: linking an agent keeps one core busy.
    pub fn build(
        &self,
        agents: &[&AgentSource],
        variant: Variant,
        say: &(dyn Fn(BuildStep<'_>) + Sync),
    ) -> BTreeMap<String, BuiltAgent> {
        let sought = |side| -> Vec<Sought<'_>> {
            agents.iter().map(|agent| self.sought(agent, Build { side, variant })).collect()
        };
        let (wasm, native) = (sought(Side::Wasm), sought(Side::Native));
        let of = wasm.iter().chain(&native).filter(|s| matches!(s, Sought::Absent(_))).count();
        let begun = Mutex::new(0);
        let one = |sought: Sought<'_>| match sought {
            Sought::Found(found) => found,
            Sought::Absent(_) if self.stop.load(Ordering::Relaxed) => Err("interrupted".to_owned()),
            Sought::Absent(request) => {
                let mut number = begun.lock().unwrap_or_else(PoisonError::into_inner);
                *number += 1;
                let (agent, side) = (request.agent.name.as_str(), request.build.side);
                say(BuildStep { number: *number, of, agent, side });
                drop(number);
                self.one(&request)
            }
        };
        let (wasm, native): (Vec<_>, Vec<_>) = thread::scope(|scope| {
            let native = scope.spawn(|| native.into_iter().map(one).collect());
            let wasm = wasm.into_iter().map(one).collect();
            (wasm, native.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        let both = wasm.into_iter().zip(native);
        let both = both.map(|(wasm, native)| BuiltAgent { wasm, native });
        agents.iter().map(|agent| agent.name.clone()).zip(both).collect()
    }

    /// Looks for one side of `agent` in the cache.
    fn sought<'b>(&self, agent: &'b AgentSource, build: Build) -> Sought<'b> {
        if agent.origin != AgentOrigin::Checkout {
            return Sought::Absent(BuildRequest { agent, build, hash: None });
        }
        let root = &self.workspace.root;
        let files = ["Cargo.toml", "Cargo.lock"].map(|name| root.join(name));
        match source_hash(&agent.folders, &files, self.toolchain, build) {
            Err(error) => Sought::Found(Err(format!("sources of {}: {error}", agent.name))),
            Ok(hash) => match self.cache.get(&hash, build.side) {
                Some(built) => Sought::Found(Ok(built)),
                None => Sought::Absent(BuildRequest { agent, build, hash: Some(hash) }),
            },
        }
    }

    fn one(&self, request: &BuildRequest<'_>) -> Result<Built, String> {
        let BuildRequest { agent, build, hash } = request;
        let side = build.side;
        // A folder of its own, so that neither side's cargo waits for the other's lock.
        let target = self.target.join(side.name());
        let root = &self.workspace.root;
        let packages = self.workspace.user.as_ref().map(|user| PackageBuilder {
            workspace: self.workspace,
            user,
            toolchain: self.toolchain,
        });
        let mut command = match &packages {
            Some(packages) => packages
                .command(agent, *build, &target)
                .map_err(|error| format!("the package that calls {}: {error}", agent.name))?,
            None => self.toolchain.cargo_build(&agent.package, *build, root, &target),
        };
        let output = process::finish(&mut command, self.stop);
        let output = output.map_err(|error| format!("cargo: {error}"))?;
        if !output.status.success() {
            return Err(self.keep_log(agent, side, &output.stderr));
        }
        let library = &agent.library;
        let file = match side {
            Side::Wasm => format!("{library}.wasm"),
            Side::Native => format!("lib{library}.so"),
        };
        let profile = self.workspace.user.as_ref().map_or("guest", |user| user.folder());
        let file = target.join(self.toolchain.target(side)).join(profile).join(file);
        let failed = |error: io::Error| format!("{}: {error}", file.display());
        let key = match hash {
            Some(hash) => hash.clone(),
            None => sha256_hex(&fs::read(&file).map_err(failed)?),
        };
        let describe = |bytes: &[u8]| Artifact {
            agent: agent.name.clone(),
            side: side.name().to_owned(),
            rustc: Reading::Known(self.toolchain.version.clone()),
            target: self.toolchain.target(side).to_owned(),
            flags: match &packages {
                Some(packages) => packages.words(agent, *build),
                None => self.toolchain.words(*build),
            },
            bytes: Bytes(bytes.len() as u64),
            sha256: sha256_hex(bytes),
            source_hash: hash.clone(),
        };
        self.cache.put(&file, &key, side, describe).map_err(failed)
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
fn lock(path: &Path, stop: &AtomicBool, say: &dyn Fn(&str)) -> io::Result<File> {
    let file = File::create(path)?;
    let mut is_told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if stop.load(Ordering::Relaxed) => {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Err(TryLockError::WouldBlock) if is_told => thread::sleep(PATIENCE),
            Err(TryLockError::WouldBlock) => {
                say("waiting for another run that is building agents");
                is_told = true;
            }
        }
    }
}
