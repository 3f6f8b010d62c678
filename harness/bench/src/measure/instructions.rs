//! The instructions of an agent, in launches of their own: one that compiles without callgrind, and
//! those that callgrind runs.

use super::run::{Run, RunError, Tally};
use super::settings::CountWish;
use crate::guest::files::AgentFiles;
use crate::job::launch::Event;
use crate::job::sides::{ROLES, SideBuild, SideSpec};
use crate::job::task::{INSTRUCTION_LAUNCHES, Task};
use crate::job::{CountedPhase, Instructions, Job};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::file;
use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_profiler::counting;
use caxton_sys::process;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

impl Run<'_> {
    /// Counts the instructions of `case` as `job` says. What cannot be counted is missing; the case
    /// has failed by it if the user asked for these counts.
    pub(super) fn instructions(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &Instructions,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        if let Err(why) = counting::availability() {
            tally.events.extend(missing(case, job, &why));
            return Ok(());
        }
        let mut events = Vec::new();
        if let Err(ended) = self.counted_launches(case, files, job, &mut events)? {
            let why = ended.as_ref().and_then(Outcome::reason).unwrap_or("interrupted");
            tally.events.extend(missing(case, job, &Missing::Failed(why.to_owned())));
            if job.is_profile || self.settings.instructions == CountWish::Asked {
                tally.outcome = ended;
            }
            return Ok(());
        }
        for role in other_code(&events) {
            let name = name_of(job, &role);
            events.retain(|event| !is_of(event, &role, name));
            let why = Missing::Unsupported(OTHER_CODE.to_owned());
            tally.events.push(missing_of(case, &role, &why));
            if job.is_profile {
                let (case, name) = (case.clone(), "no CPU profile".to_owned());
                tally.events.push(Event::Finding { case, name, text: OTHER_CODE.to_owned() });
            }
        }
        tally.done += u32::from(job.is_profile);
        tally.events.extend(events);
        Ok(())
    }

    /// The launches of a case, without callgrind and with it, whose events go to `events`; or how
    /// one ended that did not run to its end, which is nothing where the user stopped it.
    fn counted_launches(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &Instructions,
        events: &mut Vec<Event>,
    ) -> Result<Result<(), Option<Outcome>>, RunError> {
        let launches = if job.is_profile { 1 } else { INSTRUCTION_LAUNCHES };
        let plain = job.of_phase(CountedPhase::Code);
        let counted = (0..launches).map(|number| (job, number));
        for (job, number) in std::iter::once((&plain, 0)).chain(counted) {
            if number == 0 && job.phase == CountedPhase::Calls && !job.is_profile {
                // First: it leaves the code behind that the others take.
                events.append(&mut self.compiled(case, files, job)?);
            }
            let launch = self.counted(case, files, job, number)?;
            events.extend(launch.events);
            if launch.done == 0 {
                return Ok(Err(launch.outcome));
            }
        }
        Ok(Ok(()))
    }

    /// What compiling takes: counted once for each module and executable, and kept with the code
    /// that it was compiled to.
    fn compiled(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &Instructions,
    ) -> Result<Vec<Event>, RunError> {
        let kept = kept(&self.settings.code, files, job);
        let known = kept.as_ref().and_then(|path| file::read_text(path, file::PAGE_MAX).ok());
        let known = known.and_then(|text| serde_json::from_str::<Vec<Event>>(&text).ok());
        if let Some(mut events) = known {
            self.observer.launch_done(self.settings.expected(&Job::Instructions(job.clone())));
            set_case(&mut events, case);
            return Ok(events);
        }
        let counted = self.counted(case, files, &job.of_phase(CountedPhase::Compile), 0)?;
        if counted.done == 0 {
            let why = counted.outcome.as_ref().and_then(Outcome::reason).unwrap_or("interrupted");
            let why = Missing::Failed(why.to_owned());
            let missing = roles(job)
                .filter(|role| *role != "native")
                .map(|role| missing_metric(case, &format!("{role}_compile_instructions"), &why));
            return Ok(missing.collect());
        }
        let is_sample = |event: &Event| matches!(event, Event::Sample(_));
        let events: Vec<Event> = counted.events.into_iter().filter(is_sample).collect();
        if let (Some(path), Ok(text)) = (kept, serde_json::to_vec(&events)) {
            // What cannot be kept is counted again.
            let _ = fs::write(path, text);
        }
        Ok(events)
    }

    /// One launch; `done` is 1 if it ran to its end.
    fn counted(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &Instructions,
        number: u32,
    ) -> Result<Tally, RunError> {
        let task = Task::new(case.clone(), Job::Instructions(job.clone()));
        let mut order = self.order(task, vec![files.clone()], number);
        order.folder = self.scratch.fresh()?;
        // Text of one length each time: it lies in the heap of what is counted.
        order.seed = 0;
        let mut tally = Tally::default();
        tally.done = u32::from(self.one_launch(&order, &mut tally)?);
        self.observer.launch_done(self.settings.expected(&order.job));
        Ok(tally)
    }
}

