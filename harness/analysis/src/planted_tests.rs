//! A made-up machine on which the truth is known: launches that differ by their layout, and a
//! neighbour who comes and goes. How often does what is printed hold the truth?

use crate::precision::{LOOKS, reach};
use crate::quiet::{Best, LATENCY, YARDSTICK};
use crate::reduce::{HEADLINE, Levels, SINGLE, reduce};
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::Summary;
use caxton_model::samples::Sample;

/// WASM over native on a core of its own.
const TRUTH: f64 = 1.3;
const ROUNDS: u32 = 10;
/// What a neighbour makes of each side, and of the probe that sees it.
const WASM_BESIDE: f64 = 1.5;
const NATIVE_BESIDE: f64 = 1.25;
const PROBE_BESIDE: f64 = 1.4;

/// How launches of one build differ.
#[derive(Debug, Clone, Copy)]
enum Layout {
    /// By the sum of many accidents, of this deviation.
    Normal(f64),
    /// One of two layouts, so far from the middle.
    OneOfTwo(f64),
}

/// When somebody else uses the core. Times are in rounds.
#[derive(Debug, Clone, Copy)]
enum Neighbour {
    Nobody,
    /// Beside each launch with this chance, and then for all of it.
    WholeLaunches(f64),
    /// On for so long, then off for so long, from a random moment on.
    OnOff(f64, f64),
}

struct Machine {
    rng: fastrand::Rng,
    layout: Layout,
    neighbour: Neighbour,
}

impl Machine {
    fn new(seed: u64, layout: Layout, neighbour: Neighbour) -> Self {
        // Seeds side by side begin alike.
        let rng = fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self { rng, layout, neighbour }
    }

    /// Nearly normal, of deviation 1: twelve uniform numbers added up.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.rng.f64()).sum::<f64>() - 6.0
    }

    /// A reading about `ns`.
    fn about(&mut self, ns: f64) -> f64 {
        ns * (0.002 * self.normal()).exp()
    }

    /// The samples of one launch.
    fn launch(&mut self, launch: u32) -> Vec<Sample> {
        let deviation = match self.layout {
            Layout::Normal(deviation) => deviation * self.normal(),
            Layout::OneOfTwo(apart) => {
                if self.rng.bool() {
                    apart
                } else {
                    -apart
                }
            }
        };
        let is_beside_all = match self.neighbour {
            Neighbour::WholeLaunches(chance) => self.rng.f64() < chance,
            Neighbour::Nobody | Neighbour::OnOff(..) => false,
        };
        let phase = self.rng.f64();
        let neighbour = self.neighbour;
        let is_on = move |at: f64| match neighbour {
            Neighbour::Nobody => false,
            Neighbour::WholeLaunches(_) => is_beside_all,
            Neighbour::OnOff(on, off) => {
                let period = on + off;
                (at + phase * period).rem_euclid(period) < on
            }
        };
        // What share of a round somebody was there.
        let share = move |from: f64| {
            (0..20).filter(|part| is_on(from + f64::from(*part) / 20.0)).count() as f64 / 20.0
        };
        let mut samples = Vec::new();
        for round in 0..=ROUNDS {
            let at = f64::from(round);
            let probe = if is_on(at) { 20.0 * PROBE_BESIDE } else { 20.0 };
            let mut told = vec![(YARDSTICK, probe), (LATENCY, 10.0)];
            if round < ROUNDS {
                let slower = |beside: f64| (beside - 1.0).mul_add(share(at), 1.0);
                told.push(("native_call_ns", 100.0 * slower(NATIVE_BESIDE)));
                let wasm = 100.0 * TRUTH * deviation.exp();
                told.push(("wasm_call_ns", wasm * slower(WASM_BESIDE)));
            }
            for (metric, ns) in told {
                samples.push(Sample {
                    case: CaseKey::new("wasm", "overhead", "wasmtime-vs-native", "json"),
                    launch,
                    metric: MetricName::parse(metric).expect("in the table"),
                    block: round,
                    index: 0,
                    iterations: 1_000_000,
                    value: (self.about(ns) * 1e6) as u64,
                });
            }
        }
        samples
    }

    fn launches(&mut self, count: u32) -> Vec<Sample> {
        (0..count).flat_map(|launch| self.launch(launch)).collect()
    }
}

fn levels(samples: &[Sample]) -> Levels {
    // An earlier run has seen this machine in quiet.
    let earlier = Best { yardstick_ns: None, to_latency: Some(2.0) };
    Levels { best: Best::of(samples).or_better(earlier), ..Levels::for_run(1) }
}

fn ratio(samples: &[Sample], name: &str) -> Reading<Summary> {
    let name = MetricName::parse(name).expect("in the table");
    reduce(samples, &levels(samples))[&name].clone()
}

fn holds(summary: &Summary) -> bool {
    summary.interval.is_some_and(|interval| interval.contains(TRUTH))
}

