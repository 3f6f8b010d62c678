//! What agents take, phase by phase: memory while they are created, work and are checkpointed; CPU
//! time while nothing happens, while they work, and while they are spawned.
//!
//! Two books are kept of memory: the host's heap, by an allocator that counts, and the process'
//! resident pages, because a guest's memory is mapped and no allocator sees it.

use super::runtime::{subject, subject_in_tier};
use super::spent;
use super::traffic::{Whole, post_taking, request};
use crate::timing::context::{Context, Total};
use crate::timing::held;
use agent_abi::mail::{Header, Kind};
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::Supervision;
use caxton_runtime::orchestrator::{HAND, Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailInstance, MailSubject, Shape};
use caxton_runtime::subject::wasmtime::{
    Allocation, Checkpoint, EngineOptions, WasmMail, WasmMailSubject,
};
use caxton_sys::clock::Clock;
use caxton_sys::memory;
use std::time::Duration;

/// Agents that are made together: a single one's pages drown in the process' own.
const AGENTS: u32 = 32;
/// Messages that each processes.
const MESSAGES: u32 = 1_000;
/// Length of a message, header included.
const BYTES: u32 = 1024;
/// Messages of a mailbox.
const SLOTS: u32 = 32;

/// Messages whose CPU time is taken, and agents that are spawned.
const PROCESSED: u64 = 10_000;
const SPAWNED: u32 = 100;
/// The load under which an agent's share of a CPU is told.
const PER_SECOND: u64 = 10_000;
const BURST: u64 = 10;

/// Heap and resident memory at one moment.
struct Level {
    heap: Result<u64, Missing>,
    rss: Result<u64, Missing>,
}

impl Level {
    fn now() -> Self {
        let rss = memory::footprint().map(|footprint| footprint.rss.0);
        Self { heap: held::held_bytes(), rss }
    }
}

pub fn memory(ctx: &mut Context<'_>) -> Attempt<()> {
    let shape = Shape::of(HAND, BYTES);
    let subject = subject(ctx.agent, checkpointed(AGENTS, shape))?;
    // One agent that is gone again: what all share is there before the first level.
    checkpoint(&subject, &mut work(subject.spawn(shape)?, 1)?)?;
    ctx.working();
    let mut agents = Vec::with_capacity(AGENTS as usize);
    let mut checkpoints = Vec::with_capacity(AGENTS as usize);
    let start = Level::now();
    for _ in 0..AGENTS {
        agents.push(subject.spawn(shape)?);
    }
    let created = Level::now();
    let agents: Attempt<Vec<WasmMail>> =
        agents.into_iter().map(|agent| work(agent, MESSAGES)).collect();
    let mut agents = agents?;
    let processed = Level::now();
    for agent in &mut agents {
        checkpoints.push(checkpoint(&subject, agent)?);
    }
    let kept = Level::now();
    let phases = [
        ("creation", &start, &created),
        ("processing", &created, &processed),
        ("checkpoint", &processed, &kept),
        ("total", &start, &kept),
    ];
    for (phase, from, to) in phases {
        grown(ctx, &format!("{phase}_heap_bytes"), &from.heap, &to.heap);
        grown(ctx, &format!("{phase}_rss_bytes"), &from.rss, &to.rss);
    }
    Ok(())
}

/// Guests that can be checkpointed, in the tier where that is cheap.
pub fn checkpointed(agents: u32, shape: Shape) -> EngineOptions {
    let slot_bytes = (shape.bytes() as u64 + (1 << 20)).next_multiple_of(1 << 16);
    let allocation = Allocation::Slab { agents: agents + 1, slot_bytes };
    EngineOptions { allocation, checkpoints: true, ..EngineOptions::default() }
}

/// `agent` after it has handled `messages` messages.
fn work(mut agent: WasmMail, messages: u32) -> Attempt<WasmMail> {
    for number in 0..messages {
        let slot = number % HAND;
        request(Kind::Ask, 0, 0)
            .numbered(number)
            .write_whole(&mut agent.slot_mut(slot)[..BYTES as usize]);
        agent.drain(slot, 1)?;
        let answer = Header::read(agent.slot(slot)).filter(|answer| answer.id == number);
        answer.ok_or_else(|| Outcome::WrongAnswer("an answer to another message".to_owned()))?;
    }
    Ok(agent)
}

