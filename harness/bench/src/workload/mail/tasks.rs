//! Tasks per second: a pool of agents takes requests in turn and answers each.

use super::route::setup;
use super::runtime::{Started, start};
use super::spent;
use super::traffic::request;
use crate::job::{MailLoad, Pools};
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use agent_abi::mail::{Header, Kind, body_hash, seal};
use caxton_model::case::Outcome;
use caxton_runtime::orchestrator::PostError;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::Clock;

/// How long answers are waited for.
const PATIENCE_NS: u64 = 30_000_000_000;

struct Pool {
    started: Started,
    agents: u32,
    side: &'static str,
    message: Vec<u8>,
    hash: u64,
}

/// One launch: `tasks` tasks at a time, by two pools in turns.
///
/// # Errors
/// What became of it; `WrongAnswer` where an answer is missing, doubled or wrong.
pub fn run(ctx: &mut Context<'_>, pools: Pools) -> Attempt<()> {
    ctx.calibrate()?;
    let Pools { pair, load, tasks } = pools;
    let body: Vec<u8> = (0..load.bytes).map(|_| ctx.rng.u8(..)).collect();
    let hash = seal(body_hash(&body[Header::BYTES..]), 0);
    let mut pools = Vec::new();
    for ((runtime, agents), side) in pair.into_iter().zip(["subject", "peer"]) {
        let started = start(runtime, ctx.agent, setup(MailLoad { agents, ..load })?)?;
        pools.push(Pool { started, agents, side, message: body.clone(), hash });
    }
    ctx.working();
    let mut round_ns = 1;
    for pool in &mut pools {
        pool.round(ctx.clock, tasks)?;
        let start = ctx.clock.now().0;
        pool.round(ctx.clock, tasks)?;
        round_ns = round_ns.max(ctx.clock.now().0 - start);
    }
    let rounds = (ctx.effort.window.0 / round_ns).clamp(1, 1_000);
    turns(ctx, &Rounds::new(0..ctx.effort.windows, [ctx.case]), &mut pools, |ctx, pool, block| {
        let clock = ctx.clock;
        let spent = spent(ctx, || (0..rounds).try_for_each(|_| pool.round(clock, tasks)))?;
        let (at, done) = (At::block(block), rounds * u64::from(tasks));
        let [wall, cpu] = [spent.wall, spent.cpu].map(|time| Total::over(time.0, done));
        ctx.sample(&format!("{}_task_ns", pool.side), at, wall);
        ctx.sample(&format!("{}_message_cpu_ns", pool.side), at, cpu);
        Ok(())
    })
}

impl Pool {
    /// All tasks once: given out in turn, and all answers taken.
    fn round(&mut self, clock: &dyn Clock, tasks: u32) -> Attempt<()> {
        let orchestrator = self.started.orchestrator.as_mut();
        let (start, mut next, mut answered, mut sum) = (clock.now().0, 0, 0, 0u64);
        let (mut wrong, hash) = (0, self.hash);
        while answered < tasks {
            if next < tasks {
                let mut header = request(Kind::Ask, next % self.agents, 0);
                (header.id, header.hash) = (next, hash);
                header.bytes = self.message.len() as u32;
                header.write(&mut self.message);
                match orchestrator.post(&self.message) {
                    Ok(()) => next += 1,
                    Err(PostError::Full) => {}
                    Err(error) => return Err(Outcome::Failed(error.to_string())),
                }
            }
            let taken = orchestrator.replies(&mut |reply| {
                let header = Header::read(reply).filter(|header| header.hash == hash);
                wrong += u32::from(header.is_none());
                sum += header.map_or(0, |header| u64::from(header.id));
                answered += 1;
            });
            if next == tasks && taken == 0 {
                std::thread::yield_now();
                if clock.now().0 - start > PATIENCE_NS {
                    let why = format!("{answered} of {tasks} tasks answered");
                    return Err(Outcome::TimedOut(why));
                }
            }
        }
        let all = u64::from(tasks) * u64::from(tasks - 1) / 2;
        if wrong == 0 && sum == all {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!("{wrong} wrong answers; ids sum to {sum}, not {all}")))
    }
}
