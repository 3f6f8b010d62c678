//! Built files: found again by the hash of all that went into them, and checked when used.

use super::digest::{hex, sha256_hex};
use super::toolchain::{Build, Side, Toolchain};
use caxton_model::file;
use caxton_model::reading::Missing;
use caxton_model::record::Artifact;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{fs, io};
use wasmparser::Parser;

/// A file and what the record says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// Where it lies.
    pub path: PathBuf,
    pub artifact: Artifact,
}

/// Size of the code section of the shared library at `path`.
pub fn code_bytes(path: &Path) -> Result<u64, Missing> {
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    let file = object::File::parse(&*bytes).map_err(|error| failed(path, &error))?;
    let text = file.section_by_name(".text").ok_or_else(|| failed(path, &"no .text"))?;
    Ok(text.size())
}

/// Size of the sections of the module at `path`, without custom ones: names and debug information,
/// which no engine runs, and which hold the folder that it was built in.
pub fn module_bytes(path: &Path) -> Result<u64, Missing> {
    // WebAssembly core specification, binary format, "Custom section".
    const CUSTOM: u8 = 0;
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    let mut run = 0;
    for part in Parser::new(0).parse_all(&bytes) {
        let section = part.map_err(|error| failed(path, &error))?.as_section();
        run += section.filter(|(id, _)| *id != CUSTOM).map_or(0, |(_, range)| range.len() as u64);
    }
    Ok(run)
}

/// How many of the harness' own functions in the executable at `path` start at a multiple of 64
/// bytes, and how many there are. The standard library comes precompiled and has its own alignment.
pub fn aligned_functions(path: &Path) -> Result<(u64, u64), Missing> {
    const OWN: &str = env!("CARGO_CRATE_NAME");
    let bytes = fs::read(path).map_err(|error| failed(path, &error))?;
    let file = object::File::parse(&*bytes).map_err(|error| failed(path, &error))?;
    let is_own = |symbol: &object::Symbol<'_, '_>| {
        symbol.kind() == SymbolKind::Text && symbol.name().is_ok_and(|name| name.contains(OWN))
    };
    let starts: Vec<u64> = file.symbols().filter(is_own).map(|s| s.address()).collect();
    if starts.is_empty() {
        return Err(failed(path, &"no symbols of the harness: it was stripped"));
    }
    let aligned = starts.iter().filter(|start| start.is_multiple_of(64)).count();
    Ok((aligned as u64, starts.len() as u64))
}

fn failed(path: &Path, why: &dyn Display) -> Missing {
    Missing::Failed(format!("{}: {why}", path.display()))
}

/// Hash of everything that decides a build: file names and contents of `folders` and `files`,
/// compiler, target, flags and features.
pub fn source_hash(
    folders: &[PathBuf],
    files: &[PathBuf],
    toolchain: &Toolchain,
    build: Build,
) -> io::Result<String> {
    let mut paths = Vec::new();
    for file in files {
        paths.push((file.file_name().map(PathBuf::from).unwrap_or_default(), file.clone()));
    }
    for folder in folders {
        let found = sources(folder)?;
        // Named from the agent's own folder on: a checkout elsewhere has the same hash.
        let from = folder.parent().unwrap_or(folder);
        let name = |path: &PathBuf| path.strip_prefix(from).unwrap_or(path).to_owned();
        paths.extend(found.into_iter().map(|path| (name(&path), path)));
    }
    paths.sort();
    let mut hash = Sha256::new();
    // Each part is preceded by its length, so that no two lists of parts look alike.
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for (name, path) in &paths {
        add(name.as_os_str().as_encoded_bytes());
        add(&file::read(path, file::PAGE_MAX)?);
    }
    for part in [toolchain.identity.as_str(), toolchain.target(build.side)] {
        add(part.as_bytes());
    }
    for word in toolchain.words(build) {
        add(word.as_bytes());
    }
    Ok(hex(&hash.finalize()))
}

/// The regular files in `folder` and below. A folder behind a link is gone through once, so that a
/// link to a folder above ends; FIFOs, sockets and devices are nothing that a compiler reads.
fn sources(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    let mut seen = BTreeSet::from([fs::canonicalize(folder)?]);
    let mut next = 0;
    while next < found.len() {
        let path = found[next].clone();
        if path.is_dir() && seen.insert(fs::canonicalize(&path)?) {
            collect(&path, &mut found)?;
        }
        next += 1;
    }
    found.retain(|path| path.is_file());
    Ok(found)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_no_source(&entry.path()) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), into)?;
        } else {
            into.push(entry.path());
        }
    }
    Ok(())
}

