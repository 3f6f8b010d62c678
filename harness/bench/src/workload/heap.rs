//! Who allocates: the host, phase by phase; the agent, in guest and native build; and how linear
//! memory grows. Nothing here is a time that is compared with another run's.
//!
//! What the host allocates is seen by its own allocator. It sees nothing of a guest's heap, which
//! is linear memory, and nothing of a native build's, which is a shared library's own: these are
//! counted by the agent itself where it opts in (`agent_abi::heap`), in builds of their own.

use super::sides::{Exchange, Loaded, module, page_offset};
use crate::guest::files::VariantFiles;
use crate::guest::toolchain::Side;
use crate::job::launch::Kept;
use crate::timing::allocations::{self, Allocated};
use crate::timing::blocks::BlockSize;
use crate::timing::context::{At, Context, Total};
use crate::timing::participants::{Group, Participant, blocks};
use crate::timing::turns::Rounds;
use agent_abi::heap::HeapCounts;
use caxton_analysis::sites::call_sites;
use caxton_model::case::Outcome;
use caxton_model::profile::growth::{GrowthPoint, HeapGrowth};
use caxton_model::profile::{About, Profile, SampleWeight};
use caxton_model::reading::Missing;
use caxton_model::units::Bytes;
use caxton_runtime::subject::native::NativeSubject;
use caxton_runtime::subject::wasmtime::{EngineOptions, WasmAgent, WasmSubject};
use caxton_runtime::subject::{AgentInstance, Attempt};
use caxton_sys::memory;
use std::collections::BTreeMap;
use std::path::Path;
use std::slice::from_mut;

/// Instances that are made and kept in the phase `instantiate`.
const INSTANCES: usize = 16;

/// Messages before the phase `run`: buffers have grown, lazy state is there.
const WARM_UP: u64 = 3;

/// Messages in it, per block of the run's effort: a count, so that it is the same in each launch.
const MESSAGES_PER_BLOCK: u64 = 100;

/// Bytes of a guest for which its stack is looked at once: a look costs about two microseconds,
/// and some hundred of them tell shares to a few per cent.
const INTERVAL: u32 = 2048;

/// Call sites that are told in words.
const SITES_TOLD: usize = 5;

const NOT_IN: &str = "the agent does not opt in: it lacks the line agent_abi::heap_sampled!()";

/// One launch; files are written to `folder`.
///
/// # Errors
/// What became of the agent; `Failed` in an executable that does not count.
pub fn run(ctx: &mut Context<'_>, folder: &Path) -> Attempt<()> {
    if !allocations::are_counted() {
        return Err(Outcome::Failed(allocations::NOT_COUNTED.to_owned()));
    }
    let bytes = module(&ctx.agent.wasm)?;
    let wasm = phase(ctx, folder, "compile", 1, || compiled(&bytes))?;
    let mut sides = vec![Loaded::Wasm(wasm.clone())];
    if ctx.agent.native.is_some() {
        sides.push(Loaded::load(ctx, ctx.agent, Side::Native)?.0);
    }
    let exchange = Exchange::agree(ctx, &sides)?;
    ctx.working();
    instantiate(ctx, folder, &wasm)?;
    handle(ctx, folder, &wasm, &exchange)?;
    growth(ctx, &wasm, &exchange)?;
    if let Some(Loaded::Native(native)) = sides.get(1) {
        seen_of_native(ctx, native, &exchange)?;
    }
    agents_own(ctx, &wasm, &exchange)
}

/// Messages in the phase `run`.
fn messages(ctx: &Context<'_>) -> u64 {
    u64::from(ctx.effort.blocks) * MESSAGES_PER_BLOCK
}

