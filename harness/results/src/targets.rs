//! The targets for an agent system, as data, and how a run stands to them.
//!
//! A level is met only where the upper bound of the interval meets it (the lower bound where more
//! is better); a target is missed only where the whole interval is beyond its last level.

use crate::case::Outcome;
use crate::record::{CaseRecord, Interval, Record, Summary};
use crate::report::figures::{NONE, bounds};
use crate::report::table::{Table, Tone};
use crate::units::Unit;

/// Where a target is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The sum of these metrics, in every steady-state case.
    Overhead(&'static [&'static str]),
    /// Nowhere yet, and why.
    Missing(&'static str),
}

/// One row: three levels, the best first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// What it is about.
    pub name: &'static str,
    /// The levels' unit.
    pub unit: Unit,
    /// Target, acceptable, critical. Less is better where they rise.
    pub levels: [f64; 3],
    /// Where it is read from.
    pub source: Source,
}

const MS: f64 = 1e6;
const S: f64 = 1e9;
const MB: f64 = 1e6;
const NO_SUITE: Source = Source::Missing("no suite measures it yet");

/// Every target.
pub const TARGETS: &[Target] = &[
    target("message throughput", Unit::PerSecond, [1e5, 5e4, 1e4], NO_SUITE),
    target("message latency, p50", Unit::Nanos, [MS, 5.0 * MS, 10.0 * MS], NO_SUITE),
    target("message latency, p99", Unit::Nanos, [10.0 * MS, 50.0 * MS, 100.0 * MS], NO_SUITE),
    target(
        "agent spawn time",
        Unit::Nanos,
        [100.0 * MS, 500.0 * MS, S],
        // A spawned agent is one that has answered: creating it, and its first message.
        Source::Overhead(&["wasm_instantiate_ns", "wasm_first_call_ns"]),
    ),
    target(
        "memory per agent",
        Unit::Bytes,
        [10.0 * MB, 50.0 * MB, 100.0 * MB],
        Source::Overhead(&["wasm_instance_rss_bytes"]),
    ),
    target("CPU per agent", Unit::Share, [0.05, 0.1, 0.25], NO_SUITE),
    target("recovery time", Unit::Nanos, [30.0 * S, 120.0 * S, 300.0 * S], NO_SUITE),
];

const fn target(name: &'static str, unit: Unit, levels: [f64; 3], source: Source) -> Target {
    Target { name, unit, levels, source }
}

/// How a figure stands to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The target is met.
    Target,
    /// The second level is met.
    Acceptable,
    /// The last level is met.
    Critical,
    /// The last level is neither met nor missed, or there is no interval.
    Unclear,
    /// The whole interval is beyond the last level.
    Missed,
}

impl Standing {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "TARGET",
            Self::Acceptable => "ACCEPTABLE",
            Self::Critical => "CRITICAL",
            Self::Unclear => "UNCLEAR",
            Self::Missed => "MISSED",
        }
    }
}

/// One target, held against a run.
#[derive(Debug, Clone, PartialEq)]
pub struct GradedTarget {
    /// The target.
    pub target: Target,
    /// The case that stands worst, or why there is none.
    pub worst: Result<Worst, String>,
    /// Cases that have all of its metrics.
    pub cases: usize,
}

/// The case that stands worst to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Worst {
    /// Its key, as text.
    pub case: String,
    /// Its figure.
    pub figure: Summary,
    /// How it stands.
    pub standing: Standing,
}

impl Target {
    fn stands(&self, figure: &Summary) -> Standing {
        let Some(interval) = figure.interval else { return Standing::Unclear };
        let is_less_better = self.levels[0] < self.levels[2];
        let (far, near, sign) = if is_less_better {
            (interval.upper, interval.lower, 1.0)
        } else {
            (interval.lower, interval.upper, -1.0)
        };
        // A target is "less than": its value itself does not meet it.
        let meets = |bound: f64, level: f64| sign * bound < sign * level;
        let standings = [Standing::Target, Standing::Acceptable, Standing::Critical];
        let met = standings.into_iter().zip(self.levels).find(|(_, level)| meets(far, *level));
        match met {
            Some((standing, _)) => standing,
            None if meets(near, self.levels[2]) => Standing::Unclear,
            None => Standing::Missed,
        }
    }
}

