//! Where an agent's time goes: both sides in one process take turns in windows while a sampler
//! looks on. Beside each sampled window lies one without the sampler, which tells what it costs.
//!
//! Its times say nothing of the agent: a profiled run feeds no timing statistics.

use super::callers::{Callers, Counts, Turn};
use super::sides::{Exchange, Loaded};
use crate::guest::files::{AgentFiles, VariantFiles};
use crate::guest::toolchain::Side;
use crate::job::launch::{Event, Sampling};
use crate::job::sides::{ROLES, SideBuild, SideSpec};
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use caxton_model::profile::{About, Profile};
use caxton_model::reading::Reading;
use caxton_model::units::Nanos;
use caxton_profiler::Recording;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::EngineOptions;
use caxton_sys::clock::CpuTime;
use std::collections::BTreeMap;
use std::ops::Range;
use std::slice::from_ref;

/// Length of a window, with the sampler or without: alike, so that what a window's beginning costs
/// is the same in both.
const WINDOW: Nanos = Nanos(200_000_000);

/// What the sampled windows of one side came to.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    messages: u64,
    cpu: CpuTime,
    windows: Vec<Range<u64>>,
}

/// A side as metrics and profiles call it.
pub(super) struct Label {
    /// The beginning of its metrics' names.
    pub(super) role: &'static str,
    /// What its profile is called.
    pub(super) words: String,
}

impl Label {
    /// Tells what a window with the sampler, or one without it, took.
    pub(super) fn tell(&self, ctx: &mut Context<'_>, is_sampled: bool, number: u32, turn: Turn) {
        let which = if is_sampled { "sampled" } else { "plain" };
        let taken = Total::over(turn.cpu.total_ns(), turn.messages.max(1));
        ctx.sample(&format!("{}_{which}_cpu_ns", self.role), At::block(number), taken);
    }
}

/// Profiles the sides that `case` compares, or those of `pair`, the reference first.
pub fn run(ctx: &mut Context<'_>, how: Sampling, pair: Option<&[SideSpec; 2]>) -> Attempt<()> {
    let mut recording = match Recording::start(how.engine, how.hz) {
        Ok(recording) => recording,
        Err(why) => {
            ctx.finding("no CPU profile", why.to_string());
            return Ok(());
        }
    };
    let loaded = load(ctx, how, pair, &recording)?;
    let (mut labels, mut sides): (Vec<Label>, Vec<Loaded>) = loaded.into_iter().unzip();
    let exchange = Exchange::agree(ctx, &sides)?;
    // What is sampled is this process.
    if sides.iter().any(|side| matches!(side, Loaded::Command(_))) {
        let why = "it is an executable, which runs in a process of its own: sample it with perf";
        ctx.finding("no CPU profile of the native build", why.to_owned());
        let here = labels.into_iter().zip(sides);
        let here = here.filter(|(_, side)| !matches!(side, Loaded::Command(_)));
        (labels, sides) = here.unzip();
    }
    ctx.working();
    let mut totals: Vec<Sampled> = sides.iter().map(|_| Sampled::default()).collect();
    let mut counters = Vec::new();
    let finished = std::thread::scope(|scope| -> Attempt<()> {
        let callers = Callers::start(scope, &sides, &exchange, how.threads, ctx.rng.u64(..))?;
        for side in 0..sides.len() {
            counters.push(callers.count(side, ctx.effort.counting)?);
        }
        let rounds = how.time.0.div_ceil(WINDOW.0).max(1) as u32;
        let time = Nanos(WINDOW.0.min(how.time.0));
        let mut windows = Window::of_each(sides.len());
        turns(ctx, &Rounds::new(0..rounds, []), &mut windows, |ctx, window, number| {
            let work = || callers.window(window.side, time);
            let turn = match window.is_sampled {
                true => totals[window.side].take(&mut recording, work)?,
                false => work()?,
            };
            labels[window.side].tell(ctx, window.is_sampled, number, turn);
            Ok(())
        })?;
        callers.finish()
    });
    finished?;
    let sides = labels.into_iter().zip(totals).zip(counters);
    finish(ctx, recording, sides.map(|((label, total), counters)| (label, total, counters)));
    Ok(())
}

/// Ends the recording, and tells the profile of each side.
pub(super) fn finish(
    ctx: &mut Context<'_>,
    recording: Recording,
    sides: impl IntoIterator<Item = (Label, Sampled, Counts)>,
) {
    let case = ctx.case.to_string();
    let about = |side, messages, counters| About { case: case.clone(), side, messages, counters };
    let whole = recording.finish(about(String::new(), 0, BTreeMap::new()));
    for (label, total, counters) in sides {
        let about = about(label.words, total.messages, counters);
        tell(ctx, label.role, part(&whole, &total, about));
    }
}

