//! How long an agent takes to answer, at a fixed rate that does not wait for it.
//!
//! The n-th request is meant to start at n times the interval, whatever became of the ones before:
//! the time from then to its answer is its response time, so that a stall is felt by every request
//! that fell into it. From the moment it was really sent runs its service time. One thread
//! generates and takes the answers, one runs the agents. The null responder gets the same schedule
//! and answers without a call into an agent: on a shared machine most of a tail is the scheduler's,
//! and the difference is what the agents add.

use super::runtime::{Started, start};
use super::traffic::{Question, offer};
use crate::job::{Crew, Runtime, Schedule, System};
use crate::timing::context::{At, Context};
use crate::timing::turns::{Rounds, turns};
use agent_abi::mail::{Header, Kind};
use caxton_model::case::Outcome;
use caxton_model::load::times::{BEYOND, Times};
use caxton_model::reading::Missing;
use caxton_model::units::Nanos;
use caxton_runtime::orchestrator::batcher::Batcher;
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::Shape;
use caxton_sys::clock::Clock;

/// Windows of latency are this much longer than those of throughput: a quantile wants samples
/// beyond it.
const LONGER: u64 = 4;
/// Messages that fit a mailbox; and the most that one call takes.
const SLOTS: u32 = 64;
/// How long answers are waited for at the end of a window.
const PATIENCE_NS: u64 = 10_000_000_000;

/// Why a window has times.
pub(super) const ANSWERED: &str = "a window ends when each of its requests was answered";

/// Quantiles that are told, their metric's part of a name, and the share of samples beyond.
const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// One side and what was measured of it in a window.
struct Side {
    started: Started,
    prefix: &'static str,
}

#[derive(Default)]
pub(super) struct Seen {
    pub(super) response: Times,
    service: Times,
    lateness: Times,
    wall: Nanos,
}

/// One launch at an open loop.
///
/// # Errors
/// What became of it; `WrongAnswer` where an answer is not to what was asked.
pub fn run(ctx: &mut Context<'_>, system: System, schedule: Schedule) -> Attempt<()> {
    ctx.calibrate()?;
    let setup = setup(schedule.agents, schedule.bytes);
    let mut sides = Vec::new();
    for (crew, prefix) in [(Crew::Guests, "subject"), (Crew::NullResponder, "peer")] {
        let started = start(Runtime::new(system, crew), ctx.agent, setup)?;
        sides.push(Side { started, prefix });
    }
    ctx.working();
    let mut generator = Generator::new(ctx, schedule, requests(ctx, schedule));
    for side in &mut sides {
        generator.window(ctx.clock, side.started.orchestrator.as_mut())?;
    }
    ctx.finding("tier", sides[0].started.tier.clone());
    turns(ctx, &Rounds::new(0..ctx.effort.windows, []), &mut sides, |ctx, side, block| {
        let times = generator.window(ctx.clock, side.started.orchestrator.as_mut())?;
        tell(ctx, block, side.prefix, &times);
        Ok(())
    })
}

pub(super) fn requests(ctx: &Context<'_>, schedule: Schedule) -> u64 {
    let length_ns = ctx.effort.window.0 * LONGER;
    (length_ns * u64::from(schedule.per_second) / 1_000_000_000).max(1)
}

/// One thread runs the agents, the other is the generator's.
pub(super) fn setup(agents: u32, bytes: u32) -> Setup {
    let shape = Shape::of(SLOTS, bytes);
    Setup { agents, shards: 1, shape, batch: SLOTS }
}

/// One launch of one request at a time.
pub fn round_trip(ctx: &mut Context<'_>, bytes: u32) -> Attempt<()> {
    /// Round trips in a window of a millisecond: they take a few microseconds, or a wake-up.
    const PER_MS: u64 = 50;
    let runtime = Runtime::new(System::Reference, Crew::Guests);
    let mut started = start(runtime, ctx.agent, setup(1, bytes))?;
    ctx.working();
    let schedule = Schedule { agents: 1, per_second: 1, bytes };
    let trips = (ctx.effort.window.0 * LONGER / 1_000_000 * PER_MS).max(1);
    let mut generator = Generator::new(ctx, schedule, trips);
    for block in 0..ctx.effort.windows {
        let times = generator.round_trips(ctx.clock, started.orchestrator.as_mut())?;
        for (name, share) in QUANTILES.into_iter().filter(|(name, _)| *name != "p90") {
            let metric = format!("round_trip_{name}_ns");
            ctx.reading_at(&metric, At::block(block), quantile(&times, share));
        }
    }
    Ok(())
}

/// Makes requests and takes answers.
pub(super) struct Generator {
    question: Question,
    /// Whom the n-th request of a window goes to.
    order: Vec<u32>,
    interval_ns: f64,
    sent_ns: Vec<u64>,
    answers: Vec<(u32, bool)>,
}

