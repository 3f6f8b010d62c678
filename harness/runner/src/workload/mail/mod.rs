//! Agents that exchange messages: one file per workload, over any orchestrator.
//!
//! `runtime.rs` starts orchestrators, `traffic.rs` knows what must come of the messages.

pub mod route;
pub mod runtime;
pub mod traffic;
#[cfg(test)]
mod try_tests;

use super::Context;
use crate::measure::protocol::{AgentFiles, MailWork};
use crate::subject::Attempt;
use caxton_results::case::CaseKey;

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
    }
}
