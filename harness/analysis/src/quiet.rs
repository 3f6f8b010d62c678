//! Which launches of a run were quiet: undisturbed by whoever shares the core.
//!
//! On a shared machine a core has two speeds, and native code and WASM lose differently when the
//! neighbour wakes up: a ratio is 1.20 in quiet and 1.48 beside a busy hyperthread, each time with
//! a narrow interval. So each round of blocks begins with a noise probe, fixed work that knows
//! nothing of the sides compared: some that fills all execution units, and some that only the clock
//! slows down. What the first takes over the second is a property of the processor, whatever its
//! clock, and grows when somebody else uses the units.
//!
//! A round is quiet when the probes before and after it are within 5 % of the best; a launch when
//! two thirds of its rounds are. Quiet launches alone give the quiet ratio: what disturbed ones say
//! of it cannot be corrected, since a ratio jumps at the slightest interference and does not grow
//! with the probe (`docs/method.md` has the study). Where quiet launches are few, the others still
//! say how much launches scatter. Where they are fewer than three the quiet ratio is unclear.
//! Comparisons of a thing with itself use every launch: they are symmetric in any company.

use caxton_model::metric::{Metric, MetricName, Rule};
use caxton_model::record::Calibration;
use caxton_model::samples::Sample;
use std::collections::{BTreeMap, BTreeSet};

pub const YARDSTICK: &str = "yardstick_ns";
pub const LATENCY: &str = "probe_latency_ns";
/// How much longer than the best a quiet probe may take.
pub const TOLERANCE: f64 = 1.05;
/// Share of its rounds that makes a launch quiet. Of a launch with less quiet the rounds that look
/// so are not: the neighbour comes and goes between two probes.
const ROUNDS_SHARE: f64 = 2.0 / 3.0;
/// Quiet launches that a figure takes.
pub const LAUNCHES_MIN: u32 = 3;

/// From what is measured in a launch to what is measured after it blocks are numbered so far apart.
pub const PART_BLOCKS: u32 = 500;

/// The readings of one metric: by launch, by block.
pub type Launches = BTreeMap<u32, BTreeMap<u32, Vec<f64>>>;

/// The quietest moment that is known of a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Best {
    /// What the work took that fills all execution units, in nanoseconds.
    pub yardstick_ns: Option<f64>,
    /// The same over what the work took that is bound by the clock.
    pub to_latency: Option<f64>,
}

impl Best {
    /// The best moment among `samples`.
    pub fn of(samples: &[Sample]) -> Self {
        let mut cases: BTreeMap<_, [Launches; 2]> = BTreeMap::new();
        for sample in samples {
            let Some(probe) =
                [YARDSTICK, LATENCY].iter().position(|p| *p == sample.metric.as_str())
            else {
                continue;
            };
            let launches = &mut cases.entry(&sample.case).or_default()[probe];
            let blocks = launches.entry(sample.launch).or_default();
            blocks.entry(sample.block).or_default().push(sample.per_iteration());
        }
        let (mut times, mut ratios) = (Vec::new(), Vec::new());
        for [yardsticks, latencies] in cases.values() {
            times.extend(Slowness::of(yardsticks, None).least_of_launches());
            ratios.extend(Slowness::of(yardsticks, Some(latencies)).least_of_launches());
        }
        Self { yardstick_ns: confirmed(times), to_latency: confirmed(ratios) }
    }

    /// What the run's record knows.
    pub fn known(calibration: &Calibration) -> Self {
        let Calibration { yardstick_ns, yardstick_to_latency: to_latency, .. } = *calibration;
        Self { yardstick_ns, to_latency }
    }

    /// The better of both, in each respect.
    #[must_use]
    pub fn or_better(self, other: Self) -> Self {
        let least =
            |one: Option<f64>, two: Option<f64>| one.into_iter().chain(two).min_by(f64::total_cmp);
        Self {
            yardstick_ns: least(self.yardstick_ns, other.yardstick_ns),
            to_latency: least(self.to_latency, other.to_latency),
        }
    }
}

/// The least of what launches had at their best, where another one confirms it: a clock that was
/// read wrongly once must not make all others look disturbed.
fn confirmed(mut leasts: Vec<f64>) -> Option<f64> {
    leasts.sort_by(f64::total_cmp);
    leasts.windows(2).find(|pair| pair[1] <= pair[0] * TOLERANCE).map(|pair| pair[0])
}

/// How slow each probe of a case was: by launch, by block.
struct Slowness {
    launches: BTreeMap<u32, BTreeMap<u32, f64>>,
    /// Over what the clock alone explains; else in nanoseconds.
    is_relative: bool,
}

impl Slowness {
    /// Of the clock's readings beside a probe the least is the one that nothing interrupted.
    fn of(yardsticks: &Launches, latencies: Option<&Launches>) -> Self {
        let is_relative = latencies.is_some();
        let launches = yardsticks.iter().map(|(launch, blocks)| {
            let slowest = |(block, taken): (&u32, &Vec<f64>)| {
                let clock = match latencies {
                    Some(latencies) => {
                        let beside = block.saturating_sub(1)..=block.saturating_add(1);
                        let taken = latencies.get(launch)?.range(beside).flat_map(|(_, ns)| ns);
                        taken.copied().min_by(f64::total_cmp)?
                    }
                    None => 1.0,
                };
                Some((*block, taken.iter().copied().max_by(f64::total_cmp)? / clock))
            };
            (*launch, blocks.iter().filter_map(slowest).collect())
        });
        Self { launches: launches.collect(), is_relative }
    }

