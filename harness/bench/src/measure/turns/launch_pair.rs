//! One launch pair: two fresh processes on one core that take turns, block by block, in an order
//! that a coin decides.

use super::kit::OpenKit;
use super::wire::{Answer, Command, Lane, Order, TURNS, TURNS_ARGUMENT, Want};
use crate::measure::child::{Received, Worker, died, now, timed_out};
use crate::measure::launch::some_core;
use crate::timing::turns::round;
use crate::workload::instructions::{OUT, SLOWER};
use caxton_analysis::paired::contest::contest_of;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::answers::Reply;
use caxton_model::paired::{Trial, Turn, Version};
use caxton_model::profile::{Profile, ProfileError};
use caxton_profiler::counting;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub kit: &'a OpenKit,
    /// Seed of the example message: a self-test plants slow-downs by it.
    pub example_seed: u64,
}

#[derive(Debug, Clone)]
pub struct LaunchPair<'a> {
    pub case: &'a CaseKey,
    /// What the readings are part of.
    pub trial: Trial,
    pub entries: [Entry<'a>; 2],
    /// What is wanted of them.
    pub want: Want,
    pub blocks: u32,
    /// Longest time for a launch pair.
    pub timeout: Duration,
    pub stop: &'a AtomicBool,
}

/// How a launch ended that did not run to its end.
#[derive(Debug)]
pub enum LaunchError {
    Stopped,
    /// A version failed.
    Failed(Version, Outcome),
    /// No worker can be started, or be waited for.
    Machine(io::Error),
}

impl From<io::Error> for LaunchError {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

/// A worker of one version.
struct Contender<'a> {
    version: Version,
    worker: Worker<Answer>,
    has_begun: bool,
    lanes: Vec<Lane>,
    reply: Option<Reply>,
    started: Duration,
    timeout: Duration,
    stop: &'a AtomicBool,
}

impl Contender<'_> {
    /// The next answer; an end that was not asked for is what became of the version.
    fn receive(&mut self) -> Result<Answer, TalkError> {
        match self.worker.receive(self.started, self.timeout, self.stop) {
            Received::Value(Answer::End(outcome)) if outcome != Outcome::Ran => {
                Err(TalkError::Reported(outcome))
            }
            Received::Value(answer) => Ok(answer),
            Received::Ended => Err(TalkError::Vanished),
            Received::Silent => Err(TalkError::Reported(timed_out(self.timeout))),
            Received::Stopped => Err(TalkError::Stopped),
        }
    }

    fn say(&mut self, command: Command) -> Result<(), TalkError> {
        self.worker
            .say(&command)
            .map_err(|error| TalkError::Reported(Outcome::Failed(error.to_string())))
    }

    fn expect_loaded(&mut self) -> Result<(), TalkError> {
        match self.receive()? {
            Answer::Loaded => {
                self.has_begun = true;
                Ok(())
            }
            other => Err(confused(&other)),
        }
    }

    fn prepare(&mut self) -> Result<(), TalkError> {
        self.say(Command::Prepare)?;
        match self.receive()? {
            Answer::Ready { lanes, reply } => {
                (self.lanes, self.reply) = (lanes, reply);
                Ok(())
            }
            other => Err(confused(&other)),
        }
    }

    fn block(&mut self, lane: u32, iterations: u64, samples: u32) -> Result<Vec<u64>, TalkError> {
        self.say(Command::Block { lane, iterations, samples })?;
        match self.receive()? {
            Answer::Times(times) => Ok(times),
            other => Err(confused(&other)),
        }
    }

    fn readings(&mut self) -> Result<Vec<Answer>, TalkError> {
        let mut readings = Vec::new();
        loop {
            match self.receive()? {
                Answer::End(_) => return Ok(readings),
                reading @ (Answer::Reading { .. } | Answer::Profile(_) | Answer::Code(_)) => {
                    readings.push(reading);
                }
                other => return Err(confused(&other)),
            }
        }
    }
}

enum TalkError {
    Stopped,
    Reported(Outcome),
    Vanished,
}

fn confused(answer: &Answer) -> TalkError {
    TalkError::Reported(Outcome::Failed(format!("it answered out of order: {answer:?}")))
}

/// Runs one launch pair; every reading of it.
///
/// # Errors
/// [`LaunchError`]: readings of a launch that one version did not survive are dropped, for they
/// have no partner.
pub fn pair(
    pair: &LaunchPair<'_>,
    launch: u32,
    rng: &mut fastrand::Rng,
) -> Result<Vec<Turn>, LaunchError> {
    let core = some_core(rng);
    let mut contenders = Vec::new();
    let mut order = [0, 1];
    rng.shuffle(&mut order);
    for which in order {
        let seed = rng.u64(..);
        contenders.push((
            which,
            start(pair, which, Process { number: launch, core, seed, pad: None, counts: None })?,
        ));
    }
    contenders.sort_by_key(|(which, _)| *which);
    let mut contenders: Vec<Contender<'_>> = contenders.into_iter().map(|(_, f)| f).collect();
    let taken = take_turns(pair, &mut contenders, launch, rng);
    settle(contenders, taken)
}

