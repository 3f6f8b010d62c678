//! From one agent to very many: how long until they are there and have answered, what memory they
//! take, and how many messages they exchange then.
//!
//! Memory is this process' after all have answered one message, less what it was before the first:
//! pages of its own and its share of others' (PSS), and the page tables, which neither RSS nor PSS
//! shows and which are a third of a small agent.

use super::route::setup;
use super::runtime::subject_in_tier;
use super::timed::{SpawnTimes, Timed};
use super::traffic::{Traffic, Whole, post_taking, request};
use super::{percentile, spent};
use crate::job::MailLoad;
use crate::timing::context::{At, Context, Total};
use agent_abi::mail::Kind;
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailSubject, Shape};
use caxton_runtime::subject::wasmtime::WasmMailSubject;
use caxton_sys::mapping::first_writes;
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

pub fn run(ctx: &mut Context<'_>, load: MailLoad) -> Attempt<()> {
    ctx.calibrate()?;
    let setup = setup(load)?;
    let (subject, tier) = subject_in_tier(ctx.agent, setup)?;
    ctx.finding("tier", tier);
    let timed = Timed::new(subject.clone());
    ctx.working();
    let before = memory::footprint();
    let start = ctx.clock.now().0;
    let mut guests = Guests::start(&timed, setup, Supervision::NONE)?;
    answer_once(ctx, &mut guests, load)?;
    let up_ns = ctx.clock.now().0 - start;
    ctx.once("up_ns", up_ns);
    let mut times = timed.spawn_times();
    // Ten samples beyond it, or it is the maximum by another name.
    if times.spawn_ns.len() >= 1000
        && let Some(p99) = percentile(&mut times.spawn_ns, 99)
    {
        ctx.once("spawn_p99_ns", p99);
    }
    let fresh = spawn_times(ctx, "spawn", times);
    let used = again(ctx, &subject, setup.hand())?;
    paging(ctx, fresh.zip(used).map(|(fresh, used)| fresh.saturating_sub(used)));
    match (&before, memory::footprint()) {
        (Ok(before), Ok(after)) => footprint(ctx, load.agents, before, &after),
        (Err(why), _) => ctx.missing("memory_per_agent_bytes", why.clone()),
        (_, Err(why)) => ctx.missing("memory_per_agent_bytes", why),
    }
    let pages = guests.with_agent(0, |agent| agent.linear_memory().0);
    let pages = pages.map_err(|error| Outcome::Failed(error.to_string()))?;
    ctx.once("linear_per_agent_bytes", pages);
    let idle = spent(ctx, || {
        std::thread::sleep(IDLE);
        Ok(())
    })?;
    ctx.once("idle_cpu_share", idle.share_ppb());
    traffic(ctx, load, &mut guests)?;
    with_traffic(ctx, load.agents, &before);
    drop(guests);
    warm(ctx, &subject, setup)
}

/// Memory after all messages were in flight.
fn with_traffic(ctx: &mut Context<'_>, agents: u32, before: &Result<Footprint, Missing>) {
    let grown = |before: &Footprint| {
        let after = memory::footprint()?;
        let total = |of: &Footprint| of.pss.0 + of.page_tables.0;
        Ok(Total::over(total(&after).saturating_sub(total(before)), u64::from(agents)))
    };
    match before.as_ref().map_err(Clone::clone).and_then(grown) {
        Ok(each) => ctx.once("memory_with_traffic_per_agent_bytes", each),
        Err(why) => ctx.missing("memory_with_traffic_per_agent_bytes", why),
    }
}

/// Spawns all agents once more, each where one was before that all others followed: its pages are
/// paid for, and in no cache.
fn warm(ctx: &mut Context<'_>, subject: &WasmMailSubject, setup: Setup) -> Attempt<()> {
    let timed = Timed::new(subject.clone());
    drop(Guests::start(&timed, setup, Supervision::NONE)?);
    spawn_times(ctx, "spawn_warm", timed.spawn_times());
    Ok(())
}

/// What a page costs that nobody wrote to before, and what so many `faults` cost at that: those of
/// a spawn that a used slot does without.
fn paging(ctx: &mut Context<'_>, faults: Option<u64>) {
    const PAGES: usize = 4_096;
    match first_writes(PAGES, ctx.clock) {
        Ok(mut took_ns) => {
            let fault_ns = percentile(&mut took_ns, 50).unwrap_or_default();
            ctx.once("page_fault_ns", fault_ns);
            if let Some(faults) = faults {
                ctx.once("spawn_paging_ns", faults * fault_ns);
            }
        }
        Err(why) => ctx.missing("page_fault_ns", Missing::Failed(why.to_string())),
    }
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

/// Tells how long agents took to be spawned, in metrics whose names begin with `prefix`; their page
/// faults, the median.
fn spawn_times(ctx: &mut Context<'_>, prefix: &str, times: SpawnTimes) -> Option<u64> {
    let SpawnTimes { mut spawn_ns, mut faults } = times;
    if let Some(p50) = percentile(&mut spawn_ns, 50) {
        ctx.once(&format!("{prefix}_p50_ns"), p50);
    }
    let faults = percentile(&mut faults, 50)?;
    ctx.once(&format!("{prefix}_faults"), faults);
    Some(faults)
}

/// Spawns one more agent where another one was just before, again and again; its page faults, the
/// median.
fn again(ctx: &mut Context<'_>, subject: &WasmMailSubject, shape: Shape) -> Attempt<Option<u64>> {
    const TIMES: usize = 1_000;
    let timed = Timed::new(subject.clone());
    for _ in 0..TIMES {
        drop(timed.spawn(shape)?);
    }
    Ok(spawn_times(ctx, "respawn", timed.spawn_times()))
}

fn footprint(ctx: &mut Context<'_>, agents: u32, before: &Footprint, after: &Footprint) {
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
        ctx.once(name, Total::over(figure, agents));
    }
}

fn traffic(ctx: &mut Context<'_>, load: MailLoad, guests: &mut Guests) -> Attempt<()> {
    let mut traffic = Traffic::new(load, &mut ctx.rng);
    traffic.set_hops(HOPS.0 as u32);
    let start = ctx.clock.now().0;
    traffic.window(guests)?;
    let per_hop = ((ctx.clock.now().0 - start) / HOPS.0).max(1);
    traffic.set_hops((ctx.effort.window.0 / per_hop).clamp(HOPS.0, HOPS.1) as u32 | 1);
    ctx.once("in_flight_messages", traffic.in_flight());
    for block in 0..ctx.effort.windows {
        let spent = spent(ctx, || traffic.window(guests))?;
        let at = At::block(block);
        ctx.sample("message_ns", at, Total::over(spent.wall.0, traffic.deliveries()));
        ctx.sample("message_cpu_ns", at, Total::over(spent.cpu.0, traffic.deliveries()));
    }
    // Each agent answered one message beside the traffic and its report.
    traffic.also_delivered(u64::from(load.agents));
    traffic.verify(guests)?;
    Ok(())
}
