//! The instructions of an agent, in launches of their own: one that compiles without callgrind, and
//! those that callgrind runs.

use super::run::{Run, RunError, Tally};
use crate::guest::files::AgentFiles;
use crate::job::launch::Event;
use crate::job::sides::SideBuild;
use crate::job::task::{INSTRUCTION_LAUNCHES, Task};
use crate::job::{CountedPhase, Instructions, Job};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::file;
use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::samples::Sample;
use caxton_profiler::counting;
use caxton_sys::process;
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

impl Run<'_> {
    /// Counts the instructions of `case` as `job` says. What cannot be counted is missing, and
    /// costs nothing else of a case that is timed.
    pub(super) fn instructions(
        &mut self,
        case: &CaseKey,
        files: &AgentFiles,
        job: &Instructions,
        tally: &mut Tally,
    ) -> Result<(), RunError> {
        let role = if job.pair.is_some() { "side" } else { "wasm" };
        if let Err(why) = counting::availability() {
            tally.events.push(missing(case, role, why));
            return Ok(());
        }
        tally.events.append(&mut self.compiled(case, files, job)?);
        let plain = self.counted(case, files, &job.of_phase(CountedPhase::Code), 0)?;
        let mut events = Vec::new();
        let launches = if job.is_profile { 1 } else { INSTRUCTION_LAUNCHES };
        for number in 0..launches {
            let launch = self.counted(case, files, job, number)?;
            if launch.done == 0 {
                let why = launch.outcome.as_ref().and_then(Outcome::reason);
                let why = Missing::Failed(why.unwrap_or("interrupted").to_owned());
                tally.events.push(missing(case, role, why));
                // A profile is all that was asked for.
                tally.outcome = launch.outcome.filter(|_| job.is_profile);
                return Ok(());
            }
            events.extend(launch.events);
            tally.done += u32::from(job.is_profile);
        }
        for role in other_code(&plain.events, &events) {
            events.retain(|event| !is_of(event, &role));
            let why = "under valgrind the module is compiled to other code than without it: \
                       valgrind's processor has fewer features (no AVX-512)";
            tally.events.push(missing(case, &role, Missing::Unsupported(why.to_owned())));
        }
        tally.events.extend(events);
        Ok(())
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
            return Ok(Vec::new());
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
    for side in job.pair.iter().flat_map(|pair| pair.iter()) {
        side.flags.hash(&mut hasher);
        if let SideBuild::File(path) = &side.build {
            file::read(path, file::MODULE_MAX).ok()?.hash(&mut hasher);
        }
    }
    Some(folder.join(format!("compiled-{:016x}.json", hasher.finish())))
}

/// The sides whose code is another one under valgrind than it is without.
fn other_code(plain: &[Event], counted: &[Event]) -> Vec<String> {
    let digests = |events: &[Event]| -> BTreeMap<String, String> {
        let digest = |event: &Event| match event {
            Event::Code { role, sha256 } => Some((role.clone(), sha256.clone())),
            _ => None,
        };
        events.iter().filter_map(digest).collect()
    };
    let plain = digests(plain);
    let differs = |(role, code): &(String, String)| plain.get(role) != Some(code);
    digests(counted).into_iter().filter(differs).map(|(role, _)| role).collect()
}

fn is_of(event: &Event, role: &str) -> bool {
    match event {
        Event::Sample(Sample { metric, .. }) => metric.as_str().starts_with(&format!("{role}_")),
        Event::Profile { profile, .. } => profile.about.side == role,
        _ => false,
    }
}

fn missing(case: &CaseKey, role: &str, why: Missing) -> Event {
    let metric = MetricName::parse(&format!("{role}_exact_instructions")).expect("in the table");
    Event::Missing { case: case.clone(), metric, why }
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
        let plain = [code("reference", "aa"), code("side", "bb")];
        let counted = [code("reference", "aa"), code("side", "cc"), code("side", "cc")];
        assert_eq!(other_code(&plain, &counted), ["side"]);
        assert_eq!(other_code(&counted, &counted), [""; 0]);
        assert_eq!(other_code(&[], &plain).len(), 2, "what is not known is not the same");
    }
}