/// The counts of one version, told by a fresh process of it. `pad` makes its environment longer.
pub fn counts(
    pair: &LaunchPair<'_>,
    version: Version,
    launch: u32,
    pad: &str,
    rng: &mut fastrand::Rng,
) -> Result<Vec<Turn>, LaunchError> {
    let (core, seed) = (some_core(rng), rng.u64(..));
    let which = usize::from(version == Version::Candidate);
    let own = Process { number: launch, core, seed, pad: Some(pad), counts: None };
    let mut contender = start(pair, which, own)?;
    let told = contender.expect_loaded().and_then(|()| contender.readings());
    let told = told.map(|readings| turns_of(pair, contender.version, launch, readings));
    settle(vec![contender], told.map_err(|error| (0, error)))
}

/// What a process of a version told of its instructions.
#[derive(Debug, Default)]
pub struct ToldInstructions {
    pub turns: Vec<Turn>,
    /// By stack, of the first process.
    pub profiles: Vec<Profile>,
    /// Digest of the machine code of the WASM side.
    pub code: Option<String>,
}

/// The instructions of one version, told by a process of it that callgrind runs and that writes
/// into the folder `counts`; without one, of what code its module is compiled to.
pub fn instructions(
    pair: &LaunchPair<'_>,
    version: Version,
    launch: u32,
    counts: Option<&Path>,
) -> Result<ToldInstructions, LaunchError> {
    let which = usize::from(version == Version::Candidate);
    let own = Process { number: launch, core: None, seed: 0, pad: None, counts };
    let mut contender = start(pair, which, own)?;
    let mut answers = Vec::new();
    let told = contender.expect_loaded().and_then(|()| contender.readings()).map(|told| {
        answers = told;
        Vec::new()
    });
    settle(vec![contender], told.map_err(|error| (0, error)))?;
    let (mut told, mut readings) = (ToldInstructions::default(), Vec::new());
    for answer in answers {
        match answer {
            Answer::Profile(profile) => {
                // A worker may be a stranger's program.
                let damaged = |error: ProfileError| {
                    LaunchError::Failed(version, Outcome::Failed(error.to_string()))
                };
                profile.check().map_err(damaged)?;
                told.profiles.push(*profile);
            }
            Answer::Code(code) => told.code = Some(code),
            reading => readings.push(reading),
        }
    }
    told.turns = turns_of(pair, version, launch, readings);
    Ok(told)
}

/// What either version answers to the example message, told by a fresh process of each.
pub fn replies(
    pair: &LaunchPair<'_>,
    rng: &mut fastrand::Rng,
) -> Result<[Option<Reply>; 2], LaunchError> {
    let core = some_core(rng);
    let mut replies = [None, None];
    for (which, told) in replies.iter_mut().enumerate() {
        let own = Process { number: 0, core, seed: rng.u64(..), pad: None, counts: None };
        let mut contender = start(pair, which, own)?;
        let ended = contender
            .expect_loaded()
            .and_then(|()| contender.prepare())
            .and_then(|()| contender.say(Command::Finish))
            .and_then(|()| contender.readings());
        *told = contender.reply.take();
        settle(vec![contender], ended.map(|_| Vec::new()).map_err(|error| (0, error)))?;
    }
    Ok(replies)
}

/// One process of a version.
#[derive(Debug, Clone, Copy)]
struct Process<'a> {
    number: u32,
    core: Option<usize>,
    seed: u64,
    /// Makes its environment longer.
    pad: Option<&'a str>,
    /// Where callgrind writes, if it runs the process.
    counts: Option<&'a Path>,
}

fn start<'a>(
    pair: &LaunchPair<'a>,
    which: usize,
    process: Process<'_>,
) -> Result<Contender<'a>, LaunchError> {
    let Process { number, core, seed, pad, counts } = process;
    let (version, entry) = (Version::BOTH[which], pair.entries[which]);
    let agent = entry.kit.files(&pair.case.agent).ok_or_else(|| {
        let why = format!("the {} has no agent {}", version.name(), pair.case.agent);
        LaunchError::Failed(version, Outcome::NotRun(why))
    })?;
    let scratch = entry.kit.scratch();
    let program = entry.kit.executable();
    let mut timeout = pair.timeout;
    let counts = counts.map(|folder| folder.join(OUT));
    let mut worker = match &counts {
        Some(out) => {
            timeout *= SLOWER;
            let tool = counting::command(out, true);
            let started = Worker::start_under(&tool, &program, TURNS_ARGUMENT, Some(&scratch));
            started.map_err(|error| {
                let why = format!("valgrind cannot be started: {error}");
                LaunchError::Failed(version, Outcome::Failed(why))
            })?
        }
        None => Worker::start(&program, TURNS_ARGUMENT, Some(&scratch), pad)?,
    };
    worker.say(&Order {
        turns: TURNS,
        launch: number,
        seed,
        core,
        case: pair.case.clone(),
        want: pair.want,
        agent,
        example_seed: entry.example_seed,
        scratch,
        counts,
    })?;
    let (has_begun, lanes, reply) = (false, Vec::new(), None);
    let started = now();
    Ok(Contender { version, worker, has_begun, lanes, reply, started, timeout, stop: pair.stop })
}

