//! What a machine can resolve, and what would make it better: from facts to advice.
//!
//! Each check says what was found, whether that disturbs measuring, and the command that mends it.
//! What could not be looked at is unknown, and never good.

use crate::quiet::TOLERANCE;
use caxton_model::reading::Reading;
use caxton_model::units::{Bytes, Unit};
use caxton_model::words::counted;
use caxton_stats::{signed_rank, summary};
use std::collections::BTreeMap;

/// From this share of quiet rounds on, most launches are quiet.
const QUIET_MIN: f64 = 2.0 / 3.0;
/// A share of time that others take from here, by which blocks of a millisecond are cut short.
const STEAL_MAX: f64 = 0.01;
/// Longest reading of a clock that needs no call into the kernel.
const CLOCK_READ_MAX_NS: f64 = 100.0;
/// How much slower than at its best a steady clock ever is.
const CLOCK_TOLERANCE: f64 = 1.10;
/// Memory maps of an agent in the fast tier of the reference runtime.
const MAPS_PER_AGENT: u64 = 4;
/// Agents that the suites hold in the fast tier at most, in the cases `tiers`; and the maps that
/// are left to everybody else.
const POOL_AGENTS: u64 = 15_000;
const SPARE_MAPS: u64 = 2_500;
/// Rounds that are taken for one launch.
const ROUNDS_PER_LAUNCH: usize = 10;
/// Launches behind a figure at quick scale.
const LAUNCHES: usize = 15;
/// An interval that is wider to either side does not tell 1 %.
const FLOOR_MAX: f64 = 0.01;

/// What was seen before one pair of equal blocks on one core.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CoreRound {
    /// Work that fills all execution units, in nanoseconds.
    pub execution_ns: f64,
    /// One chain of multiplications, in nanoseconds.
    pub latency_ns: f64,
    /// The logarithm of how much longer one of two equal pieces of work took than the other.
    pub same_log: f64,
}

/// What was found out about a machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// As in a record: cpu_model, governor, smt, perf_event_paranoid, …
    pub fingerprint: BTreeMap<String, Reading<String>>,
    /// By core, what was seen on it.
    pub rounds: BTreeMap<usize, Vec<CoreRound>>,
    /// By core, who shares its execution units, itself among them.
    pub siblings: BTreeMap<usize, Reading<Vec<usize>>>,
    pub clock_read_ns: f64,
    /// Where the kernel's clock comes from.
    pub clock_source: Reading<String>,
    /// Share of the time in which this machine would have run and its host ran others.
    pub steal: Reading<f64>,
    /// One-minute load average before anything was measured.
    pub load: Reading<f64>,
    /// Whether hardware events can be counted.
    pub hardware_events: Reading<()>,
    /// Whether stacks can be sampled by perf events.
    pub sampling: Reading<()>,
    /// The version of valgrind.
    pub valgrind: Reading<String>,
    /// Memory that can be had without swapping.
    pub memory: Reading<Bytes>,
}

/// How a machine does at one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineState {
    Good,
    /// It disturbs measuring, or something cannot be measured.
    Poor,
    Unknown,
}

impl MachineState {
    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Poor => "poor",
            Self::Unknown => "unknown",
        }
    }
}

/// One line of what the doctor says.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineCheck {
    pub name: &'static str,
    pub found: String,
    pub state: MachineState,
    /// What follows from it, and the command that mends it.
    pub advice: Option<String>,
}

impl MachineCheck {
    const fn good(name: &'static str, found: String) -> Self {
        Self { name, found, state: MachineState::Good, advice: None }
    }

    fn unknown(name: &'static str, why: &impl ToString) -> Self {
        Self { name, found: why.to_string(), state: MachineState::Unknown, advice: None }
    }

    /// Good if `is_good`, and else with `advice`.
    fn of(name: &'static str, found: String, is_good: bool, advice: &str) -> Self {
        let state = if is_good { MachineState::Good } else { MachineState::Poor };
        Self { name, found, state, advice: (!is_good).then(|| advice.to_owned()) }
    }
}

