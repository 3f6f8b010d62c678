//! From one agent to very many: how long until they are there and have answered, what memory they
//! take, and how many messages they exchange then.
//!
//! Memory is this process' after all have answered one message, less what it was before the first:
//! pages of its own and its share of others' (PSS), and the page tables, which neither RSS nor PSS
//! shows and which are a third of a small agent.

use super::route::setup;
use super::runtime::{guest, tier};
use super::timed::{Births, Timed};
use super::traffic::{Traffic, Whole, post_taking, request};
use crate::measure::calibrate;
use crate::measure::protocol::{AgentFiles, Event, MailLoad};
use crate::workload::{At, Context};
use agent_abi::mail::Kind;
use caxton_model::case::{CaseKey, Outcome};
use caxton_runtime::orchestrator::Orchestrator;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailSubject, Shape};
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmMailSubject};
use caxton_sys::clock::CpuTime;
use caxton_sys::memory;
use caxton_sys::memory::Footprint;
use std::time::Duration;

/// How long nothing is done, to see what that costs.
const IDLE: Duration = Duration::from_millis(100);
/// Hops of a message in a window.
const HOPS: (u64, u64) = (15, 20_000);
/// How long answers are waited for.
const PATIENCE_NS: u64 = 60_000_000_000;

type Guests = Reference<Timed<WasmMailSubject>>;

/// One launch.
///
/// # Errors
/// What became of it.
pub fn run(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    case: &CaseKey,
    load: MailLoad,
) -> Attempt<()> {
    let cost = calibrate::measure(ctx.clock)?;
    (ctx.tell)(Event::Cost(cost));
    let setup = setup(load)?;
    let chosen = tier(setup.agents, setup.shape);
    ctx.finding(case, "tier", chosen.words);
    let options = EngineOptions { allocation: chosen.allocation, ..EngineOptions::default() };
    let subject = WasmMailSubject::trusted(guest(agent, options)?);
    let timed = Timed::new(subject.clone());
    (ctx.tell)(Event::Working);
    let before = memory::footprint();
    let start = ctx.clock.now().0;
    let mut guests = Guests::start(&timed, setup, Supervision::NONE)?;
    answer_once(ctx, &mut guests, load)?;
    let up_ns = ctx.clock.now().0 - start;
    ctx.sample(case, "up_ns", At::default(), (up_ns, 1));
    births(ctx, case, timed.births());
    again(ctx, case, (&subject, setup.shape))?;
    let after = memory::footprint();
    match (before, after) {
        (Ok(before), Ok(after)) => footprint(ctx, case, load.agents, (&before, &after)),
        (Err(why), _) | (_, Err(why)) => ctx.missing(case, "memory_per_agent_bytes", why),
    }
    let pages = guests.with_agent(0, |agent| agent.linear_memory().0);
    let pages = pages.map_err(|error| Outcome::Failed(error.to_string()))?;
    ctx.sample(case, "linear_per_agent_bytes", At::default(), (pages, 1));
    idle(ctx, case);
    traffic(ctx, case, load, &mut guests)
}

/// Has every agent answer one message of the usual length.
fn answer_once(ctx: &mut Context<'_>, guests: &mut Guests, load: MailLoad) -> Attempt<()> {
    let mut message = vec![7; load.bytes as usize];
    let mut answered = 0;
    for agent in 0..load.agents {
        request(Kind::Ask, agent, 0).write_whole(&mut message);
        post_taking(guests, &message, &mut |_| answered += 1)?;
    }
    let start = ctx.clock.now().0;
    while answered < load.agents as usize {
        answered += guests.replies(&mut |_| ());
        if ctx.clock.now().0 - start > PATIENCE_NS {
            let agents = load.agents;
            return Err(Outcome::TimedOut(format!("{answered} of {agents} agents answered")));
        }
    }
    Ok(())
}