/// `work` as the host's phase `phase`.
fn phase<T>(
    ctx: &mut Context<'_>,
    folder: &Path,
    phase: &str,
    times: u64,
    work: impl FnOnce() -> Attempt<T>,
) -> Attempt<T> {
    let path = folder.join(format!("{phase}.dhat.json"));
    let (done, Allocated { bytes, blocks, peak_bytes }, written) =
        allocations::profiled(&path, work);
    let done = done?;
    for (what, value, times) in [
        ("total_bytes", bytes, times),
        ("blocks", blocks, times),
        // What a thousand messages hold at once is no sum of what each holds.
        ("peak_bytes", peak_bytes, if phase == "instantiate" { times } else { 1 }),
    ] {
        let metric = format!("heap_{phase}_{what}");
        ctx.once(&metric, Total::over(value, times));
    }
    match written {
        Ok(()) => ctx.keep(Kept::HostHeap { phase: phase.to_owned(), path }),
        Err(why) => ctx.finding(&format!("profile of {phase}"), why.to_string()),
    }
    Ok(done)
}

fn instantiate(ctx: &mut Context<'_>, folder: &Path, wasm: &WasmSubject) -> Attempt<()> {
    let mut kept = Vec::with_capacity(INSTANCES);
    phase(ctx, folder, "instantiate", INSTANCES as u64, || {
        for _ in 0..INSTANCES {
            kept.push(wasm.instantiate(None)?);
        }
        Ok(())
    })
}

fn handle(
    ctx: &mut Context<'_>,
    folder: &Path,
    wasm: &WasmSubject,
    exchange: &Exchange,
) -> Attempt<()> {
    let mut agent = wasm.instantiate(None)?;
    warm_up(ctx, &mut agent, exchange)?;
    let message = exchange.message.get();
    let count = messages(ctx);
    phase(ctx, folder, "run", count, || agent.batch(message, count))?;
    checked(&agent, exchange)
}

/// What the host's allocator sees of a native build: a check of what is said of it.
fn seen_of_native(
    ctx: &mut Context<'_>,
    native: &NativeSubject,
    exchange: &Exchange,
) -> Attempt<()> {
    let mut agent = native.instantiate()?;
    warm_up(ctx, &mut agent, exchange)?;
    let message = exchange.message.get();
    let count = messages(ctx);
    let (done, seen) = allocations::counted(|| agent.batch(message, count));
    done?;
    let text = format!(
        "not seen by the host's allocator, for a shared library has its own: {} blocks of the \
         host in {count} messages of the native build; call sites of the native build are not collected",
        seen.blocks
    );
    ctx.finding("native twin", text);
    Ok(())
}

/// Linear memory from a fresh agent to the last message.
fn growth(ctx: &mut Context<'_>, wasm: &WasmSubject, exchange: &Exchange) -> Attempt<()> {
    let mut agent = wasm.instantiate_watched()?;
    let mut log = GrowthLog::new(&agent);
    memory_of(ctx, &agent, "new");
    ctx.reading("guest_resident_new_bytes", resident(&agent));
    let message = exchange.message.get();
    agent.reserve(message.len(), page_offset(&mut ctx.rng))?;
    log.note(&mut agent, 0);
    let count = messages(ctx);
    for number in 1..=count {
        agent.call(message)?;
        log.note(&mut agent, number);
        if number == 1 {
            memory_of(ctx, &agent, "first");
        }
    }
    checked(&agent, exchange)?;
    memory_of(ctx, &agent, "end");
    ctx.reading("guest_resident_end_bytes", resident(&agent));
    let growths = log.while_running.len() as u64 + log.growth.lost;
    ctx.reading("guest_growths", Ok(growths));
    if log.while_running.is_empty() {
        let why = format!("it did not grow in {count} messages");
        ctx.missing("guest_growth_bytes", Missing::NotRequested(why));
    }
    for (index, bytes) in (0..).zip(log.while_running) {
        let at = At { block: 0, index };
        ctx.sample("guest_growth_bytes", at, bytes);
    }
    ctx.keep(Kept::Growth(HeapGrowth { messages: count, ..log.growth }));
    Ok(())
}

fn memory_of(ctx: &mut Context<'_>, agent: &WasmAgent, when: &str) {
    let bytes = agent.linear_memory().map_or(0, |bytes| bytes.0);
    ctx.reading(&format!("guest_memory_{when}_bytes"), Ok(bytes));
}

