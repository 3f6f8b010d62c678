//! Agents that exchange messages: one file per workload, over any orchestrator.
//!
//! `runtime.rs` starts orchestrators, `traffic.rs` knows what must come of the messages.

pub mod batching;
pub mod crash;
pub mod phases;
pub mod recover;
pub mod response;
pub mod route;
pub mod runtime;
pub mod scale;
pub mod tasks;
pub mod timed;
pub mod traffic;

use crate::measure::protocol::{AgentFiles, MailWork};
use crate::timing::context::Context;
use caxton_model::case::CaseKey;
use caxton_model::units::Nanos;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::CpuTime;

/// Time that something took.
struct Spent {
    wall: Nanos,
    /// Of all threads together.
    cpu: Nanos,
}

impl Spent {
    /// Of one CPU, in parts per billion.
    fn share_ppb(&self) -> u64 {
        (u128::from(self.cpu.0) * 1_000_000_000 / u128::from(self.wall.0.max(1))) as u64
    }
}

/// How long `work` takes.
fn spent(ctx: &Context<'_>, work: impl FnOnce() -> Attempt<()>) -> Attempt<Spent> {
    let (cpu, start) = (CpuTime::of_process(), ctx.clock.now());
    work()?;
    let wall = Nanos(ctx.clock.now().0 - start.0);
    let cpu = Nanos(CpuTime::of_process().since(cpu).total_ns());
    Ok(Spent { wall, cpu })
}

/// One launch of `work`.
///
/// # Errors
/// What became of it.
pub fn run(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    case: &CaseKey,
    work: &MailWork,
) -> Attempt<()> {
    match work {
        MailWork::Route { pair, load } => route::run(ctx, agent, case, *pair, *load),
        MailWork::Tasks(pools) => tasks::run(ctx, agent, case, *pools),
        MailWork::Batching(batching) => batching::run(ctx, agent, case, *batching),
        MailWork::Response(schedule) => response::run(ctx, agent, case, *schedule),
        MailWork::RoundTrip { bytes } => response::round_trip(ctx, agent, case, *bytes),
        MailWork::Scale(load) => scale::run(ctx, agent, case, *load),
        MailWork::MemoryPhases => phases::memory(ctx, agent, case),
        MailWork::CpuPhases => phases::cpu(ctx, agent, case),
        MailWork::Recover { heap_mib } => recover::run(ctx, agent, case, *heap_mib),
        MailWork::Checkpoint { heap_mib } => recover::checkpoints(ctx, agent, case, *heap_mib),
        MailWork::Crash(deaths) => crash::run(ctx, agent, case, *deaths),
        MailWork::Soak { cycles } => crash::soak(ctx, agent, case, u64::from(*cycles)),
    }
}