/// All checks, those of the machine's moods first.
pub fn examine(facts: &Facts) -> Vec<MachineCheck> {
    vec![
        quiet(facts),
        floor(facts),
        frequency(facts),
        steal(facts),
        load(facts),
        cores(facts),
        siblings(facts),
        clock(facts),
        governor(facts),
        sampling(facts),
        hardware_events(facts),
        instructions(facts),
        maps(facts),
        huge_pages(facts),
        memory(facts),
    ]
}

fn told<'a>(facts: &'a Facts, name: &str) -> Result<&'a str, String> {
    match facts.fingerprint.get(name) {
        Some(Reading::Known(value)) => Ok(value),
        Some(Reading::Missing(why)) => Err(why.to_string()),
        None => Err(format!("nobody told {name}")),
    }
}

/// How slow execution units were, over what the clock explains: of the clock's readings in ten
/// rounds the least is the one that nothing interrupted.
fn slowness(rounds: &[CoreRound]) -> Vec<f64> {
    let of_launch = |rounds: &[CoreRound]| -> Vec<f64> {
        let clock = rounds.iter().map(|round| round.latency_ns).fold(f64::INFINITY, f64::min);
        rounds.iter().map(|round| round.execution_ns / clock).collect()
    };
    rounds.chunks(ROUNDS_PER_LAUNCH).flat_map(of_launch).collect()
}

fn quiet(facts: &Facts) -> MachineCheck {
    const NAME: &str = "quiet moments";
    let cores: Vec<(usize, Vec<f64>)> =
        facts.rounds.iter().map(|(core, rounds)| (*core, slowness(rounds))).collect();
    let all: Vec<f64> = cores.iter().flat_map(|(_, slowness)| slowness).copied().collect();
    let Some(best) = summary::min(&all) else {
        return MachineCheck::unknown(NAME, &"no core was seen");
    };
    let share = |slowness: &[f64]| {
        let quiet = slowness.iter().filter(|slow| **slow <= best * TOLERANCE).count();
        quiet as f64 / slowness.len().max(1) as f64
    };
    let words: Vec<String> = cores
        .iter()
        .map(|(core, slowness)| format!("core {core} {}", Unit::Share.show(share(slowness))))
        .collect();
    let is_good = cores.iter().all(|(_, slowness)| share(slowness) >= QUIET_MIN);
    let advice = "somebody shares the cores' execution units: measure at another hour, or bind to \
                  the quietest core: taskset -c N cargo bench";
    MachineCheck::of(NAME, words.join(", "), is_good, advice)
}

/// By how much an interval of so many launches reaches to either side, of two equal pieces of work.
fn floor(facts: &Facts) -> MachineCheck {
    const NAME: &str = "noise floor";
    let launches: Vec<f64> = facts
        .rounds
        .values()
        .flat_map(|rounds| rounds.chunks_exact(ROUNDS_PER_LAUNCH))
        .filter_map(|rounds| {
            summary::median(&rounds.iter().map(|round| round.same_log).collect::<Vec<_>>())
        })
        .collect();
    let halves: Vec<f64> = launches
        .chunks_exact(LAUNCHES)
        .filter_map(|launches| signed_rank::interval(launches, 0.95))
        .map(|bounds| (bounds.upper - bounds.lower) / 2.0)
        .collect();
    let (Some(middle), Some(most)) = (summary::median(&halves), summary::quantile(&halves, 0.9))
    else {
        return MachineCheck::unknown(NAME, &"too few rounds");
    };
    let found = format!(
        "±{} of {LAUNCHES} launches, 9 of 10 within ±{} (n = {})",
        Unit::Share.show(middle),
        Unit::Share.show(most),
        halves.len()
    );
    let advice = "this machine tells no difference of 1 % in a quick run: --scale full, or another \
                  hour";
    MachineCheck::of(NAME, found, most <= FLOOR_MAX, advice)
}

