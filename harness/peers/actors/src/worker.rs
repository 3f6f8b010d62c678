//! One launch: all sides in this process, window by window, in an order that chance decides anew
//! for each block. All get the same traffic, and every message of it is checked.
//!
//! What goes wrong ends the launch; the parent repeats it without the side whose turn it was.

use crate::plan::{PeersEvent, PeersLaunch};
use crate::sides::{PeerSide, SUBJECT};
use caxton_analysis::quiet::{LATENCY, YARDSTICK};
use caxton_bench::suite::throughput;
use caxton_bench::timing::turns::round;
use caxton_bench::timing::{calibrate, probe};
use caxton_bench::workload::mail::route;
use caxton_bench::workload::mail::traffic::Traffic;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::samples::Sample;
use caxton_runtime::orchestrator::Orchestrator;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::used_configurations;
use caxton_sys::clock::{Clock, CpuTime, Monotonic};
use caxton_sys::process;
use fastrand::Rng;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

/// The first argument that makes this executable a worker.
pub const LAUNCH_ARGUMENT: &str = "__launch";

/// Hops of a message in a window, at least and at most.
const HOPS: (u64, u64) = (15, 20_000);
/// Hops of the first windows.
const FIRST_HOPS: u32 = 7;

/// A side that takes part.
pub(crate) struct Participant {
    pub(crate) side: PeerSide,
    pub(crate) orchestrator: Box<dyn Orchestrator>,
    pub(crate) traffic: Traffic,
}

/// What a window took.
struct WindowTimes {
    wall_ns: u64,
    cpu_ns: u64,
}

/// Reads a launch from standard input, does it, and tells events on standard output.
pub fn main() -> ExitCode {
    process::die_first();
    let mut text = String::new();
    let launch = io::stdin().read_to_string(&mut text).map_err(|error| error.to_string());
    let launch = launch.and_then(|_| {
        serde_json::from_str::<PeersLaunch>(&text).map_err(|error| error.to_string())
    });
    let Ok(stdout) = process::take_stdout() else { return ExitCode::FAILURE };
    let mut out = BufWriter::new(stdout);
    let mut tell = |event: &PeersEvent| {
        // If the parent is gone there is nobody to tell.
        if serde_json::to_writer(&mut out, event).is_ok() {
            let _ = out.write_all(b"\n");
        }
        // The parent must know whose turn it is even if this process ends in it.
        if matches!(event, PeersEvent::Turn(_) | PeersEvent::End(_)) {
            let _ = out.flush();
        }
    };
    let ended = match launch {
        Ok(launch) => run(&launch, &mut |event| tell(&event)).err().unwrap_or(Outcome::Ran),
        Err(why) => Outcome::Failed(format!("no launch on standard input: {why}")),
    };
    tell(&PeersEvent::End(ended));
    ExitCode::SUCCESS
}

/// Starts all sides of `launch` and lets them take turns.
fn run(launch: &PeersLaunch, tell: &mut dyn FnMut(PeersEvent)) -> Attempt<()> {
    let load = throughput::load(launch.agents, launch.windows.bytes);
    let setup = route::setup(load)?;
    tell(PeersEvent::Cost(calibrate::measure(&Monotonic)?));
    let mut rng = Rng::with_seed(launch.seed);
    let seed = rng.u64(..);
    let mut order = launch.sides.clone();
    rng.shuffle(&mut order);
    let mut participants = Vec::new();
    for side in order {
        tell(PeersEvent::Turn(side));
        let started = side.start(&launch.files, setup)?;
        if side == SUBJECT {
            tell(PeersEvent::Tier(started.tier));
        }
        // All get the same links and the same bodies.
        let traffic = Traffic::new(load, &mut Rng::with_seed(seed));
        participants.push(Participant { side, orchestrator: started.orchestrator, traffic });
    }
    tell(PeersEvent::Engines(used_configurations()));
    play(launch, participants, &mut rng, tell)
}

