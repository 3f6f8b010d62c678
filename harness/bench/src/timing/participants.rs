//! Instances that take turns block by block, with what they are sent and must answer.

use super::blocks::{BenchInstance, BlockSize, Pace, block, prepare};
use super::context::{At, Context, Total};
use super::turns::{Rounds, round, turns};
use caxton_model::case::CaseKey;
use caxton_model::units::Nanos;
use caxton_runtime::subject::{AgentInstance, Attempt, Step};

/// An instance, what it is sent and what must come of it.
pub struct Participant<'a> {
    /// Who it is, where it answers wrongly.
    pub name: &'a str,
    pub instance: BenchInstance,
    /// What each call is given.
    pub message: &'a [u8],
    /// What each call must give.
    pub reply: &'a [u8],
}

impl<'a> Participant<'a> {
    /// `agent`, to be called with `message`.
    pub fn new(
        name: &'a str,
        agent: Box<dyn AgentInstance>,
        message: &'a [u8],
        reply: &'a [u8],
    ) -> Self {
        Self { name, instance: BenchInstance::new(agent), message, reply }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct BlockTurn<'a> {
    pub who: usize,
    pub metric: &'a str,
    /// What of a call is repeated.
    pub step: Step,
    /// Found while warming up.
    pub pace: Pace,
}

impl<'a> BlockTurn<'a> {
    /// `step` of participant `who`, at no pace yet.
    pub fn new(who: usize, metric: &'a str, step: Step) -> Self {
        Self { who, metric, step, pace: Pace::default() }
    }
}

/// Blocks that are compared with each other: each as many samples as the slowest gets done in time.
#[derive(Debug)]
pub struct Group<'a> {
    pub case: &'a CaseKey,
    /// In an order that changes from round to round.
    pub turns: Vec<BlockTurn<'a>>,
    /// The shortest batch timed so far.
    pub shortest: Nanos,
}

impl<'a> Group<'a> {
    /// A group that was not timed yet.
    pub fn new(case: &'a CaseKey, turns: Vec<BlockTurn<'a>>) -> Self {
        Self { case, turns, shortest: Nanos(u64::MAX) }
    }

    /// One group of whole calls: all participants in turn, by their metrics.
    pub fn of_calls(case: &'a CaseKey, metrics: &[&'a str]) -> Self {
        let turn = |(who, metric): (usize, &&'a str)| BlockTurn::new(who, metric, Step::Whole);
        Self::new(case, metrics.iter().enumerate().map(turn).collect())
    }

    /// Makes each turn's participant ready for its step.
    pub fn warm_up(
        &mut self,
        ctx: &Context<'_>,
        participants: &mut [Participant<'_>],
        size: BlockSize,
    ) -> Attempt<()> {
        for turn in &mut self.turns {
            let Participant { instance, message, .. } = &mut participants[turn.who];
            instance.take_up(turn.step, Pace::default());
            prepare(ctx.clock, instance, message, size)?;
            turn.pace = instance.pace();
        }
        Ok(())
    }

    /// One block of each turn.
    fn round(
        &mut self,
        ctx: &mut Context<'_>,
        participants: &mut [Participant<'_>],
        size: BlockSize,
        number: u32,
    ) -> Attempt<()> {
        let samples = size.samples(self.turns.iter().map(|turn| turn.pace));
        let (case, shortest) = (self.case, &mut self.shortest);
        let (mut rng, mut times) = (ctx.rng.fork(), Vec::with_capacity(samples as usize));
        round(&mut rng, &mut self.turns, |turn| {
            let Participant { name, instance, message, reply } = &mut participants[turn.who];
            instance.take_up(turn.step, turn.pace);
            block(ctx.clock, instance, message, samples, &mut times)?;
            if turn.step.is_call() {
                instance.check_reply(name, reply)?;
            }
            for (index, &time) in (0..).zip(&times) {
                let total = Total::over(time, turn.pace.iterations);
                ctx.sample_of(case, turn.metric, At { block: number, index }, total);
                *shortest = Nanos(shortest.0.min(time));
            }
            Ok(())
        })
    }
}

/// All blocks of a launch: each round has one block of every turn of every group.
///
/// # Errors
/// That of an agent; `WrongAnswer` where a block ends with another reply than it must.
pub fn blocks(
    ctx: &mut Context<'_>,
    rounds: &Rounds<'_>,
    participants: &mut [Participant<'_>],
    groups: &mut [Group<'_>],
    size: BlockSize,
) -> Attempt<()> {
    turns(ctx, rounds, groups, |ctx, group, number| group.round(ctx, participants, size, number))
}
