//! When a task has launches enough: as many as planned, until its ratios are known well enough, or
//! until enough of them were quiet.

use crate::job::launch::Event;
use crate::job::scale::Scale;
use caxton_analysis::precision::{self, LOOKS};
use caxton_analysis::quiet::{Best, LATENCY, YARDSTICK};
use caxton_analysis::reduce::{self, Levels};
use caxton_model::case::CaseKey;
use caxton_model::samples::Sample;
use caxton_model::units::Unit;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What the user says of how often a case is measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Wish {
    /// Until its ratios are known within this share.
    pub precision: Option<f64>,
    /// Longest time for the launches of a case.
    pub budget: Option<Duration>,
}

/// Why a task takes a launch more than were planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Waiting {
    /// For launches on a core that nobody else uses.
    Quiet { quiet: u32, wanted: u32 },
    /// For a narrower interval: how far it reaches from its ratio, as a share; infinite where there
    /// is none.
    Narrow { reach: f64, wanted: f64 },
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Quiet { quiet, wanted } => write!(f, "waiting for quiet: {quiet} of {wanted}"),
            Self::Narrow { reach, wanted } => {
                let wanted = Unit::Share.show(wanted);
                if reach.is_infinite() {
                    return write!(f, "no interval yet, {wanted} is wanted");
                }
                write!(f, "known within {}, {wanted} is wanted", Unit::Share.show(reach))
            }
        }
    }
}

/// How far a task has come.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    pub scale: Scale,
    pub wish: Wish,
    /// Launches that ran, and those that were planned.
    pub done: u32,
    pub planned: u32,
    /// Time since the task began, and since the run did.
    pub of_task: Duration,
    pub of_run: Duration,
}

/// What is to be done after a launch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AfterLaunch {
    /// Another launch, as planned or until the next look.
    Launch,
    /// One more than planned.
    More(Waiting),
    /// The launches are enough.
    Enough,
    /// The time for more is over.
    Spent(Waiting),
}

impl Reached {
    /// What is to be done after `events`, by what `best` says is quiet.
    pub(super) fn next(&self, events: &[Event], best: Best) -> AfterLaunch {
        let wanted = self.wish.precision.filter(|_| self.scale != Scale::Smoke);
        let first_look = wanted.map_or(self.planned, |_| self.planned.min(LOOKS[0]));
        if self.done < first_look {
            return AfterLaunch::Launch;
        }
        if self.scale == Scale::Smoke {
            return AfterLaunch::Enough;
        }
        let is_spent = self.is_spent();
        if wanted.is_some() && !is_spent && !LOOKS.contains(&self.done) && self.done > self.planned
        {
            return AfterLaunch::Launch;
        }
        let cases = cases(events);
        let levels = Levels { best, ..Levels::for_run(1) };
        let waiting = match wanted {
            None => self.until_quiet(&cases, &levels),
            Some(wanted) => {
                let reaches =
                    cases.values().filter_map(|samples| precision::reach(samples, &levels));
                match reaches.max_by(f64::total_cmp) {
                    // It has no ratio to know.
                    None if self.done < self.planned => return AfterLaunch::Launch,
                    None => None,
                    Some(_) if !is_spent && !LOOKS.contains(&self.done) => {
                        return AfterLaunch::Launch;
                    }
                    Some(reach) if reach <= wanted => None,
                    Some(reach) => Some(match quiet(&cases, &levels) {
                        Some(quiet) if reach.is_infinite() && quiet < LOOKS[0] => {
                            Waiting::Quiet { quiet, wanted: LOOKS[0] }
                        }
                        _ => Waiting::Narrow { reach, wanted },
                    }),
                }
            }
        };
        match waiting {
            None => AfterLaunch::Enough,
            Some(waiting) if is_spent => AfterLaunch::Spent(waiting),
            Some(waiting) => AfterLaunch::More(waiting),
        }
    }

    /// Two thirds of the planned launches are to be quiet, where there are noise probes.
    fn until_quiet(
        &self,
        cases: &BTreeMap<&CaseKey, Vec<Sample>>,
        levels: &Levels,
    ) -> Option<Waiting> {
        let wanted = (self.planned * 2).div_ceil(3);
        let quiet = quiet(cases, levels)?;
        (quiet < wanted).then_some(Waiting::Quiet { quiet, wanted })
    }

    /// Disturbed launches are made up for by as many as were planned, while the run is young; or as
    /// long as the user says.
    fn is_spent(&self) -> bool {
        match self.wish.budget {
            Some(budget) => self.of_task >= budget || self.done >= LOOKS[LOOKS.len() - 1],
            None => self.done >= self.planned * 2 || self.of_run >= self.scale.patience(),
        }
    }
}

/// The samples of each case among `events`.
fn cases(events: &[Event]) -> BTreeMap<&CaseKey, Vec<Sample>> {
    let mut cases: BTreeMap<&CaseKey, Vec<Sample>> = BTreeMap::new();
    for event in events {
        if let Event::Sample(sample) = event {
            cases.entry(&sample.case).or_default().push(sample.clone());
        }
    }
    cases
}

/// How many launches of the first case with noise probes were quiet; none where none has them.
fn quiet(cases: &BTreeMap<&CaseKey, Vec<Sample>>, levels: &Levels) -> Option<u32> {
    cases.values().find_map(|samples| reduce::quiet_launches(samples, levels))
}

/// The noise probes among `events`.
pub(super) fn probes(events: &[Event]) -> Vec<Sample> {
    let probe = |event: &Event| match event {
        Event::Sample(sample) => {
            let is_probe = [YARDSTICK, LATENCY].contains(&sample.metric.as_str());
            is_probe.then(|| sample.clone())
        }
        _ => None,
    };
    events.iter().filter_map(probe).collect()
}

#[cfg(test)]
#[path = "enough_tests.rs"]
mod tests;
