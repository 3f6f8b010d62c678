//! The way back from a death: how long until an agent that trapped is there again, in the state of
//! its last checkpoint, and has handled what waited for it; and what a checkpoint costs.

use super::percentile;
use super::runtime;
use super::traffic::{Whole, request};
use crate::guest::files::AgentFiles;
use crate::timing::context::{At, Context};
use agent_abi::mail::{Header, Kind, Ledger};
use caxton_model::case::Outcome;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::{Delivery, Intensity, Supervision};
use caxton_runtime::orchestrator::{HAND, Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::{MailInstance, MailSubject, Shape};
use caxton_runtime::subject::wasmtime::{
    Allocation, EngineOptions, RestoreBy, WasmMail, WasmMailSubject,
};
use std::sync::mpsc;
use std::time::Duration;

/// Messages that wait when the agent dies.
const WAITING: u32 = 100;
/// Their length, and the slots for them and for the one that kills.
const BYTES: u32 = 1024;
const SLOTS: u32 = 128;
/// Deaths in a launch: ten beyond the 99th percentile.
const DEATHS: u32 = 1_000;
/// Deaths after which the state comes back by a copy: each may take 0.1 s.
const COPIED: u32 = 5;
/// Pages that change between two checkpoints.
const PAGES: u32 = 16;
/// Why there is a percentile.
const TIMED: &str = "each death has its times";
const PATIENCE: Duration = Duration::from_secs(20);

type Guests = Reference<WasmMailSubject>;

/// One launch: deaths of an agent that holds `heap_mib` MiB.
pub fn run(ctx: &mut Context<'_>, heap_mib: u32) -> Attempt<()> {
    let deaths = (DEATHS * ctx.effort.windows / 5).max(20);
    let subject = subject(ctx.agent, heap_mib)?;
    ctx.working();
    let mut whole = deaths_of(&subject, heap_mib, deaths)?;
    let mut copied = deaths_of(&subject.restored(RestoreBy::Copy), heap_mib, COPIED)?;
    for (metric, share, times) in [
        ("detect_ns", 50, &mut whole.detect_ns),
        ("restart_ns", 50, &mut whole.restart_ns),
        ("replay_ns", 50, &mut whole.replay_ns),
        ("recover_p50_ns", 50, &mut whole.all_ns),
        ("copy_recover_p50_ns", 50, &mut copied.all_ns),
    ] {
        ctx.once(metric, percentile(times, share).expect(TIMED));
    }
    if deaths >= 1_000 {
        let p99 = percentile(&mut whole.all_ns, 99).expect(TIMED);
        ctx.once("recover_p99_ns", p99);
    } else {
        let why = format!("{deaths} deaths: ten beyond it take 1000");
        let why = caxton_model::reading::Missing::NotRequested(why);
        ctx.missing("recover_p99_ns", why);
    }
    Ok(())
}

/// How long the steps of each death took.
#[derive(Default)]
struct Times {
    detect_ns: Vec<u64>,
    restart_ns: Vec<u64>,
    replay_ns: Vec<u64>,
    all_ns: Vec<u64>,
}

fn subject(agent: &AgentFiles, heap_mib: u32) -> Attempt<WasmMailSubject> {
    // Holding is done by vectors that double: the book of what is held, and the heap's own order.
    let slot_bytes = (u64::from(heap_mib) + 4) << 20;
    let allocation = Allocation::Slab { agents: 4, slot_bytes };
    let options = EngineOptions { allocation, checkpoints: true, ..EngineOptions::default() };
    runtime::subject(agent, options)
}

fn deaths_of(subject: &WasmMailSubject, heap_mib: u32, deaths: u32) -> Attempt<Times> {
    let shape = Shape::of(SLOTS, BYTES);
    let setup = Setup { agents: 1, shards: 1, shape, batch: SLOTS };
    let supervision = Supervision {
        delivery: Delivery::AtMostOnce,
        intensity: Intensity { restarts: u32::MAX, period_ns: 1 },
        ..Supervision::NONE
    };
    let mut guests = Guests::start(subject, setup, supervision)?;
    asked(&mut guests, Kind::Hold, heap_mib)?;
    asked(&mut guests, Kind::Report, 0)?;
    guests.checkpoint(0).map_err(|error| Outcome::Failed(error.to_string()))?;
    let mut times = Times::default();
    for _ in 0..deaths {
        die(&mut guests, &mut times)?;
    }
    let stats = guests.stats();
    let expected = (u64::from(deaths), u64::from(deaths), 0);
    let counted = (stats.restarts, stats.lost, stats.escalated);
    if counted == expected {
        return Ok(times);
    }
    let why = format!("restarts, lost, escalated: {counted:?} instead of {expected:?}");
    Err(Outcome::WrongAnswer(why))
}

/// One death with mail waiting.
fn die(guests: &mut Guests, times: &mut Times) -> Attempt<()> {
    // The shard is held while mail piles up, so that all of it waits when the agent dies.
    let (release, held) = mpsc::channel::<()>();
    let (ready, is_held) = mpsc::channel();
    let holder = guests.hold(0, move || {
        let _ = ready.send(());
        let _ = held.recv();
    });
    let gone = || Outcome::Failed("the shard ended".to_owned());
    is_held.recv().map_err(|_| gone())?;
    let mut message = [1; BYTES as usize];
    request(Kind::Trap, 0, 0).write_whole(&mut message);
    super::traffic::post(guests, &message)?;
    for id in 0..WAITING {
        request(Kind::Ask, 0, 0).numbered(id).write_whole(&mut message);
        super::traffic::post(guests, &message)?;
    }
    drop(release);
    holder.recv().map_err(|_| gone())?;
    let mut next = 0;
    let mut is_in_order = true;
    let mut turns = 0u64;
    while next < WAITING {
        guests.replies(&mut |reply| {
            is_in_order &= Header::read(reply).is_some_and(|header| header.id == next);
            next += 1;
        });
        turns += 1;
        if turns > 1_000_000 {
            std::thread::sleep(Duration::from_micros(100));
        }
        if turns > 1_200_000 {
            return Err(Outcome::TimedOut(format!("{next} of {WAITING} answers after a death")));
        }
    }
    if !is_in_order {
        return Err(Outcome::WrongAnswer("mail was handled out of order after a death".to_owned()));
    }
    let incidents = guests.incidents();
    let [incident] = &incidents[..] else {
        let count = incidents.len();
        return Err(Outcome::WrongAnswer(format!("{count} incidents of one death")));
    };
    let (Some(restarted), Some(caught_up)) = (incident.restarted_ns, incident.caught_up_ns) else {
        return Err(Outcome::WrongAnswer(format!("not restarted: {}", incident.why)));
    };
    times.detect_ns.push(incident.seen_ns - incident.called_ns);
    times.restart_ns.push(restarted - incident.seen_ns);
    times.replay_ns.push(caught_up - restarted);
    times.all_ns.push(caught_up - incident.called_ns);
    Ok(())
}

fn asked(guests: &mut Guests, kind: Kind, hops: u32) -> Attempt<Vec<u8>> {
    let mut message = [0; Header::BYTES + Ledger::BYTES];
    request(kind, 0, hops).write_whole(&mut message);
    guests.request(&message, PATIENCE).map_err(|error| Outcome::Failed(error.to_string()))
}

/// One launch: full and incremental checkpoints of an agent that holds `heap_mib` MiB, in turns.
pub fn checkpoints(ctx: &mut Context<'_>, heap_mib: u32) -> Attempt<()> {
    let subject = subject(ctx.agent, heap_mib)?;
    let mut guest = subject.spawn(Shape::of(HAND, BYTES))?;
    ctx.working();
    tell(&mut guest, Kind::Hold, heap_mib, 0)?;
    let taken = |guest: &mut WasmMail, previous: Option<&_>| {
        subject.checkpoint(guest, previous).map_err(Outcome::Failed)
    };
    for block in 0..ctx.effort.windows {
        let at = At::block(block);
        let start = ctx.clock.now().0;
        let base = taken(&mut guest, None)?;
        ctx.sample("checkpoint_full_ns", at, ctx.clock.now().0 - start);
        tell(&mut guest, Kind::Touch, PAGES, block)?;
        let start = ctx.clock.now().0;
        let next = taken(&mut guest, Some(&base))?;
        let took = ctx.clock.now().0 - start;
        ctx.sample("checkpoint_incremental_ns", at, took);
        if let Some(pages) = next.dirty_pages() {
            ctx.sample("dirty_pages", at, pages);
        }
    }
    Ok(())
}

/// Has `guest` handle one message.
fn tell(guest: &mut WasmMail, kind: Kind, hops: u32, id: u32) -> Attempt<()> {
    request(kind, 0, hops).numbered(id).write_whole(&mut guest.slot_mut(0)[..BYTES as usize]);
    guest.drain(0, 1)
}
