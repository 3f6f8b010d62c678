//! What WASM costs an agent: native and WASM in one process, in interleaved blocks, phases apart;
//! and each side against itself, which shows what the apparatus would call a difference.

use super::sides::{Exchange, Loaded, counted, needed, page_offset};
use super::{At, Context};
use crate::guest::toolchain::Side;
use crate::measure::blocks::{BlockSize, Seat, block, prepare, timed_batch};
use crate::measure::calibrate::{self, Cost};
use crate::measure::protocol::{AgentFiles, Event, Pair, PairCase};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::WASM_STDERR_BYTES;
use caxton_model::reading::{Missing, Reading};
use caxton_model::units::Nanos;
use caxton_runtime::subject::Attempt;
use caxton_sys::counters::{Counters, GroupName, RawGroup};
use caxton_sys::memory;
use std::fs;
use std::path::Path;

/// Blocks of memory that are taken and kept, so that the heaps of two launches are laid out
/// differently.
const PADS_MAX: usize = 64;

/// Runs one launch of `pairs` on `agent`.
///
/// # Errors
/// What became of the agent.
pub fn run(ctx: &mut Context<'_>, agent: &AgentFiles, pairs: &[PairCase]) -> Attempt<()> {
    let cost = calibrate::measure(ctx.clock)?;
    (ctx.tell)(Event::Cost(cost));
    let pads = pads(ctx);
    let overhead = pairs.iter().find(|p| p.pair == Pair::Overhead).map(|p| p.case.clone());
    let sides = load(ctx, agent, pairs, overhead.as_ref())?;
    let exchange = Exchange::agree(ctx, agent, &sides)?;
    (ctx.tell)(Event::Working);
    let mut seats = Seats::default();
    for side in &sides {
        let instances = fresh_instances(ctx, side, &exchange, overhead.as_ref())?;
        seats.fill(ctx, side.side(), instances);
    }
    compare(ctx, &mut seats, pairs, (&exchange, cost))?;
    if let Some(case) = &overhead {
        count(ctx, &mut seats, case, &exchange)?;
        tell_exchange(ctx, case, &exchange);
        sizes(ctx, agent, &sides, case);
        let memory = seats.wasm.first_mut().and_then(|seat| seat.agent().linear_memory());
        ctx.reading(case, "linear_memory_bytes", memory.map(|b| b.0).ok_or_else(no_memory));
        ctx.reading(case, "peak_rss_bytes", memory::peak_resident().map(|b| b.0));
        let anonymous = memory::resident_anonymous().map(|bytes| bytes.0);
        ctx.reading(case, "anonymous_rss_bytes", anonymous);
    }
    seats.settle(&exchange)?;
    drop(pads);
    Ok(())
}

/// Tells what the program alone decides: sizes, memory, messages.
///
/// # Errors
/// What became of the agent.
pub(super) fn counts(ctx: &mut Context<'_>, agent: &AgentFiles, case: &CaseKey) -> Attempt<()> {
    let mut sides = Vec::new();
    for side in needed(agent, &[PairCase { pair: Pair::Overhead, case: case.clone() }]) {
        sides.push(Loaded::load(ctx, agent, side)?.0);
    }
    let exchange = Exchange::agree(ctx, agent, &sides)?;
    sizes(ctx, agent, &sides, case);
    tell_exchange(ctx, case, &exchange);
    for side in sides.iter().filter(|side| side.side() == Side::Wasm) {
        let mut instance = side.instantiate()?;
        instance.reserve(exchange.message.get().len(), 0)?;
        instance.call(exchange.message.get())?;
        let memory = instance.linear_memory().map(|b| b.0).ok_or_else(no_memory);
        ctx.reading(case, "linear_memory_bytes", memory);
    }
    Ok(())
}

