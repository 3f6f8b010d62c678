//! Requests that are posted several at a time, against requests that are not: what that saves
//! of CPU time, and what it adds to a response.
//!
//! The rate leaves a shard time to fall asleep between two requests. The CPU time is that of the
//! shard's thread: the generator spins, and would drown it.

use super::response::{ANSWERED, Generator, requests, setup};
use super::runtime::subject_in_tier;
use crate::job::Batching;
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use caxton_runtime::orchestrator::batcher::Batcher;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;
use caxton_runtime::subject::Attempt;

pub fn run(ctx: &mut Context<'_>, batching: Batching) -> Attempt<()> {
    let Batching { schedule, size, timeout } = batching;
    let setup = setup(schedule.agents, schedule.bytes);
    let (subject, _) = subject_in_tier(ctx.agent, setup)?;
    let mut guests = Reference::start(&subject, setup, Supervision::NONE)?;
    ctx.working();
    let mut generator = Generator::new(ctx, schedule, requests(ctx, schedule));
    generator.paced(ctx.clock, &mut guests, None)?;
    let batcher = || Batcher::new(size as usize, timeout.0);
    let rounds = Rounds::new(0..ctx.effort.windows, []);
    turns(ctx, &rounds, &mut [true, false], |ctx, waits, block| {
        let mut batcher = waits.then(batcher);
        let before = guests.cpu_ns();
        let times = generator.paced(ctx.clock, &mut guests, batcher.as_mut())?;
        let cpu = guests.cpu_ns() - before;
        let (side, at) = (if *waits { "subject" } else { "peer" }, At::block(block));
        let cpu = Total::over(cpu, times.response.len());
        ctx.sample(&format!("{side}_message_cpu_ns"), at, cpu);
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let value = times.response.nearest(share).expect(ANSWERED);
            ctx.sample(&format!("{side}_response_{name}_ns"), at, value.0);
        }
        Ok(())
    })
}
