//! What it costs a host to be watched: to count each message, and to have an endpoint that
//! strangers besiege. One pool of agents, in turns with and without.

use super::siege::Siege;
use super::spent;
use super::tasks::{Counting, Pool, tell};
use crate::job::{Burden, Monitoring};
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use caxton_model::case::Outcome;
use caxton_model::slo::OBJECTIVES_OF_THE_GUIDE;
use caxton_monitor::{Endpoint, EndpointOptions, Labels, Metrics, Recorder, SloCounts, objectives};
use caxton_runtime::subject::Attempt;
use std::sync::Arc;

/// Messages that are counted without any agent, to tell the cost of one alone.
const ALONE: u64 = 100_000;
/// How long they take, at the least and at the most: uniform in the logarithm, on either side of
/// the objective.
const IN_TIME_NS: [u64; 2] = [1_000, 99_000_000];
const TOO_SLOW_NS: [u64; 2] = [101_000_000, 10_000_000_000];
/// Times that they take, in turn: as many as branches cannot be learnt by heart.
const TIMES: usize = 4096;

/// One launch.
///
/// # Errors
/// What became of it; `WrongAnswer` where an answer or a count is wrong.
pub fn run(ctx: &mut Context<'_>, monitoring: Monitoring) -> Attempt<()> {
    ctx.calibrate()?;
    let Monitoring { runtime, load, tasks, burden } = monitoring;
    let body: Vec<u8> = (0..load.bytes).map(|_| ctx.rng.u8(..)).collect();
    let mut pool = Pool::start(ctx, runtime, load, &body)?;
    let metrics = metrics()?;
    ctx.working();
    let rounds = pool.rounds(ctx, tasks)?;
    let done = rounds * u64::from(tasks);
    let mut recorder = metrics.recorder();
    let siege = match burden {
        Burden::Recording => None,
        Burden::Siege => Some(Siege::begin(endpoint(&metrics)?)),
    };
    let (mut counted, mut slow) = (0, 0);
    let windows = Rounds::new(0..ctx.effort.windows, [ctx.case]);
    turns(ctx, &windows, &mut [true, false], |ctx, is_burdened, block| {
        let clock = ctx.clock;
        siege.as_ref().inspect(|siege| siege.press(*is_burdened));
        let is_on = *is_burdened || siege.is_some();
        let spent = spent(ctx, || {
            (0..rounds).try_for_each(|_| {
                let counting = Counting { recorder: &mut recorder, is_on };
                pool.round(clock, tasks, Some(counting))
            })
        })?;
        counted += if is_on { done } else { 0 };
        siege.as_ref().inspect(|siege| siege.press(false));
        tell(ctx, if *is_burdened { "subject" } else { "peer" }, block, &spent, done);
        if burden == Burden::Recording && *is_burdened {
            let alone = alone(ctx, block, &mut recorder);
            counted += alone.good;
            slow += alone.bad;
        }
        Ok(())
    })?;
    if let Some(siege) = siege {
        siege.end()?;
    }
    let expected =
        [SloCounts { good: counted, bad: slow }, SloCounts { good: counted + slow, bad: 0 }];
    match metrics.slo_counts() {
        counts if counts == expected => Ok(()),
        counts => Err(Outcome::WrongAnswer(format!("{counts:?} were counted, of {expected:?}"))),
    }
}

fn metrics() -> Attempt<Arc<Metrics>> {
    let slos = objectives(&OBJECTIVES_OF_THE_GUIDE).map_err(Outcome::Failed)?;
    Metrics::new(slos, Labels::default()).map_err(|error| Outcome::Failed(error.to_string()))
}

fn endpoint(metrics: &Arc<Metrics>) -> Attempt<Endpoint> {
    let started = Endpoint::start(metrics, EndpointOptions::on_any_port());
    started.map_err(|error| Outcome::Failed(error.to_string()))
}

/// Tells what it takes to count a message that is in time, and one that is too slow and therefore
/// named; how many were counted.
fn alone(ctx: &mut Context<'_>, block: u32, recorder: &mut Recorder) -> SloCounts {
    for (metric, times_ns) in [("record_ns", IN_TIME_NS), ("record_slow_ns", TOO_SLOW_NS)] {
        let [least, most] = times_ns.map(|ns| ns as f64);
        let drawn = (0..TIMES).map(|_| (least * (most / least).powf(ctx.rng.f64())) as u64);
        let times: Vec<u64> = drawn.collect();
        let start = ctx.clock.now().0;
        for number in 0..ALONE {
            recorder.answered(times[number as usize % TIMES], number);
        }
        let took = ctx.clock.now().0 - start;
        ctx.sample(metric, At::block(block), Total::over(took, ALONE));
    }
    SloCounts { good: ALONE, bad: ALONE }
}