/// Ends the workers, by force if need be, and says who fell.
fn settle(
    contenders: Vec<Contender<'_>>,
    taken: Result<Vec<Turn>, (usize, TalkError)>,
) -> Result<Vec<Turn>, LaunchError> {
    let mut failure = None;
    let (turns, who) = match taken {
        Ok(turns) => (turns, None),
        Err((who, error)) => (Vec::new(), Some((who, error))),
    };
    for (index, contender) in contenders.into_iter().enumerate() {
        let (version, has_begun) = (contender.version, contender.has_begun);
        // One that vanished is waited for: how it ended is the answer.
        let vanished = matches!(&who, Some((who, TalkError::Vanished)) if *who == index);
        let ended = contender.worker.end(!vanished)?;
        if let Some((_, error)) = who.as_ref().filter(|(who, _)| *who == index) {
            failure = Some(match error {
                TalkError::Stopped => LaunchError::Stopped,
                TalkError::Reported(outcome) => LaunchError::Failed(version, outcome.clone()),
                TalkError::Vanished => LaunchError::Failed(version, died(has_begun, &ended)),
            });
        }
    }
    failure.map_or(Ok(turns), Err)
}

fn take_turns(
    pair: &LaunchPair<'_>,
    contenders: &mut [Contender<'_>],
    launch: u32,
    rng: &mut fastrand::Rng,
) -> Result<Vec<Turn>, (usize, TalkError)> {
    for which in [0, 1] {
        contenders[which].expect_loaded().map_err(|error| (which, error))?;
    }
    let mut both = [0, 1];
    round(rng, &mut both, |which| contenders[*which].prepare().map_err(|error| (*which, error)))?;
    let mut shared = shared_lanes(contenders);
    let mut turns = Vec::new();
    for block in 0..pair.blocks {
        for lane in &mut shared {
            round(rng, lane, |turn| {
                let PairTurn { which, metric, lane, iterations, samples } = *turn;
                let times = contenders[which].block(lane, iterations, samples);
                let times = times.map_err(|error| (which, error))?;
                turns.extend((0u32..).zip(times).map(|(index, value)| Turn {
                    case: pair.case.clone(),
                    trial: pair.trial,
                    version: Version::BOTH[which],
                    launch,
                    metric,
                    block,
                    index,
                    iterations,
                    value,
                }));
                Ok(())
            })?;
        }
    }
    round(rng, &mut both, |which| {
        let contender = &mut contenders[*which];
        let told = contender.say(Command::Finish).and_then(|()| contender.readings());
        let readings = told.map_err(|error| (*which, error))?;
        turns.extend(turns_of(pair, contender.version, launch, readings));
        Ok(())
    })?;
    Ok(turns)
}

/// A block of one of the two versions.
#[derive(Debug, Clone, Copy)]
struct PairTurn {
    which: usize,
    metric: MetricName,
    lane: u32,
    iterations: u64,
    samples: u32,
}

/// The lanes that both versions have and this one knows. Blocks of both are made alike: as many
/// iterations as the longer batch has, as few samples as the smaller block.
fn shared_lanes(contenders: &[Contender<'_>]) -> Vec<[PairTurn; 2]> {
    let find = |which: usize, name: &str| {
        let lanes = &contenders[which].lanes;
        let at = lanes.iter().position(|lane| lane.metric == name)?;
        Some((at as u32, &lanes[at]))
    };
    let shared = |lane: &Lane| {
        let metric = MetricName::parse(&lane.metric).ok()?;
        let [(base_at, base), (at, candidate)] = [find(0, &lane.metric)?, find(1, &lane.metric)?];
        let iterations = base.iterations.max(candidate.iterations);
        let samples = base.samples.min(candidate.samples).max(1);
        let turn = |which, lane| PairTurn { which, metric, lane, iterations, samples };
        Some([turn(0, base_at), turn(1, at)])
    };
    contenders[0].lanes.iter().filter_map(shared).collect()
}

/// Readings as turns: those of metrics that this version compares.
fn turns_of(
    pair: &LaunchPair<'_>,
    version: Version,
    launch: u32,
    readings: Vec<Answer>,
) -> Vec<Turn> {
    let trial = pair.trial;
    let turn = |reading: Answer| {
        let Answer::Reading { metric, index, iterations, value } = reading else { return None };
        let metric = MetricName::parse(&metric).ok()?;
        let is_compared = trial == Trial::Counts || contest_of(metric).is_some();
        let case = pair.case.clone();
        is_compared.then_some(Turn {
            case,
            trial,
            version,
            launch,
            metric,
            block: 0,
            index,
            iterations,
            value,
        })
    };
    readings.into_iter().filter_map(turn).collect()
}
