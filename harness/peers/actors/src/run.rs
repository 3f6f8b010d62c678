//! The parent: launches each population, and keeps what was measured in an ordinary run folder.

use crate::launch::LaunchEnd;
use crate::plan::{PeersEvent, PeersLaunch, PeersPlan};
use crate::sides::{PEERS, PeerSide, SUBJECT};
use caxton_analysis::quiet::Best;
use caxton_analysis::reduce::resummarise;
use caxton_bench::cmd::begin_record;
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::cost::Cost;
use caxton_bench::job::scale::Scale;
use caxton_bench::measure::run::RunError;
use caxton_bench::timing::calibrate;
use caxton_model::case::{self, CaseKey, Check, Outcome};
use caxton_model::record::store::RunFolder;
use caxton_model::record::{Budget, CaseRecord, Profiles, Record, Status};
use caxton_model::samples::Sample;
use caxton_sys::{clock, lock_file, memory};
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The frameworks, and what those without one run on.
const MEASURED: [&str; 4] = ["actix", "kameo", "ractor", "tokio"];
/// Which versions are measured.
const LOCK_FILE: &str = include_str!("../../Cargo.lock");

/// Runs a launch in a process of its own.
pub type Launcher<'a> = &'a dyn Fn(&PeersLaunch) -> io::Result<LaunchEnd>;

/// A run that is going on.
pub struct PeersRun<'a> {
    plan: PeersPlan,
    files: AgentFiles,
    launcher: Launcher<'a>,
    record: Record,
    folder: RunFolder,
    samples: Vec<Sample>,
    costs: Vec<Cost>,
}

/// The first page of a run in the checkout at `root`, which was started by `command`.
pub fn first_page(root: &Path, command: Vec<String>, seed: u64) -> Record {
    let mut record = begin_record(root, case::PEERS, Scale::Full, seed);
    record.run.command = command;
    record.engine.extend(
        MEASURED.map(|name| (name.to_owned(), lock_file::version(LOCK_FILE, name).to_owned())),
    );
    record
}

impl<'a> PeersRun<'a> {
    /// Begins a run of `plan` with the first page `record` in the new folder `path`.
    ///
    /// # Errors
    /// The run's folder cannot be made.
    pub fn begin(
        path: &Path,
        mut record: Record,
        plan: PeersPlan,
        files: AgentFiles,
        launcher: Launcher<'a>,
    ) -> Result<Self, RunError> {
        record.cases = plan.cases().into_iter().map(|of| planned(of.0, of.1, &plan)).collect();
        let folder = RunFolder::begin(path, &record, std::process::id())?;
        record.warnings.extend(folder.warnings());
        folder.write(&record)?;
        let (samples, costs) = (Vec::new(), Vec::new());
        Ok(Self { plan, files, launcher, record, folder, samples, costs })
    }

    /// Where it is kept.
    pub fn path(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Runs every population; how many cases failed.
    ///
    /// # Errors
    /// The folder cannot be written, or no process started. What was measured before is kept.
    pub fn all(&mut self) -> Result<usize, RunError> {
        let mut rng = Rng::with_seed(self.plan.seed);
        let agents = self.plan.agents.clone();
        let ended = agents.into_iter().try_for_each(|agents| self.population(agents, &mut rng));
        self.record.run.status = if ended.is_ok() { Status::Finished } else { Status::Failed };
        let written = self.write();
        ended.and(written)?;
        Ok(self.record.cases.iter().filter(|case| case.has_failed()).count())
    }

    /// All launches of `agents` agents. One that goes wrong is repeated without the side at fault.
    fn population(&mut self, agents: u32, rng: &mut Rng) -> Result<(), RunError> {
        let mut sides: Vec<PeerSide> = [SUBJECT].into_iter().chain(PEERS).collect();
        let mut number = 0;
        while number < self.plan.launches && sides.contains(&SUBJECT) && sides.len() > 1 {
            tell(&format!("{agents} agents: launch {} of {}", number + 1, self.plan.launches));
            let order = PeersLaunch {
                number,
                seed: rng.u64(..),
                agents,
                windows: self.plan.windows,
                sides: sides.clone(),
                files: self.files.clone(),
            };
            let ended = (self.launcher)(&order)?;
            if ended.outcome == Outcome::Ran {
                number += 1;
                self.keep(&order, ended.events)?;
            } else {
                let side = ended.last_turn();
                tell(&format!("{agents} agents: {} {}", side.name(), ended.outcome.told()));
                sides.retain(|one| *one != side);
                self.fail(&order, side, &ended.outcome)?;
            }
        }
        Ok(())
    }

    /// Puts what a launch told into its cases, and on disk.
    fn keep(&mut self, order: &PeersLaunch, events: Vec<PeersEvent>) -> Result<(), RunError> {
        let (mut samples, mut engines, mut tier) = (Vec::new(), BTreeSet::new(), None);
        for event in events {
            match event {
                PeersEvent::Sample(sample) => samples.push(sample),
                PeersEvent::Cost(cost) => self.costs.push(cost),
                PeersEvent::Engines(used) => engines.extend(used),
                PeersEvent::Tier(words) => tier = Some(words),
                PeersEvent::Turn(_) | PeersEvent::End(_) => {}
            }
        }
        for (_, case) in self.cases_of(order) {
            case.outcome = Outcome::Ran;
            case.launches.granted = order.number + 1;
            case.engines.extend(engines.iter().cloned());
            if let Some(tier) = &tier {
                case.findings.insert("tier".to_owned(), tier.clone());
            }
        }
        self.folder.append(&samples)?;
        self.samples.append(&mut samples);
        self.record.calibration = calibrate::medians(&self.costs, Best::of(&self.samples));
        resummarise(&mut self.record, &self.samples);
        self.write()
    }

    /// Notes what became of `side`: of its case, or of all cases of the launch for the subject.
    fn fail(
        &mut self,
        order: &PeersLaunch,
        side: PeerSide,
        outcome: &Outcome,
    ) -> Result<(), RunError> {
        for (peer, case) in self.cases_of(order) {
            if side == SUBJECT || peer == side {
                case.outcome = outcome.clone();
                // A side that failed has no numbers, whatever it did before.
                case.metrics.clear();
            }
        }
        self.write()
    }

    /// The cases that `order` fills, with their peers.
    fn cases_of(&mut self, order: &PeersLaunch) -> Vec<(PeerSide, &mut CaseRecord)> {
        let keys = order.cases();
        let of = |case: &'_ CaseRecord| {
            keys.iter().find(|(_, key)| *key == case.key).map(|(peer, _)| *peer)
        };
        let cases = self.record.cases.iter_mut();
        cases.filter_map(|case| of(case).map(|peer| (peer, case))).collect()
    }

    fn write(&mut self) -> Result<(), RunError> {
        self.record.run.updated_utc = clock::utc();
        self.record.host.load_at_end = memory::load_average().into();
        Ok(self.folder.write(&self.record)?)
    }
}

fn planned(peer: PeerSide, key: CaseKey, plan: &PeersPlan) -> CaseRecord {
    CaseRecord {
        key,
        outcome: Outcome::NotRun("the run has not come to it".to_owned()),
        engines: BTreeSet::new(),
        check: Some(Check::Accounts),
        launches: Budget { wanted: plan.launches, granted: 0 },
        metrics: BTreeMap::new(),
        findings: BTreeMap::from([("copies".to_owned(), peer.copies().to_owned())]),
        profiles: Profiles::default(),
        load: None,
        compiled: None,
    }
}

/// Says how the run goes, on standard error.
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "peers: {text}");
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
