//! Timed batches and blocks.
//!
//! A batch is some iterations between two clock reads; a block is up to a millisecond of batches
//! of one side. Nothing here allocates, logs or checks inside a timed region.

use crate::job::cost::Cost;
use crate::job::scale::Effort;
use caxton_model::case::Outcome;
use caxton_model::units::Nanos;
use caxton_runtime::subject::{AgentInstance, Attempt, CallTimes, Step};
use caxton_sys::clock::Clock;

pub struct BenchInstance {
    agent: Box<dyn AgentInstance>,
    pub calls: u64,
    /// Iterations per batch.
    pub iterations: u64,
    /// What of a call is repeated.
    step: Step,
    /// The shortest batch seen while warming up.
    batch: Nanos,
    /// Messages it had sent to others before.
    sent_before: u64,
    /// Whether the section that its program marks is what is timed, and not the whole call.
    pub is_section: bool,
    spent: Option<CallTimes>,
    /// How long the last batch took as a whole.
    whole: Nanos,
}

impl BenchInstance {
    /// `agent`, whose batches are one iteration until [`size_batch`].
    pub fn new(agent: Box<dyn AgentInstance>) -> Self {
        let sent_before = agent.host_counts().sent;
        let (step, batch) = (Step::Whole, Nanos(0));
        let (is_section, spent, whole) = (false, None, Nanos(0));
        Self { agent, calls: 0, iterations: 1, step, batch, sent_before, is_section, spent, whole }
    }

    /// How long the last batch took as a whole, where only a section of it is timed.
    pub fn whole(&self) -> Nanos {
        self.whole
    }

    /// Where the time of its calls went since this was last asked; none where it cannot tell.
    pub fn take_spent(&mut self) -> Option<CallTimes> {
        self.spent.take()
    }

    /// Messages it sent to others since then.
    pub fn sent(&self) -> u64 {
        self.agent.host_counts().sent - self.sent_before
    }

    /// How fast it goes at its present step.
    pub fn pace(&self) -> Pace {
        Pace { iterations: self.iterations, batch: self.batch }
    }

    /// Goes on with another `step`, at the `pace` found for it before.
    pub fn take_up(&mut self, step: Step, pace: Pace) {
        self.step = step;
        (self.iterations, self.batch) = (pace.iterations, pace.batch);
    }

    /// The agent itself, for what is not timed.
    pub fn agent(&mut self) -> &mut dyn AgentInstance {
        self.agent.as_mut()
    }

    /// Fails unless it sent on `sends` messages for each that it was given.
    ///
    /// # Errors
    /// `WrongAnswer`, with what was seen.
    pub fn check_sent(&self, sends: u64) -> Attempt<()> {
        let (sent, owed) = (self.sent(), self.calls * sends);
        if sent == owed {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!("{sent} messages sent on, not {owed}")))
    }

    /// Fails unless the last reply is `expected`.
    ///
    /// # Errors
    /// `WrongAnswer`, with what was seen.
    pub fn check_reply(&self, side: &str, expected: &[u8]) -> Attempt<()> {
        let reply = self.agent.reply();
        if reply == expected {
            return Ok(());
        }
        let differs = reply.iter().zip(expected).position(|(a, b)| a != b);
        Err(Outcome::WrongAnswer(format!(
            "{side} replied {} bytes where {} were expected, first difference at byte {}",
            reply.len(),
            expected.len(),
            differs.unwrap_or(reply.len().min(expected.len()))
        )))
    }
}

/// How fast an instance goes at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Iterations per batch.
    pub iterations: u64,
    /// The shortest batch seen.
    pub batch: Nanos,
}