/// What guest and native build count themselves, and who allocates in the guest.
fn agents_own(ctx: &mut Context<'_>, plain: &WasmSubject, exchange: &Exchange) -> Attempt<()> {
    let [module_path, native] = match &ctx.agent.heap {
        Some(VariantFiles::Built(files)) => files,
        Some(VariantFiles::Failed(why)) => {
            return nothing_own(ctx, &Missing::Failed(why.clone()));
        }
        None => {
            let why = "a guest that was given as a file is not built here".to_owned();
            return nothing_own(ctx, &Missing::NotRequested(why));
        }
    };
    let bytes = module(module_path)?;
    let wasm = compiled(&bytes)?;
    let mut agent = wasm.instantiate(None)?;
    if !agent.start_heap(0, 0)? {
        return nothing_own(ctx, &Missing::NotRequested(NOT_IN.to_owned()));
    }
    warm_up(ctx, &mut agent, exchange)?;
    agent.start_heap(INTERVAL, ctx.rng.u64(..))?;
    agent.batch(exchange.message.get(), messages(ctx))?;
    checked(&agent, exchange)?;
    let counts = agent.heap_counts()?.unwrap_or_default();
    report_counts(ctx, "guest", counts);
    if let Some(mut log) = agent.take_heap() {
        let peak = log.profile(&bytes, about(ctx), SampleWeight::PeakBytes);
        let profile = log.profile(&bytes, about(ctx), SampleWeight::Bytes);
        tell_sites(ctx, profile, counts);
        ctx.keep(Kept::GuestHeap(Box::new(peak)));
    }
    natives_own(ctx, native, exchange)?;
    cost_of(ctx, plain, &wasm, exchange)
}

fn nothing_own(ctx: &mut Context<'_>, why: &Missing) -> Attempt<()> {
    for metric in ["bytes", "blocks", "peak_bytes"] {
        for side in ["guest", "native"] {
            ctx.missing(&format!("{side}_heap_{metric}"), why.clone());
        }
    }
    ctx.finding("guest call sites", why.to_string());
    Ok(())
}

fn natives_own(ctx: &mut Context<'_>, native: &Path, exchange: &Exchange) -> Attempt<()> {
    let loaded = NativeSubject::load(native)?;
    let mut agent = loaded.instantiate()?;
    warm_up(ctx, &mut agent, exchange)?;
    loaded.start_heap();
    agent.batch(exchange.message.get(), messages(ctx))?;
    checked(&agent, exchange)?;
    match loaded.heap_counts() {
        Some(counts) => report_counts(ctx, "native", counts),
        None => {
            let why = Missing::NotRequested(NOT_IN.to_owned());
            for metric in ["bytes", "blocks", "peak_bytes"] {
                ctx.missing(&format!("native_heap_{metric}"), why.clone());
            }
        }
    }
    Ok(())
}

fn report_counts(ctx: &mut Context<'_>, side: &str, counts: HeapCounts) {
    for (metric, value, times) in [
        ("bytes", counts.bytes, messages(ctx)),
        ("blocks", counts.blocks, messages(ctx)),
        ("peak_bytes", counts.peak_bytes, 1),
    ] {
        let metric = format!("{side}_heap_{metric}");
        ctx.once(&metric, Total::over(value, times));
    }
}

fn about(ctx: &Context<'_>) -> About {
    let (case, side) = (ctx.case.to_string(), "wasm".to_owned());
    About { case, side, messages: messages(ctx), counters: BTreeMap::new() }
}

fn tell_sites(ctx: &mut Context<'_>, mut profile: Profile, counts: HeapCounts) {
    let seen: u64 = profile.samples.iter().map(|sample| sample.weight).sum();
    let note = format!(
        "one look per {INTERVAL} bytes; its weights add up to {} of {} counted",
        Bytes(seen),
        Bytes(counts.bytes)
    );
    profile.health.notes.push(note);
    let sites = call_sites(&profile);
    let words = sites.iter().take(SITES_TOLD).map(|site| {
        let share = 100.0 * site.weight as f64 / seen.max(1) as f64;
        format!("{share:.0} % {site}")
    });
    let text = match words.collect::<Vec<_>>().join("; ") {
        none if none.is_empty() => "the guest allocated nothing".to_owned(),
        words => words,
    };
    // Not a number of the table: looks differ from launch to launch.
    if ctx.launch == 0 {
        ctx.finding("guest call sites", text);
    }
    ctx.keep(Kept::GuestHeap(Box::new(profile)));
}