/// What handling one message makes the agent do beside its reply.
fn tell_exchange(ctx: &mut Context<'_>, case: &CaseKey, exchange: &Exchange) {
    ctx.sample(case, "sent_messages", At::default(), (exchange.sends, 1));
    if let Some(bytes) = exchange.stderr_bytes {
        ctx.sample(case, WASM_STDERR_BYTES, At::default(), (bytes, 1));
    }
}

/// Blocks of memory to be kept while a launch measures.
pub(super) fn pads(ctx: &mut Context<'_>) -> Vec<Vec<u8>> {
    (0..ctx.rng.usize(..PADS_MAX)).map(|_| vec![0; ctx.rng.usize(1..8192)]).collect()
}

/// Calls without measuring, for an outside profiler.
///
/// # Errors
/// What became of the agent.
pub fn spin(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    pairs: &[PairCase],
    (time, perf_map): (Nanos, bool),
) -> Attempt<()> {
    let sides = load(ctx, agent, pairs, None)?;
    if perf_map {
        write_perf_map(&sides)?;
    }
    let exchange = Exchange::agree(ctx, agent, &sides)?;
    (ctx.tell)(Event::Working);
    for side in &sides {
        let mut instance = side.instantiate()?;
        instance.reserve(exchange.message.get().len(), page_offset(&mut ctx.rng))?;
        let mut seat = Seat::new(instance);
        let start = ctx.clock.now();
        while ctx.clock.now().0 - start.0 < time.0 {
            timed_batch(ctx.clock, &mut seat, exchange.message.get(), 1)?;
        }
        seat.check_reply(side.side().name(), &exchange.reply)?;
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
    Missing::NotRequested("no WASM instance in this launch".to_owned())
}

/// Loads the sides that `pairs` need, in an order that a coin decides.
fn load(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    pairs: &[PairCase],
    told: Option<&CaseKey>,
) -> Attempt<Vec<Loaded>> {
    let mut order = needed(agent, pairs);
    ctx.rng.shuffle(&mut order);
    let mut sides = Vec::new();
    for side in order {
        let (loaded, took) = Loaded::load(ctx, agent, side)?;
        if let Some(case) = told {
            let metric = match side {
                Side::Wasm => "wasm_compile_ns",
                Side::Native => "native_load_ns",
            };
            ctx.sample(case, metric, At::default(), (took.0, 1));
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
    told: Option<&CaseKey>,
) -> Attempt<Vec<Seat>> {
    let name = side.side().name();
    let before = memory::resident();
    let mut seats = Vec::new();
    let mut times = Vec::new();
    // Two at least: a side is compared with itself.
    for _ in 0..ctx.effort.instances.max(2) {
        let start = ctx.clock.now();
        let mut instance = side.instantiate()?;
        let made = ctx.clock.now();
        instance.reserve(exchange.message.get().len(), page_offset(&mut ctx.rng))?;
        let mut seat = Seat::new(instance);
        let first = timed_batch(ctx.clock, &mut seat, exchange.message.get(), 1)?;
        times.push((made.0 - start.0, first.0));
        seat.check_reply(name, &exchange.reply)?;
        seats.push(seat);
    }
    let Some(case) = told else { return Ok(seats) };
    for (index, (made, first)) in (0u32..).zip(times) {
        let at = At { block: 0, index };
        ctx.sample(case, &format!("{name}_instantiate_ns"), at, (made, 1));
        ctx.sample(case, &format!("{name}_first_call_ns"), at, (first, 1));
    }
    let metric = format!("{name}_instance_rss_bytes");
    match (before, memory::resident()) {
        (Ok(before), Ok(after)) => {
            let grown = after.0.saturating_sub(before.0);
            ctx.sample(case, &metric, At::default(), (grown, seats.len() as u64));
        }
        (Err(why), _) | (_, Err(why)) => ctx.missing(case, &metric, why),
    }
    Ok(seats)
}

/// The live agents of a launch.
#[derive(Default)]
struct Seats {
    native: Vec<Seat>,
    wasm: Vec<Seat>,
}

impl Seats {
    /// Seats a side's instances in random order: which of them is compared is chance.
    fn fill(&mut self, ctx: &mut Context<'_>, side: Side, mut seats: Vec<Seat>) {
        ctx.rng.shuffle(&mut seats);
        match side {
            Side::Native => self.native = seats,
            Side::Wasm => self.wasm = seats,
        }
    }

    fn side(&mut self, side: Side) -> &mut Vec<Seat> {
        match side {
            Side::Native => &mut self.native,
            Side::Wasm => &mut self.wasm,
        }
    }

    fn get(&self, side: Side, index: usize) -> Option<&Seat> {
        match side {
            Side::Native => self.native.get(index),
            Side::Wasm => self.wasm.get(index),
        }
    }

    /// Each agent sent on what its messages made it send, to the last one.
    fn settle(&self, exchange: &Exchange) -> Attempt<()> {
        self.native.iter().chain(&self.wasm).try_for_each(|seat| seat.check_sent(exchange.sends))
    }
}

/// One compared pair: two seats and the metrics of their blocks.
struct Contest<'a> {
    case: &'a CaseKey,
    seats: [(Side, usize); 2],
    metrics: [&'static str; 2],
    /// Samples in a block.
    samples: u32,
    /// The shortest batch timed so far.
    shortest: u64,
}

impl<'a> Contest<'a> {
    /// Which of two alike is "once" and which "again" is a coin flip: one of them may be warmer,
    /// for having played in other contests too.
    fn of(pair: &'a PairCase, rng: &mut fastrand::Rng) -> Self {
        let again = usize::from(rng.bool());
        let (seats, metrics) = match pair.pair {
            Pair::Overhead => {
                ([(Side::Wasm, 0), (Side::Native, 0)], ["wasm_call_ns", "native_call_ns"])
            }
            Pair::NativeAgain => (
                [(Side::Native, again), (Side::Native, 1 - again)],
                ["again_call_ns", "once_call_ns"],
            ),
            Pair::WasmAgain => {
                ([(Side::Wasm, again), (Side::Wasm, 1 - again)], ["again_call_ns", "once_call_ns"])
            }
        };
        Self { case: &pair.case, seats, metrics, samples: 1, shortest: u64::MAX }
    }

    /// One pair of blocks, in an order that a coin decides.
    fn round(
        &mut self,
        ctx: &mut Context<'_>,
        seats: &mut Seats,
        exchange: &Exchange,
        (number, times): (u32, &mut Vec<u64>),
    ) -> Attempt<()> {
        let order = if ctx.rng.bool() { [0, 1] } else { [1, 0] };
        for which in order {
            let (side, index) = self.seats[which];
            let Some(seat) = seats.side(side).get_mut(index) else { continue };
            block(ctx.clock, seat, exchange.message.get(), self.samples, times)?;
            seat.check_reply(side.name(), &exchange.reply)?;
            let iterations = seat.iterations;
            for (index, &time) in (0u32..).zip(&*times) {
                let at = At { block: number, index };
                ctx.sample(self.case, self.metrics[which], at, (time, iterations));
                self.shortest = self.shortest.min(time);
            }
        }
        Ok(())
    }
}

/// Warms all seats up, then lets the pairs take turns block by block.
fn compare(
    ctx: &mut Context<'_>,
    seats: &mut Seats,
    pairs: &[PairCase],
    (exchange, cost): (&Exchange, Cost),
) -> Attempt<()> {
    let size = BlockSize { samples_max: ctx.effort.samples_per_block, time: ctx.effort.block };
    for side in [Side::Native, Side::Wasm] {
        let mut seats: Vec<&mut Seat> = seats.side(side).iter_mut().take(2).collect();
        for seat in &mut seats {
            prepare(ctx.clock, seat, exchange.message.get(), (size, cost.batch_min()))?;
        }
        // Two alike must differ in nothing, so not in the length of their batches.
        let longest = seats.iter().map(|seat| seat.iterations).max().unwrap_or(1);
        seats.iter_mut().for_each(|seat| seat.iterations = longest);
    }
    let mut contests: Vec<Contest<'_>> =
        pairs.iter().map(|pair| Contest::of(pair, &mut ctx.rng)).collect();
    for contest in &mut contests {
        let seated = contest.seats.map(|(side, index)| seats.get(side, index));
        contest.samples = size.samples(&seated.into_iter().flatten().collect::<Vec<_>>());
    }
    let mut times = Vec::with_capacity(size.samples_max as usize);
    for number in 0..ctx.effort.blocks {
        ctx.rng.shuffle(&mut contests);
        let taken = calibrate::yardstick(ctx.clock);
        for pair in pairs {
            ctx.sample(&pair.case, "yardstick_ns", At { block: number, index: 0 }, (taken.0, 1));
        }
        for contest in &mut contests {
            contest.round(ctx, seats, exchange, (number, &mut times))?;
        }
    }
    for contest in contests {
        let share = cost.share_ppb(Nanos(contest.shortest));
        ctx.sample(contest.case, "apparatus_share", At::default(), (share, 1));
    }
    Ok(())
}

/// Counts events per call, in a pass of its own for each side.
fn count(
    ctx: &mut Context<'_>,
    seats: &mut Seats,
    case: &CaseKey,
    exchange: &Exchange,
) -> Attempt<()> {
    let mut counters = Counters::open();
    for side in [Side::Native, Side::Wasm] {
        let Some(seat) = seats.side(side).first_mut() else { continue };
        let name = side.name();
        for (event, why) in counters.missing() {
            ctx.missing(case, &format!("{name}_{event}"), why.clone());
        }
        let what = (name, exchange);
        let time = ctx.effort.counting;
        let (groups, iterations) = counted(ctx.clock, (&mut counters, seat), what, time)?;
        for group in &groups {
            tell_group(ctx, case, name, group, iterations);
        }
    }
    Ok(())
}

fn tell_group(
    ctx: &mut Context<'_>,
    case: &CaseKey,
    name: &str,
    group: &RawGroup,
    iterations: u64,
) {
    for (event, count) in group.scaled() {
        let metric = format!("{name}_{event}");
        match count {
            Reading::Known(count) => ctx.sample(case, &metric, At::default(), (count, iterations)),
            Reading::Missing(why) => ctx.missing(case, &metric, why),
        }
    }
    let metric = match group.group {
        GroupName::Hardware => "hardware_scaling",
        GroupName::Software => "software_scaling",
    };
    if group.time_running_ns > 0 {
        let times = (group.time_enabled_ns, group.time_running_ns);
        ctx.sample(case, metric, At::default(), times);
    }
}

/// Sizes of files and code.
fn sizes(ctx: &mut Context<'_>, agent: &AgentFiles, sides: &[Loaded], case: &CaseKey) {
    let file = |path: &Path| {
        let length = fs::metadata(path).map(|meta| meta.len());
        length.map_err(|error| Missing::Failed(format!("{}: {error}", path.display())))
    };
    ctx.reading(case, "wasm_file_bytes", file(&agent.wasm));
    ctx.reading(case, "wasm_module_bytes", crate::guest::artifact::module_bytes(&agent.wasm));
    if let Some(path) = &agent.native {
        ctx.reading(case, "native_file_bytes", file(path));
        ctx.reading(case, "native_code_bytes", crate::guest::artifact::code_bytes(path));
    }
    for side in sides {
        if let Loaded::Wasm(subject) = side {
            ctx.reading(case, "wasm_code_bytes", Ok(subject.code_bytes().0));
        }
    }
    if agent.native.is_none() {
        for metric in ["wasm_to_native_time", "native_call_ns"] {
            let why = "a guest given as a file has no native twin".to_owned();
            ctx.missing(case, metric, Missing::NotRequested(why));
        }
    }
}
