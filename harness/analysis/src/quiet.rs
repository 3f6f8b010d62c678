//! Which moments of a run were quiet: the ones as fast as its best. Mostly it is a neighbour on the
//! same physical core that makes the others slow; a lower clock or another kind of core can, too.
//!
//! On a shared machine a core has two speeds, and native code and WASM lose differently when the
//! neighbour wakes up: a ratio is 1.20 in quiet and 1.48 beside a busy hyperthread, each time with
//! a narrow interval. So each round of blocks begins with a yardstick, a fixed piece of work that
//! knows nothing of the sides compared. A round is quiet when its yardstick is within 5 % of the
//! run's best; a launch when three of its rounds are. Where there are enough quiet launches the
//! others are left out of steady-state figures; where not, all are used and the summary says so.
//! Comparisons of a thing with itself use every launch: they are symmetric in any company.

use caxton_model::metric::{Metric, MetricName, Rule};
use caxton_model::record::Company;
use std::collections::{BTreeMap, BTreeSet};

pub const YARDSTICK: &str = "yardstick_ns";
pub const LATENCY: &str = "probe_latency_ns";
pub const MEMORY: &str = "probe_memory_ns";
/// How much longer than the run's best a quiet yardstick may take.
pub const TOLERANCE: f64 = 1.05;
/// Quiet rounds that make a launch quiet; all of them where it has fewer.
const ROUNDS_MIN: usize = 3;
/// Quiet launches that are enough to do without the others: the least for an interval at 95 %.
pub const LAUNCHES_MIN: u32 = 6;

/// The readings of one metric: by launch, by block.
pub type Launches = BTreeMap<u32, BTreeMap<u32, Vec<f64>>>;

/// True for a figure that a neighbour on the core would distort.
fn is_sensitive(metric: &Metric) -> bool {
    let is_steady = !matches!(metric.rule, Rule::Median | Rule::Exact | Rule::Ratio { .. });
    is_steady && !metric.is_same_against_same()
}

/// The quiet rounds among `yardsticks`, as launch and block.
fn quiet_rounds(yardsticks: &Launches, below_ns: f64) -> BTreeSet<(u32, u32)> {
    let rounds = yardsticks.iter().flat_map(|(launch, blocks)| {
        let is_quiet = move |taken: &Vec<f64>| taken.iter().all(|ns| *ns <= below_ns);
        blocks.iter().filter(move |(_, taken)| is_quiet(taken)).map(|(block, _)| (*launch, *block))
    });
    rounds.collect()
}

/// Keeps of `readings`, the inputs of `metric`, what was measured in quiet; tells what that means.
/// `below_ns` is the longest quiet yardstick, if one is known.
pub fn keep_quiet(
    metric: &Metric,
    readings: &mut BTreeMap<MetricName, Launches>,
    yardsticks: Option<&Launches>,
    below_ns: Option<f64>,
) -> Company {
    let (Some(yardsticks), Some(below_ns)) = (yardsticks, below_ns) else {
        return Company::Unwatched;
    };
    if !is_sensitive(metric) {
        return Company::Unwatched;
    }
    let quiet = quiet_rounds(yardsticks, below_ns);
    let mut kept = readings.clone();
    for launches in kept.values_mut() {
        launches.retain(|launch, blocks| {
            let needed = blocks.len().clamp(1, ROUNDS_MIN);
            blocks.retain(|block, _| quiet.contains(&(*launch, *block)));
            blocks.len() >= needed
        });
    }
    let count = |readings: &BTreeMap<MetricName, Launches>| {
        readings.values().map(|launches| launches.len() as u32).min().unwrap_or(0)
    };
    let (all, left) = (count(readings), count(&kept));
    if left >= LAUNCHES_MIN {
        *readings = kept;
        Company::LeftOut(all - left)
    } else {
        Company::Present(all - left)
    }
}

/// How many of the launches behind `yardsticks` were quiet in each of their parts.
pub fn quiet_launches(yardsticks: &Launches, below_ns: f64) -> u32 {
    let quiet = quiet_rounds(yardsticks, below_ns);
    let is_quiet = |(launch, blocks): &(&u32, &BTreeMap<u32, Vec<f64>>)| {
        // Blocks are numbered by thousands where a launch measures several things in a row.
        let mut parts: BTreeMap<u32, (usize, usize)> = BTreeMap::new();
        for block in blocks.keys() {
            let (quiet_rounds, rounds) = parts.entry(block / 1000).or_default();
            *rounds += 1;
            *quiet_rounds += usize::from(quiet.contains(&(**launch, *block)));
        }
        parts.values().all(|(quiet, all)| *quiet >= (*all).clamp(1, ROUNDS_MIN))
    };
    yardsticks.iter().filter(is_quiet).count() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `launches` launches of four rounds, the first `quiet` of them with a yardstick of 100 ns,
    /// the others of 150.
    fn yardsticks(launches: u32, quiet: u32) -> Launches {
        let taken = |launch: u32| if launch < quiet { 100.0 } else { 150.0 };
        let rounds = |launch| (0..4).map(|block| (block, vec![taken(launch)])).collect();
        (0..launches).map(|launch| (launch, rounds(launch))).collect()
    }

    fn company(metric: &str, launches: u32, quiet: u32) -> (Company, usize) {
        let metric = MetricName::parse(metric).expect("in the table");
        let yardsticks = yardsticks(launches, quiet);
        let mut readings = BTreeMap::from([(metric, yardsticks.clone())]);
        let company = keep_quiet(metric.metric(), &mut readings, Some(&yardsticks), Some(105.0));
        (company, readings[&metric].len())
    }

    #[test]
    fn enough_quiet_launches_do_without_the_others() {
        assert_eq!(company("wasm_call_ns", 15, 15), (Company::LeftOut(0), 15));
        assert_eq!(company("wasm_call_ns", 15, 6), (Company::LeftOut(9), 6));
        assert_eq!(company("wasm_call_ns", 15, 5), (Company::Present(10), 15));
        assert_eq!(company("wasm_call_ns", 1, 1), (Company::Present(0), 1));
    }

    #[test]
    fn what_is_symmetric_or_no_steady_state_uses_every_launch() {
        assert_eq!(company("aa_time", 15, 6), (Company::Unwatched, 15));
        assert_eq!(company("wasm_compile_ns", 15, 6), (Company::Unwatched, 15));
    }

    #[test]
    fn a_launch_is_quiet_with_three_quiet_rounds_which_alone_count() {
        let metric = MetricName::parse("wasm_call_ns").expect("in the table");
        let mut yardsticks = yardsticks(6, 6);
        for blocks in yardsticks.values_mut() {
            blocks.insert(3, vec![150.0]);
        }
        assert_eq!(quiet_launches(&yardsticks, 105.0), 6);
        let mut parts = yardsticks.clone();
        for blocks in parts.values_mut() {
            blocks.extend([(1000, vec![150.0]), (1001, vec![100.0])]);
        }
        assert_eq!(quiet_launches(&parts, 105.0), 0, "one part of two was not quiet");
        let mut readings = BTreeMap::from([(metric, yardsticks.clone())]);
        assert_eq!(
            keep_quiet(metric.metric(), &mut readings, Some(&yardsticks), Some(105.0)),
            Company::LeftOut(0)
        );
        assert!(readings[&metric].values().all(|blocks| blocks.len() == 3));
        for blocks in yardsticks.values_mut() {
            blocks.insert(2, vec![150.0]);
        }
        assert_eq!(quiet_launches(&yardsticks, 105.0), 0);
    }
}
