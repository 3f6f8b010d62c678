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
use super::{At, Context};
use crate::guest::toolchain::{Side, Variant};
use crate::measure::blocks::{BlockSize, Pace, Seat, block, prepare};
use crate::measure::calibrate::{self, Cost};
use crate::measure::protocol::{AgentFiles, Event};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::reading::Missing;
use caxton_model::units::Nanos;
use caxton_runtime::subject::wasmtime::{Bounds, CompilerEffort, EngineOptions, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt, Step};
use caxton_sys::affinity;
use std::path::Path;

/// Calls before the count: buffers have grown, lazy state is there.
const CALLS_BEFORE: u32 = 16;

/// Counted calls, as one reading.
const CALLS: u32 = 64;

/// The files of those who play.
#[derive(Debug, Clone, Copy)]
pub struct Cast<'a> {
    /// The agent whose call is taken apart.
    pub agent: &'a AgentFiles,
    /// The agent that does nothing.
    pub noop: &'a AgentFiles,
    /// The agent that echoes.
    pub echo: &'a AgentFiles,
}

/// Runs one launch on a thread that is not bound to a CPU yet.
///
/// # Errors
/// What became of the agent.
pub fn run(ctx: &mut Context<'_>, case: &CaseKey, cast: &Cast<'_>) -> Attempt<()> {
    let pads = pads(ctx);
    let troupe = Troupe::load(ctx, case, cast)?;
    if let Some(core) = ctx.core {
        affinity::pin_to(core).map_err(|e| Outcome::Failed(format!("CPU {core}: {e}")))?;
    }
    let cost = calibrate::measure(ctx.clock)?;
    (ctx.tell)(Event::Cost(cost));
    let exchange = Exchange::agree(ctx, cast.agent, &troupe.agents)?;
    (ctx.tell)(Event::Working);
    let keeps_message = count(ctx, case, &troupe.agents[0], exchange.message.get())?;
    let (mut players, mut turns) = troupe.seat(ctx, &exchange)?;
    if !keeps_message {
        turns.retain(|turn| turn.step != Step::InPlace || turn.player != 0);
        let why = "the agent changes the message where it lies".to_owned();
        ctx.missing(case, "part_in_place_ns", Missing::NotRequested(why));
    }
    play(ctx, case, (&mut players, &mut turns), cost)?;
    for player in &players {
        player.settle()?;
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
struct Troupe {
    /// The agent, all with the same example and reply: the default engine's first.
    agents: Vec<Loaded>,
    /// The metric of each one's call.
    metrics: Vec<&'static str>,
    noop: Loaded,
    echo: Loaded,
    native_echo: Option<Loaded>,
}

impl Troupe {
    /// Compiles and loads, in a random order but for the default engine.
    fn load(ctx: &mut Context<'_>, case: &CaseKey, cast: &Cast<'_>) -> Attempt<Self> {
        let default = EngineOptions::default();
        let agent = cast.agent;
        let mut wanted: Vec<(&'static str, &Path, EngineOptions)> =
            options().map(|(metric, options)| (metric, agent.wasm.as_path(), options)).to_vec();
        match agent.variants.get(&Variant::Simd) {
            Some(Ok(simd)) => wanted.push(("option_simd_call_ns", &simd.wasm, default)),
            Some(Err(why)) => {
                ctx.missing(case, "option_simd_call_ns", Missing::Failed(why.clone()))
            }
            None => {
                let why = "given as a file: it cannot be built with SIMD".to_owned();
                ctx.missing(case, "option_simd_call_ns", Missing::NotRequested(why));
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
        let (noop, echo) = (wasm(&cast.noop.wasm, default)?, wasm(&cast.echo.wasm, default)?);
        let native_echo = native(ctx, cast.echo)?;
        Ok(Self { agents, metrics, noop, echo, native_echo })
    }

    /// A live instance of each, all inboxes at the same place of a page; and what is done in turns.
    fn seat<'m>(
        &self,
        ctx: &mut Context<'_>,
        exchange: &'m Exchange,
    ) -> Attempt<(Vec<Player<'m>>, Vec<Turn>)> {
        let offset = page_offset(&mut ctx.rng);
        let message = exchange.message.get();
        let own = (message, &exchange.reply[..], exchange.sends);
        let echoed = (message, message, 0);
        let agents = self.agents.iter().zip(self.metrics.iter().copied());
        let agents = agents.map(|(loaded, metric)| (loaded, metric, own));
        let echo = (&self.echo, "part_echo_ns", echoed);
        let native_echo = self.native_echo.iter().map(|it| (it, "part_native_echo_ns", echoed));
        let (mut players, mut turns) = (Vec::new(), Vec::new());
        for (loaded, metric, exchanged) in agents.chain([echo]).chain(native_echo) {
            turns.push(Turn::new(players.len(), metric, Step::Whole));
            players.push(Player::new(loaded, offset, exchanged)?);
        }
        turns.extend([
            Turn::new(0, "part_in_place_ns", Step::InPlace),
            Turn::new(0, "part_copy_in_ns", Step::CopyIn),
            Turn::new(0, "part_copy_out_ns", Step::CopyOut),
            Turn::new(players.len(), "part_boundary_ns", Step::InPlace),
        ]);
        players.push(Player::new(&self.noop, offset, (&[], &[], 0))?);
        Ok((players, turns))
    }
}

fn wasm(path: &Path, options: EngineOptions) -> Attempt<Loaded> {
    Ok(Loaded::Wasm(WasmSubject::compile(&module(path)?, options)?))
}

/// A live agent, what it is sent and what it must answer.
struct Player<'m> {
    seat: Seat,
    side: Side,
    message: &'m [u8],
    reply: &'m [u8],
    sends: u64,
}

impl<'m> Player<'m> {
    fn new(
        loaded: &Loaded,
        offset: usize,
        (message, reply, sends): (&'m [u8], &'m [u8], u64),
    ) -> Attempt<Self> {
        let mut instance = loaded.instantiate()?;
        instance.reserve(message.len(), offset)?;
        Ok(Self { seat: Seat::new(instance), side: loaded.side(), message, reply, sends })
    }

    /// It sent on what its messages made it send, to the last one.
    fn settle(&self) -> Attempt<()> {
        let (sent, owed) = (self.seat.sent(), self.seat.calls * self.sends);
        if sent == owed {
            return Ok(());
        }
        Err(Outcome::WrongAnswer(format!("{sent} messages sent on, not {owed}")))
    }
}

/// One step of one player.
struct Turn {
    player: usize,
    metric: &'static str,
    step: Step,
    pace: Pace,
}

impl Turn {
    fn new(player: usize, metric: &'static str, step: Step) -> Self {
        Self { player, metric, step, pace: Pace::default() }
    }
}

/// Warms everything up, then lets all turns come once per round, in a random order.
fn play(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    (players, turns): (&mut [Player<'_>], &mut [Turn]),
    cost: Cost,
) -> Attempt<()> {
    let size = BlockSize { samples_max: ctx.effort.samples_per_block, time: ctx.effort.block };
    for turn in turns.iter_mut() {
        let Player { seat, message, .. } = &mut players[turn.player];
        seat.take_up(turn.step, Pace::default());
        prepare(ctx.clock, seat, message, (size, cost.batch_min()))?;
        turn.pace = seat.pace();
    }
    let samples = size.samples_at(turns.iter().map(|turn| turn.pace));
    let mut times = Vec::with_capacity(samples as usize);
    let mut shortest = u64::MAX;
    for number in 0..ctx.effort.blocks {
        ctx.rng.shuffle(turns);
        let taken = calibrate::yardstick(ctx.clock);
        ctx.sample(case, "yardstick_ns", At { block: number, index: 0 }, (taken.0, 1));
        for turn in turns.iter() {
            let Player { seat, side, message, reply, .. } = &mut players[turn.player];
            seat.take_up(turn.step, turn.pace);
            block(ctx.clock, seat, message, samples, &mut times)?;
            if turn.step.is_call() {
                seat.check_reply(side.name(), reply)?;
            }
            for (index, &time) in (0u32..).zip(&times) {
                let at = At { block: number, index };
                ctx.sample(case, turn.metric, at, (time, turn.pace.iterations));
                shortest = shortest.min(time);
            }
        }
    }
    let share = cost.share_ppb(Nanos(shortest));
    ctx.sample(case, "apparatus_share", At::default(), (share, 1));
    Ok(())
}

/// Counts what a call asks of its host, in an instance of its own; true if the message lies in the
/// inbox after a call as it did before.
fn count(ctx: &mut Context<'_>, case: &CaseKey, loaded: &Loaded, message: &[u8]) -> Attempt<bool> {
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
        ctx.sample(case, metric, At::default(), (counted, u64::from(CALLS)));
    }
    Ok(agent.inbox().starts_with(message))
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
