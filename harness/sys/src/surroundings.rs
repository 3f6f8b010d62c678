//! What of the surrounding process reaches the programs that are started: git must work on the
//! repository of its folder, and a compiler whose output is kept must be asked the same each time.
//!
//! Data and files alone; the programs are started elsewhere.

use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{fs, io};
use toml::{Table, Value};

/// Variables that point git at another repository, index or configuration than those of its
/// folder: `git rev-parse --local-env-vars`, and what else git sets for its hooks. A hook has
/// `GIT_INDEX_FILE`, and a checkout of ours would write the tree of another commit into it.
pub const REPOSITORY_VARIABLES: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NAMESPACE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Variables that every git gets: one that only looks must not rewrite the user's index to keep
/// the times it found, nor stand in the way of a commit with its lock.
pub const GIT_VARIABLES: [(&str, &str); 1] = [("GIT_OPTIONAL_LOCKS", "0")];

/// Words before git's own: a worktree of ours runs none of the user's hooks.
pub const GIT_WORDS: [&str; 2] = ["-c", "core.hooksPath=/dev/null"];

/// Variables that every cargo gets whose words are read: colours would hide `error` behind an
/// escape sequence. They come before `term.color` of any configuration.
pub const CARGO_VARIABLES: [(&str, &str); 1] = [("CARGO_TERM_COLOR", "never")];

/// What becomes of a variable in a build whose output is kept and found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The build sees it. It says where things are found, and not what is made of them.
    Passed,
    /// The build sees it, and its value is part of what the output is found by.
    Hashed,
    /// The build does not see it.
    Dropped,
}

/// Who runs what where, and how the network is reached.
const PASSED: &[&str] = &[
    "CARGO",
    "CARGO_BUILD_JOBS",
    "CARGO_HOME",
    "CURL_CA_BUNDLE",
    "GIT_ASKPASS",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "GIT_TERMINAL_PROMPT",
    "HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "NIX_SSL_CERT_FILE",
    "PATH",
    "PWD",
    "RUST_BACKTRACE",
    "RUST_MIN_STACK",
    "SHELL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "TZ",
    "USER",
];

/// The same, for names that begin so. Which toolchain rustup takes is seen in what the compiler
/// says of itself, which is hashed.
const PASSED_BEGINNINGS: &[&str] = &[
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
    "LC_",
    "RUSTUP_",
    "XDG_",
];

/// What a user wraps the compiler in, and what a machine needs to find its C compiler and linker.
const HASHED: &[&str] = &[
    "AR",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CC",
    "CFLAGS",
    "COMPILER_PATH",
    "CPATH",
    "CPPFLAGS",
    "CXX",
    "CXXFLAGS",
    "C_INCLUDE_PATH",
    "GCC_EXEC_PREFIX",
    "LD",
    "LDFLAGS",
    "LIBRARY_PATH",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "SOURCE_DATE_EPOCH",
];

/// The same, for names that begin so.
const HASHED_BEGINNINGS: &[&str] = &["AR_", "CC_", "CFLAGS_", "CXXFLAGS_", "CXX_", "NIX_"];

/// What becomes of the variable `name`. What is on no list is dropped: a variable that nobody
/// thought of must not decide what is measured.
pub fn fate(name: &str) -> Fate {
    let begins = |list: &[&str]| list.iter().any(|beginning| name.starts_with(beginning));
    let is_linker = name.starts_with("CARGO_TARGET_")
        && ["_LINKER", "_AR"].iter().any(|ending| name.ends_with(ending));
    let is_proxy = name.to_ascii_lowercase().ends_with("_proxy");
    if PASSED.contains(&name) || begins(PASSED_BEGINNINGS) || is_proxy {
        Fate::Passed
    } else if HASHED.contains(&name) || begins(HASHED_BEGINNINGS) || is_linker {
        Fate::Hashed
    } else {
        Fate::Dropped
    }
}