/// What counting and looking cost, in turns with the agent as it is measured elsewhere.
fn cost_of(
    ctx: &mut Context<'_>,
    plain: &WasmSubject,
    counting: &WasmSubject,
    exchange: &Exchange,
) -> Attempt<()> {
    const METRICS: [&str; 3] =
        ["heap_plain_call_ns", "heap_counting_call_ns", "heap_sampling_call_ns"];
    let cost = ctx.calibrate()?;
    let message = exchange.message.get();
    let mut agents =
        [plain.instantiate(None)?, counting.instantiate(None)?, counting.instantiate(None)?];
    for agent in &mut agents {
        agent.reserve(message.len(), page_offset(&mut ctx.rng))?;
    }
    agents[1].start_heap(0, 0)?;
    agents[2].start_heap(INTERVAL, ctx.rng.u64(..))?;
    let reply = &exchange.reply[..];
    let mut participants =
        agents.map(|agent| Participant::new("the agent", Box::new(agent), message, reply));
    let size = BlockSize::of(&ctx.effort, &cost);
    let mut group = Group::of_calls(ctx.case, &METRICS);
    group.warm_up(ctx, &mut participants, size)?;
    let rounds = Rounds::new(0..ctx.effort.blocks, []);
    blocks(ctx, &rounds, &mut participants, from_mut(&mut group), size)
}

/// Linear memory as it grows.
struct GrowthLog {
    growth: HeapGrowth,
    /// Bytes of each growth while messages were handled.
    while_running: Vec<u64>,
    size: Option<Bytes>,
}

impl GrowthLog {
    /// From what a fresh agent has: how it came to that is its making and no step.
    fn new(agent: &WasmAgent) -> Self {
        let size = agent.linear_memory();
        let first = GrowthPoint { message: 0, bytes: size.unwrap_or_default() };
        let growth = HeapGrowth { points: vec![first], messages: 0, lost: 0 };
        Self { growth, while_running: Vec::new(), size }
    }

    /// What happened during message `number`.
    fn note(&mut self, agent: &mut WasmAgent, number: u64) {
        if agent.linear_memory() == self.size {
            return;
        }
        self.size = agent.linear_memory();
        let Some(growths) = agent.take_growths() else { return };
        let from = self.growth.points.last().map_or(Bytes(0), |point| point.bytes);
        for growth in growths.seen.iter().filter(|growth| growth.new > from) {
            self.growth.points.push(GrowthPoint { message: number, bytes: growth.new });
            if number > 0 {
                self.while_running.push(growth.new.0 - growth.old.0);
            }
        }
        self.growth.lost += growths.lost;
    }
}

fn compiled(bytes: &[u8]) -> Attempt<WasmSubject> {
    WasmSubject::compile(bytes, EngineOptions::default())
}

fn warm_up(
    ctx: &mut Context<'_>,
    agent: &mut dyn AgentInstance,
    exchange: &Exchange,
) -> Attempt<()> {
    let message = exchange.message.get();
    agent.reserve(message.len(), page_offset(&mut ctx.rng))?;
    agent.batch(message, WARM_UP)
}

fn checked(agent: &dyn AgentInstance, exchange: &Exchange) -> Attempt<()> {
    if agent.reply() == exchange.reply {
        return Ok(());
    }
    Err(Outcome::WrongAnswer("its reply changed from call to call".to_owned()))
}

fn resident(agent: &WasmAgent) -> Result<u64, Missing> {
    memory::resident_within(agent.memory_range()).map(|bytes| bytes.0)
}