/// Has `events` be of `case`: the same module may have been counted for another one.
fn set_case(events: &mut [Event], case: &CaseKey) {
    for event in events {
        if let Event::Sample(sample) = event {
            sample.case.clone_from(case);
        }
    }
}

/// The file in `folder` that keeps what compiling came to, by this executable; none where a file
/// cannot be read, which is told elsewhere.
fn kept(folder: &Path, files: &AgentFiles, job: &Instructions) -> Option<PathBuf> {
    let own = fs::metadata(process::THIS_EXECUTABLE).ok()?;
    let mut hasher = DefaultHasher::new();
    (own.len(), own.modified().ok()?).hash(&mut hasher);
    file::read(&files.wasm, file::MODULE_MAX).ok()?.hash(&mut hasher);
    serde_json::to_string(&(job, &files.given)).ok()?.hash(&mut hasher);
    for side in job.pair.iter().flat_map(|pair| pair.iter()) {
        if let SideBuild::File(path) = &side.build {
            file::read(path, file::MODULE_MAX).ok()?.hash(&mut hasher);
        }
    }
    Some(folder.join(format!("compiled-{:016x}.json", hasher.finish())))
}

/// Why code is not counted.
pub(super) const OTHER_CODE: &str = "under valgrind the module is compiled to other code than \
                                     without it: valgrind's processor has fewer features (no \
                                     AVX-512)";

/// The sides whose code differs between the launches, the one without callgrind among them.
fn other_code(events: &[Event]) -> Vec<String> {
    let mut codes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for event in events {
        if let Event::Code { role, sha256 } = event {
            codes.entry(role).or_default().insert(sha256);
        }
    }
    codes.retain(|_, digests| digests.len() > 1);
    codes.into_keys().map(str::to_owned).collect()
}

/// The sides of `job`, by their names in metrics.
fn roles(job: &Instructions) -> impl Iterator<Item = &'static str> {
    let roles = if job.pair.is_some() { ROLES } else { ["native", "wasm"] };
    roles.into_iter()
}

/// What profiles call the side `role`.
fn name_of<'a>(job: &'a Instructions, role: &'a str) -> &'a str {
    let side = |pair: &'a [SideSpec; 2]| {
        let at = roles(job).position(|own| own == role)?;
        Some(pair[at].name.as_str())
    };
    job.pair.as_deref().and_then(side).unwrap_or(role)
}

fn is_of(event: &Event, role: &str, name: &str) -> bool {
    match event {
        Event::Sample(Sample { metric, .. }) => metric.as_str().starts_with(&format!("{role}_")),
        Event::Profile { profile, .. } => profile.about.side == name,
        _ => false,
    }
}

/// That nothing was counted of any side.
fn missing(case: &CaseKey, job: &Instructions, why: &Missing) -> Vec<Event> {
    roles(job).map(|role| missing_of(case, role, why)).collect()
}

fn missing_of(case: &CaseKey, role: &str, why: &Missing) -> Event {
    missing_metric(case, &format!("{role}_exact_instructions"), why)
}

fn missing_metric(case: &CaseKey, metric: &str, why: &Missing) -> Event {
    let metric = MetricName::parse(metric).expect("a row for each side");
    Event::Missing { case: case.clone(), metric, why: why.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_whose_code_differs_under_valgrind_is_named() {
        let code = |role: &str, sha256: &str| Event::Code {
            role: role.to_owned(),
            sha256: sha256.to_owned(),
        };
        let events = [code("reference", "aa"), code("side", "bb"), code("reference", "aa")];
        assert_eq!(other_code(&events), [""; 0]);
        let differs = [&events[..], &[code("side", "cc")]].concat();
        assert_eq!(other_code(&differs), ["side"]);
        let spec = |name: &str| SideSpec {
            name: name.to_owned(),
            build: SideBuild::Wasm,
            flags: String::new(),
        };
        let job = Instructions::of(Some(Box::new([spec("plain"), spec("opt-level-0")])), true);
        assert_eq!(name_of(&job, "side"), "opt-level-0");
        assert_eq!(name_of(&Instructions::of(None, true), "wasm"), "wasm");
    }
}
