//! `compare --rev`: git revisions, each built in a worktree of its own and kept as a kit.
//!
//! They are built beside the checkout's own build and not in its place. Cargo tells a workspace's
//! crates apart by their place in it and by their files' times: in a shared folder it would take
//! what was built from a worktree for the checkout's own. Between revisions that cannot happen,
//! because each worktree is younger than all that was built before; and what they depend on is
//! built once.

use super::error::{CommandError, unreadable, unwritable};
use super::linked::Linked;
use super::output::note;
use super::place::started_in;
use super::process::{command, output, placed, relayed};
use super::side::{Side, load};
use crate::guest::bench::Bench;
use crate::guest::catalog::{Workspace, cargo_at};
use crate::guest::digest::sha256_hex;
use crate::guest::toolchain::{keep_out_unhashed, settings};
use crate::job::launch::BENCH_ARGUMENT;
use caxton_model::baseline::check_name;
use caxton_sys::process::git;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Cargo's messages for programs, and the compiler's errors for people.
const DIAGNOSTICS: &str = "--message-format=json-render-diagnostics";

/// How the name of a kit's folder begins as long as the kit is not whole.
const FRESH: &str = ".fresh-";

#[derive(Debug)]
pub(crate) struct Builder {
    pub(crate) root: PathBuf,
    /// Where kits of revisions are kept.
    kits: PathBuf,
    suite: String,
    /// The bench of a user's own workspace; none for the checkout's.
    user: Option<UserBench>,
    cargo: OsString,
}

/// Which bench of a user's workspace measures.
#[derive(Debug)]
struct UserBench {
    package: String,
    target: String,
    /// The workspace's folder in its repository, as git has it.
    folder: PathBuf,
}

impl Builder {
    /// For revisions of the repository that the checkout at `root` is of.
    ///
    /// # Errors
    /// `suite` is no name of one, or cargo does not tell where it builds.
    pub(crate) fn new(
        root: &Path,
        suite: &str,
        bench: Option<&Bench>,
    ) -> Result<Self, CommandError> {
        check_name(suite)?;
        let workspace = match bench {
            Some(bench) => Workspace::around(bench, started_in())?,
            None => Workspace::find(root, started_in())?,
        };
        let kits = workspace.target.join("kits");
        let user = bench.map(|bench| -> Result<UserBench, CommandError> {
            let folder = output(git(root).args(["rev-parse", "--show-prefix"]), false)?;
            let (package, target) = (bench.package.clone(), bench.target.clone());
            Ok(UserBench { package, target, folder: folder.trim().into() })
        });
        let user = user.transpose()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Ok(Self { root: root.to_owned(), kits, suite: suite.to_owned(), user, cargo })
    }

    /// What a user types to have the job of a pull request done again.
    pub(crate) fn ci(&self) -> String {
        match &self.user {
            Some(bench) => format!("cargo bench --bench {} -- ci", bench.target),
            None => "scripts/ci-bench".to_owned(),
        }
    }

    pub(crate) fn kits(&self, names: [&str; 2]) -> Result<[Side; 2], CommandError> {
        let [base, candidate] = self.commits(names)?;
        Ok([self.kit(names[0], &base)?, self.kit(names[1], &candidate)?])
    }

    /// The full commits of two revisions. Both before either is built: a slip of the pen should not
    /// cost a build.
    pub(crate) fn commits(&self, names: [&str; 2]) -> Result<[String; 2], CommandError> {
        Ok([self.commit(names[0])?, self.commit(names[1])?])
    }

    /// The full commit that `name` stands for.
    fn commit(&self, name: &str) -> Result<String, CommandError> {
        let wrong = |why: String| CommandError::NoRevision { name: name.to_owned(), why };
        if name.starts_with('-') {
            return Err(wrong("it looks like an option".to_owned()));
        }
        let mut git = git(&self.root);
        git.args(["rev-parse", "--verify", &format!("{name}^{{commit}}")]);
        let commit = output(&mut git, false).map_err(|error| wrong(error.to_string()))?;
        let commit = commit.trim().to_owned();
        let is_full = commit.len() >= 40 && commit.bytes().all(|b| b.is_ascii_hexdigit());
        if is_full { Ok(commit) } else { Err(wrong(format!("git says {commit:?}"))) }
    }

    /// A word for all that decides what a commit is built to, beside the commit: the compiler, and
    /// what cargo's configuration and the variables that it is let see say.
    fn made_by(&self) -> Result<String, CommandError> {
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let compiler = output(command(rustc, &self.root).arg("-vV"), false);
        // A build that needs it will say what is wrong with it.
        let compiler = compiler.unwrap_or_else(|error| error.to_string());
        let settings = settings(&std::env::temp_dir()).map_err(unreadable(Path::new(".cargo")))?;
        let flags = self.flags();
        let digest = sha256_hex(format!("{compiler}\n{settings}\n{flags:?}").as_bytes());
        Ok(digest[..12].to_owned())
    }

    /// The variables by which a user sets flags and profiles; in a checkout the flags are its own.
    fn flags(&self) -> BTreeMap<OsString, OsString> {
        let is_flag = |name: &OsString| {
            let name = name.to_string_lossy();
            name.ends_with("RUSTFLAGS") || name.starts_with("CARGO_PROFILE_")
        };
        let all = std::env::vars_os().filter(|(name, _)| self.user.is_some() && is_flag(name));
        all.collect()
    }

