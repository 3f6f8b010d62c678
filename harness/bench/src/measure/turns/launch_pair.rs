//! One launch pair: two fresh processes on one core that take turns, block by block, in an order
//! that a coin decides.

use super::kit::OpenKit;
use super::wire::{Answer, Command, Lane, Order, TURNS, TURNS_ARGUMENT, Want};
use crate::measure::child::{Heard, Worker, died, now, timed_out};
use crate::timing::turns::round;
use caxton_analysis::paired::contest::contest_of;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::answers::Reply;
use caxton_model::paired::{Trial, Turn, Version};
use caxton_sys::affinity;
use std::io;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// One of the two.
#[derive(Debug, Clone, Copy)]
pub struct Entrant<'a> {
    /// What is run.
    pub kit: &'a OpenKit,
    /// Seed of the example message: a self-test plants slow-downs by it.
    pub example_seed: u64,
}

/// What a launch pair is of.
#[derive(Debug, Clone)]
pub struct Bout<'a> {
    /// The case.
    pub case: &'a CaseKey,
    /// What the readings are part of.
    pub trial: Trial,
    /// Base and candidate.
    pub entrants: [Entrant<'a>; 2],
    /// What is wanted of them.
    pub want: Want,
    /// Pairs of blocks.
    pub blocks: u32,
    /// Longest time for a launch pair.
    pub timeout: Duration,
    /// Set when the user wants to stop.
    pub stop: &'a AtomicBool,
}

/// How a launch ended that did not run to its end.
#[derive(Debug)]
pub enum Fallen {
    /// The user wants to stop.
    Stopped,
    /// A version failed.
    Failed(Version, Outcome),
    /// No worker can be started, or be waited for.
    Machine(io::Error),
}

impl From<io::Error> for Fallen {
    fn from(error: io::Error) -> Self {
        Self::Machine(error)
    }
}

/// A worker in the ring.
struct Fighter<'a> {
    version: Version,
    worker: Worker<Answer>,
    has_begun: bool,
    lanes: Vec<Lane>,
    reply: Option<Reply>,
    started: Duration,
    timeout: Duration,
    stop: &'a AtomicBool,
}

impl Fighter<'_> {
    /// The next answer; an end that was not asked for is what became of the version.
    fn hear(&mut self) -> Result<Answer, Fall> {
        match self.worker.hear(self.started, self.timeout, self.stop) {
            Heard::Said(Answer::End(outcome)) if outcome != Outcome::Ran => {
                Err(Fall::Told(outcome))
            }
            Heard::Said(answer) => Ok(answer),
            Heard::Ended => Err(Fall::Vanished),
            Heard::Silent => Err(Fall::Told(timed_out(self.timeout))),
            Heard::Stopped => Err(Fall::Stopped),
        }
    }

    fn say(&mut self, command: Command) -> Result<(), Fall> {
        self.worker.say(&command).map_err(|error| Fall::Told(Outcome::Failed(error.to_string())))
    }

    fn expect_loaded(&mut self) -> Result<(), Fall> {
        match self.hear()? {
            Answer::Loaded => {
                self.has_begun = true;
                Ok(())
            }
            other => Err(confused(&other)),
        }
    }

    fn prepare(&mut self) -> Result<(), Fall> {
        self.say(Command::Prepare)?;
        match self.hear()? {
            Answer::Ready { lanes, reply } => {
                (self.lanes, self.reply) = (lanes, reply);
                Ok(())
            }
            other => Err(confused(&other)),
        }
    }

    fn block(&mut self, lane: u32, iterations: u64, samples: u32) -> Result<Vec<u64>, Fall> {
        self.say(Command::Block { lane, iterations, samples })?;
        match self.hear()? {
            Answer::Times(times) => Ok(times),
            other => Err(confused(&other)),
        }
    }

    /// Its readings, up to its end.
    fn readings(&mut self) -> Result<Vec<Answer>, Fall> {
        let mut readings = Vec::new();
        loop {
            match self.hear()? {
                Answer::End(_) => return Ok(readings),
                reading @ Answer::Reading { .. } => readings.push(reading),
                other => return Err(confused(&other)),
            }
        }
    }
}

/// What ended a talk.
enum Fall {
    Stopped,
    Told(Outcome),
    Vanished,
}

