//! Some of many agents die under load: how soon that is seen, when they are there again, when they
//! answer again, and when it cannot be told any more that anything happened; what became of the
//! messages; and whether deaths without end leave something behind.
//!
//! Steady state is the start of the first [`CALM`] windows in a row whose worst response and whose
//! backlog are no more than those of the worst window before the deaths.

use super::percentile;
use super::runtime::{Tier, subject, tier};
use super::traffic::{Whole, post, request};
use crate::job::{Deaths, Fault};
use crate::timing::context::{Context, Total};
use agent_abi::mail::{Header, Kind};
use caxton_model::case::Outcome;
use caxton_model::reading::Missing;
use caxton_model::units::Bytes;
use caxton_runtime::orchestrator::reference::Reference;
use caxton_runtime::orchestrator::supervision::{
    Delivery, Incident, Intensity, Supervision, Ticker,
};
use caxton_runtime::orchestrator::{Orchestrator, PostError, Setup};
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::Shape;
use caxton_runtime::subject::wasmtime::{Allocation, EngineOptions, WasmMailSubject};
use caxton_sys::memory;
use std::time::Duration;

/// Requests per second, of this length each, while agents die.
const PER_SECOND: u64 = 20_000;
const BYTES: u32 = 256;
const SLOTS: u32 = 64;
/// Windows in which responses are watched, before the deaths and after them at most.
const WINDOW_NS: u64 = 10_000_000;
const BEFORE: u64 = 20;
const AFTER: u64 = 200;
/// Calm windows in a row that make a steady state.
const CALM: usize = 5;
/// How long a call may take, and how often that is looked at.
const TICK: Duration = Duration::from_millis(1);
const DEADLINE_TICKS: u64 = 10;
/// How much memory an agent may have.
const MEMORY: Bytes = Bytes(4 << 20);
/// Messages between two checkpoints of an agent.
const CHECKPOINT_EVERY: u32 = 64;

const SUPERVISION: Supervision = Supervision {
    delivery: Delivery::AtLeastOnce,
    intensity: Intensity { restarts: 5, period_ns: 1_000_000_000 },
    checkpoint_every: Some(CHECKPOINT_EVERY),
};

type Guests = Reference<WasmMailSubject>;

/// What was seen of responses in one window.
#[derive(Debug, Clone, Copy, Default)]
struct CrashWindow {
    worst_ns: u64,
    backlog: u64,
}

struct Seen {
    windows: Vec<CrashWindow>,
    killed_ns: u64,
    asked: u64,
    answered: u64,
}

/// One launch.
///
/// # Errors
/// What became of it; `WrongAnswer` if messages do not add up.
pub fn run(ctx: &mut Context<'_>, deaths: Deaths) -> Attempt<()> {
    let shape = Shape::of(SLOTS, BYTES);
    let slot_bytes = MEMORY.0;
    let allocation = Allocation::Slab { agents: deaths.agents + 2, slot_bytes };
    let options =
        EngineOptions { allocation, checkpoints: true, epochs: true, ..EngineOptions::default() };
    let subject = subject(ctx.agent, options)?;
    let subject = subject.bounded(DEADLINE_TICKS, MEMORY);
    let ticking = subject.clone();
    let _ticker = Ticker::start(TICK, move || ticking.tick()).map_err(Outcome::Failed)?;
    let setup = Setup { agents: deaths.agents, shards: 1, shape, batch: SLOTS };
    let delivery = if deaths.at_least_once { Delivery::AtLeastOnce } else { Delivery::AtMostOnce };
    let supervision = Supervision { delivery, ..SUPERVISION };
    let mut guests = Guests::start(&subject, setup, supervision)?;
    ctx.working();
    let seen = load(ctx, &mut guests, deaths)?;
    let incidents = guests.incidents();
    add_up(&mut guests, &seen, deaths)?;
    tell(ctx, &incidents, &seen);
    let stats = guests.stats();
    ctx.once("lost_messages", stats.lost);
    ctx.once("duplicated_messages", stats.duplicated);
    ctx.once("redelivered_messages", stats.redelivered);
    ctx.once("restarts", stats.restarts);
    Ok(())
}

