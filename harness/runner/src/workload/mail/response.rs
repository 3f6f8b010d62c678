//! How long an agent takes to answer, at a fixed rate that does not wait for it.
//!
//! The n-th request is meant to start at n times the interval, whatever became of the ones before:
//! the time from then to its answer is its response time, so that a stall is felt by every request
//! that fell into it. From the moment it was really sent runs its service time. One thread
//! generates and takes the answers, one runs the agents. The idle twin gets the same schedule and
//! answers without a call into an agent: on a shared machine most of a tail is the scheduler's, and
//! the difference is what the agents add.

use super::runtime::{Started, start};
use super::traffic::request;
use crate::measure::calibrate;
use crate::measure::protocol::{AgentFiles, Crew, Event, Runtime, Schedule, System};
use crate::orchestrator::batcher::Batcher;
use crate::orchestrator::{Orchestrator, PostError, Setup, WhenFull};
use crate::subject::Attempt;
use crate::subject::mail::Shape;
use crate::sys::clock::Clock;
use crate::workload::{At, Context};
use agent_abi::mail::{Header, Kind, body_hash, seal};
use caxton_results::case::{CaseKey, Outcome};
use caxton_results::reading::Missing;
use caxton_results::units::Nanos;
use hdrhistogram::Histogram;

/// Windows of latency are this much longer than those of throughput: a quantile wants samples
/// beyond it.
const LONGER: u64 = 4;
/// Samples that must lie beyond a quantile for it to be told.
const BEYOND: u64 = 10;
/// Messages that fit a mailbox; and the most that one call takes.
const SLOTS: u32 = 64;
/// How long answers are waited for at the end of a window.
const PATIENCE_NS: u64 = 10_000_000_000;
/// An hour: the longest time that is told from a longer one.
const LONGEST_NS: u64 = 3_600_000_000_000;

/// Quantiles that are told, their metric's part of a name, and the share of samples beyond.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// One side and what was measured of it in a window.
struct Side {
    started: Started,
    prefix: &'static str,
}

/// Times of one window, in nanoseconds.
pub(super) struct Times {
    pub(super) response: Histogram<u64>,
    service: Histogram<u64>,
    lateness: Histogram<u64>,
    wall: Nanos,
}

/// One launch at an open loop.
///
/// # Errors
/// What became of it; `WrongAnswer` where an answer is not to what was asked.
pub fn run(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    case: &CaseKey,
    schedule: Schedule,
) -> Attempt<()> {
    let cost = calibrate::measure(ctx.clock)?;
    (ctx.tell)(Event::Cost(cost));
    let setup = setup(schedule.agents, schedule.bytes);
    let mut sides = Vec::new();
    for (crew, prefix) in [(Crew::Guests, "subject"), (Crew::Idle, "peer")] {
        let started = start(Runtime::new(System::Reference, crew), agent, setup)?;
        sides.push(Side { started, prefix });
    }
    (ctx.tell)(Event::Working);
    let mut generator = Generator::new(ctx, schedule, requests(ctx, schedule));
    for side in &mut sides {
        generator.window(ctx.clock, side.started.orchestrator.as_mut())?;
    }
    ctx.finding(case, "tier", sides[0].started.tier.clone());
    for block in 0..ctx.effort.windows {
        let first = ctx.rng.usize(..2);
        for turn in 0..2 {
            let side = &mut sides[(first + turn) % 2];
            let times = generator.window(ctx.clock, side.started.orchestrator.as_mut())?;
            tell(ctx, case, block, (side.prefix, &times));
        }
    }
    Ok(())
}

/// Requests in a window.
pub(super) fn requests(ctx: &Context<'_>, schedule: Schedule) -> u64 {
    let length_ns = ctx.effort.window.0 * LONGER;
    (length_ns * u64::from(schedule.per_second) / 1_000_000_000).max(1)
}

/// One thread runs the agents, the other is the generator's.
pub(super) fn setup(agents: u32, bytes: u32) -> Setup {
    let shape = Shape::of(SLOTS, bytes);
    Setup { agents, shards: 1, shape, batch: SLOTS, when_full: WhenFull::Block }
}

