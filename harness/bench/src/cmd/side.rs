//! What A and B of `compare` are, and the bundles in them.

use super::error::{CommandError, unreadable};
use crate::guest::digest::sha256_hex;
use crate::measure::turns::kit::{self, KitError};
use caxton_model::baseline;
use caxton_model::baseline::check_name;
use caxton_model::record::Record;
use caxton_model::record::kit::{KIT_FILE, Kit};
use caxton_model::record::store::{BASELINES, RECORD_FILE, RunFolder};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(crate) struct Side {
    /// As the user named it.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) kit: Option<Kit>,
}

impl Side {
    /// The baseline, or the folder, called `name`.
    pub(crate) fn find(
        profiles: &Path,
        name: &str,
        suite: Option<&str>,
    ) -> Result<Self, CommandError> {
        let path = match baseline_of(profiles, name, suite)? {
            Some(path) => path,
            // A bare word is a baseline's name: a folder of the checkout must not stand in for it.
            None if Path::new(name).is_dir() && is_ours(Path::new(name)) => PathBuf::from(name),
            None => {
                let (name, known) = (name.to_owned(), known(profiles)?);
                return Err(CommandError::NoSide { name, known });
            }
        };
        Self::at(name, &path)
    }

    /// The folder `path`.
    pub(crate) fn at(name: &str, path: &Path) -> Result<Self, CommandError> {
        let path = fs::canonicalize(path).map_err(unreadable(path))?;
        let kit = load(&path)?;
        Ok(Self { name: name.to_owned(), path, kit })
    }

    /// Whether it is of the suite `wanted`.
    ///
    /// # Errors
    /// [`CommandError::OtherSuite`]; a record that does not load.
    pub(crate) fn check_suite(&self, wanted: &str) -> Result<(), CommandError> {
        let found = match &self.kit {
            Some(kit) => kit.suite.clone(),
            None => self.record()?.run.suite,
        };
        if found == wanted {
            return Ok(());
        }
        let (name, wanted) = (self.name.clone(), wanted.to_owned());
        Err(CommandError::OtherSuite { name, found, wanted })
    }

    pub(crate) fn record(&self) -> Result<Record, CommandError> {
        Ok(RunFolder::load_record(&self.path)?)
    }
}

/// True for a folder that holds a run or a kit.
fn is_ours(path: &Path) -> bool {
    path.join(RECORD_FILE).is_file() || path.join(KIT_FILE).is_file()
}

/// Where the baseline `name`, or `name/suite`, is kept.
fn baseline_of(
    profiles: &Path,
    name: &str,
    suite: Option<&str>,
) -> Result<Option<PathBuf>, CommandError> {
    let (bare, named) = name.split_once('/').map_or((name, None), |(n, suite)| (n, Some(suite)));
    if check_name(bare).is_err() {
        return Ok(None);
    }
    if let Some(suite) = named.or(suite) {
        // Of a path that is none of ours, the rest need not be a suite's name.
        return match check_name(suite) {
            Ok(()) => Ok(baseline::find(profiles, bare, suite)?),
            Err(_) => Ok(None),
        };
    }
    let home = profiles.join(BASELINES).join(bare);
    if home.join(RECORD_FILE).is_file() {
        return Ok(Some(home));
    }
    let suites = baseline::list_baselines(profiles)?.into_iter();
    let suites = suites.filter(|(known, _)| known.split('/').next() == Some(bare));
    let suites: Vec<String> = suites.map(|(known, _)| known).collect();
    match &suites[..] {
        [] => Ok(None),
        [one] => Ok(Some(profiles.join(BASELINES).join(one))),
        many => Err(CommandError::ManySuites { name: bare.to_owned(), known: many.join(", ") }),
    }
}

/// The baselines there are, in words.
fn known(profiles: &Path) -> Result<String, CommandError> {
    let known = baseline::list_baselines(profiles)?.into_iter().map(|(name, _)| name);
    let known: Vec<String> = known.collect();
    Ok(match &known[..] {
        [] => "there is no baseline: make one with --save-baseline NAME".to_owned(),
        known => format!("there are the baselines {}", known.join(", ")),
    })
}

/// The kit in `folder`, every file of it as its manifest says; none where there is no kit.
pub(crate) fn load(folder: &Path) -> Result<Option<Kit>, CommandError> {
    let Some(found) = baseline::load_kit(folder)? else { return Ok(None) };
    kit::check(folder, &found)?;
    Ok(Some(found))
}

/// The SHA-256 of the manifest in `folder`, which has those of all other files: of the whole kit.
pub(crate) fn hash(folder: &Path) -> Result<String, CommandError> {
    let path = folder.join(KIT_FILE);
    Ok(sha256_hex(&fs::read(&path).map_err(unreadable(&path))?))
}

/// The executable of the kit in `folder`, whose files were checked.
pub(crate) fn executable(folder: &Path, kit: &Kit) -> Result<PathBuf, CommandError> {
    let path = folder.join(&kit.executable.file);
    match kit::make_executable(&path) {
        Ok(()) => Ok(path),
        Err(error) => {
            let why = format!("no executable bit ({error}): chmod +x it");
            Err(KitError::Foreign { path, why }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::test_kit;
    use caxton_analysis::exit;
    use expect_test::expect;

    #[test]
    fn a_kit_that_was_changed_is_not_run() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("kit");
        let fresh = || {
            let _ = fs::remove_dir_all(&folder);
            test_kit::kit(&folder, "main", "exit 0");
        };
        assert!(load(temporary.path()).unwrap().is_none(), "no kit is no error");
        fresh();
        assert_eq!(load(&folder).unwrap().unwrap().name, "main");
        let manifest = fs::read_to_string(folder.join(KIT_FILE)).unwrap();
        let changes: [&dyn Fn(); 6] = [
            &|| fs::write(folder.join("bench"), "#!/bin/sh\nexit 1\n").unwrap(),
            &|| fs::write(folder.join("json.wasm"), "js").unwrap(),
            &|| fs::remove_file(folder.join("json.so")).unwrap(),
            &|| fs::write(folder.join(KIT_FILE), &manifest[..manifest.len() / 2]).unwrap(),
            &|| {
                fs::write(folder.join(KIT_FILE), manifest.replace("\"kit\": 1", "\"kit\": 9"))
                    .unwrap()
            },
            &|| {
                fs::write(folder.join(KIT_FILE), manifest.replace("json.so", "../json.so")).unwrap()
            },
        ];
        let said = changes.map(|change| {
            fresh();
            change();
            let failure = load(&folder).unwrap_err();
            assert_ne!(failure.code(), exit::FINE);
            let text = failure.to_string();
            format!("{} {}", failure.code(), text.replace(folder.to_str().unwrap(), "KIT"))
        });
        expect![[r#"
            4 KIT/bench is not the file that was kept: its SHA-256 is another one; keep the baseline again
            4 KIT/json.wasm is not the file that was kept: 2 bytes where 4 were kept; keep the baseline again
            4 KIT/json.so is not the file that was kept: No such file or directory (os error 2); keep the baseline again
            2 KIT/kit.json is no whole record: EOF while parsing a string at line 21 column 30; it was cut off, edited, or written by another version; take it from a backup or run again
            2 KIT/kit.json has schema 9, this version reads 1: read it with the version that wrote it
            2 "../json.so" is no name of a baseline: 1 to 64 of A-Z a-z 0-9 . _ -, and no dot in front"#]].assert_eq(&said.join("\n"));
    }
}
