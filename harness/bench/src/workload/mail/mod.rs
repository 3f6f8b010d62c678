//! Agents that exchange messages: one file per workload, over any orchestrator.
//!
//! `runtime.rs` starts orchestrators, `traffic.rs` knows what must come of the messages.

pub mod batching;
pub mod crash;
pub mod monitoring;
pub mod phases;
pub mod profiled;
pub mod recover;
pub mod response;
pub mod route;
pub mod runtime;
pub mod scale;
mod siege;
pub mod tasks;
pub mod timed;
pub mod traffic;

use crate::timing::context::Context;
use caxton_model::units::Nanos;
use caxton_runtime::subject::Attempt;
use caxton_sys::clock::CpuTime;

struct Spent {
    wall: Nanos,
    cpu: Nanos,
}

impl Spent {
    /// Of one CPU, in parts per billion.
    fn share_ppb(&self) -> u64 {
        (u128::from(self.cpu.0) * 1_000_000_000 / u128::from(self.wall.0.max(1))) as u64
    }
}

/// The value of which `share` per cent of `values` are less; none of no values.
fn percentile(values: &mut [u64], share: usize) -> Option<u64> {
    values.sort_unstable();
    values.get(values.len() * share / 100).copied()
}

/// How long `work` takes.
fn spent(ctx: &Context<'_>, work: impl FnOnce() -> Attempt<()>) -> Attempt<Spent> {
    let (cpu, start) = (CpuTime::of_process(), ctx.clock.now());
    work()?;
    let wall = Nanos(ctx.clock.now().0 - start.0);
    let cpu = Nanos(CpuTime::of_process().since(cpu).total_ns());
    Ok(Spent { wall, cpu })
}
