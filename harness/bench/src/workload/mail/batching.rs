//! Requests that wait for company at the host's edge, against requests that do not: what that saves
//! of CPU time, and what it adds to a response.
//!
//! The rate leaves a shard time to fall asleep between two requests. The CPU time is that of the
//! shard's thread: the generator spins, and would drown it.

use super::response::{ANSWERED, Generator, Seen, requests, setup};
use super::runtime::{guest, tier};
use crate::measure::protocol::{AgentFiles, Event, Schedule};
use crate::workload::{At, Context};
use caxton_model::case::CaseKey;
use caxton_runtime::orchestrator::batcher::Batcher;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmMailSubject};

/// How messages wait.
#[derive(Debug, Clone, Copy)]
pub struct Wait {
    /// Messages that are enough.
    pub size: u32,
    /// How long one waits at most, in nanoseconds.
    pub timeout_ns: u64,
}

/// One launch.
///
/// # Errors
/// What became of it.
pub fn run(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    case: &CaseKey,
    (schedule, wait): (Schedule, Wait),
) -> Attempt<()> {
    let setup = setup(schedule.agents, schedule.bytes);
    let allocation = tier(setup.agents, setup.shape).allocation;
    let options = EngineOptions { allocation, ..EngineOptions::default() };
    let subject = WasmMailSubject::trusted(guest(agent, options)?);
    let mut guests = Reference::start(&subject, setup, Supervision::NONE)?;
    (ctx.tell)(Event::Working);
    let mut generator = Generator::new(ctx, schedule, requests(ctx, schedule));
    generator.paced(ctx.clock, &mut guests, None)?;
    let batcher = || Batcher::new(wait.size as usize, wait.timeout_ns);
    for block in 0..ctx.effort.windows {
        let first = ctx.rng.bool();
        for waits in [first, !first] {
            let mut batcher = waits.then(batcher);
            let before = guests.cpu_ns();
            let times = generator.paced(ctx.clock, &mut guests, batcher.as_mut())?;
            let cpu = guests.cpu_ns() - before;
            tell(ctx, case, block, (waits, cpu, &times));
        }
    }
    Ok(())
}

fn tell(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    block: u32,
    (waits, cpu, times): (bool, u64, &Seen),
) {
    let side = if waits { "subject" } else { "peer" };
    let at = At { block, index: 0 };
    ctx.sample(case, &format!("{side}_message_cpu_ns"), at, (cpu, times.response.len()));
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        let value = times.response.nearest(share).expect(ANSWERED);
        ctx.sample(case, &format!("{side}_response_{name}_ns"), at, (value.0, 1));
    }
}
