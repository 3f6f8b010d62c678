//! What A and B of `compare` are.

use crate::cmd::failure::Failure;
use crate::cmd::kits;
use caxton_model::baseline;
use caxton_model::baseline::check_name;
use caxton_model::record::Record;
use caxton_model::record::kit::{KIT_FILE, Kit};
use caxton_model::record::store::{BASELINES, RECORD_FILE, RunFolder};
use std::path::{Path, PathBuf};

/// One of the two.
#[derive(Debug)]
pub(crate) struct Side {
    /// As the user named it.
    pub(crate) name: String,
    /// Its folder.
    pub(crate) path: PathBuf,
    /// Its kit, checked.
    pub(crate) kit: Option<Kit>,
}

impl Side {
    /// The baseline, or the folder, called `name`.
    ///
    /// # Errors
    /// There is no such thing (with a list of what there is), or what is wrong with it.
    pub(crate) fn find(profiles: &Path, name: &str, suite: Option<&str>) -> Result<Self, Failure> {
        let path = match baseline_of(profiles, name, suite)? {
            Some(path) => path,
            // A bare word is a baseline's name: a folder of the checkout must not stand in for it.
            None if Path::new(name).is_dir() && is_ours(Path::new(name)) => PathBuf::from(name),
            None => {
                let (name, known) = (name.to_owned(), known(profiles)?);
                return Err(Failure::NoSide { name, known });
            }
        };
        Self::at(name, &path)
    }

    /// The folder `path`.
    pub(crate) fn at(name: &str, path: &Path) -> Result<Self, Failure> {
        let path = std::fs::canonicalize(path)
            .map_err(|source| Failure::Input { path: path.to_owned(), source })?;
        let kit = kits::load(&path)?;
        Ok(Self { name: name.to_owned(), path, kit })
    }

    /// Whether it is of the suite `wanted`.
    ///
    /// # Errors
    /// [`Failure::OtherSuite`]; a record that does not load.
    pub(crate) fn check_suite(&self, wanted: &str) -> Result<(), Failure> {
        let found = match &self.kit {
            Some(kit) => kit.suite.clone(),
            None => self.record()?.run.suite,
        };
        if found == wanted {
            return Ok(());
        }
        let (name, wanted) = (self.name.clone(), wanted.to_owned());
        Err(Failure::OtherSuite { name, found, wanted })
    }

    /// Its record.
    pub(crate) fn record(&self) -> Result<Record, Failure> {
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
) -> Result<Option<PathBuf>, Failure> {
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
        many => Err(Failure::ManySuites { name: bare.to_owned(), known: many.join(", ") }),
    }
}

/// The baselines there are, in words.
fn known(profiles: &Path) -> Result<String, Failure> {
    let known = baseline::list_baselines(profiles)?.into_iter().map(|(name, _)| name);
    let known: Vec<String> = known.collect();
    Ok(match &known[..] {
        [] => "there is no baseline: make one with --save-baseline NAME".to_owned(),
        known => format!("there are the baselines {}", known.join(", ")),
    })
}
