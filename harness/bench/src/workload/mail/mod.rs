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

use super::Context;
use crate::measure::protocol::{AgentFiles, MailWork};
use caxton_model::case::CaseKey;
use caxton_runtime::subject::Attempt;

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
        MailWork::Route { pair, load } => route::run(ctx, agent, case, (*pair, *load)),
        MailWork::Tasks { pair, load, tasks } => {
            tasks::run(ctx, agent, case, (*pair, *load, *tasks))
        }
        MailWork::Batching { schedule, size, timeout } => {
            let wait = batching::Wait { size: *size, timeout_ns: timeout.0 };
            batching::run(ctx, agent, case, (*schedule, wait))
        }
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