impl Generator {
    pub(super) fn new(ctx: &mut Context<'_>, schedule: Schedule, requests: u64) -> Self {
        let question = Question::new(schedule.bytes, &mut ctx.rng);
        let order = (0..requests).map(|_| ctx.rng.u32(..schedule.agents)).collect();
        let interval_ns = 1e9 / f64::from(schedule.per_second);
        let (sent_ns, answers) = (vec![0; requests as usize], Vec::new());
        Self { question, order, interval_ns, sent_ns, answers }
    }

    /// When the n-th request is meant to start, from the window's start on.
    fn intended_ns(&self, number: usize) -> u64 {
        (number as f64 * self.interval_ns) as u64
    }

    fn window(&mut self, clock: &dyn Clock, orchestrator: &mut dyn Orchestrator) -> Attempt<Seen> {
        self.paced(clock, orchestrator, None)
    }

    /// The same, the requests going through `batcher` where there is one.
    pub(super) fn paced(
        &mut self,
        clock: &dyn Clock,
        orchestrator: &mut dyn Orchestrator,
        mut batcher: Option<&mut Batcher>,
    ) -> Attempt<Seen> {
        let mut times = Seen::default();
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
                        batcher.add(self.request(next), now);
                        true
                    }
                    None => self.post(orchestrator, next)?,
                };
                if is_sent {
                    self.sent_ns[next] = now;
                    times.lateness.record(now - self.intended_ns(next));
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
    ) -> Attempt<Seen> {
        let mut times = Seen::default();
        let start = clock.now().0;
        for number in 0..self.order.len() {
            let sent = clock.now().0;
            while !self.post(orchestrator, number)? {}
            while self.take(orchestrator) == 0 {
                if clock.now().0 - sent > PATIENCE_NS {
                    return Err(Outcome::TimedOut("a request without an answer".to_owned()));
                }
            }
            times.response.record(clock.now().0 - sent);
            check_all(&mut self.answers)?;
        }
        times.wall = Nanos(clock.now().0 - start);
        Ok(times)
    }

    fn request(&mut self, number: usize) -> &[u8] {
        self.question.to(Kind::Ask, self.order[number], number as u32)
    }

    /// Posts the request; false if there is no room.
    fn post(&mut self, orchestrator: &mut dyn Orchestrator, number: usize) -> Attempt<bool> {
        offer(orchestrator, self.request(number))
    }

    /// Takes the answers that are there; looks at no more than their headers.
    fn take(&mut self, orchestrator: &mut dyn Orchestrator) -> usize {
        let (hash, answers) = (self.question.answer(), &mut self.answers);
        orchestrator.replies(&mut |reply| {
            let header = Header::read(reply);
            answers.push(header.map_or((0, false), |h| (h.id, h.hash == hash)));
        })
    }

    /// Notes when the answers just taken came.
    fn note(&mut self, now: u64, times: &mut Seen) -> Attempt<usize> {
        let count = self.answers.len();
        for (id, _) in &self.answers {
            let number = *id as usize;
            let Some(sent) = self.sent_ns.get(number) else { continue };
            let intended = (number as f64 * self.interval_ns) as u64;
            times.response.record(now.saturating_sub(intended));
            times.service.record(now.saturating_sub(*sent));
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

fn tell(ctx: &mut Context<'_>, block: u32, prefix: &str, times: &Seen) {
    for (name, share) in QUANTILES {
        let metric = format!("{prefix}_response_{name}_ns");
        ctx.reading_at(&metric, At::block(block), quantile(times, share));
    }
    let at = At::block(block);
    let max = times.response.max().expect(ANSWERED);
    ctx.sample(&format!("{prefix}_response_max_ns"), at, max.0);
    if prefix == "subject" {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let value = times.service.nearest(share).expect(ANSWERED);
            ctx.sample(&format!("subject_service_{name}_ns"), at, value.0);
        }
        let late = times.lateness.nearest(0.99).expect(ANSWERED);
        ctx.sample("lateness_p99_ns", at, late.0);
        let per_second = times.response.len() as f64 * 1e9 / times.wall.0.max(1) as f64;
        ctx.sample("achieved_rate", at, per_second as u64);
    }
}

/// The quantile of response times with this share of them below it, if enough lie beyond it.
fn quantile(times: &Seen, share: f64) -> Result<u64, Missing> {
    times.response.quantile(share).map(|value| value.0).ok_or_else(|| {
        let samples = times.response.len();
        let beyond = (samples as f64 * (1.0 - share)) as u64;
        let why = format!("{samples} samples: {beyond} beyond it, {BEYOND} are wanted");
        Missing::NotRequested(why)
    })
}
