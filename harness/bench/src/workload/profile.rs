//! Where an agent's time goes: both sides in one process take turns in windows while a sampler
//! looks on. Beside each sampled window lies one without the sampler, which tells what it costs.
//!
//! Its times say nothing of the agent: a profiled run feeds no timing statistics.

use super::crew::{Crew, Turn};
use super::sides::{Exchange, Loaded};
use super::{At, Context};
use crate::guest::toolchain::{Side, Variant};
use crate::measure::protocol::{AgentFiles, Event, PairCase, Sampling};
use caxton_model::case::CaseKey;
use caxton_model::profile::{About, Profile};
use caxton_model::reading::Reading;
use caxton_model::units::Nanos;
use caxton_profiler::Recording;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::EngineOptions;
use caxton_sys::clock::CpuTime;
use std::collections::BTreeMap;
use std::ops::Range;

/// Length of a window, with the sampler or without: alike, so that what a window's beginning costs
/// is the same in both.
const WINDOW: Nanos = Nanos(200_000_000);

/// What the sampled windows of one side came to.
#[derive(Debug, Default)]
struct Total {
    messages: u64,
    cpu: CpuTime,
    windows: Vec<Range<u64>>,
}

/// Profiles the sides that `pairs` need.
///
/// # Errors
/// What became of the agent.
pub fn run(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    pairs: &[PairCase],
    how: Sampling,
) -> Attempt<()> {
    let case = pairs[0].case.clone();
    let mut recording = match Recording::start(how.engine, how.hz) {
        Ok(recording) => recording,
        Err(why) => {
            ctx.finding(&case, "no CPU profile", why.to_string());
            return Ok(());
        }
    };
    let sides = load(ctx, agent, pairs, (how, &recording))?;
    let exchange = Exchange::agree(ctx, agent, &sides)?;
    (ctx.tell)(Event::Working);
    let mut totals: Vec<Total> = sides.iter().map(|_| Total::default()).collect();
    let mut counters = Vec::new();
    let finished = std::thread::scope(|scope| -> Attempt<()> {
        let crew = Crew::start(scope, (&sides, &exchange), how.threads, ctx.rng.u64(..))?;
        for side in 0..sides.len() {
            counters.push(crew.count(side, ctx.effort.counting)?);
        }
        let rounds = how.time.0.div_ceil(WINDOW.0).max(1);
        for round in 0..rounds {
            let window = (round as u32, WINDOW.0.min(how.time.0));
            self::round(ctx, (&crew, &sides), (&mut recording, &mut totals), (&case, window))?;
        }
        crew.finish()
    });
    finished?;
    let empty = About {
        case: case.to_string(),
        side: String::new(),
        messages: 0,
        counters: BTreeMap::new(),
    };
    let whole = recording.finish(empty);
    for ((side, total), counters) in sides.iter().zip(totals).zip(counters) {
        let about = About {
            case: case.to_string(),
            side: words(side.side(), how),
            messages: total.messages,
            counters,
        };
        tell(ctx, &case, side.side(), part(&whole, &total, about));
    }
    Ok(())
}

/// The side, and how it was run where that is not the usual way.
fn words(side: Side, how: Sampling) -> String {
    let mut words = side.name().to_owned();
    if how.threads > 1 {
        words.push_str(&format!(", {} threads", how.threads));
    }
    if how.asynchronous && side == Side::Wasm {
        words.push_str(", by call_async");
    }
    words
}

fn load(
    ctx: &mut Context<'_>,
    agent: &AgentFiles,
    pairs: &[PairCase],
    (how, recording): (Sampling, &Recording),
) -> Attempt<Vec<Loaded>> {
    let mut agent = agent.clone();
    match agent.variants.remove(&Variant::FramePointers) {
        Some(Ok(built)) => {
            agent.native = Some(built.native);
            agent.wasm = built.wasm;
        }
        // Its stacks are cut where the compiler found another use for the frame pointer.
        Some(Err(why)) => ctx.finding(&pairs[0].case, "a twin without frame pointers", why),
        None => {}
    }
    let mut sides = Vec::new();
    for side in super::sides::needed(&agent, pairs) {
        if let (Side::Native, Some(path)) = (side, &agent.native) {
            recording.twin(path);
        }
        let watch = Some(recording.watch());
        let options = EngineOptions { asynchronous: how.asynchronous, ..EngineOptions::default() };
        sides.push(Loaded::load_watched(ctx, &agent, side, (options, watch))?.0);
    }
    Ok(sides)
}

/// One window of each side with the sampler and one without, in random order.
fn round(
    ctx: &mut Context<'_>,
    (crew, sides): (&Crew, &[Loaded]),
    (recording, totals): (&mut Recording, &mut [Total]),
    (case, (round, window_ns)): (&CaseKey, (u32, u64)),
) -> Attempt<()> {
    let mut order: Vec<(usize, bool)> =
        (0..sides.len()).flat_map(|side| [(side, true), (side, false)]).collect();
    ctx.rng.shuffle(&mut order);
    for (side, is_sampled) in order {
        let time = Nanos(window_ns);
        let start = recording.time_ns();
        if is_sampled {
            recording.resume();
        }
        let turn = crew.window(side, time);
        if is_sampled {
            recording.pause();
        }
        let Turn { messages, cpu } = turn?;
        let name = sides[side].side().name();
        let which = if is_sampled { "sampled" } else { "plain" };
        let metric = format!("{name}_{which}_cpu_ns");
        ctx.sample(case, &metric, At { block: round, index: 0 }, (cpu.total_ns(), messages.max(1)));
        if is_sampled {
            let total = &mut totals[side];
            total.messages += messages;
            total.cpu.user_ns += cpu.user_ns;
            total.cpu.kernel_ns += cpu.kernel_ns;
            total.windows.push(start..recording.time_ns());
        }
    }
    Ok(())
}

/// The profile of one side alone.
fn part(whole: &Profile, total: &Total, about: About) -> Profile {
    let mut profile = whole.during(&total.windows, total.cpu.user_ns, about);
    profile.health.kernel_ns = Reading::Known(total.cpu.kernel_ns);
    let note = "lost and mended are counted over all sides of this process";
    profile.health.notes.push(note.to_owned());
    profile
}

/// Tells a profile and the figures that the record keeps of it.
fn tell(ctx: &mut Context<'_>, case: &CaseKey, side: Side, profile: Profile) {
    let ppb = |share: f64| (share * 1e9).round() as u64;
    let shares = profile.shares();
    let name = side.name();
    for (part, share) in [
        ("guest", shares.guest),
        ("boundary", shares.boundary),
        ("wasmtime", shares.engine),
        ("host", shares.host),
    ] {
        ctx.sample(case, &format!("{name}_profile_{part}_share"), At::default(), (ppb(share), 1));
    }
    (ctx.tell)(Event::Profile { case: case.clone(), profile: Box::new(profile) });
}