fn births(ctx: &mut Context<'_>, case: &CaseKey, births: Births) {
    let Births { mut spawn_ns, mut faults } = births;
    spawn_ns.sort_unstable();
    faults.sort_unstable();
    let of = |sorted: &[u64], share: usize| sorted.get(sorted.len() * share / 100).copied();
    if let Some(p50) = of(&spawn_ns, 50) {
        ctx.sample(case, "spawn_p50_ns", At::default(), (p50, 1));
    }
    // Ten samples beyond it, or it is the maximum by another name.
    if let Some(p99) = of(&spawn_ns, 99).filter(|_| spawn_ns.len() >= 1000) {
        ctx.sample(case, "spawn_p99_ns", At::default(), (p99, 1));
    }
    if let Some(faults) = of(&faults, 50) {
        ctx.sample(case, "spawn_faults", At::default(), (faults, 1));
    }
}

/// Spawns one more agent where another one was just before, again and again.
fn again(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    (subject, shape): (&WasmMailSubject, Shape),
) -> Attempt<()> {
    const TIMES: usize = 1_000;
    let timed = Timed::new(subject.clone());
    for _ in 0..TIMES {
        drop(timed.spawn(shape)?);
    }
    let Births { mut spawn_ns, mut faults } = timed.births();
    spawn_ns.sort_unstable();
    faults.sort_unstable();
    let middle = |sorted: &[u64]| sorted[sorted.len() / 2];
    ctx.sample(case, "respawn_p50_ns", At::default(), (middle(&spawn_ns), 1));
    ctx.sample(case, "respawn_faults", At::default(), (middle(&faults), 1));
    Ok(())
}

fn footprint(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    agents: u32,
    (before, after): (&Footprint, &Footprint),
) {
    let agents = u64::from(agents);
    let pss = after.pss.0.saturating_sub(before.pss.0);
    let tables = after.page_tables.0.saturating_sub(before.page_tables.0);
    let figures = [
        ("rss_per_agent_bytes", after.rss.0.saturating_sub(before.rss.0)),
        ("pss_per_agent_bytes", pss),
        ("page_table_per_agent_bytes", tables),
        ("memory_per_agent_bytes", pss + tables),
        ("maps_per_agent", after.maps.saturating_sub(before.maps)),
    ];
    for (name, figure) in figures {
        ctx.sample(case, name, At::default(), (figure, agents));
    }
}

/// What agents without mail cost.
fn idle(ctx: &mut Context<'_>, case: &CaseKey) {
    let (cpu, start) = (CpuTime::of_process(), ctx.clock.now().0);
    std::thread::sleep(IDLE);
    let wall = ctx.clock.now().0 - start;
    let cpu = CpuTime::of_process().since(cpu).total_ns();
    let ppb = u128::from(cpu) * 1_000_000_000 / u128::from(wall.max(1));
    ctx.sample(case, "idle_cpu_share", At::default(), (ppb as u64, 1));
}

fn traffic(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    load: MailLoad,
    guests: &mut Guests,
) -> Attempt<()> {
    let mut traffic = Traffic::new((load.agents, load.per_agent), load.bytes, &mut ctx.rng);
    traffic.set_hops(HOPS.0 as u32);
    let start = ctx.clock.now().0;
    traffic.window(guests)?;
    let per_hop = ((ctx.clock.now().0 - start) / HOPS.0).max(1);
    traffic.set_hops((ctx.effort.window.0 / per_hop).clamp(HOPS.0, HOPS.1) as u32 | 1);
    ctx.sample(case, "in_flight_messages", At::default(), (traffic.in_flight(), 1));
    for block in 0..ctx.effort.windows {
        let (cpu, start) = (CpuTime::of_process(), ctx.clock.now().0);
        traffic.window(guests)?;
        let wall = ctx.clock.now().0 - start;
        let cpu = CpuTime::of_process().since(cpu).total_ns();
        let at = At { block, index: 0 };
        ctx.sample(case, "message_ns", at, (wall, traffic.deliveries()));
        ctx.sample(case, "message_cpu_ns", at, (cpu, traffic.deliveries()));
    }
    // Each agent answered one message beside the traffic and its report.
    traffic.also_delivered(u64::from(load.agents));
    traffic.verify(guests)?;
    Ok(())
}