    /// `command` of a build, which sees nothing that [`Self::made_by`] does not know.
    fn making(&self, command: Command, folder: &Path) -> Command {
        let mut command = placed(command, folder);
        keep_out_unhashed(&mut command);
        command.envs(self.flags());
        command.env("CARGO_TARGET_DIR", self.kits.join("build"));
        command
    }

    /// The kit of `commit`, which is made if there is none: a commit does not change.
    pub(crate) fn kit(&self, name: &str, commit: &str) -> Result<Side, CommandError> {
        // A workspace may have several benches.
        let what = match &self.user {
            Some(user) => format!("{}-{}-{}", user.package, user.target, self.suite),
            None => self.suite.clone(),
        };
        let path = self.kits.join(format!("{commit}-{what}-{}", self.made_by()?));
        fs::create_dir_all(&self.kits).map_err(unwritable(&path))?;
        let _lock = self.lock().map_err(unwritable(&path))?;
        match load(&path) {
            Ok(Some(_)) => return Side::at(name, &path),
            Ok(None) => {}
            // It can be made again.
            Err(failure) => note(&format!("{failure}; it is made again")),
        }
        remove(&path).map_err(unwritable(&path))?;
        note(&format!("building {name} ({commit})"));
        let fresh = tempfile::Builder::new().prefix(FRESH).tempdir_in(&self.kits);
        let fresh = fresh.map_err(unwritable(&path))?;
        // Its folder's name is what it is called from then on.
        let packed = fresh.path().join(&commit[..12]);
        self.pack(name, commit, &packed)?;
        let why = "its executable packed no bundle".to_owned();
        load(&packed)?.ok_or_else(|| CommandError::Revision { name: name.to_owned(), why })?;
        fs::rename(&packed, &path).map_err(unwritable(&path))?;
        Side::at(name, &path)
    }

    /// One at a time: each worktree must be younger than what was built before. Whoever has the
    /// lock removes what a kill left.
    fn lock(&self) -> io::Result<File> {
        let lock = File::create(self.kits.join(".lock"))?;
        if let Err(error) = lock.lock() {
            let kits = self.kits.display();
            note(&format!("{kits} is not locked ({error}): compare in one process at a time"));
            return Ok(lock);
        }
        for entry in fs::read_dir(&self.kits)?.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(FRESH.as_bytes()) {
                remove(&entry.path())?;
            }
        }
        remove(&Worktree::home(self))?;
        Ok(lock)
    }

    /// Builds `commit` in a worktree and lets its executable pack a kit into `packed`.
    fn pack(&self, name: &str, commit: &str, packed: &Path) -> Result<(), CommandError> {
        let worktree = Worktree::add(self, commit)?;
        let target = self.user.as_ref().map_or(&self.suite, |user| &user.target);
        let folder = match &self.user {
            Some(user) => worktree.path.join(&user.folder),
            None => worktree.path.clone(),
        };
        let mut build = self.making(cargo_at(&self.cargo, &folder), &folder);
        build.args(["bench", "--bench", target, "--no-run", DIAGNOSTICS, "--locked"]);
        if let Some(user) = &self.user {
            build.args(["--package", &user.package]);
        }
        let said = relayed(&mut build).map_err(|(source, said)| {
            let (name, source) = (name.to_owned(), Box::new(source));
            CommandError::Unbuilt { name, source, said }
        })?;
        let linked = Linked::parse(&said, target, "bench").ok_or_else(|| {
            let why = format!("it has no bench {target}");
            CommandError::Revision { name: name.to_owned(), why }
        })?;
        let mut pack = self.making(command(linked.executable, &folder), &folder);
        if self.user.is_some() {
            pack.args([BENCH_ARGUMENT, &self.suite]);
        }
        pack.args([OsStr::new("--pack"), packed.as_os_str()]);
        output(&mut pack, true).map(drop).map_err(|error| {
            if error.is_interrupted() {
                return error.into();
            }
            let why = format!("{error}; a revision from before bundles cannot be compared");
            CommandError::Revision { name: name.to_owned(), why }
        })
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A worktree that goes when this is dropped. All revisions of a checkout have theirs at one place,
/// one after the other: a crate's place is part of its symbols' names, names decide where a linker
/// puts code, and that alone can move a figure by a tenth.
struct Worktree<'a> {
    builder: &'a Builder,
    home: PathBuf,
    path: PathBuf,
}

impl<'a> Worktree<'a> {
    /// Where the worktrees of a checkout are. Not below the checkout, whose cargo configuration
    /// would be read too.
    fn home(builder: &Builder) -> PathBuf {
        let name = sha256_hex(builder.kits.as_os_str().as_encoded_bytes());
        std::env::temp_dir().join(format!("caxton-rev-{}", &name[..16]))
    }

    fn add(builder: &'a Builder, commit: &str) -> Result<Self, CommandError> {
        let home = Self::home(builder);
        // What a kill left behind.
        remove(&home).and_then(|()| fs::create_dir(&home)).map_err(unwritable(&home))?;
        let path = home.join("tree");
        let worktree = Self { builder, home, path };
        let mut git = git(&builder.root);
        git.args(["worktree", "add", "--force", "--detach", "--quiet"]);
        output(git.arg(&worktree.path).arg(commit), false)?;
        Ok(worktree)
    }
}

impl Drop for Worktree<'_> {
    fn drop(&mut self) {
        // Best effort: git forgets a worktree whose folder is gone.
        let mut git = git(&self.builder.root);
        let _ = output(git.args(["worktree", "remove", "--force"]).arg(&self.path), false);
        let _ = remove(&self.home);
    }
}

#[cfg(test)]
#[path = "revision_tests.rs"]
pub(crate) mod tests;