impl Default for Pace {
    /// That of an instance nobody knows yet.
    fn default() -> Self {
        Self { iterations: 1, batch: Nanos(0) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockSize {
    /// Most samples in a block.
    pub samples_max: u32,
    /// About as long as a block takes.
    pub time: Nanos,
    /// The shortest batch.
    pub batch_min: Nanos,
}

impl BlockSize {
    /// What `effort` asks for, with an instrument of this `cost`.
    pub fn of(effort: &Effort, cost: &Cost) -> Self {
        let (samples_max, time) = (effort.samples_per_block, effort.block);
        Self { samples_max, time, batch_min: cost.batch_min() }
    }

    /// Samples per block for steps that take turns: as many as the slowest of them gets done in
    /// time. The same for all, because the least of many samples is less than that of few.
    pub fn samples(self, paces: impl IntoIterator<Item = Pace>) -> u32 {
        let slowest = paces.into_iter().map(|pace| pace.batch.0).max().unwrap_or(0).max(1);
        u32::try_from(self.time.0 / slowest).unwrap_or(u32::MAX).clamp(1, self.samples_max)
    }
}

/// Times `iterations` messages.
#[inline]
pub fn timed_batch(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    iterations: u64,
) -> Attempt<Nanos> {
    let start = clock.now();
    instance.agent.batch_of(instance.step, message, iterations)?;
    let end = clock.now();
    if instance.step.is_call() {
        instance.calls += iterations;
    }
    let whole = Nanos(end.0 - start.0);
    instance.whole = whole;
    let Some(spent) = instance.agent.take_spent() else { return Ok(whole) };
    *instance.spent.get_or_insert_default() += spent;
    Ok(spent.section.filter(|_| instance.is_section).unwrap_or(whole))
}

/// Fills `times` (cleared first, its capacity kept) with one block of batches.
pub fn block(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    samples: u32,
    times: &mut Vec<u64>,
) -> Attempt<()> {
    times.clear();
    times.reserve(samples as usize);
    for _ in 0..samples {
        let iterations = instance.iterations;
        let batch = timed_batch(clock, instance, message, iterations)?;
        times.push(batch.0);
    }
    Ok(())
}

/// Sets `iterations` so that a batch takes at least `batch_min`.
pub fn size_batch(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    batch_min: Nanos,
) -> Attempt<()> {
    const ITERATIONS_MAX: u64 = 1 << 30;
    let mut iterations = 1;
    loop {
        // The faster of two: one interrupt must not make batches too short for good.
        timed_batch(clock, instance, message, iterations)?;
        let first = instance.whole;
        timed_batch(clock, instance, message, iterations)?;
        let taken = first.min(instance.whole).0.max(1);
        if taken >= batch_min.0 || iterations >= ITERATIONS_MAX {
            instance.iterations = iterations;
            instance.batch = Nanos(taken);
            return Ok(());
        }
        let wanted = (iterations as f64 * batch_min.0 as f64 / taken as f64 * 1.1).ceil() as u64;
        iterations = wanted.clamp(iterations + 1, iterations * 100).min(ITERATIONS_MAX);
    }
}

/// Runs blocks until their minimum stops improving: caches, branch predictors and the guest's own
/// buffers have settled.
pub fn warm_up(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    size: BlockSize,
) -> Attempt<u32> {
    const BLOCKS_MAX: u32 = 12;
    let mut times = Vec::with_capacity(size.samples_max as usize);
    let mut best = u64::MAX;
    let mut stale = 0;
    for done in 1..=BLOCKS_MAX {
        let samples = size.samples([instance.pace()]);
        block(clock, instance, message, samples, &mut times)?;
        let least = times.iter().copied().min().unwrap_or(u64::MAX);
        stale = if least < best - best / 100 { 0 } else { stale + 1 };
        best = best.min(least);
        instance.batch = if instance.is_section { instance.whole } else { Nanos(best) };
        if stale == 2 {
            return Ok(done);
        }
    }
    Ok(BLOCKS_MAX)
}

/// A call that takes so long has warmed up what it needs long before its end.
const WARM_ENOUGH: Nanos = Nanos(50_000_000);

/// Makes an instance ready: batches long enough, code and data warm.
pub fn prepare(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    size: BlockSize,
) -> Attempt<()> {
    size_batch(clock, instance, message, size.batch_min)?;
    if instance.batch >= WARM_ENOUGH {
        return Ok(());
    }
    warm_up(clock, instance, message, size)?;
    // Once more: what was sized cold runs too short a batch warm.
    size_batch(clock, instance, message, size.batch_min)?;
    warm_up(clock, instance, message, size)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::scripted::{Scripted, ScriptedClock};
    use std::rc::Rc;

    const SIZE: BlockSize = BlockSize { samples_max: 4, time: Nanos(1_000), batch_min: Nanos(0) };

    fn made(clock: &Rc<ScriptedClock>, costs_ns: &[u64]) -> BenchInstance {
        BenchInstance::new(Box::new(Scripted::new(clock, costs_ns)))
    }

    #[test]
    fn a_batch_is_made_long_enough() {
        let clock = Rc::new(ScriptedClock::default());
        let mut instance = made(&clock, &[30]);
        size_batch(&*clock, &mut instance, &[], Nanos(20_000)).expect("scripted");
        assert!((667..=800).contains(&instance.iterations), "{}", instance.iterations);
    }

    #[test]
    fn instances_that_take_turns_have_blocks_of_equal_length() {
        let clock = Rc::new(ScriptedClock::default());
        let ready = |cost: u64| {
            let mut instance = made(&clock, &[cost]);
            prepare(&*clock, &mut instance, &[], SIZE).expect("scripted");
            instance
        };
        let (quick, slow, slowest) = (ready(10), ready(300), ready(5_000));
        assert_eq!(SIZE.samples([quick.pace()]), 4);
        assert_eq!(SIZE.samples([quick.pace(), slow.pace()]), 3);
        assert_eq!(SIZE.samples([slowest.pace(), quick.pace()]), 1);
        let mut times = Vec::new();
        block(&*clock, &mut made(&clock, &[600, 700]), &[], 3, &mut times).expect("scripted");
        assert_eq!(times, [600, 700, 700]);
    }

    #[test]
    fn warm_up_goes_on_while_it_gets_better() {
        let clock = Rc::new(ScriptedClock::default());
        let steady = warm_up(&*clock, &mut made(&clock, &[100]), &[], SIZE).expect("scripted");
        let falling: Vec<u64> = (0..40).map(|i| 1_000 - 20 * i).collect();
        let slow = warm_up(&*clock, &mut made(&clock, &falling), &[], SIZE).expect("scripted");
        assert_eq!(steady, 3);
        assert!(slow > steady, "{slow}");
    }

    #[test]
    fn a_wrong_reply_is_told_apart() {
        let clock = Rc::new(ScriptedClock::default());
        let mut instance = made(&clock, &[1]);
        instance.agent().call(b"abc").expect("scripted");
        assert_eq!(instance.check_reply("wasm", b"abc"), Ok(()));
        let wrong = instance.check_reply("wasm", b"abd").expect_err("differs");
        assert!(wrong.reason().is_some_and(|why| why.ends_with("byte 2")), "{wrong:?}");
    }
}
