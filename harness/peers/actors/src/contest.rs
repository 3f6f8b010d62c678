//! Windows of all sides in turns, in one process: our orchestrator with guests and with native
//! twins, and the peers. All get the same traffic, and every message of it is checked.
//!
//! One process is one layout of memory: what another launch would give is not known here.

use crate::frameworks::{actix::Actix, channel::Channel, kameo::Kameo, ractor::Ractor};
use crate::peer::{Framework, Peer};
use caxton_bench::guest::files::AgentFiles;
use caxton_bench::job::{Crew, MailLoad, Runtime, System};
use caxton_runtime::orchestrator::{Orchestrator, Setup};
use caxton_runtime::subject::Attempt;
use caxton_bench::suite::throughput;
use caxton_bench::timing::turns::round;
use caxton_sys::clock::{Clock, CpuTime, Monotonic};
use caxton_bench::workload::mail::route;
use caxton_bench::workload::mail::runtime::{Started, start};
use caxton_bench::workload::mail::traffic::Traffic;
use caxton_model::case::Outcome;
use fastrand::Rng;

/// The side that all others are compared with.
pub const SUBJECT: &str = "reference";
/// Hops of a message in a window, at least and at most.
const HOPS: (u64, u64) = (15, 20_000);
/// Hops of the first windows.
const FIRST_HOPS: u32 = 7;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many agents pass messages.
    pub agents: u32,
    /// How long each message is.
    pub bytes: u32,
    /// How many windows each side gets.
    pub windows: u32,
    /// How long the slowest side's windows are to be.
    pub window_ms: u32,
}

/// One window of one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// How many agents passed messages.
    pub agents: u32,
    /// How long each message was.
    pub bytes: u32,
    /// Windows of one block belong together.
    pub block: u32,
    /// Its place in its block.
    pub turn: u32,
    /// Whose it is.
    pub side: &'static str,
    /// How long it took.
    pub wall_ns: u64,
    /// What all threads together used.
    pub cpu_ns: u64,
    /// How many messages were delivered in it.
    pub messages: u64,
}

/// What a contest told.
#[derive(Debug)]
pub struct Told {
    /// All windows in the order in which they were.
    pub windows: Vec<Window>,
    /// Where the guests live, in words.
    pub tier: String,
    /// How many hops each message made in a window.
    pub hops: u32,
}

struct Side {
    orchestrator: Box<dyn Orchestrator>,
    traffic: Traffic,
    name: &'static str,
}

/// Lets all sides take turns.
///
/// # Errors
/// What became of the first side that did not start, or did not deliver every message.
pub fn run(plan: Plan, files: &AgentFiles, rng: &mut Rng) -> Attempt<Told> {
    let load = throughput::load(plan.agents, plan.bytes);
    let setup = route::setup(load)?;
    let guests = start(Runtime::new(System::Reference, Crew::Guests), files, setup)?;
    let twins = start(Runtime::new(System::Reference, Crew::Natives), files, setup)?;
    let Started { orchestrator: guests, tier } = guests;
    let all = [
        (SUBJECT, guests),
        ("native-reference", twins.orchestrator),
        started::<Channel>(setup)?,
        started::<Ractor>(setup)?,
        started::<Kameo>(setup)?,
        started::<Actix>(setup)?,
    ];
    let seed = rng.u64(..);
    let mut sides = all.map(|side| of(side, load, seed));
    let hops = warm_up(plan, &mut sides)?;
    let mut windows = Vec::new();
    for block in 0..plan.windows {
        let mut turn = 0;
        round(rng, &mut sides, |side| -> Attempt<()> {
            windows.push(Window { block, turn, ..side.window(plan)? });
            turn += 1;
            Ok(())
        })?;
    }
    for side in &mut sides {
        side.traffic.verify(side.orchestrator.as_mut()).map_err(|e| side.named(&e))?;
    }
    Ok(Told { windows, tier, hops })
}

fn started<F: Framework + 'static>(setup: Setup) -> Attempt<(&'static str, Box<dyn Orchestrator>)> {
    Ok((F::NAME, Box::new(Peer::<F>::start(setup)?)))
}

fn of(
    (name, orchestrator): (&'static str, Box<dyn Orchestrator>),
    load: MailLoad,
    seed: u64,
) -> Side {
    // All get the same links and the same bodies.
    let mut rng = Rng::with_seed(seed);
    let traffic = Traffic::new(load, &mut rng);
    Side { orchestrator, traffic, name }
}

impl Side {
    fn named(&self, outcome: &Outcome) -> Outcome {
        let why = outcome.reason().unwrap_or("no reason");
        Outcome::Failed(format!("{}: {}: {why}", self.name, outcome.name()))
    }

    fn window(&mut self, plan: Plan) -> Attempt<Window> {
        let (cpu, start) = (CpuTime::of_process(), Monotonic.now());
        let ended = self.traffic.window(self.orchestrator.as_mut());
        let wall_ns = Monotonic.now().0 - start.0;
        let cpu_ns = CpuTime::of_process().since(cpu).total_ns();
        ended.map_err(|outcome| self.named(&outcome))?;
        Ok(Window {
            agents: plan.agents,
            bytes: plan.bytes,
            block: 0,
            turn: 0,
            side: self.name,
            wall_ns,
            cpu_ns,
            messages: self.traffic.deliveries(),
        })
    }
}

/// Windows before the first one that counts. They find how many hops make the slowest side's
/// windows long enough: a short one first, then one that is no longer all beginning and end.
fn warm_up(plan: Plan, sides: &mut [Side]) -> Attempt<u32> {
    let window_ns = u64::from(plan.window_ms) * 1_000_000;
    let mut hops = FIRST_HOPS;
    for share in [8, 1] {
        let mut slowest_ns = 1;
        for side in &mut *sides {
            side.traffic.set_hops(hops);
            side.window(plan)?;
            let per_hop_ns = side.window(plan)?.wall_ns / u64::from(hops);
            slowest_ns = slowest_ns.max(per_hop_ns);
        }
        let wanted = (window_ns / share / slowest_ns).clamp(HOPS.0, HOPS.1) as u32;
        // An odd number: each message ends where it began.
        hops = wanted | 1;
    }
    for side in sides {
        side.traffic.set_hops(hops);
        side.window(plan)?;
    }
    Ok(hops)
}