/// Tables of cargo's configuration that say how things are fetched and told, and not what is made:
/// a mirror gives the files whose hashes the lock file has.
const HARMLESS: &[&str] = &[
    "alias",
    "cache",
    "cargo-new",
    "credential-alias",
    "doc",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "registries",
    "registry",
    "source",
    "term",
];

/// Files that one file may include, one behind the other.
const INCLUDES_MAX: usize = 16;

/// Everything outside the sources that decides what a build in `folder` makes: those of
/// `variables` that are hashed, with the programs that they name, and cargo's configuration in
/// `folder`, above it and in `cargo_home`, without what is harmless. Equal settings are equal
/// texts.
///
/// # Errors
/// A configuration that cannot be read.
pub fn settings(
    folder: &Path,
    cargo_home: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> io::Result<String> {
    let hashed = variables.into_iter().filter(|(name, _)| fate(name) == Fate::Hashed);
    let of = |(name, value): (String, String)| {
        let program = program(&folder.join(&value));
        (name, (value, program))
    };
    let variables = hashed.map(of).collect();
    let mut configuration = Vec::new();
    for file in configuration_files(folder, cargo_home) {
        read(&file, INCLUDES_MAX, &mut configuration)?;
    }
    let settings = MachineSettings { variables, configuration };
    serde_json::to_string(&settings).map_err(io::Error::from)
}

/// What [`settings`] is made of; tables are in order of their names.
#[derive(Serialize)]
struct MachineSettings {
    variables: BTreeMap<String, (String, Option<String>)>,
    configuration: Vec<Table>,
}

/// Longest program that is looked into: wrappers are scripts, or small.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// What tells the program at `path` from another one that may take its place; none where there is
/// no such file.
fn program(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok().filter(|about| about.is_file())?;
    if about.len() > PROGRAM_BYTES_MAX {
        return Some(format!("{} bytes", about.len()));
    }
    let mut hasher = DefaultHasher::new();
    fs::read(path).ok()?.hash(&mut hasher);
    Some(format!("{} bytes, {:016x}", about.len(), hasher.finish()))
}

/// The configuration files that cargo reads in `folder`, the nearest first.
fn configuration_files(folder: &Path, cargo_home: Option<&Path>) -> Vec<PathBuf> {
    let own = folder.ancestors().map(|above| above.join(".cargo"));
    let mut files: Vec<PathBuf> = Vec::new();
    for home in own.chain(cargo_home.map(Path::to_owned)) {
        // Where both are there, cargo takes the old name.
        let found = ["config", "config.toml"].map(|name| home.join(name));
        let found = found.into_iter().find(|file| file.is_file());
        files.extend(found.filter(|file| !files.contains(file)));
    }
    files
}

/// Adds what `file`, and what it includes, says to `into`.
fn read(file: &Path, includes: usize, into: &mut Vec<Table>) -> io::Result<()> {
    let text = fs::read_to_string(file)?;
    let Ok(mut table) = text.parse::<Table>() else {
        // Cargo will say what is wrong with it.
        into.push(Table::from_iter([("unreadable".to_owned(), Value::String(text))]));
        return Ok(());
    };
    let included = included(&table);
    table.retain(|name, _| !HARMLESS.contains(&name));
    if !table.is_empty() {
        into.push(table);
    }
    for path in included.into_iter().filter(|_| includes > 0) {
        let path = file.parent().unwrap_or(Path::new("")).join(path);
        // One that is not there is cargo's to complain of.
        if path.is_file() {
            read(&path, includes - 1, into)?;
        }
    }
    Ok(())
}

/// The files that a configuration includes: a path, or a list of paths or of tables with one.
fn included(table: &Table) -> Vec<String> {
    let path = |value: &Value| match value {
        Value::String(path) => Some(path.clone()),
        Value::Table(table) => table.get("path").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    match table.get("include") {
        Some(Value::Array(all)) => all.iter().filter_map(path).collect(),
        Some(one) => path(one).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
#[path = "surroundings_tests.rs"]
mod tests;