/// Requests at a fixed rate before, during and after the deaths.
fn load(ctx: &mut Context<'_>, guests: &mut Guests, deaths: Deaths) -> Attempt<Seen> {
    let interval_ns = 1_000_000_000 / PER_SECOND;
    let start = ctx.clock.now().0;
    let mut message = vec![9; BYTES as usize];
    let mut seen = Seen { windows: Vec::new(), killed_ns: 0, asked: 0, answered: 0 };
    let mut window = CrashWindow::default();
    let victims = victims(ctx, deaths);
    loop {
        let now = ctx.clock.now().0 - start;
        let number = now / WINDOW_NS;
        if number as usize > seen.windows.len() {
            window.backlog = seen.asked.saturating_sub(seen.answered);
            seen.windows.push(std::mem::take(&mut window));
        }
        if number >= BEFORE && seen.killed_ns == 0 {
            seen.killed_ns = ctx.clock.now().0;
            for victim in &victims {
                request(kind(deaths.fault), *victim, 0).write_whole(&mut message);
                post(guests, &message)?;
            }
        }
        if number >= BEFORE + AFTER {
            break;
        }
        if seen.asked * interval_ns <= now {
            request(Kind::Ask, ctx.rng.u32(..deaths.agents), 0)
                .numbered(seen.asked as u32)
                .write_whole(&mut message);
            match guests.post(&message) {
                Ok(()) => seen.asked += 1,
                Err(PostError::Full) => {}
                Err(error) => return Err(Outcome::Failed(error.to_string())),
            }
        }
        let mut first = None::<u64>;
        let answered = guests.replies(&mut |reply| {
            let id = Header::read(reply).map_or(0, |header| u64::from(header.id));
            first = Some(first.map_or(id, |first| first.min(id)));
        });
        if let Some(first) = first {
            // The clock is read when they are here: a turn may begin long before.
            let seen_ns = ctx.clock.now().0 - start;
            window.worst_ns = window.worst_ns.max(seen_ns.saturating_sub(first * interval_ns));
        }
        seen.answered += answered as u64;
    }
    std::thread::sleep(Duration::from_nanos(WINDOW_NS));
    seen.answered += guests.replies(&mut |_| ()) as u64;
    Ok(seen)
}

/// The message that an agent dies of.
fn kind(fault: Fault) -> Kind {
    match fault {
        Fault::Trap => Kind::Trap,
        Fault::Exhaust => Kind::Exhaust,
        Fault::Loop => Kind::Loop,
    }
}

fn victims(ctx: &mut Context<'_>, deaths: Deaths) -> Vec<u32> {
    let mut all: Vec<u32> = (0..deaths.agents).collect();
    ctx.rng.shuffle(&mut all);
    all.truncate(deaths.killed as usize);
    all
}

/// Every request was answered, but for those that are counted as lost; answers that came twice are
/// counted, too.
fn add_up(guests: &mut Guests, seen: &Seen, deaths: Deaths) -> Attempt<()> {
    let stats = guests.stats();
    // What killed is not answered: lost, sooner or later, if its agent is not dead for good.
    let faults = u64::from(deaths.killed);
    let lost = stats.gone() - faults.min(stats.gone());
    let expected = seen.asked + stats.duplicated - lost;
    if seen.answered == expected && stats.restarts >= faults {
        return Ok(());
    }
    Err(Outcome::WrongAnswer(format!(
        "{} requests and {} doubled less {lost} lost are not {} answers; {} restarts of {faults}",
        seen.asked, stats.duplicated, seen.answered, stats.restarts
    )))
}

fn tell(ctx: &mut Context<'_>, incidents: &[Incident], seen: &Seen) {
    let since = |of: fn(&Incident) -> Option<u64>, from: fn(&Incident) -> Option<u64>| {
        let times = incidents.iter().filter_map(|i| Some(of(i)?.saturating_sub(from(i)?)));
        percentile(&mut times.collect::<Vec<u64>>(), 50)
    };
    let figures = [
        ("crash_detect_ns", since(|i| Some(i.seen_ns), |i| Some(i.called_ns))),
        ("crash_restart_ns", since(|i| i.restarted_ns, |i| Some(i.seen_ns))),
        ("crash_first_success_ns", since(|i| i.succeeded_ns, |i| Some(i.called_ns))),
        ("crash_steady_ns", steady_ns(&seen.windows)),
    ];
    for (metric, figure) in figures {
        let none = || Missing::Undefined("it was not reached while the load went on".to_owned());
        ctx.reading(metric, figure.ok_or_else(none));
    }
    if let Some(incident) = incidents.first() {
        ctx.finding("death", incident.why.clone());
    }
}