/// One launch of one request at a time.
///
/// # Errors
/// As [`run`].
pub fn round_trip(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    case: &CaseKey,
    bytes: u32,
) -> Attempt<()> {
    /// Round trips in a window of a millisecond: they take a few microseconds, or a wake-up.
    const PER_MS: u64 = 50;
    let runtime = Runtime::new(System::Reference, Crew::Guests);
    let mut started = start(runtime, agent, setup(1, bytes))?;
    (ctx.tell)(Event::Working);
    let schedule = Schedule { agents: 1, per_second: 1, bytes };
    let trips = (ctx.effort.window.0 * LONGER / 1_000_000 * PER_MS).max(1);
    let mut generator = Generator::new(ctx, schedule, trips);
    for block in 0..ctx.effort.windows {
        let times = generator.round_trips(ctx.clock, started.orchestrator.as_mut())?;
        for (name, share) in QUANTILES.into_iter().filter(|(name, _)| *name != "p90") {
            quantile(ctx, case, block, (&format!("round_trip_{name}_ns"), &times, share));
        }
    }
    Ok(())
}

/// Makes requests and takes answers.
pub(super) struct Generator {
    message: Vec<u8>,
    hash: u64,
    /// Whom the n-th request of a window goes to.
    order: Vec<u32>,
    interval_ns: f64,
    sent_ns: Vec<u64>,
    answers: Vec<(u32, bool)>,
}

impl Generator {
    pub(super) fn new(ctx: &mut Context<'_>, schedule: Schedule, requests: u64) -> Self {
        let message: Vec<u8> = (0..schedule.bytes).map(|_| ctx.rng.u8(..)).collect();
        let hash = body_hash(&message[Header::BYTES..]);
        let order = (0..requests).map(|_| ctx.rng.u32(..schedule.agents)).collect();
        let interval_ns = 1e9 / f64::from(schedule.per_second);
        let (sent_ns, answers) = (vec![0; requests as usize], Vec::new());
        Self { message, hash, order, interval_ns, sent_ns, answers }
    }

    /// When the n-th request is meant to start, from the window's start on.
    fn intended_ns(&self, number: usize) -> u64 {
        (number as f64 * self.interval_ns) as u64
    }

    /// All requests of a window, on schedule.
    fn window(&mut self, clock: &dyn Clock, orchestrator: &mut dyn Orchestrator) -> Attempt<Times> {
        self.paced(clock, orchestrator, None)
    }

    /// The same, the requests waiting for company in `batcher` where there is one.
    pub(super) fn paced(
        &mut self,
        clock: &dyn Clock,
        orchestrator: &mut dyn Orchestrator,
        mut batcher: Option<&mut Batcher>,
    ) -> Attempt<Times> {
        let mut times = Times::new();
        let start = clock.now().0;
        let (mut next, mut answered) = (0, 0);
        let last = self.intended_ns(self.order.len()) + PATIENCE_NS;
        while answered < self.order.len() {
            let now = clock.now().0 - start;
            if next < self.order.len() && self.intended_ns(next) <= now {
                // A mailbox that is full delays the request and all behind it: that is response
                // time, for the intended start stands.
                let is_sent = match &mut batcher {
                    Some(batcher) => {
                        self.address(next);
                        batcher.add(&self.message, now);
                        true
                    }
                    None => self.post(orchestrator, next)?,
                };
                if is_sent {
                    self.sent_ns[next] = now;
                    times.lateness.saturating_record(now - self.intended_ns(next));
                    next += 1;
                }
            }
            if let Some(batcher) = batcher.as_mut().filter(|batcher| batcher.is_due(now)) {
                let flushed = batcher.flush(orchestrator);
                flushed.map_err(|error| Outcome::Failed(error.to_string()))?;
            }
            if self.take(orchestrator) > 0 {
                let now = clock.now().0 - start;
                answered += self.note(now, &mut times)?;
            }
            if now > last {
                let missing = self.order.len() - answered;
                return Err(Outcome::TimedOut(format!("{missing} requests without an answer")));
            }
        }
        times.wall = Nanos(clock.now().0 - start);
        Ok(times)
    }

