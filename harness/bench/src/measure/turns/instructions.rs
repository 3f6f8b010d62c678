//! The instructions of two versions, and which functions execute more or fewer of them.

use super::compare::Compare;
use super::launch_pair::{self, LaunchError, LaunchPair};
use super::wire::Want;
use crate::job::task::INSTRUCTION_LAUNCHES;
use crate::measure::instructions::OTHER_CODE;
use crate::measure::pictures::unwritable;
use crate::measure::run::RunError;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::paired::comparison::GrownSide;
use caxton_model::paired::{Trial, Turn, Version};
use caxton_model::profile::{Profile, ProfileError, SampleWeight};
use caxton_profiler::counting;
use caxton_report::profile::differential::{Caption, Differential};
use std::fs;
use std::path::Path;

/// What the instructions of a case came to.
#[derive(Default)]
pub(super) struct CountedVersions {
    pub(super) turns: Vec<Turn>,
    pub(super) grown: Vec<GrownSide>,
    /// The version that could not be counted, and why.
    pub(super) failure: Option<(Version, Outcome)>,
}

impl Compare<'_> {
    /// Counts the instructions of both versions. An executable of an earlier version may not know
    /// how: that is its failure.
    pub(super) fn instructions(&self, case: &CaseKey) -> Result<CountedVersions, RunError> {
        let mut counted = CountedVersions::default();
        if !case.is_overhead() || counting::availability().is_err() {
            return Ok(counted);
        }
        let mut profiles: [Vec<Profile>; 2] = [Vec::new(), Vec::new()];
        for (version, stacks) in Version::BOTH.into_iter().zip(&mut profiles) {
            match self.counted_version(case, version) {
                Ok((turns, mut more)) => {
                    counted.turns.extend(turns);
                    stacks.append(&mut more);
                }
                Err(LaunchError::Stopped) => return Ok(CountedVersions::default()),
                Err(LaunchError::Machine(error)) => return Err(error.into()),
                Err(LaunchError::Failed(version, outcome)) => {
                    let failure = Some((version, outcome));
                    return Ok(CountedVersions { failure, ..CountedVersions::default() });
                }
            }
        }
        let folder = self.folder.as_ref().map(|folder| folder.path());
        let [base, candidate] = &profiles;
        for candidate in candidate {
            let same = base.iter().find(|base| base.about.side == candidate.about.side);
            if let Some(base) = same {
                counted.grown.extend(grown(case, [base, candidate], folder)?);
            }
        }
        Ok(counted)
    }

    /// All processes of one version: one without callgrind, which tells the code that runs
    /// otherwise, and those that count.
    fn counted_version(
        &self,
        case: &CaseKey,
        version: Version,
    ) -> Result<(Vec<Turn>, Vec<Profile>), LaunchError> {
        let pair = self.launch_pair(case, Trial::Counts, self.entries());
        let pair = LaunchPair { want: Want::Instructions, ..pair };
        let plain = launch_pair::instructions(&pair, version, 0, None)?;
        let scratch = self.kits[usize::from(version == Version::Candidate)].scratch();
        let (mut turns, mut profiles) = (Vec::new(), Vec::new());
        for process in 0..INSTRUCTION_LAUNCHES {
            // Alike in length for both: it lies in the heap of what is counted.
            let folder = scratch.join(format!("instructions-{process}"));
            fs::create_dir_all(&folder)?;
            let told = launch_pair::instructions(&pair, version, process, Some(&folder));
            // What one case leaves there is nothing to the next.
            let _ = fs::remove_dir_all(&folder);
            let mut told = told?;
            if told.code != plain.code {
                let outcome = Outcome::Failed(OTHER_CODE.to_owned());
                return Err(LaunchError::Failed(version, outcome));
            }
            turns.append(&mut told.turns);
            profiles.append(&mut told.profiles);
        }
        Ok((turns, profiles))
    }
}

/// So many functions are named with what is inlined into them.
const OUTER_MAX: usize = 3;

/// What changed on one side, where the agent's own code executes another number of instructions.
fn grown(
    case: &CaseKey,
    versions: [&Profile; 2],
    folder: Option<&Path>,
) -> Result<Option<GrownSide>, RunError> {
    let [base, candidate] = versions.map(|profile| profile.parts().agent);
    if base == candidate {
        return Ok(None);
    }
    let side = versions[1].about.side.clone();
    grown_side(case, &side, versions, folder)
}

/// What `side` of a case takes in the two versions, by function, and as a picture in `folder`.
pub(super) fn grown_side(
    case: &CaseKey,
    side: &str,
    versions: [&Profile; 2],
    folder: Option<&Path>,
) -> Result<Option<GrownSide>, RunError> {
    let names = Version::BOTH.map(Version::name);
    let Ok(differential) = Differential::between(names, versions) else { return Ok(None) };
    let title = format!("{}, {side}: from {} to {}", case.agent, names[0], names[1]);
    let svg = differential.svg(&Caption { title });
    let is_counted = versions[0].weight == SampleWeight::Instructions;
    let kind = if is_counted { "instructions" } else { "cpu" };
    let picture = match (svg, folder) {
        (Ok(svg), Some(folder)) => {
            let name = format!("{kind}/{}/{side}.differential.svg", case.agent);
            let path = folder.join(&name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).map_err(unwritable(parent))?;
            }
            fs::write(&path, svg).map_err(unwritable(&path))?;
            Ok(name)
        }
        (Err(why), _) => Err(ProfileError::to_string(&why)),
        (_, None) => Err("the comparison is not kept".to_owned()),
    };
    // What is inlined has names that may say little: the functions that it is part of, too.
    let [base, candidate] = versions.map(Profile::with_inlined_folded);
    let outer =
        Differential::between(names, [&base, &candidate]).map(|outer| outer.changes().grown);
    let mut outer = outer.unwrap_or_default();
    outer.retain(|row| row.growth() > 0.0);
    outer.truncate(OUTER_MAX);
    let (side, changes) = (side.to_owned(), differential.changes());
    Ok(Some(GrownSide { side, changes, outer, picture }))
}
