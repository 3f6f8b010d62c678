//! What WASM costs an agent: native and WASM in one process, in interleaved blocks, phases apart;
//! and each side against itself, which shows what the harness would call a difference.

use super::sides::{Exchange, Loaded, counted, needed, page_offset};
use crate::guest::artifact::{code_bytes, module_bytes};
use crate::guest::toolchain::Side;
use crate::job::Pair;
use crate::job::cost::Cost;
use crate::timing::blocks::{BenchInstance, BlockSize, prepare, timed_batch};
use crate::timing::context::{At, Context, Total};
use crate::timing::participants::{BlockTurn, Group, Participant, blocks};
use crate::timing::turns::Rounds;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::WASM_STDERR_BYTES;
use caxton_model::reading::{Missing, Reading};
use caxton_model::units::Nanos;
use caxton_runtime::subject::command::NativeCommand;
use caxton_runtime::subject::{AgentInstance, Attempt, Step};
use caxton_sys::clock::Clock;
use caxton_sys::counters::{Counters, GroupName, RawGroup, event_names};
use caxton_sys::memory;
use std::fs;
use std::path::Path;
use std::slice::from_ref;
use std::sync::Arc;

/// Blocks of memory that are taken and kept, so that the heaps of two launches are laid out
/// differently.
const PADS_MAX: usize = 64;

/// The program that does nothing.
const EMPTY: &str = "/bin/true";

/// Time for instances beyond the first two of each side: a program may run for seconds.
const FRESH_MAX: Nanos = Nanos(500_000_000);

/// One launch of `cases`.
pub fn run(ctx: &mut Context<'_>, cases: &[CaseKey]) -> Attempt<()> {
    let cost = ctx.calibrate()?;
    let pads = pads(ctx);
    let is_overhead = Pair::of(ctx.case) == Pair::Overhead;
    let sides = load(ctx, cases, is_overhead)?;
    let exchange = Exchange::agree(ctx, &sides)?;
    ctx.working();
    let mut participants = Vec::new();
    for side in &sides {
        let mut instances = fresh_instances(ctx, side, &exchange, is_overhead)?;
        // Which of them is compared is chance.
        ctx.rng.shuffle(&mut instances);
        participants.extend(instances.into_iter().map(|instance| Participant {
            name: side.side().name(),
            instance,
            message: exchange.message.get(),
            reply: &exchange.reply,
        }));
    }
    compare(ctx, &mut participants, cases, cost)?;
    if is_overhead {
        tell_spent(ctx, &mut participants)?;
        count(ctx, &mut participants)?;
        tell_exchange(ctx, &exchange);
        sizes(ctx, &sides);
        let wasm = nth(&participants, Side::Wasm, 0);
        let memory = wasm.and_then(|it| participants[it].instance.agent().linear_memory());
        ctx.reading("linear_memory_bytes", memory.map(|b| b.0).ok_or_else(no_memory));
        ctx.reading("peak_rss_bytes", memory::peak_resident().map(|b| b.0));
        let anonymous = memory::resident_anonymous().map(|bytes| bytes.0);
        ctx.reading("anonymous_rss_bytes", anonymous);
    }
    if is_overhead {
        tell_crossings(ctx, &mut participants, cost)?;
    }
    // Each agent sent on what its messages made it send, to the last one.
    let mut instances = participants.iter().map(|it| &it.instance);
    instances.try_for_each(|instance| instance.check_sent(exchange.sends))?;
    drop(pads);
    Ok(())
}

