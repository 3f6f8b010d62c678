//! The instructions of two versions, and which functions execute more or fewer of them.

use super::compare::Compare;
use super::launch_pair::{self, LaunchError, LaunchPair};
use super::wire::Want;
use crate::measure::pictures::unwritable;
use crate::measure::run::RunError;
use caxton_model::case::CaseKey;
use caxton_model::paired::comparison::GrownSide;
use caxton_model::paired::{Trial, Turn, Version};
use caxton_model::profile::{Profile, ProfileError};
use caxton_profiler::counting;
use caxton_report::profile::differential::{Caption, Differential};
use std::fs;
use std::path::Path;

/// Processes of each version: their heaps are laid out differently.
const PROCESSES: u32 = 2;

/// What the instructions of a case came to.
#[derive(Default)]
pub(super) struct CountedVersions {
    pub(super) turns: Vec<Turn>,
    pub(super) grown: Vec<GrownSide>,
    /// Why there is nothing.
    pub(super) warning: Option<String>,
}

impl Compare<'_> {
    /// Counts the instructions of both versions. That a version cannot be counted costs nothing
    /// else: an executable of an earlier version may not know how.
    pub(super) fn instructions(&self, case: &CaseKey) -> Result<CountedVersions, RunError> {
        let mut counted = CountedVersions::default();
        if !case.is_overhead() {
            return Ok(counted);
        }
        let not = |why: &str| Some(format!("{case}: instructions are not compared: {why}"));
        if let Err(why) = counting::availability() {
            counted.warning = not(&why.to_string());
            return Ok(counted);
        }
        let pair = self.launch_pair(case, Trial::Counts, self.entries());
        let pair = LaunchPair { want: Want::Instructions, ..pair };
        let mut profiles: [Vec<Profile>; 2] = [Vec::new(), Vec::new()];
        for process in 0..PROCESSES {
            for (version, stacks) in Version::BOTH.into_iter().zip(&mut profiles) {
                let scratch = self.kits[usize::from(version == Version::Candidate)].scratch();
                // Alike in length for both: it lies in the heap of what is counted.
                let folder = scratch.join(format!("instructions-{process}"));
                fs::create_dir_all(&folder).map_err(unwritable(&folder))?;
                let told = launch_pair::instructions(&pair, version, process, &folder);
                // What one case leaves there is nothing to the next.
                let _ = fs::remove_dir_all(&folder);
                match told {
                    Ok((turns, mut more)) => {
                        counted.turns.extend(turns);
                        stacks.append(&mut more);
                    }
                    Err(LaunchError::Stopped) => return Ok(CountedVersions::default()),
                    Err(LaunchError::Machine(error)) => return Err(error.into()),
                    Err(LaunchError::Failed(version, outcome)) => {
                        let why = outcome.reason().unwrap_or(outcome.name());
                        let warning = not(&format!("{}: {why}", version.name()));
                        return Ok(CountedVersions { warning, ..CountedVersions::default() });
                    }
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
}

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
    let names = Version::BOTH.map(Version::name);
    let Ok(differential) = Differential::between(names, versions) else { return Ok(None) };
    let side = versions[1].about.side.clone();
    let title = format!("{}, {side}: from {} to {}", case.agent, names[0], names[1]);
    let svg = differential.svg(&Caption { title });
    let picture = match (svg, folder) {
        (Ok(svg), Some(folder)) => {
            let name = format!("instructions/{}/{side}.differential.svg", case.agent);
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
    // Which function it is, is asked: what is inlined into it has names that say little.
    let [base, candidate] = versions.map(Profile::with_inlined_folded);
    let by_function = Differential::between(names, [&base, &candidate]).unwrap_or(differential);
    Ok(Some(GrownSide { side, changes: by_function.changes(), picture }))
}