/// Every target, held against `record`.
pub fn grade(record: &Record) -> Vec<GradedTarget> {
    TARGETS.iter().map(|target| one(target, record)).collect()
}

fn one(target: &Target, record: &Record) -> GradedTarget {
    let metrics = match target.source {
        Source::Missing(why) => {
            return GradedTarget { target: *target, worst: Err(why.to_owned()), cases: 0 };
        }
        Source::Overhead(metrics) => metrics,
    };
    let cases = record.cases.iter().filter(|case| case.key.is_overhead());
    let cases: Vec<&CaseRecord> = cases.filter(|case| case.outcome == Outcome::Ran).collect();
    let figures = cases.iter().filter_map(|case| Some((case, sum(case, metrics)?)));
    let graded: Vec<Worst> = figures
        .map(|(case, figure)| Worst {
            case: case.key.to_string(),
            figure,
            standing: target.stands(&figure),
        })
        .collect();
    let sign = if target.levels[0] < target.levels[2] { 1.0 } else { -1.0 };
    let count = graded.len();
    let worse = |a: &Worst, b: &Worst| {
        let by_figure = (sign * a.figure.estimate).total_cmp(&(sign * b.figure.estimate));
        a.standing.cmp(&b.standing).then(by_figure)
    };
    let worst = graded.into_iter().max_by(worse);
    let why = || format!("no steady-state case of this run has {}", metrics.join(" and "));
    GradedTarget { target: *target, worst: worst.ok_or_else(why), cases: count }
}

/// The sum of `metrics`. Its bounds are the sums of theirs, and its level is what is left of
/// certainty when each may be wrong (Bonferroni's inequality).
fn sum(case: &CaseRecord, metrics: &[&str]) -> Option<Summary> {
    let parts: Option<Vec<&Summary>> = metrics.iter().map(|name| case.metric(name).ok()).collect();
    let parts = parts?;
    let (first, rest) = parts.split_first()?;
    let add = |sum: Summary, part: &&Summary| Summary {
        estimate: sum.estimate + part.estimate,
        interval: sum.interval.zip(part.interval).map(|(a, b)| Interval {
            lower: a.lower + b.lower,
            upper: a.upper + b.upper,
            level: (a.level + b.level - 1.0).max(0.0),
        }),
        n: sum.n.min(part.n),
        samples: sum.samples + part.samples,
        company: sum.company,
    };
    Some(rest.iter().fold(**first, add))
}

/// The targets as a table. A row is the case that stands worst.
pub fn table(record: &Record) -> Table {
    let columns = [
        "<target for",
        "target",
        "acceptable",
        "critical",
        "worst case",
        "interval",
        "n",
        "cases",
        "<stands",
    ];
    let mut table = Table::new("Targets", &columns);
    for GradedTarget { target, worst, cases } in grade(record) {
        let sign = if target.levels[0] < target.levels[2] { "<" } else { ">" };
        let level = |level: f64| format!("{sign} {}", decimal(target.unit, level));
        let [first, second, third] = target.levels.map(level);
        let (tone, told) = match &worst {
            Ok(Worst { figure, standing, .. }) => {
                let interval = figure.interval.map_or(NONE.to_owned(), |i| bounds(&i, target.unit));
                let tone = if *standing > Standing::Critical { Tone::Bad } else { Tone::Plain };
                let figure = [target.unit.show(figure.estimate), interval, figure.n.to_string()];
                (tone, [&figure[..], &[cases.to_string(), standing.name().to_owned()]].concat())
            }
            Err(why) => {
                let none = || NONE.to_owned();
                (Tone::Plain, vec![none(), none(), none(), none(), format!("missing: {why}")])
            }
        };
        let row = [target.name.to_owned(), first, second, third];
        table.row(tone, row.into_iter().chain(told));
        if let (Ok(Worst { case, .. }), Source::Overhead(metrics)) = (&worst, target.source) {
            let from = metrics.join(" + ");
            table.note(Tone::Plain, &format!("{}: {from}; worst is {case}", target.name));
        }
    }
    table.note(
        Tone::Plain,
        "A level is met only where the whole interval meets it, of the case that stands worst.",
    );
    table
}