fn checkpoint(subject: &WasmMailSubject, agent: &mut WasmMail) -> Attempt<Checkpoint> {
    subject.checkpoint(agent, None).map_err(Outcome::Failed)
}

/// How much more there is of something now, per agent. Growth below nothing is told in words.
fn grown(
    ctx: &mut Context<'_>,
    metric: &str,
    from: &Result<u64, Missing>,
    to: &Result<u64, Missing>,
) {
    match (from, to) {
        (Ok(from), Ok(to)) => {
            if to < from {
                let text = "less than before, told as 0: what was let go was more".to_owned();
                ctx.finding(metric, text);
            }
            let value = to.saturating_sub(*from);
            ctx.once(metric, Total::over(value, u64::from(AGENTS)));
        }
        (Err(why), _) | (_, Err(why)) => ctx.missing(metric, why.clone()),
    }
}

/// One launch of the phases of CPU time.
pub fn cpu(ctx: &mut Context<'_>) -> Attempt<()> {
    let shape = Shape::of(SLOTS, BYTES);
    let setup = Setup { agents: SPAWNED, shards: 1, shape, batch: SLOTS };
    let (subject, _) = subject_in_tier(ctx.agent, Setup { agents: SPAWNED * 2, ..setup })?;
    let mut guests = Reference::start(&subject, setup, Supervision::NONE)?;
    ctx.working();
    let window = Duration::from_nanos(ctx.effort.window.0 * 4);
    let idle = spent(ctx, || {
        std::thread::sleep(window);
        Ok(())
    })?;
    ctx.once("idle_cpu_share", idle.share_ppb());
    let processing = spent(ctx, || asked(ctx.clock, &mut guests, PROCESSED, None))?;
    ctx.once("processing_cpu_ns", Total::over(processing.cpu.0, PROCESSED));
    let spawning = spent(ctx, || (0..SPAWNED).try_for_each(|_| guests.spawn().map(drop)))?;
    ctx.once("spawning_cpu_ns", Total::over(spawning.cpu.0, u64::from(SPAWNED)));
    let messages = (PER_SECOND * window.as_nanos() as u64 / 1_000_000_000).max(BURST);
    let busy = spent(ctx, || asked(ctx.clock, &mut guests, messages, Some(PER_SECOND)))?;
    ctx.once("agent_cpu_share", Total::over(busy.share_ppb(), u64::from(SPAWNED)));
    Ok(())
}

/// Has agents answer `messages`, in turn; with a rate, in bursts of it, asleep between them.
fn asked(
    clock: &dyn Clock,
    guests: &mut Reference<WasmMailSubject>,
    messages: u64,
    per_second: Option<u64>,
) -> Attempt<()> {
    const PATIENCE_NS: u64 = 30_000_000_000;
    let mut message = vec![3; BYTES as usize];
    let (start, mut answered) = (clock.now().0, 0);
    for number in 0..messages {
        request(Kind::Ask, (number % u64::from(SPAWNED)) as u32, 0).write_whole(&mut message);
        post_taking(guests, &message, &mut |_| answered += 1)?;
        if let Some(rate) = per_second.filter(|_| (number + 1) % BURST == 0) {
            answered += guests.replies(&mut |_| ()) as u64;
            let due = start + (number + 1) * 1_000_000_000 / rate;
            let early = due.saturating_sub(clock.now().0);
            std::thread::sleep(Duration::from_nanos(early));
        }
    }
    while answered < messages {
        answered += guests.replies(&mut |_| ()) as u64;
        std::thread::yield_now();
        if clock.now().0 - start > PATIENCE_NS {
            return Err(Outcome::TimedOut(format!("{answered} of {messages} answers")));
        }
    }
    Ok(())
}