fn frequency(facts: &Facts) -> MachineCheck {
    const NAME: &str = "clock speed";
    let rounds = facts.rounds.values().flatten();
    let taken: Vec<f64> = rounds.map(|round| round.latency_ns).collect();
    let quantiles = [0.0, 0.5, 0.9].map(|at| summary::quantile(&taken, at));
    let [Some(best), Some(middle), Some(most)] = quantiles else {
        return MachineCheck::unknown(NAME, &"no core was seen");
    };
    let found = format!(
        "median {} of the best, 9 of 10 within {}",
        Unit::Ratio.show(middle / best),
        Unit::Ratio.show(most / best)
    );
    let advice = "the clock moves: believe ratios, not times; on a machine of your own: \
                  cpupower frequency-set -g performance";
    MachineCheck::of(NAME, found, most <= best * CLOCK_TOLERANCE, advice)
}

fn steal(facts: &Facts) -> MachineCheck {
    const NAME: &str = "stolen time";
    match &facts.steal {
        Reading::Known(share) => {
            let advice = "the host runs others in this machine's time: a machine of one's own, or \
                          another hour";
            MachineCheck::of(NAME, Unit::Share.show(*share), *share <= STEAL_MAX, advice)
        }
        Reading::Missing(why) => MachineCheck::unknown(NAME, why),
    }
}

fn load(facts: &Facts) -> MachineCheck {
    const NAME: &str = "other work here";
    match &facts.load {
        Reading::Known(load) => {
            let advice = "something else runs: see `top`, end it, and wait a minute";
            MachineCheck::of(NAME, format!("load average {load:.2}"), *load < 0.5, advice)
        }
        Reading::Missing(why) => MachineCheck::unknown(NAME, why),
    }
}

fn cores(facts: &Facts) -> MachineCheck {
    let advice = "message suites take turns on one core: their rates are of one; give the process \
                  more: taskset -c 0-3, docker --cpuset-cpus";
    let count = facts.rounds.len();
    MachineCheck::of(
        "cores",
        format!("{} to measure on", counted(count, "core")),
        count > 1,
        advice,
    )
}

fn siblings(facts: &Facts) -> MachineCheck {
    const NAME: &str = "hyperthreads";
    let hypervisor = told(facts, "hypervisor").unwrap_or("none");
    let mut pairs = Vec::new();
    for core in facts.siblings.keys() {
        match seen_siblings(facts, *core) {
            Ok(siblings) if siblings.len() > 1 => pairs.push(*core),
            Ok(_) => {}
            Err(why) => return MachineCheck::unknown(NAME, &why),
        }
    }
    if pairs.is_empty() && hypervisor != "none" {
        let why = format!("not told by {hypervisor}: the other half may be somebody else's");
        return MachineCheck::unknown(NAME, &why);
    }
    let first: Vec<String> = firsts(facts).iter().map(ToString::to_string).collect();
    let advice = format!(
        "two of these cores share one's units: taskset -c {} uses one of each; or turn them off: \
         echo off > /sys/devices/system/cpu/smt/control",
        first.join(",")
    );
    let found = format!("{} of {} share units", pairs.len(), facts.siblings.len());
    MachineCheck::of(NAME, found, pairs.is_empty(), &advice)
}

/// The cores that share units with `core`, of those that were looked at.
fn seen_siblings(facts: &Facts, core: usize) -> Result<Vec<usize>, String> {
    match &facts.siblings[&core] {
        Reading::Known(all) => {
            let seen = all.iter().filter(|core| facts.rounds.contains_key(core));
            Ok(seen.copied().collect())
        }
        Reading::Missing(why) => Err(why.to_string()),
    }
}

/// One core of each set of siblings.
fn firsts(facts: &Facts) -> Vec<usize> {
    let is_first =
        |core: &usize| seen_siblings(facts, *core).is_ok_and(|all| all.iter().min() == Some(core));
    facts.siblings.keys().copied().filter(is_first).collect()
}

