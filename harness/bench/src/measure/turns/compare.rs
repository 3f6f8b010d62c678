//! A whole comparison: counts first, then launch pairs until each case is decided or its budget is
//! spent; and the base against itself on one case, as an audit of it all. After each case
//! everything is on disk.

use super::kit::OpenKit;
use super::launch_pair::{self, Entry, LaunchError, LaunchPair};
use super::wire::Want;
use crate::job::task::Pass;
use crate::measure::run::{Observer, RunError};
use caxton_analysis::paired::contest::CONTESTED;
use caxton_analysis::paired::judge::{judge_case, judge_pairs, judge_sentinel};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{CaseComparison, Comparison, Sentinel};
use caxton_model::paired::{Design, Trial, Turn, Version, Weight};
use caxton_model::record::store::RunFolder;
use caxton_model::record::{Budget, Status};
use caxton_model::units::Nanos;
use caxton_sys::clock::{Clock, Monotonic};
use caxton_sys::{clock, memory};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Processes of each version that tell counts: they are exact if two agree.
const COUNTING_PROCESSES: u32 = 2;
/// How much longer the environment of the second of them is: what depends on where the stack lies
/// is not exact.
const PAD_BYTES: usize = 1000;

/// How long a launch pair is expected to take.
pub const PAIR_TAKES: Nanos = Nanos(250_000_000);

/// `launches` pairs, for whoever looks on.
const fn pass(launches: u32) -> Pass {
    Pass { launches, each: PAIR_TAKES }
}

/// What of a case is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    pub case: CaseKey,
    /// Whether launch pairs compare it, beside its counts.
    pub is_paired: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Longest time for a launch pair.
    pub timeout: Duration,
    /// Time per case after which no further launch pair is begun, once there were enough for a
    /// first look.
    pub budget: Duration,
    pub what: What,
    /// Of which cases instructions are counted.
    pub instructions: CountedCases,
    /// Whether the base is also compared with itself.
    pub audit: bool,
    pub want: Want,
    /// Whether the user says that a difference between the answers is right.
    pub bless_answers: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Counts, and times in launch pairs.
    All,
    /// Counts alone.
    Counts,
    /// Launch pairs alone.
    Times,
}

/// Of which cases the instructions of both versions are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountedCases {
    Nothing,
    /// Of those that are worse, to say which functions it is; they are no verdict.
    Regressed,
    All,
}

pub struct Compare<'a> {
    /// What is known so far.
    pub comparison: Comparison,
    /// Where it is kept.
    pub folder: Option<RunFolder>,
    pub settings: Settings,
    pub kits: [&'a OpenKit; 2],
    pub stop: &'a AtomicBool,
    /// Is told how it goes.
    pub observer: &'a dyn Observer,
    /// Seeds of the example message, of base and candidate.
    pub example_seeds: [u64; 2],
}

/// The metrics that launch pairs will compare in a case, whose agent has a native build or not:
/// those of `weight`.
pub fn metrics_of(has_native: bool, weight: Weight) -> u32 {
    let is_there = |metric: &str| has_native || !metric.starts_with("native_");
    CONTESTED.iter().filter(|c| c.weight == weight && is_there(c.metric)).count() as u32
}

/// Who ended a case early, and how; nobody where both turn it down alike.
type CaseEnd = (Option<Version>, Outcome);

/// What the turns of one series came to.
#[derive(Default)]
struct Series {
    turns: Vec<Turn>,
    done: u32,
    failure: Option<CaseEnd>,
    taken: Nanos,
}

/// The outcome of a case whose comparison is not yet begun.
pub const NOT_YET: &str = "the comparison has not come to it";

