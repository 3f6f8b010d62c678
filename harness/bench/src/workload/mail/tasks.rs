//! Tasks per second: a pool of agents takes requests in turn and answers each.

use super::route::setup;
use super::runtime::{Started, start};
use super::traffic::request;
use super::{Spent, spent};
use crate::job::{MailLoad, Pools, Runtime};
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use agent_abi::mail::{Header, Kind, body_hash, seal};
use caxton_model::case::Outcome;
use caxton_monitor::Recorder;
use caxton_runtime::orchestrator::PostError;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::Clock;

/// How long answers are waited for.
const PATIENCE_NS: u64 = 30_000_000_000;

/// How answers are counted. The clock is read either way: who counts knows when.
pub(super) struct Counting<'a> {
    pub recorder: &'a mut Recorder,
    pub is_on: bool,
}

/// Agents that answer in turn.
pub(super) struct Pool {
    started: Started,
    agents: u32,
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
    let mut pools = Vec::new();
    for (runtime, agents) in pair {
        pools.push(Pool::start(ctx, runtime, MailLoad { agents, ..load }, &body)?);
    }
    ctx.working();
    let mut rounds = u64::MAX;
    for pool in &mut pools {
        rounds = rounds.min(pool.rounds(ctx, tasks)?);
    }
    let mut sides: Vec<_> = pools.into_iter().zip(["subject", "peer"]).collect();
    turns(ctx, &Rounds::new(0..ctx.effort.windows, [ctx.case]), &mut sides, |ctx, side, block| {
        let clock = ctx.clock;
        let (pool, name) = side;
        let spent = spent(ctx, || (0..rounds).try_for_each(|_| pool.round(clock, tasks, None)))?;
        tell(ctx, name, block, &spent, rounds * u64::from(tasks));
        Ok(())
    })
}

/// Tells what `done` tasks of `side` took.
pub(super) fn tell(ctx: &mut Context<'_>, side: &str, block: u32, spent: &Spent, done: u64) {
    let [wall, cpu] = [spent.wall, spent.cpu].map(|time| Total::over(time.0, done));
    ctx.sample(&format!("{side}_task_ns"), At::block(block), wall);
    ctx.sample(&format!("{side}_message_cpu_ns"), At::block(block), cpu);
}

impl Pool {
    /// The agents of `load` on `runtime`, which get `body` behind each header.
    pub(super) fn start(
        ctx: &Context<'_>,
        runtime: Runtime,
        load: MailLoad,
        body: &[u8],
    ) -> Attempt<Self> {
        let started = start(runtime, ctx.agent, setup(load)?)?;
        let hash = seal(body_hash(&body[Header::BYTES..]), 0);
        Ok(Self { started, agents: load.agents, message: body.to_vec(), hash })
    }

    /// How many rounds of `tasks` make a window, after two that are warm-up.
    pub(super) fn rounds(&mut self, ctx: &Context<'_>, tasks: u32) -> Attempt<u64> {
        self.round(ctx.clock, tasks, None)?;
        let start = ctx.clock.now().0;
        self.round(ctx.clock, tasks, None)?;
        let round_ns = (ctx.clock.now().0 - start).max(1);
        Ok((ctx.effort.window.0 / round_ns).clamp(1, 1_000))
    }

    /// All tasks once: given out in turn, and all answers taken; each is counted, where that is
    /// asked, by the time since the round began.
    pub(super) fn round(
        &mut self,
        clock: &dyn Clock,
        tasks: u32,
        mut counting: Option<Counting<'_>>,
    ) -> Attempt<()> {
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
            let since_ns = counting.as_ref().map_or(0, |_| clock.now().0 - start);
            let taken = orchestrator.replies(&mut |reply| {
                let header = Header::read(reply).filter(|header| header.hash == hash);
                wrong += u32::from(header.is_none());
                sum += header.map_or(0, |header| u64::from(header.id));
                answered += 1;
                if let Some(Counting { recorder, is_on: true }) = &mut counting {
                    recorder.answered(since_ns, u64::from(answered));
                }
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