/// True for what no compiler reads: what a version control keeps (of a submodule it is a file), and
/// what cargo builds, beside a package or where its tag says so. `src/target` may be a module.
fn is_no_source(path: &Path) -> bool {
    const VERSION_CONTROL: [&str; 5] = [".git", ".hg", ".jj", ".pijul", ".svn"];
    let name = path.file_name().unwrap_or_default();
    let is_beside_package = path.with_file_name("Cargo.toml").is_file();
    VERSION_CONTROL.iter().any(|own| name == *own)
        || (name == "target" && is_beside_package)
        || path.join("CACHEDIR.TAG").is_file()
}

/// How the name of a file begins that is not whole yet.
const TEMPORARY: &str = ".tmp";

/// Folder of built files: `<hash>.wasm` or `<hash>.so`, each beside a `.json` of its artifact.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache in `folder`, which is made.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Removes what a kill left half-written; the caller keeps other builds out.
    pub fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn file(&self, source_hash: &str, side: Side) -> PathBuf {
        let extension = match side {
            Side::Wasm => "wasm",
            Side::Native => "so",
        };
        self.folder.join(format!("{source_hash}.{extension}"))
    }

    /// The file built from `source_hash`, if it is there and is what was stored.
    pub fn get(&self, source_hash: &str, side: Side) -> Option<Built> {
        let path = self.file(source_hash, side);
        let artifact: Artifact =
            serde_json::from_slice(&fs::read(path.with_extension("json")).ok()?).ok()?;
        let intact = artifact.sha256 == sha256_hex(&fs::read(&path).ok()?);
        intact.then_some(Built { path, artifact })
    }

    /// Copies `file`, built from `source_hash`, into the cache; `describe` says what it is.
    pub fn put(
        &self,
        file: &Path,
        source_hash: &str,
        side: Side,
        describe: impl FnOnce(&[u8]) -> Artifact,
    ) -> io::Result<Built> {
        let bytes = fs::read(file)?;
        let artifact = describe(&bytes);
        let path = self.file(source_hash, side);
        // Rename into place: another bench may be loading the old file this moment.
        self.write(&path, &bytes)?;
        self.write(&path.with_extension("json"), &serde_json::to_vec_pretty(&artifact)?)?;
        Ok(Built { path, artifact })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.folder)?;
        io::Write::write_all(&mut temporary, bytes)?;
        temporary.persist(path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_left_half_written_is_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = Cache::open(folder.path().to_owned()).expect("writable");
        for name in [".tmpAb12Cd", "0123.wasm", "0123.json"] {
            fs::write(folder.path().join(name), "").expect("writable");
        }
        cache.sweep();
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 2);
    }

    #[test]
    fn only_sources_are_hashed_as_sources() {
        let temporary = tempfile::tempdir().expect("a folder");
        let home = temporary.path();
        let found = |file: &str| {
            let (path, mut all) = (home.join(file), Vec::new());
            fs::create_dir_all(path.parent().expect("below home")).expect("a fresh folder");
            fs::write(&path, "x").expect("a fresh folder");
            collect(home, &mut all).expect("a fresh folder");
            all.contains(&path)
        };
        assert!(found("Cargo.toml") && found("src/lib.rs") && found("src/.hidden/data.bin"));
        assert!(found("src/target/mod.rs"), "a module's folder may have any name");
        assert!(!found("target/release/libx.rlib"));
        assert!(found("out/x"));
        assert!(!found("out/CACHEDIR.TAG") && !found("out/x"));
        for own in ["sub/.git", ".git/index", ".hg/store", ".jj/repo", ".svn/entries"] {
            assert!(!found(own), "{own}");
        }
    }

    #[test]
    fn what_is_no_source_costs_no_build() {
        use std::os::unix::fs::symlink;
        let temporary = tempfile::tempdir().expect("a folder");
        let agent = temporary.path().join("agent");
        fs::create_dir_all(agent.join("src")).expect("a fresh folder");
        fs::create_dir(temporary.path().join("shared")).expect("a fresh folder");
        fs::write(agent.join("src/lib.rs"), "x").expect("a fresh folder");
        fs::write(temporary.path().join("shared/data"), "y").expect("a fresh folder");
        let _socket = std::os::unix::net::UnixListener::bind(agent.join("src/socket"));
        for (target, link) in [
            ("/dev/zero", "src/device"),
            ("nothing", "src/dangling"),
            ("../..", "src/up"),
            (".", "src/self"),
            ("../../shared", "src/shared"),
            ("../src/lib.rs", "src/link.rs"),
        ] {
            symlink(target, agent.join(link)).expect("a fresh folder");
        }
        let found = sources(&agent).expect("it ends");
        let real = |path: &PathBuf| fs::canonicalize(path).expect("it is there");
        let found: BTreeSet<PathBuf> = found.iter().map(real).collect();
        let home = fs::canonicalize(temporary.path()).expect("it is there");
        let expected = ["agent/src/lib.rs", "shared/data"].map(|name| home.join(name));
        assert_eq!(found, BTreeSet::from(expected));
    }
}