impl Compare<'_> {
    /// Compares all `contests`; `margins` gives what the user allows.
    ///
    /// # Errors
    /// [`RunError`]: the folder cannot be written, no process can be started. What was finished
    /// before is on disk.
    pub fn all(
        &mut self,
        contests: &[Contest],
        margins: &dyn Fn(&CaseKey) -> BTreeMap<MetricName, f64>,
    ) -> Result<(), RunError> {
        let wanted = self.comparison.design.looks.last().copied().unwrap_or(0);
        for Contest { case, is_paired } in contests {
            let wanted = if *is_paired && self.settings.what != What::Counts { wanted } else { 0 };
            self.comparison.cases.push(CaseComparison {
                key: case.clone(),
                outcome: Outcome::NotRun(NOT_YET.to_owned()),
                failed: None,
                answers: Answers::Unchecked(NOT_YET.to_owned()),
                launches: Budget { wanted, granted: 0 },
                taken_ns: 0,
                margins: margins(case),
                metrics: Vec::new(),
                exact: Vec::new(),
                grown: Vec::new(),
            });
        }
        self.write()?;
        let mut rng = fastrand::Rng::with_seed(self.comparison.design.seed);
        let paired: Vec<usize> =
            (0..contests.len()).filter(|i| self.comparison.cases[*i].launches.wanted > 0).collect();
        let is_audited = self.settings.audit && !paired.is_empty();
        let audited = is_audited.then(|| paired[rng.usize(..paired.len())]);
        for index in 0..contests.len() {
            if self.stopped() {
                break;
            }
            let name = contests[index].case.to_string();
            let launches = self.comparison.cases[index].launches.wanted;
            self.observer.task(index + 1, contests.len(), &name, &[pass(launches)]);
            self.case(index, &mut rng)?;
            self.observer.task_done(&name, &self.comparison.cases[index].outcome);
            if audited == Some(index) && !self.stopped() {
                self.sentinel(&contests[index].case, &mut rng)?;
            }
        }
        let is_stopped = self.stopped();
        self.comparison.run.status =
            if is_stopped { Status::Interrupted } else { Status::Finished };
        self.write()
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn entries(&self) -> [Entry<'_>; 2] {
        let [base, candidate] = self.kits;
        let [of_base, of_candidate] = self.example_seeds;
        [
            Entry { kit: base, example_seed: of_base },
            Entry { kit: candidate, example_seed: of_candidate },
        ]
    }

    fn case(&mut self, index: usize, rng: &mut fastrand::Rng) -> Result<(), RunError> {
        let case = self.comparison.cases[index].key.clone();
        let (answers, failure) = self.answers(&case, rng)?;
        self.comparison.cases[index].answers = answers;
        let mut series = Series { failure, ..Series::default() };
        if self.settings.what != What::Times && series.failure.is_none() {
            series = self.counts(&case, rng)?;
        }
        if self.settings.instructions == CountedCases::All && series.failure.is_none() {
            let counted = self.instructions(&case)?;
            series.turns.extend(counted.turns);
            series.failure = counted.failure.map(|(version, outcome)| {
                let why = outcome.reason().unwrap_or_default();
                let why = format!("{}: instructions: {why}", version.name());
                (Some(version), Outcome::Failed(why))
            });
            self.comparison.cases[index].grown = counted.grown;
        }
        if self.comparison.cases[index].launches.wanted > 0 && series.failure.is_none() {
            let design = self.comparison.design.clone();
            let margins = self.comparison.cases[index].margins.clone();
            let margin = |metric| margins.get(&metric).copied();
            let decided = |turns: &[&Turn]| is_decided(turns, Trial::Contest, &design, &margin);
            let pair = self.launch_pair(&case, Trial::Contest, self.entries());
            let paired = self.pairs(&pair, &decided, rng)?;
            series.turns.extend(paired.turns);
            (series.done, series.failure, series.taken) =
                (paired.done, paired.failure, paired.taken);
        }
        if let Some(folder) = &mut self.folder {
            folder.append(&series.turns)?;
        }
        let design = &self.comparison.design;
        let record = &mut self.comparison.cases[index];
        judge_case(record, &series.turns.iter().collect::<Vec<_>>(), design, true);
        record.launches.granted = series.done;
        record.taken_ns = series.taken.0;
        (record.failed, record.outcome) = match series.failure {
            None if self.stop.load(Ordering::Relaxed) && series.turns.is_empty() => {
                (None, Outcome::NotRun("stopped before its first launch ended".to_owned()))
            }
            None => (None, Outcome::Ran),
            Some(failure) => failure,
        };
        if self.settings.instructions == CountedCases::Regressed && record.is_regressed() {
            let is_slower = record.is_slower();
            let mut grown = self.instructions(&case)?.grown;
            if is_slower {
                grown.extend(self.sampled(&case)?);
            }
            self.comparison.cases[index].grown = grown;
        }
        self.write()
    }

    pub(super) fn launch_pair<'b>(
        &'b self,
        case: &'b CaseKey,
        trial: Trial,
        entries: [Entry<'b>; 2],
    ) -> LaunchPair<'b> {
        let Settings { want, timeout, .. } = self.settings;
        LaunchPair {
            case,
            trial,
            entries,
            want,
            blocks: self.comparison.design.blocks,
            timeout,
            stop: self.stop,
        }
    }

    /// Whether both versions answer the example message alike; and who fell over it, or by it.
    fn answers(
        &self,
        case: &CaseKey,
        rng: &mut fastrand::Rng,
    ) -> Result<(Answers, Option<CaseEnd>), RunError> {
        let [base, candidate] = self.example_seeds;
        if base != candidate {
            let why = "the two are given different messages, for a test".to_owned();
            return Ok((Answers::Unchecked(why), None));
        }
        let want = match self.settings.want {
            Want::Turns { block, .. } => Want::Turns { block, samples_max: 1, instances: 1 },
            want @ (Want::Counts | Want::Instructions) => want,
        };
        let pair = LaunchPair { want, ..self.launch_pair(case, Trial::Contest, self.entries()) };
        let unchecked = |outcome: &Outcome| {
            Answers::Unchecked(outcome.reason().unwrap_or("it did not come to it").to_owned())
        };
        Ok(match launch_pair::replies(&pair, rng) {
            Ok([base, candidate]) => {
                let replies = [base.as_ref(), candidate.as_ref()];
                let answers = Answers::of(replies, self.settings.bless_answers);
                let end = match &answers {
                    Answers::Different(why) => {
                        Some((Some(Version::Candidate), Outcome::WrongAnswer(why.clone())))
                    }
                    _ => None,
                };
                (answers, end)
            }
            Err(LaunchError::Stopped) => (Answers::Unchecked("it was stopped".to_owned()), None),
            Err(LaunchError::Machine(error)) => return Err(error.into()),
            // Whether both turn the case down alike is asked with their counts.
            Err(LaunchError::Failed(_, outcome @ (Outcome::Refused(_) | Outcome::NotRun(_)))) => {
                (unchecked(&outcome), None)
            }
            Err(LaunchError::Failed(version, outcome)) => {
                (unchecked(&outcome), Some((Some(version), named(version, outcome, None))))
            }
        })
    }

    /// Two processes of each version.
    fn counts(&self, case: &CaseKey, rng: &mut fastrand::Rng) -> Result<Series, RunError> {
        let pair = self.launch_pair(case, Trial::Counts, self.entries());
        let pair = LaunchPair { want: Want::Counts, ..pair };
        let mut series = Series::default();
        let mut turned_down = Vec::new();
        for process in 0..COUNTING_PROCESSES {
            let pad = "x".repeat(PAD_BYTES * process as usize);
            for version in Version::BOTH {
                match launch_pair::counts(&pair, version, process, &pad, rng) {
                    Ok(turns) => series.turns.extend(turns),
                    Err(LaunchError::Stopped) => return Ok(series),
                    Err(LaunchError::Machine(error)) => return Err(error.into()),
                    Err(LaunchError::Failed(
                        _,
                        outcome @ (Outcome::Refused(_) | Outcome::NotRun(_)),
                    )) => {
                        turned_down.push((version, outcome));
                    }
                    Err(LaunchError::Failed(version, outcome)) => {
                        series.failure = Some((Some(version), named(version, outcome, None)));
                        return Ok(series);
                    }
                }
            }
        }
        let all = Version::BOTH.len() * COUNTING_PROCESSES as usize;
        series.failure = match &turned_down[..] {
            [] => None,
            [(_, first), rest @ ..]
                if turned_down.len() == all && rest.iter().all(|(_, other)| other == first) =>
            {
                Some((None, first.clone()))
            }
            [(version, outcome), ..] => {
                let why = outcome.reason().unwrap_or_default();
                let alone = if turned_down.len() == all { "in other words" } else { "alone" };
                let why = format!("{} {alone} turns it down: {why}", version.name());
                Some((Some(*version), Outcome::Failed(why)))
            }
        };
        Ok(series)
    }

    /// Launch pairs until `decided`, the last look, the end of the budget, or a error.
    fn pairs(
        &self,
        pair: &LaunchPair<'_>,
        decided: &dyn Fn(&[&Turn]) -> bool,
        rng: &mut fastrand::Rng,
    ) -> Result<Series, RunError> {
        let looks = &self.comparison.design.looks;
        let (first, last) = (looks.first().copied(), looks.last().copied());
        let mut series = Series::default();
        let start = Monotonic.now();
        for launch in 0..last.unwrap_or(0) {
            if self.stopped() {
                break;
            }
            match launch_pair::pair(pair, launch, rng) {
                Ok(turns) => series.turns.extend(turns),
                Err(LaunchError::Stopped) => break,
                Err(LaunchError::Machine(error)) => return Err(error.into()),
                Err(LaunchError::Failed(version, outcome)) => {
                    let outcome = named(version, outcome, Some(launch));
                    series.failure = Some((Some(version), outcome));
                    break;
                }
            }
            series.done += 1;
            self.observer.launch_done(PAIR_TAKES);
            series.taken = Nanos(Monotonic.now().0 - start.0);
            if looks.contains(&series.done) && decided(&series.turns.iter().collect::<Vec<_>>()) {
                break;
            }
            let is_spent = u128::from(series.taken.0) >= self.settings.budget.as_nanos();
            if is_spent && first.is_some_and(|first| series.done >= first) {
                break;
            }
        }
        Ok(series)
    }

    fn sentinel(&mut self, case: &CaseKey, rng: &mut fastrand::Rng) -> Result<(), RunError> {
        let has_native =
            self.kits[0].files(&case.agent).is_some_and(|files| files.native.is_some());
        let wanted = self.comparison.design.looks.last().copied().unwrap_or(0);
        self.observer.more_launches(pass(wanted));
        let mut sentinel = Sentinel {
            key: case.clone(),
            primary: metrics_of(has_native, Weight::Primary),
            secondary: metrics_of(has_native, Weight::Secondary),
            outcome: Outcome::Ran,
            launches: Budget { wanted, granted: 0 },
            metrics: Vec::new(),
        };
        let base = Entry { kit: self.kits[0], example_seed: self.example_seeds[0] };
        let pair = self.launch_pair(case, Trial::Sentinel, [base, base]);
        let design = sentinel.design(&self.comparison.design);
        let decided = |turns: &[&Turn]| is_decided(turns, Trial::Sentinel, &design, &|_| None);
        let series = self.pairs(&pair, &decided, rng)?;
        if let Some(folder) = &mut self.folder {
            folder.append(&series.turns)?;
        }
        let turns: Vec<&Turn> = series.turns.iter().collect();
        judge_sentinel(&mut sentinel, &turns, &self.comparison.design, true);
        sentinel.launches.granted = series.done;
        if let Some((_, outcome)) = series.failure {
            sentinel.outcome = outcome;
        }
        self.comparison.sentinel = Some(sentinel);
        self.write()
    }

    fn write(&mut self) -> Result<(), RunError> {
        self.comparison.run.updated_utc = clock::utc();
        self.comparison.host.load_at_end = memory::load_average().into();
        if let Some(folder) = &self.folder {
            folder.write(&self.comparison)?;
        }
        Ok(())
    }
}