fn clock(facts: &Facts) -> MachineCheck {
    if facts.clock_read_ns.is_nan() {
        return MachineCheck::unknown("clock", &"it could not be measured");
    }
    let advice = "reading the clock calls the kernel; see \
                  /sys/devices/system/clocksource/clocksource0/available_clocksource, and if tsc \
                  is there: echo tsc > .../current_clocksource";
    let source = facts.clock_source.known().map_or("source unknown", String::as_str);
    let found = format!("{} a read, {source}", Unit::Nanos.show(facts.clock_read_ns));
    MachineCheck::of("clock", found, facts.clock_read_ns <= CLOCK_READ_MAX_NS, advice)
}

fn governor(facts: &Facts) -> MachineCheck {
    const NAME: &str = "governor";
    match told(facts, "governor") {
        Ok(governor) => {
            let advice = "it saves power between launches: cpupower frequency-set -g performance";
            MachineCheck::of(NAME, governor.to_owned(), governor == "performance", advice)
        }
        Err(_) => {
            MachineCheck::unknown(NAME, &"not told: it is the host's, if this machine is virtual")
        }
    }
}

fn sampling(facts: &Facts) -> MachineCheck {
    reached("perf events", "stacks can be sampled", &facts.sampling)
}

fn hardware_events(facts: &Facts) -> MachineCheck {
    reached("hardware counters", "cycles and misses can be counted", &facts.hardware_events)
}

fn reached(name: &'static str, found: &str, reading: &Reading<()>) -> MachineCheck {
    match reading {
        Reading::Known(()) => MachineCheck::good(name, found.to_owned()),
        Reading::Missing(why) => {
            let (found, advice) = ("none".to_owned(), why.to_string());
            MachineCheck { name, found, state: MachineState::Poor, advice: Some(advice) }
        }
    }
}

fn instructions(facts: &Facts) -> MachineCheck {
    const NAME: &str = "exact counts";
    match &facts.valgrind {
        Reading::Known(version) => MachineCheck::good(NAME, version.clone()),
        Reading::Missing(_) => {
            let advice = "--counts instructions needs valgrind: apt install valgrind";
            MachineCheck::of(NAME, "no valgrind".to_owned(), false, advice)
        }
    }
}

fn maps(facts: &Facts) -> MachineCheck {
    const NAME: &str = "memory maps";
    let Ok(most) = told(facts, "max_map_count") else {
        return MachineCheck::unknown(NAME, &"vm.max_map_count is not told");
    };
    let Ok(most) = most.parse::<u64>() else {
        return MachineCheck::unknown(NAME, &format!("vm.max_map_count is {most:?}"));
    };
    let needed = POOL_AGENTS * MAPS_PER_AGENT + SPARE_MAPS;
    let found = format!("{most}: {} agents in the fast tier", most / MAPS_PER_AGENT);
    let advice = format!(
        "agents move to the dense tier early, and cases of `tiers` are refused: sysctl \
         vm.max_map_count={needed}"
    );
    MachineCheck::of(NAME, found, most >= needed, &advice)
}

fn huge_pages(facts: &Facts) -> MachineCheck {
    const NAME: &str = "huge pages";
    let Ok(setting) = told(facts, "transparent_huge_pages") else {
        return MachineCheck::unknown(NAME, &"this kernel has no such setting");
    };
    let chosen = setting.split(['[', ']']).nth(1).unwrap_or(setting);
    let advice = "memory is given out in pieces of 2 MiB, so memory per agent is more than it \
                  takes: echo madvise > /sys/kernel/mm/transparent_hugepage/enabled";
    MachineCheck::of(NAME, chosen.to_owned(), chosen != "always", advice)
}

fn memory(facts: &Facts) -> MachineCheck {
    const NAME: &str = "memory";
    match &facts.memory {
        Reading::Known(bytes) => {
            let advice = "the limit of 1000MiB and 100,000 agents need 4 GiB: end what uses memory";
            let found = format!("{bytes} to be had");
            MachineCheck::of(NAME, found, *bytes >= Bytes(4 << 30), advice)
        }
        Reading::Missing(why) => MachineCheck::unknown(NAME, why),
    }
}

#[cfg(test)]
#[path = "doctor_tests.rs"]
mod tests;