/// The side, and how it was run where that is not the usual way.
fn words(name: &str, side: Side, how: Sampling) -> String {
    let mut words = name.to_owned();
    if how.threads > 1 {
        words.push_str(&format!(", {} threads", how.threads));
    }
    if how.asynchronous && side == Side::Wasm {
        words.push_str(", by call_async");
    }
    words
}

/// The agent's files whose native build keeps frame pointers.
pub(super) fn with_frame_pointers(ctx: &mut Context<'_>) -> AgentFiles {
    let mut agent = ctx.agent.clone();
    match agent.frame_pointers.take() {
        Some(VariantFiles::Built([wasm, native])) => {
            agent.wasm = wasm;
            agent.native = Some(native);
        }
        // Its stacks are cut where the compiler found another use for the frame pointer.
        Some(VariantFiles::Failed(why)) => ctx.finding("a twin without frame pointers", why),
        None => {}
    }
    agent
}

fn load(
    ctx: &mut Context<'_>,
    how: Sampling,
    pair: Option<&[SideSpec; 2]>,
    recording: &Recording,
) -> Attempt<Vec<(Label, Loaded)>> {
    let agent = with_frame_pointers(ctx);
    let mut sides = Vec::new();
    if let Some(pair) = pair {
        for (spec, role) in pair.iter().zip(ROLES) {
            if let (SideBuild::Native, Some(path)) = (&spec.build, &agent.native) {
                recording.twin(path);
            }
            let watch = Some(recording.watch());
            let (loaded, _) = Loaded::load_spec(ctx, &agent, spec, watch)?;
            sides.push((Label { role, words: words(&spec.name, loaded.side(), how) }, loaded));
        }
        return Ok(sides);
    }
    for side in super::sides::needed(&agent, from_ref(ctx.case)) {
        if let (Side::Native, Some(path)) = (side, &agent.native) {
            recording.twin(path);
        }
        let watch = Some(recording.watch());
        let options = EngineOptions { asynchronous: how.asynchronous, ..EngineOptions::default() };
        let (loaded, _) = Loaded::load_watched(ctx, &agent, side, options, watch)?;
        let role = side.name();
        sides.push((Label { role, words: words(role, side, how) }, loaded));
    }
    Ok(sides)
}

/// A window of one side, with the sampler or without.
pub(super) struct Window {
    pub(super) side: usize,
    pub(super) is_sampled: bool,
}

impl Window {
    /// Both kinds for each of so many sides.
    pub(super) fn of_each(sides: usize) -> Vec<Self> {
        let both = |side| [true, false].map(|is_sampled| Self { side, is_sampled });
        (0..sides).flat_map(both).collect()
    }
}

impl Sampled {
    /// A window of `work` with the sampler.
    pub(super) fn take(
        &mut self,
        recording: &mut Recording,
        work: impl FnOnce() -> Attempt<Turn>,
    ) -> Attempt<Turn> {
        let start = recording.time_ns();
        recording.resume();
        let turn = work();
        recording.pause();
        let turn = turn?;
        self.messages += turn.messages;
        self.cpu.user_ns += turn.cpu.user_ns;
        self.cpu.kernel_ns += turn.cpu.kernel_ns;
        self.windows.push(start..recording.time_ns());
        Ok(turn)
    }
}

/// The profile of one side alone.
fn part(whole: &Profile, total: &Sampled, about: About) -> Profile {
    let mut profile = whole.during(&total.windows, total.cpu.user_ns, about);
    profile.health.kernel_ns = Reading::Known(total.cpu.kernel_ns);
    let note = "lost and mended are counted over all sides of this process";
    profile.health.notes.push(note.to_owned());
    profile
}

/// Tells a profile and the figures that the record keeps of it.
fn tell(ctx: &mut Context<'_>, name: &str, profile: Profile) {
    let ppb = |share: f64| (share * 1e9).round() as u64;
    let shares = profile.shares();
    for (part, share) in [
        ("guest", shares.guest),
        ("boundary", shares.boundary),
        ("wasmtime", shares.engine),
        ("host", shares.host),
    ] {
        ctx.once(&format!("{name}_profile_{part}_share"), ppb(share));
    }
    (ctx.tell)(Event::Profile { case: ctx.case.clone(), profile: Box::new(profile) });
}