    fn least_of_launches(&self) -> impl Iterator<Item = f64> {
        let launches = self.launches.values();
        launches.filter_map(|probes| probes.values().copied().min_by(f64::total_cmp))
    }

    fn best(&self, best: Best) -> Option<f64> {
        if self.is_relative { best.to_latency } else { best.yardstick_ns }
    }

    /// The quiet rounds of each launch that is quiet in `blocks`, which have readings.
    fn quiet(&self, launch: u32, blocks: &BTreeSet<u32>, best: f64) -> Option<BTreeSet<u32>> {
        let probes = self.launches.get(&launch)?;
        let is_good = |probe: &f64| *probe <= best * TOLERANCE;
        let is_quiet = |block: &u32| {
            probes.get(block).is_some_and(is_good) && probes.get(&(block + 1)).is_none_or(is_good)
        };
        let quiet: BTreeSet<u32> = blocks.iter().copied().filter(is_quiet).collect();
        let enough = quiet.len() as f64 >= blocks.len() as f64 * ROUNDS_SHARE;
        (enough && !quiet.is_empty()).then_some(quiet)
    }
}

/// The noise probes of one case.
#[derive(Clone, Copy)]
pub struct Probes<'a> {
    pub yardsticks: &'a Launches,
    /// None in records of before they were taken.
    pub latencies: Option<&'a Launches>,
}

/// What is known of a metric's inputs in quiet.
#[derive(Debug, Clone, PartialEq)]
pub enum Quiet {
    /// It does not matter, nobody looked, or there is one launch or two.
    Unwatched,
    /// These launches were quiet, and so many were not.
    Known(BTreeMap<MetricName, Launches>, u32),
    /// So few of so many were.
    Unclear { quiet: u32, all: u32 },
}

/// True for a figure that a neighbour on the core would distort.
fn is_sensitive(metric: &Metric) -> bool {
    let is_steady = !matches!(
        metric.rule,
        Rule::Median | Rule::Exact | Rule::Ratio { .. } | Rule::AsFound { .. }
    );
    is_steady && !metric.is_same_against_same()
}

/// What of `readings`, the inputs of `metric`, was measured in quiet.
pub fn in_quiet(
    metric: &Metric,
    readings: &BTreeMap<MetricName, Launches>,
    probes: Option<Probes<'_>>,
    best: Best,
) -> Quiet {
    let slowness = probes.map(|probes| Slowness::of(probes.yardsticks, probes.latencies));
    let watched = slowness.as_ref().and_then(|slowness| Some((slowness, slowness.best(best)?)));
    let Some((slowness, best)) = watched.filter(|_| is_sensitive(metric)) else {
        return Quiet::Unwatched;
    };
    // A launch counts where all inputs have it, and a round where all inputs have that.
    let mut common: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (place, launches) in readings.values().enumerate() {
        let blocks = |launch: &u32| launches.get(launch).map(|b| b.keys().copied().collect());
        if place == 0 {
            common = launches.keys().filter_map(|l| Some((*l, blocks(l)?))).collect();
            continue;
        }
        common.retain(|launch, own| {
            let theirs: BTreeSet<u32> = blocks(launch).unwrap_or_default();
            own.retain(|block| theirs.contains(block));
            !own.is_empty()
        });
    }
    let all = common.len() as u32;
    let quiet_of = |(launch, blocks): (&u32, &BTreeSet<u32>)| {
        Some((*launch, slowness.quiet(*launch, blocks, best)?))
    };
    let rounds: BTreeMap<u32, BTreeSet<u32>> = common.iter().filter_map(quiet_of).collect();
    let quiet = rounds.len() as u32;
    let mut kept = readings.clone();
    for launches in kept.values_mut() {
        launches.retain(|launch, _| rounds.contains_key(launch));
        for (launch, blocks) in launches {
            blocks.retain(|block, _| rounds[launch].contains(block));
        }
    }
    if all < LAUNCHES_MIN {
        Quiet::Unwatched
    } else if quiet >= LAUNCHES_MIN {
        Quiet::Known(kept, all - quiet)
    } else {
        Quiet::Unclear { quiet, all }
    }
}

/// How many of the launches behind `probes` were quiet in each of their parts.
pub fn quiet_launches(probes: Probes<'_>, best: Best) -> Option<u32> {
    let slowness = Slowness::of(probes.yardsticks, probes.latencies);
    let best = slowness.best(best)?;
    let is_quiet = |(launch, blocks): &(&u32, &BTreeMap<u32, f64>)| {
        let mut parts: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for block in blocks.keys() {
            parts.entry(block / PART_BLOCKS).or_default().insert(*block);
        }
        parts.values().all(|part| {
            // The last probe comes after the last round.
            let rounds: BTreeSet<u32> = part.iter().rev().skip(1).copied().collect();
            let rounds = if rounds.is_empty() { part } else { &rounds };
            slowness.quiet(**launch, rounds, best).is_some()
        })
    };
    Some(slowness.launches.iter().filter(is_quiet).count() as u32)
}

#[cfg(test)]
#[path = "quiet_tests.rs"]
mod tests;