/// True when every primary metric is decided, and there is one.
fn is_decided(
    turns: &[&Turn],
    trial: Trial,
    design: &Design,
    margin: &dyn Fn(MetricName) -> Option<f64>,
) -> bool {
    let metrics = judge_pairs(turns, trial, design, margin, false);
    let mut primary = metrics.iter().filter(|m| m.weight == Weight::Primary).peekable();
    primary.peek().is_some() && primary.all(|m| m.verdict.is_some())
}

/// An outcome that says whose it is, and in which launch.
fn named(version: Version, outcome: Outcome, launch: Option<u32>) -> Outcome {
    let whose = match launch {
        Some(launch) => format!("{}, launch {}: ", version.name(), launch + 1),
        None => format!("{}: ", version.name()),
    };
    let with = |why: String| whose.clone() + &why;
    match outcome {
        Outcome::Ran => Outcome::Ran,
        Outcome::Refused(why) => Outcome::Refused(with(why)),
        Outcome::DiedBeforeWork(why) => Outcome::DiedBeforeWork(with(why)),
        Outcome::DiedInTheMiddle(why) => Outcome::DiedInTheMiddle(with(why)),
        Outcome::TimedOut(why) => Outcome::TimedOut(with(why)),
        Outcome::WrongAnswer(why) => Outcome::WrongAnswer(with(why)),
        Outcome::Failed(why) => Outcome::Failed(with(why)),
        Outcome::NotRun(why) => Outcome::NotRun(with(why)),
        Outcome::Unsupported(why) => Outcome::Unsupported(with(why)),
    }
}

/// A design for `contests` between two kits: every primary and secondary metric counts.
pub fn design_for(contests: &[Contest], base: &OpenKit, design: Design) -> Design {
    let (mut primary, mut secondary) = (0, 0);
    for contest in contests.iter().filter(|contest| contest.is_paired) {
        let has_native = base.files(&contest.case.agent).is_some_and(|f| f.native.is_some());
        primary += metrics_of(has_native, Weight::Primary);
        secondary += metrics_of(has_native, Weight::Secondary);
    }
    Design { primary, secondary, ..design }
}