fn confused(answer: &Answer) -> Fall {
    Fall::Told(Outcome::Failed(format!("it answered out of order: {answer:?}")))
}

/// Runs one launch pair; every reading of it.
///
/// # Errors
/// [`Fallen`]: readings of a launch that one version did not survive are dropped, for they would
/// have no partner.
pub fn pair(bout: &Bout<'_>, launch: u32, rng: &mut fastrand::Rng) -> Result<Vec<Turn>, Fallen> {
    let core = some_core(rng);
    let mut fighters = Vec::new();
    let mut order = [0, 1];
    rng.shuffle(&mut order);
    for which in order {
        let seed = rng.u64(..);
        fighters
            .push((which, start(bout, which, Process { number: launch, core, seed, pad: None })?));
    }
    fighters.sort_by_key(|(which, _)| *which);
    let mut fighters: Vec<Fighter<'_>> = fighters.into_iter().map(|(_, f)| f).collect();
    let fought = fight(bout, &mut fighters, launch, rng);
    settle(fighters, fought)
}

/// The counts of one version, told by a fresh process of it. `pad` makes its environment longer.
///
/// # Errors
/// As [`pair`].
pub fn counts(
    bout: &Bout<'_>,
    version: Version,
    launch: u32,
    pad: &str,
    rng: &mut fastrand::Rng,
) -> Result<Vec<Turn>, Fallen> {
    let (core, seed) = (some_core(rng), rng.u64(..));
    let which = usize::from(version == Version::Candidate);
    let own = Process { number: launch, core, seed, pad: Some(pad) };
    let mut fighter = start(bout, which, own)?;
    let told = fighter.expect_loaded().and_then(|()| fighter.readings());
    let told = told.map(|readings| turns_of(bout, &fighter, launch, readings));
    settle(vec![fighter], told.map_err(|fall| (0, fall)))
}

/// What either version answers to the example message, told by a fresh process of each.
///
/// # Errors
/// As [`pair`].
pub fn replies(bout: &Bout<'_>, rng: &mut fastrand::Rng) -> Result<[Option<Reply>; 2], Fallen> {
    let core = some_core(rng);
    let mut replies = [None, None];
    for (which, told) in replies.iter_mut().enumerate() {
        let own = Process { number: 0, core, seed: rng.u64(..), pad: None };
        let mut fighter = start(bout, which, own)?;
        let ended = fighter
            .expect_loaded()
            .and_then(|()| fighter.prepare())
            .and_then(|()| fighter.say(Command::Finish))
            .and_then(|()| fighter.readings());
        *told = fighter.reply.take();
        settle(vec![fighter], ended.map(|_| Vec::new()).map_err(|fall| (0, fall)))?;
    }
    Ok(replies)
}

fn some_core(rng: &mut fastrand::Rng) -> Option<usize> {
    let cores = affinity::cores_to_bind().unwrap_or_default();
    (!cores.is_empty()).then(|| cores[rng.usize(..cores.len())])
}

/// One process of a version.
#[derive(Debug, Clone, Copy)]
struct Process<'a> {
    number: u32,
    core: Option<usize>,
    seed: u64,
    /// Makes its environment longer.
    pad: Option<&'a str>,
}

fn start<'a>(bout: &Bout<'a>, which: usize, process: Process<'_>) -> Result<Fighter<'a>, Fallen> {
    let Process { number, core, seed, pad } = process;
    let (version, entrant) = (Version::BOTH[which], bout.entrants[which]);
    let agent = entrant.kit.files(&bout.case.agent).ok_or_else(|| {
        let why = format!("the {} has no agent {}", version.name(), bout.case.agent);
        Fallen::Failed(version, Outcome::NotRun(why))
    })?;
    let scratch = entrant.kit.scratch();
    let program = entrant.kit.executable();
    let mut worker = Worker::start(&program, TURNS_ARGUMENT, Some(&scratch), pad)?;
    worker.say(&Order {
        turns: TURNS,
        launch: number,
        seed,
        core,
        case: bout.case.clone(),
        want: bout.want,
        agent,
        example_seed: entrant.example_seed,
        scratch,
    })?;
    let (has_begun, lanes, reply) = (false, Vec::new(), None);
    let (started, timeout) = (now(), bout.timeout);
    Ok(Fighter { version, worker, has_begun, lanes, reply, started, timeout, stop: bout.stop })
}