/// Of 200 runs of 15 launches: the share of known ratios that hold the truth, and the share that is
/// UNCLEAR; then the same share of the ratios as found.
fn coverage(layout: Layout, neighbour: Neighbour) -> [f64; 3] {
    const RUNS: u64 = 200;
    let (mut held, mut unclear, mut found) = (0, 0, 0);
    for seed in 0..RUNS {
        let samples = Machine::new(seed, layout, neighbour).launches(15);
        match ratio(&samples, HEADLINE) {
            Reading::Known(summary) => held += u64::from(holds(&summary)),
            Reading::Missing(Missing::Unclear(_)) => unclear += 1,
            Reading::Missing(other) => panic!("{other:?}"),
        }
        let as_found = ratio(&samples, "wasm_to_native_time_as_found");
        found += u64::from(holds(as_found.known().expect("it needs no quiet")));
    }
    let known = (RUNS - unclear).max(1);
    [held as f64 / known as f64, unclear as f64 / RUNS as f64, found as f64 / RUNS as f64]
}

const LAYOUTS: [Layout; 3] = [Layout::Normal(0.003), Layout::Normal(0.02), Layout::OneOfTwo(0.01)];

#[test]
fn beside_any_neighbour_the_interval_holds_the_quiet_ratio_or_there_is_none() {
    let neighbours = [
        (Neighbour::Nobody, 0.0),
        (Neighbour::WholeLaunches(0.4), 0.02),
        (Neighbour::WholeLaunches(0.8), 0.6),
        (Neighbour::OnOff(30.0, 30.0), 0.3),
        (Neighbour::OnOff(5.0, 40.0), 0.1),
    ];
    for layout in LAYOUTS {
        for (neighbour, unclear_max) in neighbours {
            let [held, unclear, _] = coverage(layout, neighbour);
            assert!(held >= 0.93, "{layout:?} {neighbour:?}: {held}");
            assert!(unclear <= unclear_max, "{layout:?} {neighbour:?}: UNCLEAR {unclear}");
        }
    }
}

#[test]
fn a_neighbour_who_never_leaves_makes_it_unclear_and_shows_in_what_was_found() {
    for neighbour in [Neighbour::WholeLaunches(1.0), Neighbour::OnOff(2.0, 2.0)] {
        let [_, unclear, found] = coverage(Layout::Normal(0.003), neighbour);
        assert!(unclear >= 0.99, "{neighbour:?}: {unclear}");
        assert!(found <= 0.01, "{neighbour:?}: {found} of the runs as found hold the quiet ratio");
    }
}

/// The launches that a run takes which stops when its ratio is known within `precision`.
fn until_known(machine: &mut Machine, precision: f64) -> Vec<Sample> {
    let mut samples = Vec::new();
    for launch in 0..60 {
        samples.extend(machine.launch(launch));
        let is_look = LOOKS.contains(&(launch + 1));
        if is_look && reach(&samples, &levels(&samples)).expect("it has a ratio") <= precision {
            break;
        }
    }
    samples
}

#[test]
fn who_stops_as_soon_as_it_is_known_well_enough_still_covers() {
    for layout in [Layout::Normal(0.02), Layout::OneOfTwo(0.02)] {
        for precision in [0.03, 0.014] {
            let runs: Vec<Summary> = (0..300)
                .map(|seed| {
                    let mut machine = Machine::new(seed, layout, Neighbour::Nobody);
                    let samples = until_known(&mut machine, precision);
                    *ratio(&samples, HEADLINE).known().expect("nobody disturbs it")
                })
                .collect();
            let held = runs.iter().filter(|run| holds(run)).count() as f64 / runs.len() as f64;
            assert!(held >= 0.92, "{layout:?} {precision}: {held}");
            let widest = runs.iter().filter_map(|run| {
                let interval = run.interval.filter(|_| run.n < 60)?;
                assert_eq!(interval.level, SINGLE);
                Some((interval.upper / run.estimate).max(run.estimate / interval.lower) - 1.0)
            });
            let widest = widest.fold(0.0, f64::max);
            assert!(widest <= precision * 1.05, "{layout:?} {precision}: {widest}");
        }
    }
}

#[test]
fn what_is_steady_needs_eight_launches_and_what_scatters_more() {
    let taken = |layout| {
        let samples = until_known(&mut Machine::new(1, layout, Neighbour::Nobody), 0.02);
        samples.iter().map(|sample| sample.launch + 1).max()
    };
    assert_eq!(taken(Layout::Normal(0.001)), Some(8));
    assert!(taken(Layout::Normal(0.02)) > Some(8));
}

#[test]
fn a_case_without_such_a_ratio_has_no_precision() {
    let mut samples = Machine::new(1, Layout::Normal(0.01), Neighbour::Nobody).launches(6);
    let native = MetricName::parse("native_call_ns").expect("in the table");
    samples.retain(|sample| sample.metric != native);
    assert_eq!(reach(&samples, &levels(&samples)), None);
    let disturbed =
        Machine::new(1, Layout::Normal(0.01), Neighbour::WholeLaunches(1.0)).launches(9);
    assert_eq!(reach(&disturbed, &levels(&disturbed)), Some(f64::INFINITY));
}
