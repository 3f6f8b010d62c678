//! Messages per second and CPU time per message: two orchestrators, the same agents' handler, the
//! same messages, in turns.

use super::runtime::{Started, start};
use super::spent;
use super::traffic::{REPORT_BYTES, Traffic};
use crate::job::{MailLoad, Runtime};
use crate::timing::context::{At, Context, Total};
use crate::timing::turns::{Rounds, turns};
use agent_abi::mail::Ledger;
use caxton_model::case::Outcome;
use caxton_model::units::Nanos;
use caxton_runtime::orchestrator::Setup;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::mail::Shape;
use caxton_sys::affinity;

/// Hops of a message in a window, at least and at most.
const HOPS: (u32, u32) = (15, 20_000);
/// Windows of each side at least; and after so many windows' time there are no more than these.
const WINDOWS_MIN: u32 = 3;
const WINDOWS_LONG: u64 = 30;
/// Hops of the windows that warm up.
const FIRST_HOPS: u32 = 7;

/// A runtime and its traffic.
pub(super) struct Side {
    pub(super) started: Started,
    pub(super) traffic: Traffic,
    /// It is what the other one is the peer of.
    pub(super) is_subject: bool,
}

pub fn run(ctx: &mut Context<'_>, pair: [Runtime; 2], load: MailLoad) -> Attempt<()> {
    ctx.calibrate()?;
    let mut order = [0, 1];
    ctx.rng.shuffle(&mut order);
    let seed = ctx.rng.u64(..);
    let mut sides = Vec::new();
    for place in order {
        let started = start(pair[place], ctx.agent, setup(load)?)?;
        let traffic = traffic(pair[place], load, seed);
        sides.push(Side { started, traffic, is_subject: place == 0 });
    }
    ctx.working();
    warm_up(ctx, &mut sides)?;
    // Of very many agents a window is long: some of them tell as much as many short ones.
    let rounds = Rounds {
        at_least: WINDOWS_MIN,
        time: Nanos(ctx.effort.window.0 * WINDOWS_LONG),
        ..Rounds::new(0..ctx.effort.windows, [ctx.case])
    };
    turns(ctx, &rounds, &mut sides, |ctx, side, block| {
        let spent = spent(ctx, || side.window())?;
        let messages = side.traffic.deliveries();
        let [wall, cpu] = match side.is_subject {
            true => ["subject_message_ns", "subject_message_cpu_ns"],
            false => ["peer_message_ns", "peer_message_cpu_ns"],
        };
        ctx.sample(wall, At::block(block), Total::over(spent.wall.0, messages));
        ctx.sample(cpu, At::block(block), Total::over(spent.cpu.0, messages));
        Ok(())
    })?;
    tell_counts(ctx, &mut sides)
}

/// What agents of `runtime` send each other: of the same seed over the same links, with the same
/// bodies.
pub(super) fn traffic(runtime: Runtime, load: MailLoad, seed: u64) -> Traffic {
    let mut traffic = Traffic::new(load, &mut fastrand::Rng::with_seed(seed));
    if runtime.copies {
        traffic.copied();
    }
    traffic
}

/// A thread per CPU that this process may use.
pub fn setup(load: MailLoad) -> Attempt<Setup> {
    let cores = affinity::allowed_cores().map_err(|e| Outcome::Failed(format!("CPUs: {e}")))?;
    Ok(Setup {
        agents: load.agents,
        shards: cores.len() as u32,
        shape: Shape::of(load.slots, load.bytes.max(REPORT_BYTES)),
        batch: load.batch,
    })
}

/// Windows before the first one that counts; finds how many hops make a window long enough.
pub(super) fn warm_up<'a>(
    ctx: &mut Context<'_>,
    sides: impl IntoIterator<Item = &'a mut Side>,
) -> Attempt<()> {
    let mut sides: Vec<&mut Side> = sides.into_iter().collect();
    let mut slowest = 1;
    for side in &mut sides {
        side.traffic.set_hops(FIRST_HOPS);
        for _ in 0..2 {
            let start = ctx.clock.now().0;
            side.window()?;
            let per_hop = (ctx.clock.now().0 - start) / u64::from(FIRST_HOPS);
            slowest = slowest.max(per_hop);
        }
    }
    let wanted = (ctx.effort.window.0 / slowest).clamp(u64::from(HOPS.0), u64::from(HOPS.1)) as u32;
    for side in sides {
        // An odd number: each message ends where it began.
        side.traffic.set_hops(wanted | 1);
        side.window()?;
    }
    Ok(())
}

impl Side {
    pub(super) fn window(&mut self) -> Attempt<()> {
        self.traffic.window(self.started.orchestrator.as_mut())
    }
}

/// Checks every message of the launch, and tells the counts that it was checked by.
fn tell_counts(ctx: &mut Context<'_>, sides: &mut [Side]) -> Attempt<()> {
    ctx.once("in_flight_messages", sides[0].traffic.in_flight());
    let (mut total, mut dropped) = (Ledger::default(), 0);
    for side in sides {
        total = total.plus(side.traffic.verify(side.started.orchestrator.as_mut())?);
        dropped += side.started.orchestrator.stats().gone();
        if side.is_subject {
            ctx.finding("tier", side.started.tier.clone());
        }
    }
    ctx.once("dropped_messages", dropped);
    ctx.once("out_of_order_messages", total.out_of_order);
    ctx.once("corrupt_messages", total.corrupt);
    Ok(())
}
