//! Where the user stands, and what is in the files and folders that are named.
//!
//! A relative path on the command line is of the folder that the user stands in.
//! Cargo runs a bench in its package's folder. Cargo itself works in the folder that it was started
//! in, which `/proc` tells. `PWD` only tells where a shell stood: a program that starts cargo in a
//! folder of its own (Python's `cwd=`, `make -C`, `env -C`) leaves it as it was.

use super::error::{CommandError, unreadable};
use crate::guest::catalog::{self, CatalogError, WITHOUT_CHECKOUT};
use caxton_analysis::limits::Limits;
use caxton_model::file;
use caxton_model::record::store::{BASELINES, COMPARISON_FILE, RECORD_FILE, RUNS};
use caxton_sys::process;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

/// A path as it was typed.
pub(super) fn as_the_user_means(path: &Path) -> PathBuf {
    started_in().join(path)
}

/// The folder that the user stands in.
pub(super) fn started_in() -> &'static Path {
    static STARTED_IN: OnceLock<PathBuf> = OnceLock::new();
    STARTED_IN.get_or_init(|| {
        let here = env::current_dir().unwrap_or_default();
        let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        if !package.is_some_and(|package| is_same(&package, &here)) {
            return here;
        }
        let cargo = env::var_os("CARGO").map(PathBuf::from);
        let of_cargo = cargo.and_then(|cargo| process::folder_of_ancestor(&cargo));
        let shell = env::var_os("PWD").map(PathBuf::from);
        let root = catalog::root_above(&here).unwrap_or(&here);
        of_cargo.unwrap_or_else(|| believed(shell, root))
    })
}

/// The workspace of a user's own bench, where that is what this process is.
pub(super) struct Home {
    pub root: PathBuf,
    /// Where runs and baselines are kept.
    pub profiles: PathBuf,
    /// The folder of the bench's package.
    pub package: PathBuf,
}

static HOME: OnceLock<Home> = OnceLock::new();

/// From now on `home` is what commands are of, and not a checkout.
pub(super) fn settle(home: Home) {
    let _ = HOME.set(home);
}

/// The folder of the package whose bench this process is, if it is one of a user's own.
pub(super) fn package() -> Option<&'static Path> {
    HOME.get().map(|home| home.package.as_path())
}

/// The root of the checkout that this process stands in, or of the workspace whose bench it is.
pub(super) fn root() -> Result<PathBuf, CommandError> {
    if let Some(home) = HOME.get() {
        return Ok(home.root.clone());
    }
    let here = env::current_dir().map_err(unreadable(Path::new(".")))?;
    match catalog::root_above(&here) {
        Some(root) => Ok(root.to_owned()),
        None => Err(CatalogError::NoWorkspace(here).into()),
    }
}

/// The folder of runs and baselines, from where the user stands: a checkout's own, or the one that
/// runs of guests make where there is no checkout.
pub(super) fn profiles() -> PathBuf {
    if let Some(home) = HOME.get() {
        return home.profiles.clone();
    }
    let (own, made) = (Path::new("profiles"), Path::new(WITHOUT_CHECKOUT));
    if !own.exists() && made.is_dir() { made.to_owned() } else { own.to_owned() }
}

/// The folder of runs and baselines of the checkout at `root`, or of the workspace whose bench this
/// is.
pub(super) fn profiles_of(root: &Path) -> PathBuf {
    HOME.get().map_or_else(|| root.join("profiles"), |home| home.profiles.clone())
}

/// The folder that is `named`, if it holds a run or a comparison or nothing else has the name; else
/// the run or baseline of that name.
pub(super) fn kept(named: &Path) -> PathBuf {
    kept_in(&profiles(), named)
}

fn kept_in(profiles: &Path, named: &Path) -> PathBuf {
    let is_told = |path: &Path| path.join(RECORD_FILE).is_file() || is_comparison(path);
    let among = [RUNS, BASELINES].map(|kind| profiles.join(kind).join(named));
    let found = among.iter().find(|path| path.is_dir()).filter(|_| !is_told(named));
    let Some(found) = found else { return named.to_owned() };
    // A baseline keeps a folder for each suite.
    let inner = |found: &Path| {
        let suites = fs::read_dir(found).ok()?.flatten().map(|entry| entry.path());
        let mut suites = suites.filter(|path| is_told(path));
        suites.next().filter(|_| suites.next().is_none())
    };
    if is_told(found) { found.clone() } else { inner(found).unwrap_or_else(|| found.clone()) }
}

/// The limits in the file `path`; none without a file.
pub(super) fn limits(path: Option<&Path>) -> Result<Limits, CommandError> {
    let Some(path) = path else { return Ok(Limits::default()) };
    let text = file::read_text(path, file::TEXT_MAX).map_err(unreadable(path))?;
    Ok(Limits::parse(&path.display().to_string(), &text)?)
}

pub(super) fn is_comparison(dir: &Path) -> bool {
    dir.join(COMPARISON_FILE).is_file()
}

/// Why `--table` is refused for a run.
pub(super) const NO_TABLE: CommandError =
    CommandError::Unused { flag: "--table", why: "it is of comparisons, and a run is shown whole" };

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(a), Ok(b)) if a == b)
}

/// Where the user stands if cargo cannot be asked: in the folder of the shell, should that lie in
/// the workspace, else in the workspace's root.
fn believed(shell: Option<PathBuf>, root: &Path) -> PathBuf {
    let is_inside = |folder: &PathBuf| {
        let real = [folder.as_path(), root].map(fs::canonicalize);
        folder.is_absolute() && matches!(real, [Ok(folder), Ok(root)] if folder.starts_with(&root))
    };
    shell.filter(is_inside).unwrap_or_else(|| root.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_or_a_baseline_is_found_by_its_name() {
        let home = tempfile::tempdir().unwrap();
        let profiles = home.path().join("profiles");
        let made = |path: PathBuf| {
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join(RECORD_FILE), "{}").unwrap();
            path
        };
        let run = made(profiles.join("runs/a-run"));
        made(run.join("sub"));
        let baseline = made(profiles.join("baselines/main/wasm"));
        assert_eq!(kept_in(&profiles, Path::new("a-run")), run, "and not what lies in it");
        assert_eq!(kept_in(&profiles, Path::new("main")), baseline);
        assert_eq!(kept_in(&profiles, Path::new("main/wasm")), baseline);
        assert_eq!(kept_in(&profiles, &run), run, "by its folder");
        assert_eq!(kept_in(&profiles, Path::new("none")), Path::new("none"));
        let own = made(home.path().join("main"));
        assert_eq!(kept_in(&profiles, &own), own);
    }

    #[test]
    fn a_shells_folder_is_believed_if_it_lies_in_the_workspace() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let inside = root.join("harness");
        fs::create_dir_all(&inside).unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink(&root, &link).unwrap();
        let of = |shell: &Path| believed(Some(shell.to_owned()), &root);
        assert_eq!(of(&inside), inside);
        assert_eq!(of(&root), root);
        assert_eq!(of(&link), link, "the same folder by another name");
        for stale in [home.path(), &root.join("gone"), Path::new("harness"), Path::new("")] {
            assert_eq!(of(stale), root, "{}", stale.display());
        }
        assert_eq!(believed(None, &root), root);
    }
}