/// Lets `participants` take turns, and checks what they delivered.
pub(crate) fn play(
    launch: &PeersLaunch,
    mut participants: Vec<Participant>,
    rng: &mut Rng,
    tell: &mut dyn FnMut(PeersEvent),
) -> Attempt<()> {
    let mut turns = PeerTurns { cases: launch.cases(), number: launch.number, tell };
    turns.warm_up(u64::from(launch.windows.ms) * 1_000_000, &mut participants)?;
    for block in 0..launch.windows.count {
        turns.probe(block);
        round(rng, &mut participants, |participant| {
            let times = turns.window(participant)?;
            let messages = participant.traffic.deliveries();
            let [wall, cpu] = match participant.side {
                SUBJECT => ["subject_message_ns", "subject_message_cpu_ns"],
                _ => ["peer_message_ns", "peer_message_cpu_ns"],
            };
            turns.sample(participant.side, wall, block, [messages, times.wall_ns]);
            turns.sample(participant.side, cpu, block, [messages, times.cpu_ns]);
            Ok(())
        })?;
    }
    turns.probe(launch.windows.count);
    turns.verify(&mut participants)
}

/// Whom a launch tells, and of which cases.
struct PeerTurns<'a> {
    cases: Vec<(PeerSide, CaseKey)>,
    number: u32,
    tell: &'a mut dyn FnMut(PeersEvent),
}

impl PeerTurns<'_> {
    /// Tells a reading of `side`: of its case, or of all cases where it is the subject.
    fn sample(&mut self, side: PeerSide, metric: &str, block: u32, total: [u64; 2]) {
        let metric = MetricName::parse(metric).expect("a row of the metric table");
        let [iterations, value] = total;
        let cases = self.cases.iter().filter(|(peer, _)| side == SUBJECT || *peer == side);
        for (_, case) in cases {
            let (case, launch) = (case.clone(), self.number);
            let sample = Sample { case, launch, metric, block, index: 0, iterations, value };
            (self.tell)(PeersEvent::Sample(sample));
        }
    }

    /// Tells all cases how noisy the core is just now.
    fn probe(&mut self, block: u32) {
        let taken = probe::take(&Monotonic);
        self.sample(SUBJECT, YARDSTICK, block, [1, taken.execution.0]);
        self.sample(SUBJECT, LATENCY, block, [1, taken.latency.0]);
    }

    fn window(&mut self, participant: &mut Participant) -> Attempt<WindowTimes> {
        (self.tell)(PeersEvent::Turn(participant.side));
        let (cpu, start) = (CpuTime::of_process(), Monotonic.now());
        participant.traffic.window(participant.orchestrator.as_mut())?;
        let wall_ns = Monotonic.now().0 - start.0;
        Ok(WindowTimes { wall_ns, cpu_ns: CpuTime::of_process().since(cpu).total_ns() })
    }

    /// Windows before the first one that counts. They find how many hops make the slowest side's
    /// windows long enough: a short one first, then one that is no longer all beginning and end.
    fn warm_up(&mut self, window_ns: u64, participants: &mut [Participant]) -> Attempt<()> {
        let mut hops = FIRST_HOPS;
        for share in [8, 1] {
            let mut slowest_ns = 1;
            for participant in &mut *participants {
                participant.traffic.set_hops(hops);
                self.window(participant)?;
                let per_hop_ns = self.window(participant)?.wall_ns / u64::from(hops);
                slowest_ns = slowest_ns.max(per_hop_ns);
            }
            let wanted = (window_ns / share / slowest_ns).clamp(HOPS.0, HOPS.1) as u32;
            // An odd number: each message ends where it began.
            hops = wanted | 1;
        }
        for participant in participants {
            participant.traffic.set_hops(hops);
            self.window(participant)?;
        }
        Ok(())
    }

    /// Checks every message of the launch, and tells the counts that it was checked by.
    fn verify(&mut self, participants: &mut [Participant]) -> Attempt<()> {
        let mut counts = Vec::new();
        for Participant { side, orchestrator, traffic } in participants {
            (self.tell)(PeersEvent::Turn(*side));
            let ledger = traffic.verify(orchestrator.as_mut())?;
            let gone = orchestrator.stats().gone();
            counts.push((*side, [gone, ledger.out_of_order, ledger.corrupt]));
            if *side == SUBJECT {
                self.sample(SUBJECT, "in_flight_messages", 0, [1, traffic.in_flight()]);
            }
        }
        let names = ["dropped_messages", "out_of_order_messages", "corrupt_messages"];
        for (peer, _) in self.cases.clone() {
            // Of both sides of the case together.
            let both = counts.iter().filter(|(side, _)| *side == peer || *side == SUBJECT);
            let both: Vec<[u64; 3]> = both.map(|(_, counts)| *counts).collect();
            for (at, name) in names.into_iter().enumerate() {
                let count = both.iter().map(|counts| counts[at]).sum();
                self.sample(peer, name, 0, [1, count]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "worker_tests.rs"]
mod tests;
