//! The targets for an agent system, as data, and how runs stand to them.
//!
//! A target has three levels, and each is judged by the whole interval. Where a level lies in the
//! interval, it is unclear which side of it the figure is on, and what is certain is told beside
//! that.

use crate::finding::{Bound, LimitVerdict, judge};
use caxton_model::case::{
    CPU_PHASES, CRASH, CaseKey, LATENCY, Outcome, RESOURCES, RESPONSE, ROUTE, SCALABILITY, SCALE,
    THROUGHPUT,
};
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::units::Unit;
use caxton_stats::limit::Operator;

/// Cases that a target can be read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cases {
    /// Every agent's steady-state case.
    Overhead,
    /// Those of a suite, and of it those of a workload whose subject begins so.
    Mail { suite: &'static str, workload: &'static str, subject: &'static str },
}

impl Cases {
    fn has(self, key: &CaseKey) -> bool {
        match self {
            Self::Overhead => key.is_overhead(),
            Self::Mail { suite, workload, subject } => {
                (key.suite.as_str(), key.workload.as_str()) == (suite, workload)
                    && key.subject.starts_with(subject)
            }
        }
    }

    pub(crate) const fn suite(self) -> &'static str {
        match self {
            Self::Overhead => "wasm",
            Self::Mail { suite, .. } => suite,
        }
    }
}

/// Where a target is read from: the sum of metrics, in every such case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetSource {
    pub cases: Cases,
    pub metrics: &'static [&'static str],
    /// Cases of fewer agents do not count: what all agents share is most of their figure.
    pub agents_min: u64,
}

impl TargetSource {
    pub(crate) fn has(&self, key: &CaseKey) -> bool {
        let agents = key.param("agents").and_then(|agents| agents.parse().ok()).unwrap_or(0_u64);
        self.cases.has(key) && agents >= self.agents_min
    }

    /// Why `cases` have nothing of it.
    fn absent(&self, cases: &[&CaseRecord]) -> String {
        let suite = self.cases.suite();
        if cases.iter().any(|case| self.has(&case.key)) {
            format!("no case of suite {suite} has {}", self.metrics.join(" and "))
        } else if cases.iter().any(|case| self.cases.has(&case.key)) {
            let few = self.agents_min;
            format!("no case of suite {suite} has {few} agents, of whom one's share can be told")
        } else {
            format!("run suite {suite}")
        }
    }
}

/// One row: three levels, the best first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    pub name: &'static str,
    pub unit: Unit,
    /// Target, acceptable, critical. Less is better where they rise.
    pub levels: [f64; 3],
    /// Where it is read from: each case of each source counts.
    pub sources: &'static [TargetSource],
}

const MS: f64 = 1e6;
const S: f64 = 1e9;
const MB: f64 = 1e6;

pub(crate) const fn of(cases: Cases, metrics: &'static [&'static str]) -> TargetSource {
    TargetSource { cases, metrics, agents_min: 0 }
}

pub(crate) const fn shared(source: TargetSource) -> TargetSource {
    TargetSource { agents_min: 1_000, ..source }
}

const ROUTED: Cases = Cases::Mail { suite: THROUGHPUT, workload: ROUTE, subject: "reference-vs-" };
const RESPONDED: Cases =
    Cases::Mail { suite: LATENCY, workload: RESPONSE, subject: "reference-vs-" };
const SCALED: Cases = Cases::Mail { suite: SCALABILITY, workload: SCALE, subject: "reference" };
const AT_WORK: Cases = Cases::Mail { suite: RESOURCES, workload: CPU_PHASES, subject: "reference" };
const CRASHED: Cases = Cases::Mail { suite: RESOURCES, workload: CRASH, subject: "reference" };

pub const TARGETS: &[Target] = &[
    target(
        "message throughput",
        Unit::PerSecond,
        [1e5, 5e4, 1e4],
        &[of(ROUTED, &["subject_message_rate"])],
    ),
    target(
        "message latency, p50",
        Unit::Nanos,
        [MS, 5.0 * MS, 10.0 * MS],
        &[of(RESPONDED, &["subject_response_p50_ns"])],
    ),
    target(
        "message latency, p99",
        Unit::Nanos,
        [10.0 * MS, 50.0 * MS, 100.0 * MS],
        &[of(RESPONDED, &["subject_response_p99_ns"])],
    ),
    target(
        "agent spawn time",
        Unit::Nanos,
        [100.0 * MS, 500.0 * MS, S],
        &[
            // A spawned agent is one that has answered: creating it, and its first message.
            of(Cases::Overhead, &["wasm_instantiate_ns", "wasm_first_call_ns"]),
            of(SCALED, &["spawn_p50_ns"]),
        ],
    ),
    target(
        "memory per agent",
        Unit::Bytes,
        [10.0 * MB, 50.0 * MB, 100.0 * MB],
        &[
            of(Cases::Overhead, &["wasm_instance_rss_bytes"]),
            shared(of(SCALED, &["memory_per_agent_bytes"])),
        ],
    ),
    target("CPU per agent", Unit::Share, [0.05, 0.1, 0.25], &[of(AT_WORK, &["agent_cpu_share"])]),
    target(
        "recovery time",
        Unit::Nanos,
        [30.0 * S, 120.0 * S, 300.0 * S],
        &[of(CRASHED, &["crash_steady_ns"])],
    ),
];