/// From the deaths to the steady state.
fn steady_ns(windows: &[CrashWindow]) -> Option<u64> {
    let (before, after) = windows.split_at_checked(BEFORE as usize)?;
    let worst = before.iter().map(|window| window.worst_ns).max()?;
    let backlog = before.iter().map(|window| window.backlog).max()?;
    let is_calm = |window: &CrashWindow| window.worst_ns <= worst && window.backlog <= backlog;
    let calm = after.windows(CALM).position(|windows| windows.iter().all(is_calm))?;
    Some(calm as u64 * WINDOW_NS)
}

/// One launch: an agent dies `cycles` times, half of them in each tier, and nothing is left behind.
pub fn soak(ctx: &mut Context<'_>, cycles: u64) -> Attempt<()> {
    let shape = Shape::of(SLOTS, BYTES);
    let setup = Setup { agents: 2, shards: 1, shape, batch: SLOTS };
    let forever = Intensity { restarts: u32::MAX, period_ns: 1 };
    let supervision = Supervision { intensity: forever, ..Supervision::NONE };
    let slab = Allocation::Slab { agents: 4, slot_bytes: MEMORY.0 };
    let Tier { allocation, .. } = tier(ctx.agent, Setup { agents: 4, ..setup })?;
    let options = [
        EngineOptions { allocation, ..EngineOptions::default() },
        EngineOptions { allocation: slab, checkpoints: true, ..EngineOptions::default() },
    ];
    let mut tiers = Vec::new();
    for options in options {
        let subject = subject(ctx.agent, options)?;
        let mut guests = Guests::start(&subject, setup, supervision)?;
        if options.checkpoints {
            guests.checkpoint(0).map_err(|error| Outcome::Failed(error.to_string()))?;
        }
        tiers.push(guests);
    }
    ctx.working();
    let mut before = None;
    let start = ctx.clock.now().0;
    for cycle in 0..cycles {
        if cycle == cycles / 10 {
            before = Some(leftovers());
        }
        let guests = &mut tiers[(cycle % 2) as usize];
        live_and_die(guests, cycle as u32)?;
    }
    let took = ctx.clock.now().0 - start;
    ctx.once("soak_cycle_ns", Total::over(took, cycles));
    let names = ["soak_maps_growth", "soak_fds_growth", "soak_rss_growth_bytes"];
    let after = leftovers();
    for ((name, before), after) in
        names.into_iter().zip(before.unwrap_or_else(leftovers)).zip(after)
    {
        let growth = before.and_then(|before| Ok(after?.saturating_sub(before)));
        ctx.reading(name, growth);
    }
    Ok(())
}

fn live_and_die(guests: &mut Guests, id: u32) -> Attempt<()> {
    let mut message = [5; BYTES as usize];
    request(Kind::Trap, 0, 0).write_whole(&mut message);
    post(guests, &message)?;
    request(Kind::Ask, 0, 0).numbered(id).write_whole(&mut message);
    let answer = guests.request(&message, Duration::from_secs(10));
    // Its incidents are kept until somebody asks.
    drop(guests.incidents());
    answer.map(drop).map_err(|error| Outcome::TimedOut(format!("cycle {id}: {error}")))
}

fn leftovers() -> [Result<u64, Missing>; 3] {
    let rss = memory::footprint().map(|footprint| footprint.rss.0);
    [memory::maps(), memory::open_files(), rss]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steady_is_where_five_windows_in_a_row_are_as_calm_as_before() {
        let calm = CrashWindow { worst_ns: 10, backlog: 2 };
        let mut windows = vec![calm; BEFORE as usize];
        windows.extend([
            CrashWindow { worst_ns: 50, backlog: 9 },
            CrashWindow { worst_ns: 9, backlog: 3 },
        ]);
        windows.extend([calm; 4]);
        assert_eq!(steady_ns(&windows), None, "four calm windows are not five");
        windows.push(calm);
        assert_eq!(steady_ns(&windows), Some(2 * WINDOW_NS));
        assert_eq!(steady_ns(&windows[..3]), None);
    }
}