/// Ends the workers, by force if need be, and says who fell.
fn settle(
    fighters: Vec<Fighter<'_>>,
    fought: Result<Vec<Turn>, (usize, Fall)>,
) -> Result<Vec<Turn>, Fallen> {
    let mut fallen = None;
    let (turns, who) = match fought {
        Ok(turns) => (turns, None),
        Err((who, fall)) => (Vec::new(), Some((who, fall))),
    };
    for (index, fighter) in fighters.into_iter().enumerate() {
        let (version, has_begun) = (fighter.version, fighter.has_begun);
        // One that vanished is waited for: how it ended is the answer.
        let vanished = matches!(&who, Some((who, Fall::Vanished)) if *who == index);
        let ended = fighter.worker.end(!vanished)?;
        if let Some((_, fall)) = who.as_ref().filter(|(who, _)| *who == index) {
            fallen = Some(match fall {
                Fall::Stopped => Fallen::Stopped,
                Fall::Told(outcome) => Fallen::Failed(version, outcome.clone()),
                Fall::Vanished => Fallen::Failed(version, died(has_begun, &ended)),
            });
        }
    }
    fallen.map_or(Ok(turns), Err)
}

fn fight(
    bout: &Bout<'_>,
    fighters: &mut [Fighter<'_>],
    launch: u32,
    rng: &mut fastrand::Rng,
) -> Result<Vec<Turn>, (usize, Fall)> {
    for which in [0, 1] {
        fighters[which].expect_loaded().map_err(|fall| (which, fall))?;
    }
    let mut both = [0, 1];
    round(rng, &mut both, |which| fighters[*which].prepare().map_err(|fall| (*which, fall)))?;
    let mut shared = shared_lanes(fighters);
    let mut turns = Vec::new();
    for block in 0..bout.blocks {
        for lane in &mut shared {
            round(rng, lane, |turn| {
                let BlockTurn { which, metric, lane, iterations, samples } = *turn;
                let times = fighters[which].block(lane, iterations, samples);
                let times = times.map_err(|fall| (which, fall))?;
                turns.extend((0u32..).zip(times).map(|(index, value)| Turn {
                    case: bout.case.clone(),
                    trial: bout.trial,
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
        let fighter = &mut fighters[*which];
        let told = fighter.say(Command::Finish).and_then(|()| fighter.readings());
        let readings = told.map_err(|fall| (*which, fall))?;
        turns.extend(turns_of(bout, fighter, launch, readings));
        Ok(())
    })?;
    Ok(turns)
}

/// A block of one of the two versions.
#[derive(Debug, Clone, Copy)]
struct BlockTurn {
    which: usize,
    metric: MetricName,
    lane: u32,
    iterations: u64,
    samples: u32,
}

/// The lanes that both versions have and this one knows. Blocks of both are made alike: as many
/// iterations as the longer batch has, as few samples as the smaller block.
fn shared_lanes(fighters: &[Fighter<'_>]) -> Vec<[BlockTurn; 2]> {
    let find = |which: usize, name: &str| {
        let lanes = &fighters[which].lanes;
        let at = lanes.iter().position(|lane| lane.metric == name)?;
        Some((at as u32, &lanes[at]))
    };
    let shared = |lane: &Lane| {
        let metric = MetricName::parse(&lane.metric).ok()?;
        let [(base_at, base), (at, candidate)] = [find(0, &lane.metric)?, find(1, &lane.metric)?];
        let iterations = base.iterations.max(candidate.iterations);
        let samples = base.samples.min(candidate.samples).max(1);
        let turn = |which, lane| BlockTurn { which, metric, lane, iterations, samples };
        Some([turn(0, base_at), turn(1, at)])
    };
    fighters[0].lanes.iter().filter_map(shared).collect()
}

/// Readings as turns: those of metrics that this version compares.
fn turns_of(
    bout: &Bout<'_>,
    fighter: &Fighter<'_>,
    launch: u32,
    readings: Vec<Answer>,
) -> Vec<Turn> {
    let (trial, version) = (bout.trial, fighter.version);
    let turn = |reading: Answer| {
        let Answer::Reading { metric, index, iterations, value } = reading else { return None };
        let metric = MetricName::parse(&metric).ok()?;
        let is_compared = trial == Trial::Counts || contest_of(metric).is_some();
        let case = bout.case.clone();
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
