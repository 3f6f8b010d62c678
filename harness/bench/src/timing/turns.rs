//! Who is timed when. Sides that are compared take turns in one process or on one core, in an order
//! that chance decides anew for each round: what the machine does meanwhile meets all of them
//! alike.

use super::context::{At, Context};
use super::probe::{self, Probed};
use caxton_analysis::quiet::{LATENCY, YARDSTICK};
use caxton_model::case::CaseKey;
use caxton_model::units::Nanos;
use caxton_runtime::subject::Attempt;
use std::ops::Range;

/// How many rounds there are, and what is done between them.
#[derive(Debug, Clone)]
pub struct Rounds<'a> {
    /// The blocks that the rounds are told as.
    pub numbers: Range<u32>,
    /// The cases that are told how long the noise probes took before and after each round.
    pub probed: Vec<&'a CaseKey>,
    /// So many rounds there are however long they take.
    pub at_least: u32,
    /// Beyond those none begins once so much time is over.
    pub time: Nanos,
}

impl<'a> Rounds<'a> {
    pub fn new(numbers: Range<u32>, probed: impl Into<Vec<&'a CaseKey>>) -> Self {
        let probed = probed.into();
        Self { numbers, probed, at_least: u32::MAX, time: Nanos(u64::MAX) }
    }

    /// The blocks of a launch: fewer where calls are long, for a program may run for seconds.
    pub fn of_blocks(blocks: u32, probed: impl Into<Vec<&'a CaseKey>>) -> Self {
        const TIME: Nanos = Nanos(3_000_000_000);
        Self { at_least: 1, time: TIME, ..Self::new(0..blocks, probed) }
    }
}

/// One round: each of `sides` has its turn, in an order that chance decides.
pub fn round<S, E>(
    rng: &mut fastrand::Rng,
    sides: &mut [S],
    turn: impl FnMut(&mut S) -> Result<(), E>,
) -> Result<(), E> {
    rng.shuffle(sides);
    sides.iter_mut().try_for_each(turn)
}

/// All rounds of a launch; `turn` is told the number of the round. Before each of them and after
/// the last one the noise is probed: what comes between two probes was disturbed if either was.
pub fn turns<S>(
    ctx: &mut Context<'_>,
    rounds: &Rounds<'_>,
    sides: &mut [S],
    mut turn: impl FnMut(&mut Context<'_>, &mut S, u32) -> Attempt<()>,
) -> Attempt<()> {
    let (mut rng, start) = (ctx.rng.fork(), ctx.clock.now().0);
    let mut next = rounds.numbers.start;
    for (done, number) in (0..).zip(rounds.numbers.clone()) {
        if done >= rounds.at_least && ctx.clock.now().0 - start > rounds.time.0 {
            break;
        }
        tell_noise(ctx, rounds, number);
        round(&mut rng, sides, |side| turn(ctx, side, number))?;
        next = number.saturating_add(1);
    }
    tell_noise(ctx, rounds, next);
    Ok(())
}

fn tell_noise(ctx: &mut Context<'_>, rounds: &Rounds<'_>, number: u32) {
    if rounds.probed.is_empty() {
        return;
    }
    let Probed { execution, latency } = probe::take(ctx.clock);
    for case in &rounds.probed {
        ctx.sample_of(case, YARDSTICK, At::block(number), execution.0);
        ctx.sample_of(case, LATENCY, At::block(number), latency.0);
    }
}
