//! Where a steady-state WASM call goes: its steps one by one, each on the same instance and in
//! turns with the whole call, beside an agent that does nothing and one that echoes; and what
//! options of engine and build would make of the guest's code.
//!
//! The parts are measured without the call, so that they need not add up to it: copying the message
//! in, alone; and the agent called on the message that lies in its inbox already, from which the
//! call of the agent that does nothing is the boundary's part. What the call takes beyond them is
//! told as unexplained. An agent that changes the message in its inbox cannot be called on it
//! twice: its own code is what its call takes beyond an echo of the same length.

use super::overhead::pads;
use super::sides::{Exchange, Loaded, module, page_offset};
use crate::guest::files::{AgentFiles, VariantFiles};
use crate::guest::toolchain::Side;
use crate::job::cost::Cost;
use crate::timing::blocks::BlockSize;
use crate::timing::context::{At, Context, Total};
use crate::timing::participants::{BlockTurn, Group, Participant, blocks};
use crate::timing::turns::Rounds;
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_runtime::subject::wasmtime::{Bounds, CompilerEffort, EngineOptions, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt, Step};
use caxton_sys::affinity;
use std::path::Path;
use std::slice::from_mut;

/// Calls before the count: buffers have grown, lazy state is there.
const CALLS_BEFORE: u32 = 16;

/// Counted calls, as one reading.
const CALLS: u32 = 64;

/// One launch, beside the agents that do nothing and echo, on a thread that is not bound to a CPU
/// yet.
pub fn run(ctx: &mut Context<'_>, noop: &AgentFiles, echo: &AgentFiles) -> Attempt<()> {
    let pads = pads(ctx);
    let subjects = PartSubjects::load(ctx, noop, echo)?;
    if let Some(core) = ctx.core {
        affinity::pin_to(core).map_err(|e| Outcome::Failed(format!("CPU {core}: {e}")))?;
    }
    let cost = ctx.calibrate()?;
    let exchange = Exchange::agree(ctx, &subjects.agents)?;
    ctx.working();
    let keeps_message = count(ctx, &subjects.agents[0], exchange.message.get())?;
    let (mut participants, mut turns) = subjects.instantiate(ctx, &exchange)?;
    if !keeps_message {
        turns.retain(|turn| turn.step != Step::InPlace || turn.who != 0);
        let why = "the agent changes the message where it lies".to_owned();
        ctx.missing("part_in_place_ns", Missing::NotRequested(why));
    }
    take_turns(ctx, &mut participants, Group::new(ctx.case, turns), cost)?;
    // The agent sent on what its messages made it send, to the last one; an echo sends none.
    for (place, participant) in participants.iter().enumerate() {
        let is_agent = place < subjects.agents.len();
        participant.instance.check_sent(if is_agent { exchange.sends } else { 0 })?;
    }
    drop(pads);
    Ok(())
}

