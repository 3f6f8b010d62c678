//! Many guests at once: those of a manifest, and the modules of a folder.

use super::given::{GivenArgs, WithUnknown};
use caxton_model::file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// How deep a folder is looked through for modules: as deep as one is that people made.
const DEPTH_MAX: usize = 64;

/// One guest, what it is called if its file's name is not it, and the sides that it is compared by.
#[derive(Debug, Default)]
pub(super) struct ManifestEntry {
    pub name: Option<String>,
    pub given: GivenArgs,
    pub sides: Vec<String>,
    /// The folder that files of sides are of.
    pub home: PathBuf,
}

/// A manifest of guests, as TOML. Paths are of its own folder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    guest: Vec<ManifestGuest>,
}

/// How a guest is run; each field stands for the flag of its name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ManifestGuest {
    name: Option<String>,
    file: PathBuf,
    native: Option<PathBuf>,
    invoke: Option<String>,
    invoke_bytes: Option<String>,
    fresh: bool,
    stdin: Option<PathBuf>,
    expect: Option<PathBuf>,
    expect_exit: i32,
    dir: Vec<String>,
    dir_rw: Vec<String>,
    env: BTreeMap<String, String>,
    unknown_imports: WithUnknown,
    args: Vec<String>,
    side: Vec<String>,
}

/// The guests of the manifest at `path`, an absolute path.
///
/// # Errors
/// It cannot be read, is no such TOML, or names no guest.
pub(super) fn read(path: &Path) -> Result<Vec<ManifestEntry>, String> {
    let text = file::read_text(path, file::TEXT_MAX).map_err(|error| error.to_string())?;
    let manifest: Manifest = toml::from_str(&text).map_err(|error| error.to_string())?;
    let home = path.parent().unwrap_or(Path::new("/"));
    let mut entries = Vec::new();
    for guest in manifest.guest {
        if guest.file.as_os_str().is_empty() || guest.name.as_deref() == Some("") {
            return Err("each [[guest]] needs `file`, and a `name` that is not empty".to_owned());
        }
        entries.push(guest.entry(home));
    }
    if entries.is_empty() { Err("it has no [[guest]]".to_owned()) } else { Ok(entries) }
}

impl ManifestGuest {
    /// This guest, its paths of the folder `home`.
    fn entry(self, home: &Path) -> ManifestEntry {
        let at = |path: PathBuf| home.join(path);
        let folder = |text: String| {
            let (host, guest) = text.split_once("::").unwrap_or((&text, &text));
            format!("{}::{guest}", home.join(host).display())
        };
        let env = self.env.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let given = GivenArgs {
            guest: vec![at(self.file)],
            native: self.native.map(at),
            invoke: self.invoke,
            invoke_bytes: self.invoke_bytes,
            fresh: self.fresh,
            stdin: self.stdin.map(at),
            expect: self.expect.map(at),
            expect_exit: self.expect_exit,
            dir: self.dir.into_iter().map(folder).collect(),
            dir_rw: self.dir_rw.into_iter().map(folder).collect(),
            env,
            unknown_imports: self.unknown_imports,
            args: self.args,
        };
        ManifestEntry { name: self.name, given, sides: self.side, home: home.to_owned() }
    }
}

/// The modules and components in `folder` and below, in the order of their names. Each is run as
/// `given` says, is called by its path there, and may read the folder that it lies in, as `.`.
///
/// # Errors
/// It cannot be read, or has none.
pub(super) fn modules(folder: &Path, given: &GivenArgs) -> Result<Vec<ManifestEntry>, String> {
    let mut found = Vec::new();
    collect(folder, DEPTH_MAX, &mut found).map_err(|error| error.to_string())?;
    found.sort();
    let entry = |path: PathBuf| {
        let inside = path.strip_prefix(folder).unwrap_or(&path).with_extension("");
        let name = inside.to_string_lossy().replace('/', "-");
        let home = path.parent().unwrap_or(folder).display().to_string();
        let mut given = GivenArgs { guest: vec![path], ..given.clone() };
        given.dir.push(format!("{home}::."));
        ManifestEntry { name: Some(name), given, ..ManifestEntry::default() }
    };
    if found.is_empty() {
        return Err("a folder without a module: no .wasm and no .wat".to_owned());
    }
    Ok(found.into_iter().map(entry).collect())
}

fn collect(folder: &Path, depth: usize, into: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
        // A link could lead in circles.
        if entry?.is_dir() {
            if depth > 1 {
                collect(&path, depth - 1, into)?;
            }
        } else if path.is_file()
            && path.extension().is_some_and(|end| end == "wasm" || end == "wat")
        {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_manifest_are_of_its_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bench.toml");
        let read = |text: &str| {
            fs::write(&path, text).expect("a fresh folder");
            read(&path)
        };
        let text = "[[guest]]\nname = 'crc'\nfile = 'a/crc.wasm'\nstdin = 'in.bin'\nargs = ['9']\n\
                    dir = ['data::.', 'more']\nenv = { A = '1' }\nexpect_exit = 3\n\
                    side = ['wasm', 'x=old/crc.wasm -O opt-level=0']\n";
        let home = folder.path().display();
        let [entry] = &read(text).expect("a manifest")[..] else { panic!("one guest") };
        let ManifestEntry { name, given, sides, .. } = entry;
        assert_eq!(name.as_deref(), Some("crc"));
        assert_eq!(given.guest, [folder.path().join("a/crc.wasm")]);
        assert_eq!(given.stdin, Some(folder.path().join("in.bin")));
        assert_eq!(given.dir, [format!("{home}/data::."), format!("{home}/more::more")]);
        assert_eq!((&*given.env, given.expect_exit), (&["A=1".to_owned()][..], 3));
        assert_eq!(sides, &["wasm", "x=old/crc.wasm -O opt-level=0"]);
        assert_eq!(entry.home, folder.path());
        for (text, why) in [
            ("", "missing field `guest`"),
            ("guest = []", "it has no [[guest]]"),
            ("[[guest]]\nname = 'a'", "each [[guest]] needs `file`"),
            ("[[guest]]\nfile = 'a'\nstdinn = 'b'", "unknown field `stdinn`"),
        ] {
            let told = read(text).expect_err(text);
            assert!(told.contains(why), "{told}");
        }
    }

    #[test]
    fn modules_are_called_by_their_path_and_read_their_own_folder() {
        let folder = tempfile::tempdir().expect("a folder");
        let home = folder.path();
        fs::create_dir_all(home.join("b/deep")).expect("a fresh folder");
        for file in ["z.wat", "b/run.wasm", "b/notes.txt", "b/deep/run.wasm"] {
            fs::write(home.join(file), "").expect("a fresh folder");
        }
        std::os::unix::fs::symlink(home, home.join("b/around")).expect("a fresh folder");
        let found = modules(home, &GivenArgs::default()).expect("three");
        let names: Vec<_> = found.iter().filter_map(|entry| entry.name.as_deref()).collect();
        assert_eq!(names, ["b-deep-run", "b-run", "z"]);
        assert_eq!(found[1].given.dir, [format!("{}::.", home.join("b").display())]);
        assert!(modules(&home.join("b/around/none"), &GivenArgs::default()).is_err());
    }
}