/// A level in decimal multiples, as targets are written.
fn decimal(unit: Unit, level: f64) -> String {
    match unit {
        Unit::Bytes => format!("{} MB", level / MB),
        Unit::Nanos if level < S => format!("{} ms", level / MS),
        Unit::Nanos => format!("{} s", level / S),
        Unit::Share => format!("{} %", level * 100.0),
        Unit::PerSecond => format!("{} k/s", level / 1e3),
        Unit::Count | Unit::Ratio => level.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::metric::MetricName;
    use crate::quiet::Company;
    use crate::reading::Reading;
    use crate::report::{Style, paint};
    use expect_test::expect;

    fn figure(lower: f64, upper: f64) -> Summary {
        let interval = Some(Interval { lower, upper, level: 0.95 });
        let (estimate, company) = (lower.midpoint(upper), Company::Unwatched);
        Summary { estimate, interval, n: 12, samples: 12, company }
    }

    #[test]
    fn a_level_is_met_by_the_far_bound_and_missed_by_the_near_one() {
        let [throughput, latency] = [TARGETS[0], TARGETS[1]];
        for (lower, upper, standing) in [
            (0.1, 0.9, Standing::Target),
            (0.9, 1.0, Standing::Acceptable),
            (4.0, 6.0, Standing::Critical),
            (9.0, 11.0, Standing::Unclear),
            (10.0, 11.0, Standing::Missed),
        ] {
            assert_eq!(latency.stands(&figure(lower * MS, upper * MS)), standing, "{lower}");
        }
        for (lower, upper, standing) in [
            (1.1e5, 2e5, Standing::Target),
            (9e4, 2e5, Standing::Acceptable),
            (2e4, 2e5, Standing::Critical),
            (9e3, 2e5, Standing::Unclear),
            (8e3, 9e3, Standing::Missed),
        ] {
            assert_eq!(throughput.stands(&figure(lower, upper)), standing, "{lower}");
        }
        let without = Summary { interval: None, ..figure(1.0, 2.0) };
        assert_eq!(latency.stands(&without), Standing::Unclear);
    }

    #[test]
    fn sources_are_metrics_and_levels_are_ordered() {
        for target in TARGETS {
            let [a, b, c] = target.levels;
            assert!((a < b && b < c) || (a > b && b > c), "{}", target.name);
            if let Source::Overhead(metrics) = target.source {
                for name in metrics {
                    let unit = MetricName::parse(name).expect(name).metric().unit;
                    assert_eq!(unit, target.unit, "{name}");
                }
            }
        }
    }

    #[test]
    fn the_worst_case_is_shown_and_what_is_not_measured_is_said() {
        let (mut record, _) = fixture::run();
        let name = MetricName::parse("wasm_instance_rss_bytes").unwrap();
        let case = record.cases.iter_mut().find(|case| case.key.agent == "json").unwrap();
        case.metrics.insert(name, Reading::Known(figure(60e6, 120e6)));
        expect![[r#"
            Targets
              target for               target  acceptable  critical  worst case             interval   n  cases  stands
              message throughput    > 100 k/s    > 50 k/s  > 10 k/s           —                    —   —      —  missing: no suite measures it yet
              message latency, p50     < 1 ms      < 5 ms   < 10 ms           —                    —   —      —  missing: no suite measures it yet
              message latency, p99    < 10 ms     < 50 ms  < 100 ms           —                    —   —      —  missing: no suite measures it yet
              agent spawn time       < 100 ms    < 500 ms     < 1 s     91.0 µs   [90.7 µs, 91.3 µs]  12      3  TARGET
              memory per agent        < 10 MB     < 50 MB  < 100 MB    85.8 MiB  [57.2 MiB, 114 MiB]  12      3  UNCLEAR
              CPU per agent             < 5 %      < 10 %    < 25 %           —                    —   —      —  missing: no suite measures it yet
              recovery time            < 30 s     < 120 s   < 300 s           —                    —   —      —  missing: no suite measures it yet
              agent spawn time: wasm_instantiate_ns + wasm_first_call_ns; worst is
                wasm/overhead/wasmtime-vs-native/sha256
              memory per agent: wasm_instance_rss_bytes; worst is wasm/overhead/wasmtime-vs-native/json
              A level is met only where the whole interval meets it, of the case that stands worst.
        "#]].assert_eq(&paint(&table(&fixture::rounded(record)), &Style::default()));
    }
}