/// What changes the guest's code, by the metric of a call with it.
fn options() -> [(&'static str, EngineOptions); 4] {
    let default = EngineOptions::default();
    [
        ("option_bounds_call_ns", EngineOptions { bounds: Bounds::Explicit, ..default }),
        ("option_fuel_call_ns", EngineOptions { fuel: true, ..default }),
        ("option_epoch_call_ns", EngineOptions { epochs: true, ..default }),
        ("option_opt_none_call_ns", EngineOptions { effort: CompilerEffort::None, ..default }),
    ]
}

/// Everything that is loaded for a launch.
struct PartSubjects {
    /// The agent, all with the same example and reply: the default engine's first.
    agents: Vec<Loaded>,
    /// The metric of each one's call.
    metrics: Vec<&'static str>,
    noop: Loaded,
    echo: Loaded,
    native_echo: Option<Loaded>,
}

impl PartSubjects {
    /// Compiles and loads, in a random order but for the default engine.
    fn load(ctx: &mut Context<'_>, noop: &AgentFiles, echo: &AgentFiles) -> Attempt<Self> {
        let default = EngineOptions::default();
        let agent = ctx.agent;
        let mut wanted: Vec<(&'static str, &Path, EngineOptions)> =
            options().map(|(metric, options)| (metric, agent.wasm.as_path(), options)).to_vec();
        match &agent.simd {
            Some(VariantFiles::Built([simd, _])) => {
                wanted.push(("option_simd_call_ns", simd, default));
            }
            Some(VariantFiles::Failed(why)) => {
                ctx.missing("option_simd_call_ns", Missing::Failed(why.clone()))
            }
            None => {
                let why = "given as a file: it cannot be built with SIMD".to_owned();
                ctx.missing("option_simd_call_ns", Missing::NotRequested(why));
            }
        }
        ctx.rng.shuffle(&mut wanted);
        let (mut metrics, mut agents) = (vec!["part_call_ns"], vec![wasm(&agent.wasm, default)?]);
        for (metric, path, options) in wanted {
            metrics.push(metric);
            agents.push(wasm(path, options)?);
        }
        let native = |ctx: &Context<'_>, files: &AgentFiles| match files.native {
            Some(_) => Loaded::load(ctx, files, Side::Native).map(|(loaded, _)| Some(loaded)),
            None => Ok(None),
        };
        if let Some(loaded) = native(ctx, agent)? {
            metrics.push("part_native_call_ns");
            agents.push(loaded);
        }
        let native_echo = native(ctx, echo)?;
        let (noop, echo) = (wasm(&noop.wasm, default)?, wasm(&echo.wasm, default)?);
        Ok(Self { agents, metrics, noop, echo, native_echo })
    }

    /// A live instance of each, all inboxes at the same place of a page; and what is done in turns.
    fn instantiate<'m>(
        &self,
        ctx: &mut Context<'_>,
        exchange: &'m Exchange,
    ) -> Attempt<(Vec<Participant<'m>>, Vec<BlockTurn<'static>>)> {
        let offset = page_offset(&mut ctx.rng);
        let message = exchange.message.get();
        let live = |loaded: &Loaded, message: &'m [u8], reply: &'m [u8]| -> Attempt<_> {
            let mut instance = loaded.instantiate()?;
            instance.reserve(message.len(), offset)?;
            Ok(Participant::new(loaded.side().name(), instance, message, reply))
        };
        let (mut participants, mut metrics) = (Vec::new(), self.metrics.clone());
        for loaded in &self.agents {
            participants.push(live(loaded, message, &exchange.reply)?);
        }
        metrics.push("part_echo_ns");
        participants.push(live(&self.echo, message, message)?);
        if let Some(echo) = &self.native_echo {
            metrics.push("part_native_echo_ns");
            participants.push(live(echo, message, message)?);
        }
        let calls = metrics.into_iter().enumerate();
        let calls = calls.map(|(who, metric)| BlockTurn::new(who, metric, Step::Whole));
        let turns = calls.chain([
            BlockTurn::new(0, "part_in_place_ns", Step::InPlace),
            BlockTurn::new(0, "part_copy_in_ns", Step::CopyIn),
            BlockTurn::new(0, "part_copy_out_ns", Step::CopyOut),
            BlockTurn::new(participants.len(), "part_boundary_ns", Step::InPlace),
        ]);
        let turns = turns.collect();
        participants.push(live(&self.noop, &[], &[])?);
        Ok((participants, turns))
    }
}

fn wasm(path: &Path, options: EngineOptions) -> Attempt<Loaded> {
    Ok(Loaded::Wasm(WasmSubject::compile(&module(path)?, options)?))
}

/// Warms everything up, then lets all turns come once per round.
fn take_turns(
    ctx: &mut Context<'_>,
    participants: &mut [Participant<'_>],
    mut group: Group<'_>,
    cost: Cost,
) -> Attempt<()> {
    let size = BlockSize::of(&ctx.effort, &cost);
    group.warm_up(ctx, participants, size)?;
    let rounds = Rounds::new(0..ctx.effort.blocks, [group.case]);
    blocks(ctx, &rounds, participants, from_mut(&mut group), size)?;
    ctx.sample_of(group.case, "apparatus_share", At::default(), cost.share_ppb(group.shortest));
    Ok(())
}

/// Counts what a call asks of its host, in an instance of its own; true if the message lies in the
/// inbox after a call as it did before.
fn count(ctx: &mut Context<'_>, loaded: &Loaded, message: &[u8]) -> Attempt<bool> {
    let Loaded::Wasm(subject) = loaded else {
        return Err(Outcome::Failed("the first agent is not the default engine's".to_owned()));
    };
    let mut agent = subject.instantiate(None)?;
    agent.reserve(message.len(), page_offset(&mut ctx.rng))?;
    for _ in 0..CALLS_BEFORE {
        agent.call(message)?;
    }
    let (grows, wasi) = (agent.memory_use().asked, agent.wasi_calls());
    let host = agent.host_counts();
    for _ in 0..CALLS {
        agent.call(message)?;
    }
    let (grows, wasi) = (agent.memory_use().asked - grows, agent.wasi_calls() - wasi);
    let now = agent.host_counts();
    let host = now.sent - host.sent + (now.logged - host.logged);
    for (metric, counted) in
        [("part_memory_grows", grows), ("part_wasi_calls", wasi), ("part_host_calls", host)]
    {
        ctx.once(metric, Total::over(counted, u64::from(CALLS)));
    }
    Ok(agent.inbox().starts_with(message))
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