    /// One request after the other, each when the one before was answered.
    fn round_trips(
        &mut self,
        clock: &dyn Clock,
        orchestrator: &mut dyn Orchestrator,
    ) -> Attempt<Times> {
        let mut times = Times::new();
        let start = clock.now().0;
        for number in 0..self.order.len() {
            let sent = clock.now().0;
            while !self.post(orchestrator, number)? {}
            while self.take(orchestrator) == 0 {
                if clock.now().0 - sent > PATIENCE_NS {
                    return Err(Outcome::TimedOut("a request without an answer".to_owned()));
                }
            }
            times.response.saturating_record(clock.now().0 - sent);
            check_all(&mut self.answers)?;
        }
        times.wall = Nanos(clock.now().0 - start);
        Ok(times)
    }

    /// Makes the message the request of that number.
    fn address(&mut self, number: usize) {
        let mut header = request(Kind::Ask, self.order[number], 0);
        header.id = number as u32;
        header.bytes = self.message.len() as u32;
        header.hash = seal(self.hash, 0);
        header.write(&mut self.message);
    }

    /// Posts the request; false if there is no room.
    fn post(&mut self, orchestrator: &mut dyn Orchestrator, number: usize) -> Attempt<bool> {
        self.address(number);
        match orchestrator.post(&self.message) {
            Ok(()) => Ok(true),
            Err(PostError::Full) => Ok(false),
            Err(error) => Err(Outcome::Failed(error.to_string())),
        }
    }

    /// Takes the answers that are there; looks at no more than their headers.
    fn take(&mut self, orchestrator: &mut dyn Orchestrator) -> usize {
        let (hash, answers) = (seal(self.hash, 0), &mut self.answers);
        orchestrator.replies(&mut |reply| {
            let header = Header::read(reply);
            answers.push(header.map_or((0, false), |h| (h.id, h.hash == hash)));
        })
    }

    /// Notes when the answers just taken came.
    fn note(&mut self, now: u64, times: &mut Times) -> Attempt<usize> {
        let count = self.answers.len();
        for (id, _) in &self.answers {
            let number = *id as usize;
            let Some(sent) = self.sent_ns.get(number) else { continue };
            let intended = (number as f64 * self.interval_ns) as u64;
            times.response.saturating_record(now.saturating_sub(intended));
            times.service.saturating_record(now.saturating_sub(*sent));
        }
        check_all(&mut self.answers)?;
        Ok(count)
    }
}

fn check_all(answers: &mut Vec<(u32, bool)>) -> Attempt<()> {
    let is_right = answers.drain(..).all(|(_, is_right)| is_right);
    if is_right {
        return Ok(());
    }
    Err(Outcome::WrongAnswer("an answer does not carry the hash of what was asked".to_owned()))
}

impl Times {
    fn new() -> Self {
        let histogram = || {
            let made = Histogram::new_with_bounds(1, LONGEST_NS, 3);
            made.expect("from a nanosecond to an hour at three digits is a range")
        };
        let [response, service, lateness] = [histogram(), histogram(), histogram()];
        Self { response, service, lateness, wall: Nanos(0) }
    }
}

fn tell(ctx: &mut Context<'_>, case: &CaseKey, block: u32, (prefix, times): (&str, &Times)) {
    for (name, share) in QUANTILES {
        quantile(ctx, case, block, (&format!("{prefix}_response_{name}_ns"), times, share));
    }
    let at = At { block, index: 0 };
    let max = times.response.max();
    ctx.sample(case, &format!("{prefix}_response_max_ns"), at, (max, 1));
    if prefix == "subject" {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let value = times.service.value_at_quantile(share);
            ctx.sample(case, &format!("subject_service_{name}_ns"), at, (value, 1));
        }
        let late = times.lateness.value_at_quantile(0.99);
        ctx.sample(case, "lateness_p99_ns", at, (late, 1));
        let per_second = times.response.len() as f64 * 1e9 / times.wall.0.max(1) as f64;
        ctx.sample(case, "achieved_rate", at, (per_second as u64, 1));
    }
}

/// A quantile of response times, if enough samples lie beyond it.
fn quantile(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    block: u32,
    (metric, times, share): (&str, &Times, f64),
) {
    let beyond = (times.response.len() as f64 * (1.0 - share)) as u64;
    if beyond >= BEYOND {
        let value = times.response.value_at_quantile(share);
        ctx.sample(case, metric, At { block, index: 0 }, (value, 1));
    } else {
        let samples = times.response.len();
        let why = format!("{samples} samples: {beyond} beyond it, {BEYOND} are wanted");
        ctx.missing(case, metric, Missing::NotRequested(why));
    }
}
