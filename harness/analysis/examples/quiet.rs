//! Which rule tells the quiet ratio? The study behind `quiet.rs`: launches of recorded runs, quiet
//! ones and disturbed ones, are drawn into made-up runs of 15, and each rule's interval is held
//! against the ratio of all quiet launches.
//!
//! ```sh
//! cargo build --profile bench --workspace --example quiet
//! target/release/examples/quiet profiles/runs/*-wasm
//! ```
//!
//! It takes runs of which a neighbour has disturbed a part: `scripts/coverage` makes some.

use caxton_analysis::quiet::{Best, LATENCY, TOLERANCE, YARDSTICK};
use caxton_analysis::reduce::{HEADLINE, Levels, reduce};
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::reading::Reading;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{Interval, Summary};
use caxton_model::samples::Sample;
use caxton_stats::{signed_rank, summary};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

const LAUNCHES: usize = 15;
/// How many of them are disturbed.
const DISTURBED: [usize; 5] = [0, 6, 10, 12, 15];
const TRIALS: usize = 200;
const RULES: [&str; 4] = ["as found", "quiet or all", "regression", "quiet or UNCLEAR"];

/// One launch: its samples, and of each round how slow its probe was and the logarithm of the
/// ratio.
struct RecordedLaunch {
    /// The run that it is of.
    run: usize,
    samples: Vec<Sample>,
    rounds: Vec<[f64; 2]>,
}

impl RecordedLaunch {
    fn quiet_rounds(&self) -> usize {
        self.rounds.iter().filter(|[slow, _]| *slow <= TOLERANCE).count()
    }

