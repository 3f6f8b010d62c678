//! Where a version that is slower spends its time: both versions of a guest, sampled in turns by
//! the executable that compares.

use super::compare::Compare;
use super::instructions::grown_side;
use crate::guest::toolchain::Side;
use crate::job::Job;
use crate::job::launch::{Event, Launch, PROTOCOL, Sampling};
use crate::job::scale::Scale;
use crate::job::sides::{SideBuild, SideSpec};
use crate::measure::launch::{Control, launch};
use crate::measure::run::RunError;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::file;
use caxton_model::paired::Version;
use caxton_model::paired::comparison::GrownSide;
use caxton_model::profile::Profile;
use caxton_model::units::Nanos;
use std::path::PathBuf;
use std::time::Duration;

/// For how long each version is sampled, and how often a second.
const TIME: Nanos = Nanos(3_000_000_000);
const HZ: u32 = 997;
/// Windows without the sampler, names.
const LONGER: Duration = Duration::from_secs(20);

impl Compare<'_> {
    /// What changed in the WASM side of `case`, by samples; nothing where the two versions have the
    /// same module, or where nobody can sample.
    pub(super) fn sampled(&self, case: &CaseKey) -> Result<Option<GrownSide>, RunError> {
        let files = self.kits.map(|kit| kit.files(&case.agent));
        let [Some(base), Some(candidate)] = files else { return Ok(None) };
        let modules = [&base.wasm, &candidate.wasm];
        let [one, other] = modules.map(|path| file::read(path, file::MODULE_MAX).ok());
        if !case.is_overhead() || one == other {
            return Ok(None);
        }
        let side = |version: Version, path: &PathBuf| SideSpec {
            name: version.name().to_owned(),
            build: SideBuild::File(path.clone()),
            flags: String::new(),
        };
        let [base, new] = [side(Version::Base, modules[0]), side(Version::Candidate, modules[1])];
        let sampling =
            Sampling { engine: None, hz: HZ, time: TIME, threads: 1, asynchronous: false };
        let order = Launch {
            protocol: PROTOCOL,
            launch: 0,
            seed: self.comparison.design.seed,
            core: None,
            effort: Scale::Smoke.effort(),
            sampling,
            files: vec![candidate.clone()],
            folder: PathBuf::new(),
            code: PathBuf::new(),
            cases: vec![case.clone()],
            job: Job::ProfileSides(Box::new([base, new])),
        };
        let time = self.settings.timeout + LONGER;
        let launched = launch(&order, time, self.stop, &mut Control::Keep)?;
        let profile = |event: Event| match event {
            Event::Profile { profile, .. } => Some(*profile),
            _ => None,
        };
        let profiles: Vec<Profile> = launched.events.into_iter().filter_map(profile).collect();
        match (launched.outcome, &profiles[..]) {
            (Some(Outcome::Ran), [base, candidate]) => {
                let folder = self.folder.as_ref().map(|folder| folder.path());
                grown_side(case, Side::Wasm.name(), [base, candidate], folder)
            }
            _ => Ok(None),
        }
    }
}
