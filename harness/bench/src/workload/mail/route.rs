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

struct Side {
    started: Started,
    traffic: Traffic,
    names: [&'static str; 2],
}

pub fn run(ctx: &mut Context<'_>, pair: [Runtime; 2], load: MailLoad) -> Attempt<()> {
    ctx.calibrate()?;
    let names = [
        ["subject_message_ns", "subject_message_cpu_ns"],
        ["peer_message_ns", "peer_message_cpu_ns"],
    ];
    let mut order = [0, 1];
    ctx.rng.shuffle(&mut order);
    let seed = ctx.rng.u64(..);
    let mut sides = Vec::new();
    for place in order {
        let started = start(pair[place], ctx.agent, setup(load)?)?;
        // Both get the same links and the same bodies.
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut traffic = Traffic::new(load, &mut rng);
        if pair[place].copies {
            traffic.copied();
        }
        sides.push(Side { started, traffic, names: names[place] });
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
        let [wall, cpu] = side.names;
        ctx.sample(wall, At::block(block), Total::over(spent.wall.0, messages));
        ctx.sample(cpu, At::block(block), Total::over(spent.cpu.0, messages));
        Ok(())
    })?;
    tell_counts(ctx, &mut sides)
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
fn warm_up(ctx: &mut Context<'_>, sides: &mut [Side]) -> Attempt<()> {
    let mut slowest = 1;
    for side in sides.iter_mut() {
        side.traffic.set_hops(FIRST_HOPS);
        for _ in 0..2 {
            let start = ctx.clock.now().0;
            side.window()?;
            let per_hop = (ctx.clock.now().0 - start) / u64::from(FIRST_HOPS);
            slowest = slowest.max(per_hop);
        }
    }
    let wanted = (ctx.effort.window.0 / slowest).clamp(u64::from(HOPS.0), u64::from(HOPS.1)) as u32;
    for side in sides.iter_mut() {
        // An odd number: each message ends where it began.
        side.traffic.set_hops(wanted | 1);
        side.window()?;
    }
    Ok(())
}

impl Side {
    fn window(&mut self) -> Attempt<()> {
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
        if side.names[0].starts_with("subject") {
            ctx.finding("tier", side.started.tier.clone());
        }
    }
    ctx.once("dropped_messages", dropped);
    ctx.once("out_of_order_messages", total.out_of_order);
    ctx.once("corrupt_messages", total.corrupt);
    Ok(())
}