    fn middle(&self, of: usize) -> f64 {
        summary::median(&self.rounds.iter().map(|round| round[of]).collect::<Vec<_>>())
            .unwrap_or(f64::NAN)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut samples: BTreeMap<CaseKey, Vec<(usize, Vec<Sample>)>> = BTreeMap::new();
    for (run, folder) in std::env::args().skip(1).enumerate() {
        let (_, told) = RunFolder::load(Path::new(&folder))?;
        let mut of_case: BTreeMap<CaseKey, BTreeMap<u32, Vec<Sample>>> = BTreeMap::new();
        let names = [HEADLINE_OF, PROBES].concat();
        for sample in told.into_iter().filter(|sample| sample.case.is_overhead()) {
            if names.contains(&sample.metric.as_str()) {
                let launches = of_case.entry(sample.case.clone()).or_default();
                launches.entry(sample.launch).or_default().push(sample);
            }
        }
        for (case, launches) in of_case {
            let launches = launches.into_values().map(|samples| (run, samples));
            samples.entry(case).or_default().extend(launches);
        }
    }
    let everything: Vec<Sample> =
        samples.values().flatten().flat_map(|(_, samples)| samples).cloned().collect();
    let best = Best::of(&everything);
    let mut text = String::new();
    for (case, launches) in samples {
        let launches: Vec<RecordedLaunch> =
            launches.into_iter().filter_map(|(run, it)| recorded(run, it, best)).collect();
        text += &study(&case, &launches, best)?;
    }
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

/// What the ratio is made of, and what tells whether it was quiet.
const PROBES: [&str; 2] = [YARDSTICK, LATENCY];
const HEADLINE_OF: [&str; 2] = ["wasm_call_ns", "native_call_ns"];

/// The rounds of one launch; none without probes.
fn recorded(run: usize, samples: Vec<Sample>, best: Best) -> Option<RecordedLaunch> {
    let least = |name: &str| {
        let mut blocks: BTreeMap<u32, f64> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| sample.metric.as_str() == name) {
            let least = blocks.entry(sample.block).or_insert(f64::INFINITY);
            *least = least.min(sample.per_iteration());
        }
        blocks
    };
    let [wasm, native, yardstick, latency] =
        [HEADLINE_OF[0], HEADLINE_OF[1], YARDSTICK, LATENCY].map(least);
    let clock = latency.into_values().min_by(f64::total_cmp)?;
    let best = best.to_latency?;
    let round = |(block, wasm): (&u32, &f64)| {
        let slow = yardstick.get(block)? / clock / best;
        Some([slow, (wasm / native.get(block)?).ln()])
    };
    let rounds: Vec<[f64; 2]> = wasm.iter().filter_map(round).collect();
    (!rounds.is_empty()).then_some(RecordedLaunch { run, samples, rounds })
}

/// What the rules tell of one case, in lines.
fn study(
    case: &CaseKey,
    launches: &[RecordedLaunch],
    best: Best,
) -> Result<String, Box<dyn Error>> {
    let is_partly =
        |launch: &RecordedLaunch| (3..launch.rounds.len()).contains(&launch.quiet_rounds());
    let those = |is: &dyn Fn(&RecordedLaunch) -> bool| -> Vec<&RecordedLaunch> {
        launches.iter().filter(|launch| is(launch)).collect()
    };
    let quiet = those(&|launch| launch.quiet_rounds() == launch.rounds.len());
    let disturbed = those(&|launch| launch.quiet_rounds() < 3);
    let partly = those(&is_partly);
    let middle = |launches: &[&RecordedLaunch]| {
        let logs: Vec<f64> =
            launches.iter().take(signed_rank::N_MAX).map(|launch| launch.middle(1)).collect();
        signed_rank::estimate(&logs).unwrap_or(f64::NAN)
    };
    let mut text = format!("{}:", case.agent);
    for (kind, launches) in [("quiet", &quiet), ("disturbed", &disturbed), ("in part", &partly)] {
        write!(text, " {kind} {:.3}x (n = {})", middle(launches).exp(), launches.len())?;
    }
    text.push('\n');
    let truth = middle(&quiet);
    let mut by_run: BTreeMap<usize, Vec<&RecordedLaunch>> = BTreeMap::new();
    for launch in launches {
        by_run.entry(launch.run).or_default().push(launch);
    }
    let runs: Vec<Vec<&RecordedLaunch>> = by_run.into_values().collect();
    writeln!(text, "  {} runs as they were: {}", runs.len(), told(&runs, truth, best))?;
    for (kind, others) in [("disturbed", &disturbed), ("in part", &partly)] {
        if others.len() < 10 || quiet.len() < 30 {
            continue;
        }
        for count in DISTURBED {
            let mut rng = fastrand::Rng::with_seed(22);
            let made_up: Vec<Vec<&RecordedLaunch>> = (0..TRIALS)
                .map(|_| {
                    let from = |place| if place < count { others } else { &quiet };
                    (0..LAUNCHES).map(|place| from(place)[rng.usize(..from(place).len())]).collect()
                })
                .collect();
            let told = told(&made_up, truth, best);
            writeln!(text, "  {count:>2} of {LAUNCHES} {kind:<10} {told}")?;
        }
    }
    Ok(text)
}

/// How each rule does on `runs`: how often its interval held the truth, how wide it was, and how
/// often there was none.
fn told(runs: &[Vec<&RecordedLaunch>], truth: f64, best: Best) -> String {
    let of_rule = |(rule, name): (usize, &&str)| {
        let told: Vec<[f64; 2]> = runs.iter().filter_map(|run| interval(rule, run, best)).collect();
        let held = told.iter().filter(|[lower, upper]| *lower <= truth && truth <= *upper).count();
        let widths: Vec<f64> = told.iter().map(|[lower, upper]| upper - lower).collect();
        let width = summary::median(&widths).unwrap_or(f64::NAN).exp_m1() * 100.0;
        let share = |count: usize, of: usize| count as f64 / of as f64 * 100.0;
        let untold = share(runs.len() - told.len(), runs.len());
        format!("{name} {:.0} % ({width:.1} %, {untold:.0} %)", share(held, told.len()))
    };
    RULES.iter().enumerate().map(of_rule).collect::<Vec<_>>().join("; ")
}

/// The interval of a rule, on the logarithmic scale.
fn interval(rule: usize, run: &[&RecordedLaunch], best: Best) -> Option<[f64; 2]> {
    let logs: Vec<f64> = run.iter().map(|launch| launch.middle(1)).collect();
    let ranks = |logs: &[f64]| signed_rank::interval(logs, 0.95).map(|b| [b.lower, b.upper]);
    match rule {
        0 => ranks(&logs),
        1 => {
            let quiet = run.iter().filter(|launch| launch.quiet_rounds() >= 3);
            let quiet: Vec<f64> = quiet
                .map(|launch| {
                    let rounds = launch.rounds.iter().filter(|[slow, _]| *slow <= TOLERANCE);
                    let logs: Vec<f64> = rounds.map(|[_, log]| *log).collect();
                    summary::median(&logs).unwrap_or(f64::NAN)
                })
                .collect();
            ranks(if quiet.len() >= 6 { &quiet } else { &logs })
        }
        2 => regression(run, &logs),
        _ => {
            let renumbered = run.iter().zip(0..).flat_map(|(launch, number)| {
                launch.samples.iter().map(move |sample| Sample { launch: number, ..sample.clone() })
            });
            let levels = Levels { best, ..Levels::for_run(1) };
            let headline = MetricName::parse(HEADLINE).ok()?;
            let readings = reduce(&renumbered.collect::<Vec<_>>(), &levels);
            let Reading::Known(Summary { interval: Some(told), .. }) = readings[&headline] else {
                return None;
            };
            let Interval { lower, upper, .. } = told;
            Some([lower.ln(), upper.ln()])
        }
    }
}

/// The logarithm of the ratio as a line over that of the probe, at no slow-down: the intervals by
/// every slope within Theil and Sen's 95 %, together.
fn regression(run: &[&RecordedLaunch], logs: &[f64]) -> Option<[f64; 2]> {
    let slow: Vec<f64> = run.iter().map(|launch| launch.middle(0).ln().max(0.0)).collect();
    let mut slopes = Vec::new();
    for (i, a) in slow.iter().enumerate() {
        for (b, log) in slow[..i].iter().zip(logs) {
            if (a - b).abs() > 0.02 {
                slopes.push((logs[i] - log) / (a - b));
            }
        }
    }
    let n = logs.len() as f64;
    // Kendall's variance of the sign count, as a share of all pairs.
    let share = 1.96 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt() / (n * (n - 1.0) / 2.0);
    let bounds = [(1.0 - share) / 2.0, (1.0 + share) / 2.0];
    let slopes = bounds.map(|at| summary::quantile(&slopes, at).unwrap_or(0.0));
    let at = |slope: f64| {
        let logs: Vec<f64> = logs.iter().zip(&slow).map(|(log, slow)| log - slope * slow).collect();
        signed_rank::interval(&logs, 0.95)
    };
    let [one, other] = [at(slopes[0])?, at(slopes[1])?];
    Some([one.lower.min(other.lower), one.upper.max(other.upper)])
}
