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
//! with the probe (`docs/method.md` has the study). Where quiet launches are few, the others still say
//! how much launches scatter. Where they are fewer than three the quiet ratio is unclear.
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
/// Quiet launches for a figure, and those that need no help for its interval at 95 %.
pub const LAUNCHES_MIN: u32 = 3;
pub const LAUNCHES_ENOUGH: u32 = 6;

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
        cases.values().fold(Self::default(), |best, [yardsticks, latencies]| {
            let yardstick_ns = flat(yardsticks).min_by(f64::total_cmp);
            let slowness = Slowness::of(yardsticks, Some(latencies).filter(|l| !l.is_empty()));
            let to_latency = slowness.is_relative.then(|| slowness.least()).flatten();
            best.or_better(Self { yardstick_ns, to_latency })
        })
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

fn flat(launches: &Launches) -> impl Iterator<Item = f64> {
    launches.values().flat_map(BTreeMap::values).flatten().copied()
}

/// How slow each probe of a case was: by launch, by block.
struct Slowness {
    launches: BTreeMap<u32, BTreeMap<u32, f64>>,
    /// Over what the clock alone explains; else in nanoseconds.
    is_relative: bool,
}

impl Slowness {
    /// A launch is so short that its clock does not change; of its readings of the clock the least
    /// is the one that nothing interrupted.
    fn of(yardsticks: &Launches, latencies: Option<&Launches>) -> Self {
        let is_relative = latencies.is_some();
        let launches = yardsticks.iter().filter_map(|(launch, blocks)| {
            let clock = match latencies {
                Some(latencies) => {
                    let taken = latencies.get(launch)?.values().flatten().copied();
                    taken.min_by(f64::total_cmp)?
                }
                None => 1.0,
            };
            let slowest = |(block, taken): (&u32, &Vec<f64>)| {
                Some((*block, taken.iter().copied().max_by(f64::total_cmp)? / clock))
            };
            Some((*launch, blocks.iter().filter_map(slowest).collect()))
        });
        Self { launches: launches.collect(), is_relative }
    }

    fn least(&self) -> Option<f64> {
        self.launches.values().flat_map(BTreeMap::values).copied().min_by(f64::total_cmp)
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
    let mut kept = readings.clone();
    for launches in kept.values_mut() {
        launches.retain(|launch, blocks| {
            let Some(quiet) = slowness.quiet(*launch, &blocks.keys().copied().collect(), best)
            else {
                return false;
            };
            blocks.retain(|block, _| quiet.contains(block));
            true
        });
    }
    let count = |readings: &BTreeMap<MetricName, Launches>| {
        readings.values().map(|launches| launches.len() as u32).min().unwrap_or(0)
    };
    let (all, quiet) = (count(readings), count(&kept));
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
        // Blocks are numbered by thousands where a launch measures several things in a row.
        let mut parts: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for block in blocks.keys() {
            parts.entry(block / 1000).or_default().insert(*block);
        }
        parts.values().all(|part| slowness.quiet(**launch, part, best).is_some())
    };
    Some(slowness.launches.iter().filter(is_quiet).count() as u32)
}

#[cfg(test)]
#[path = "quiet_tests.rs"]
mod tests;