const fn target(
    name: &'static str,
    unit: Unit,
    levels: [f64; 3],
    sources: &'static [TargetSource],
) -> Target {
    Target { name, unit, levels, sources }
}

/// The names of the levels, and of none of them.
pub const LEVELS: [&str; 4] = ["TARGET", "ACCEPTABLE", "CRITICAL", "MISSED"];

/// One target, held against a run.
#[derive(Debug, Clone, PartialEq)]
pub struct GradedTarget {
    pub target: Target,
    /// The case that stands worst, or why there is none.
    pub worst: Result<Worst, String>,
    /// Cases that have all of its metrics.
    pub cases: usize,
}

/// The case that stands worst to a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Worst {
    pub case: String,
    /// The metrics whose sum it is.
    pub metrics: &'static [&'static str],
    pub figure: Summary,
    pub levels: [LimitVerdict; 3],
}

impl Worst {
    /// The level that all of the interval is at, as an index of [`LEVELS`]; none where it contains
    /// the border of two.
    pub fn level(&self) -> Option<usize> {
        let is_clear = !self.levels.contains(&LimitVerdict::Unclear);
        is_clear.then(|| self.rank()[0])
    }

    /// How it stands, in words: of what is unclear, what is certain too.
    pub fn words(&self) -> String {
        match (self.level(), self.rank()[0]) {
            (Some(level), _) => LEVELS[level].to_owned(),
            (None, 3) => "UNCLEAR".to_owned(),
            (None, certain) => format!("UNCLEAR, at least {}", LEVELS[certain]),
        }
    }

    /// How many levels may be missed, and how many are: more is worse.
    fn rank(&self) -> [usize; 2] {
        let count = |is_such: fn(&LimitVerdict) -> bool| {
            self.levels.iter().filter(|verdict| is_such(verdict)).count()
        };
        [count(|v| *v != LimitVerdict::Met), count(|v| *v == LimitVerdict::Missed)]
    }
}

impl Target {
    /// What each level asks. A target is "less than": its value itself does not meet it.
    pub fn bounds(&self) -> [Bound; 3] {
        let is_less_better = self.levels[0] < self.levels[2];
        let operator = if is_less_better { Operator::Below } else { Operator::Above };
        self.levels.map(|limit| Bound { operator, limit })
    }
}

/// Every target, held against all of `records`.
pub fn grade(records: &[Record]) -> Vec<GradedTarget> {
    let cases: Vec<&CaseRecord> = records.iter().flat_map(|record| &record.cases).collect();
    TARGETS.iter().map(|target| of_sources(target, target.sources, &cases)).collect()
}

/// `target`, held against those of `cases` that `sources` are.
pub(crate) fn of_sources(
    target: &Target,
    sources: &[TargetSource],
    cases: &[&CaseRecord],
) -> GradedTarget {
    let ran: Vec<&&CaseRecord> = cases.iter().filter(|case| case.outcome == Outcome::Ran).collect();
    let mut graded = Vec::new();
    for source in sources {
        let metrics = source.metrics;
        for case in ran.iter().filter(|case| source.has(&case.key)) {
            let Some(figure) = sum(case, metrics) else { continue };
            let levels = target.bounds().map(|bound| judge(bound, &figure));
            graded.push(Worst { case: case.key.to_string(), metrics, figure, levels });
        }
    }
    let sign = if target.bounds()[0].is_upper() { 1.0 } else { -1.0 };
    let count = graded.len();
    let worse = |a: &Worst, b: &Worst| {
        let by_figure = (sign * a.figure.estimate).total_cmp(&(sign * b.figure.estimate));
        a.rank().cmp(&b.rank()).then(by_figure)
    };
    let worst = graded.into_iter().max_by(worse);
    let why = || {
        let said = sources.iter().map(|source| source.absent(cases));
        said.collect::<Vec<_>>().join("; ")
    };
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
        samples: sum.samples.saturating_add(part.samples),
        company: sum.company,
    };
    Some(rest.iter().fold(**first, add))
}

/// A level in decimal multiples, as targets are written.
pub fn decimal(unit: Unit, level: f64) -> String {
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
#[path = "targets_tests.rs"]
mod tests;