/// Tells where the time of a program's calls went, all of them since warming up.
fn tell_spent(ctx: &mut Context<'_>, participants: &mut [Participant<'_>]) -> Attempt<()> {
    for side in [Side::Native, Side::Wasm] {
        let Some(who) = nth(participants, side, 0) else { continue };
        let Some(spent) = participants[who].instance.take_spent() else { continue };
        let name = side.name();
        let per_call = |time: Nanos| Total::over(time.0, spent.calls.max(1));
        ctx.once(&format!("{name}_run_ns"), per_call(spent.run));
        if spent.instantiate.0 > 0 {
            ctx.once(&format!("{name}_fresh_ns"), per_call(spent.instantiate));
            ctx.once(&format!("{name}_end_ns"), per_call(spent.end));
        }
        if let Some(cpu) = spent.cpu {
            tell_empty_process(ctx)?;
            ctx.once(&format!("{name}_cpu_ns"), per_call(cpu));
        }
    }
    Ok(())
}

/// Tells who works during a call of a program: in a pass of its own, since watching costs time.
/// What it costs, by calls without it, is subtracted from each crossing alike.
fn tell_crossings(
    ctx: &mut Context<'_>,
    participants: &mut [Participant<'_>],
    cost: Cost,
) -> Attempt<()> {
    // Each side has two: one goes on as it was.
    let [Some(plain), Some(watched)] = [0, 1].map(|n| nth(participants, Side::Wasm, n)) else {
        return Ok(());
    };
    // An agent cannot tell, and nothing is timed.
    if !participants[watched].instance.agent().watch_crossings()? {
        return Ok(());
    }
    let Participant { instance, message, .. } = &mut participants[plain];
    let once = run_time(ctx.clock, instance, message, 1)?;
    let calls = (ctx.effort.counting.0 / instance.whole().0.max(1)).max(1);
    // One call alone is compared with nothing: of its length a reading of the clock is the cost.
    let plain = if calls > 1 { run_time(ctx.clock, instance, message, calls)? } else { once };
    let Participant { name, instance, message, reply } = &mut participants[watched];
    if calls > 1 {
        // The first is cold.
        run_time(ctx.clock, instance, message, 1)?;
        instance.agent().take_crossings();
    }
    let watched = run_time(ctx.clock, instance, message, calls)?;
    instance.check_reply(name, reply)?;
    let Some(seen) = instance.agent().take_crossings() else { return Ok(()) };
    let all = seen.all as f64;
    let each = (watched.0 as f64 - plain.0 as f64) / all.max(1.0);
    let each = if calls > 1 { each.max(cost.clock_read_ns) } else { cost.clock_read_ns };
    let own = |time: f64, crossings: u64| {
        Total::over((time - crossings as f64 * each).max(0.0) as u64, calls)
    };
    let [guest, host] = [seen.guest, seen.host];
    let rest = watched.0.saturating_sub(guest.time.0 + host.time.0) as f64;
    let crossings = seen.all.saturating_sub(guest.count + host.count);
    ctx.once("wasm_guest_code_ns", own(guest.time.0 as f64, guest.count));
    ctx.once("wasm_host_functions_ns", own(host.time.0 as f64, host.count));
    ctx.once("wasm_boundary_ns", own(rest, crossings));
    ctx.once("wasm_entries", Total::over(seen.entries, calls));
    Ok(())
}

/// How long `calls` take, without the making of instances where each gets one.
fn run_time(
    clock: &dyn Clock,
    instance: &mut BenchInstance,
    message: &[u8],
    calls: u64,
) -> Attempt<Nanos> {
    instance.take_spent();
    let whole = timed_batch(clock, instance, message, calls)?;
    let run = instance.take_spent().map(|spent| spent.run).filter(|run| run.0 > 0);
    Ok(run.unwrap_or_else(|| instance.whole().max(whole)))
}

/// Tells how long a process takes that does nothing: what of an executable's run is its start.
fn tell_empty_process(ctx: &mut Context<'_>) -> Attempt<()> {
    const RUNS: u32 = 5;
    let nothing = NativeCommand::new(Path::new(EMPTY), Arc::default(), &[]);
    let mut process = nothing.instantiate()?;
    for index in 0..RUNS {
        let start = ctx.clock.now();
        if process.call(&[]).is_err() {
            let why = Missing::Unsupported(format!("no {EMPTY} on this machine"));
            ctx.missing("empty_process_ns", why);
            break;
        }
        let took = ctx.clock.now().0 - start.0;
        ctx.sample("empty_process_ns", At { block: 0, index }, took);
    }
    Ok(())
}

/// What is not known of an executable's events and memory.
fn elsewhere() -> Missing {
    Missing::NotRequested("the native build is a process of its own".to_owned())
}

/// Tells what the program alone decides: sizes, memory, messages.
pub(super) fn counts(ctx: &mut Context<'_>) -> Attempt<()> {
    let mut sides = Vec::new();
    for side in needed(ctx.agent, from_ref(ctx.case)) {
        sides.push(Loaded::load(ctx, ctx.agent, side)?.0);
    }
    let exchange = Exchange::agree(ctx, &sides)?;
    sizes(ctx, &sides);
    tell_exchange(ctx, &exchange);
    for side in sides.iter().filter(|side| side.side() == Side::Wasm) {
        let mut instance = side.instantiate()?;
        instance.reserve(exchange.message.get().len(), 0)?;
        instance.call(exchange.message.get())?;
        let memory = instance.linear_memory().map(|b| b.0).ok_or_else(no_memory);
        ctx.reading("linear_memory_bytes", memory);
    }
    Ok(())
}

/// What handling one message makes the agent do beside its reply.
fn tell_exchange(ctx: &mut Context<'_>, exchange: &Exchange) {
    ctx.once("sent_messages", exchange.sends);
    if let Some(bytes) = exchange.stderr_bytes {
        ctx.once(WASM_STDERR_BYTES, bytes);
    }
}

/// Blocks of memory to be kept while a launch measures.
pub(super) fn pads(ctx: &mut Context<'_>) -> Vec<Vec<u8>> {
    (0..ctx.rng.usize(..PADS_MAX)).map(|_| vec![0; ctx.rng.usize(1..8192)]).collect()
}

/// Calls without measuring, for an outside profiler.
pub fn spin(ctx: &mut Context<'_>, cases: &[CaseKey], time: Nanos, perf_map: bool) -> Attempt<()> {
    let sides = load(ctx, cases, false)?;
    if perf_map {
        write_perf_map(&sides)?;
    }
    let exchange = Exchange::agree(ctx, &sides)?;
    ctx.working();
    for side in &sides {
        let mut instance = side.instantiate()?;
        instance.reserve(exchange.message.get().len(), page_offset(&mut ctx.rng))?;
        let mut instance = BenchInstance::new(instance);
        let start = ctx.clock.now();
        while ctx.clock.now().0 - start.0 < time.0 {
            timed_batch(ctx.clock, &mut instance, exchange.message.get(), 1)?;
        }
        instance.check_reply(side.side().name(), &exchange.reply)?;
    }
    Ok(())
}

/// Writes the names of the guest's code where `perf` looks for them: `perf-<process>.map`.
fn write_perf_map(sides: &[Loaded]) -> Attempt<()> {
    let path = Path::new("/tmp").join(format!("perf-{}.map", std::process::id()));
    let maps: Vec<String> = sides.iter().filter_map(Loaded::perf_map).collect();
    fs::write(&path, maps.concat())
        .map_err(|error| Outcome::Failed(format!("perf map {}: {error}", path.display())))
}

fn no_memory() -> Missing {
    Missing::NotRequested(
        "no WASM instance in this launch, or no memory that it exports".to_owned(),
    )
}

/// Loads the sides that `cases` need, in an order that a coin decides.
fn load(ctx: &mut Context<'_>, cases: &[CaseKey], is_reported: bool) -> Attempt<Vec<Loaded>> {
    let mut order = needed(ctx.agent, cases);
    ctx.rng.shuffle(&mut order);
    let mut sides = Vec::new();
    for side in order {
        let (loaded, took) = Loaded::load(ctx, ctx.agent, side)?;
        if is_reported {
            let metric = match side {
                Side::Wasm => "wasm_compile_ns",
                Side::Native => "native_load_ns",
            };
            ctx.once(metric, took.0);
        }
        sides.push(loaded);
    }
    Ok(sides)
}

/// Makes the launch's instances, timing each one's creation and first call.
pub(super) fn fresh_instances(
    ctx: &mut Context<'_>,
    side: &Loaded,
    exchange: &Exchange,
    is_reported: bool,
) -> Attempt<Vec<BenchInstance>> {
    let name = side.side().name();
    let before = memory::resident();
    let mut instances = Vec::new();
    let mut times = Vec::new();
    // Two at least: a side is compared with itself.
    let begun = ctx.clock.now();
    for number in 0..ctx.effort.instances.max(2) {
        let start = ctx.clock.now();
        if number >= 2 && start.0 - begun.0 > FRESH_MAX.0 {
            break;
        }
        let mut instance = side.instantiate()?;
        let made = ctx.clock.now();
        instance.reserve(exchange.message.get().len(), page_offset(&mut ctx.rng))?;
        let mut instance = BenchInstance::new(instance);
        instance.is_section |= exchange.has_section;
        let first = timed_batch(ctx.clock, &mut instance, exchange.message.get(), 1)?;
        times.push((made.0 - start.0, first.0));
        instance.check_reply(name, &exchange.reply)?;
        instances.push(instance);
    }
    if !is_reported {
        return Ok(instances);
    }
    for (index, (made, first)) in (0u32..).zip(times) {
        let at = At { block: 0, index };
        ctx.sample(&format!("{name}_instantiate_ns"), at, made);
        ctx.sample(&format!("{name}_first_call_ns"), at, first);
    }
    let metric = format!("{name}_instance_rss_bytes");
    if instances.iter_mut().any(|instance| instance.agent().is_process()) {
        ctx.missing(&metric, elsewhere());
        return Ok(instances);
    }
    match (before, memory::resident()) {
        (Ok(before), Ok(after)) => {
            let grown = after.0.saturating_sub(before.0);
            ctx.once(&metric, Total::over(grown, instances.len() as u64));
        }
        (Err(why), _) | (_, Err(why)) => ctx.missing(&metric, why),
    }
    Ok(instances)
}

/// The place of the nth instance of `side`.
fn nth(participants: &[Participant<'_>], side: Side, n: usize) -> Option<usize> {
    let places = participants.iter().enumerate().filter(|(_, it)| it.name == side.name());
    places.map(|(place, _)| place).nth(n)
}

/// The blocks of one compared pair. Which of two alike is "once" and which "again" is a coin flip:
/// one of them may be warmer, for its turns in other pairs too.
fn group<'a>(
    case: &'a CaseKey,
    participants: &[Participant<'_>],
    rng: &mut fastrand::Rng,
) -> Group<'a> {
    let again = usize::from(rng.bool());
    let alike = |side| [(side, again, "again_call_ns"), (side, 1 - again, "once_call_ns")];
    let sides = match Pair::of(case) {
        Pair::Overhead => [(Side::Wasm, 0, "wasm_call_ns"), (Side::Native, 0, "native_call_ns")],
        Pair::NativeAgain => alike(Side::Native),
        Pair::WasmAgain => alike(Side::Wasm),
    };
    let turn = |(side, n, metric)| {
        let who = nth(participants, side, n)?;
        let pace = participants[who].instance.pace();
        Some(BlockTurn { pace, ..BlockTurn::new(who, metric, Step::Whole) })
    };
    Group::new(case, sides.into_iter().filter_map(turn).collect())
}

/// Warms all that are compared up, then lets the pairs take turns block by block.
fn compare(
    ctx: &mut Context<'_>,
    participants: &mut [Participant<'_>],
    cases: &[CaseKey],
    cost: Cost,
) -> Attempt<()> {
    let size = BlockSize::of(&ctx.effort, &cost);
    for side in [Side::Native, Side::Wasm] {
        let alike = participants.iter_mut().filter(|it| it.name == side.name()).take(2);
        let mut alike: Vec<_> = alike.collect();
        for Participant { instance, message, .. } in &mut alike {
            prepare(ctx.clock, instance, message, size)?;
            // What was cold is in no mean.
            instance.take_spent();
        }
        // Two alike must differ in nothing, so not in the length of their batches.
        let longest = alike.iter().map(|it| it.instance.iterations).max().unwrap_or(1);
        alike.iter_mut().for_each(|it| it.instance.iterations = longest);
    }
    let mut groups: Vec<Group<'_>> =
        cases.iter().map(|case| group(case, participants, &mut ctx.rng)).collect();
    let cases: Vec<&CaseKey> = cases.iter().collect();
    let rounds = Rounds::of_blocks(ctx.effort.blocks, cases);
    blocks(ctx, &rounds, participants, &mut groups, size)?;
    for group in groups {
        ctx.sample_of(group.case, "apparatus_share", At::default(), cost.share_ppb(group.shortest));
    }
    Ok(())
}

/// Counts events per call, in a pass of its own for each side.
fn count(ctx: &mut Context<'_>, participants: &mut [Participant<'_>]) -> Attempt<()> {
    let mut counters = Counters::open();
    for side in [Side::Native, Side::Wasm] {
        let Some(who) = nth(participants, side, 0) else { continue };
        let name = side.name();
        if participants[who].instance.agent().is_process() {
            for event in event_names() {
                ctx.missing(&format!("{name}_{event}"), elsewhere());
            }
            continue;
        }
        for (event, why) in counters.missing() {
            ctx.missing(&format!("{name}_{event}"), why.clone());
        }
        let time = ctx.effort.counting;
        let counted = counted(ctx.clock, &mut counters, &mut participants[who], time)?;
        for group in &counted.groups {
            tell_group(ctx, name, group, counted.iterations);
        }
    }
    Ok(())
}

fn tell_group(ctx: &mut Context<'_>, name: &str, group: &RawGroup, iterations: u64) {
    for (event, count) in group.scaled() {
        let metric = format!("{name}_{event}");
        match count {
            Reading::Known(count) => ctx.once(&metric, Total::over(count, iterations)),
            Reading::Missing(why) => ctx.missing(&metric, why),
        }
    }
    let metric = match group.group {
        GroupName::Hardware => "hardware_scaling",
        GroupName::Software => "software_scaling",
    };
    if group.time_running_ns > 0 {
        let enabled = Total::over(group.time_enabled_ns, group.time_running_ns);
        ctx.once(metric, enabled);
    }
}

fn sizes(ctx: &mut Context<'_>, sides: &[Loaded]) {
    let agent = ctx.agent;
    let file = |path: &Path| {
        let length = fs::metadata(path).map(|meta| meta.len());
        length.map_err(|error| Missing::Failed(format!("{}: {error}", path.display())))
    };
    ctx.reading("wasm_file_bytes", file(&agent.wasm));
    ctx.reading("wasm_module_bytes", module_bytes(&agent.wasm));
    if let Some(path) = &agent.native {
        ctx.reading("native_file_bytes", file(path));
        ctx.reading("native_code_bytes", code_bytes(path));
    }
    for side in sides {
        if let Some(bytes) = side.code_bytes() {
            ctx.reading("wasm_code_bytes", Ok(bytes.0));
        }
    }
    if agent.native.is_none() {
        for metric in ["wasm_to_native_time", "native_call_ns"] {
            let why = "no native build was given: name one with --native".to_owned();
            ctx.missing(metric, Missing::NotRequested(why));
        }
    }
}
