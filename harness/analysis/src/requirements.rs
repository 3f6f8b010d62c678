//! The requirements of the reference runtime, as data. Only those whose cases are in the record are
//! judged: other frameworks are peers of a run of `scripts/peers`.

use crate::finding::{Bound, Finding, judged};
use caxton_model::case::{
    CHECKPOINT, LATENCY, PEERS, RECOVER, RESOURCES, RESPONSE, ROUTE, SCALABILITY, SCALE, SOAK,
    THROUGHPUT,
};
use caxton_model::metric::MetricName;
use caxton_model::reading::Missing;
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::units::Unit;

/// Which case a requirement is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selector {
    pub suite: &'static str,
    pub workload: &'static str,
    pub subject: &'static str,
    pub params: &'static [(&'static str, &'static str)],
    /// A parameter that it has not.
    pub without: Option<&'static str>,
    /// How a finding of it begins: name and words.
    pub finding: Option<(&'static str, &'static str)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RequiredFigure {
    Of(Selector),
    /// The metric of one case over that of another.
    Ratio(Selector, Selector),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Requirement {
    pub name: &'static str,
    pub metric: &'static str,
    /// Of which case, or which two.
    pub figure: RequiredFigure,
    pub bound: Bound,
}

const ROUTED: Selector = Selector {
    suite: THROUGHPUT,
    workload: ROUTE,
    subject: "reference-vs-native-tokio",
    params: &[],
    without: Some("batch"),
    finding: None,
};
const NATIVE_BUILDS: Selector = Selector { subject: "reference-vs-native-reference", ..ROUTED };
const CHANNEL: Selector =
    Selector { suite: PEERS, subject: "reference-vs-channel", without: None, ..ROUTED };
const RACTOR: Selector = Selector { subject: "reference-vs-ractor", ..CHANNEL };
const KAMEO: Selector = Selector { subject: "reference-vs-kameo", ..CHANNEL };
const ACTIX: Selector = Selector { subject: "reference-vs-actix", ..CHANNEL };
const SCALED: Selector =
    Selector { suite: SCALABILITY, workload: SCALE, subject: "reference", without: None, ..ROUTED };
const RECOVERED: Selector = Selector { suite: RESOURCES, workload: RECOVER, ..SCALED };
const RESPONDED: Selector =
    Selector { suite: LATENCY, workload: RESPONSE, subject: "reference-vs-idle", ..SCALED };

const fn with(selector: Selector, params: &'static [(&'static str, &'static str)]) -> Selector {
    Selector { params, ..selector }
}

const fn at_most(name: &'static str, metric: &'static str, of: Selector, most: f64) -> Requirement {
    Requirement { name, metric, figure: RequiredFigure::Of(of), bound: Bound::at_most(most) }
}

const fn at_least(
    name: &'static str,
    metric: &'static str,
    of: Selector,
    least: f64,
) -> Requirement {
    Requirement { name, metric, figure: RequiredFigure::Of(of), bound: Bound::at_least(least) }
}

const KIB: f64 = 1024.0;
const US: f64 = 1e3;
const S: f64 = 1e9;
const TEN: &[(&str, &str)] = &[("agents", "10")];
const TEN_KIB: &[(&str, &str)] = &[("agents", "10"), ("bytes", "1024")];
const THOUSAND: &[(&str, &str)] = &[("agents", "1000")];
const THOUSAND_KIB: &[(&str, &str)] = &[("agents", "1000"), ("bytes", "1024")];
const MANY: &[(&str, &str)] = &[("agents", "10000")];
const MANY_KIB: &[(&str, &str)] = &[("agents", "10000"), ("bytes", "1024")];
/// Both at 100,000 requests per second.
const TEN_FAST: &[(&str, &str)] = &[("agents", "10"), ("rate", "100000")];
const MANY_FAST: &[(&str, &str)] = &[("agents", "10000"), ("rate", "100000")];
const MOST: &[(&str, &str)] = &[("agents", "100000")];
const SINGLE: &[(&str, &str)] = &[("agents", "10"), ("bytes", "1024"), ("batch", "1")];
const EMPTY: &[(&str, &str)] = &[("heap", "0MiB")];
const SMALL: &[(&str, &str)] = &[("heap", "1MiB")];
const LARGE: &[(&str, &str)] = &[("heap", "100MiB")];
const FAST: Selector = Selector { finding: Some(("tier", "fast")), ..SCALED };
const SINGLY: Selector = Selector { params: SINGLE, without: None, ..NATIVE_BUILDS };
const CHECKPOINTED: Selector = Selector { workload: CHECKPOINT, params: LARGE, ..RECOVERED };

const SOAKED: Selector = Selector { workload: SOAK, ..RECOVERED };

const RATE: &str = "subject_to_peer_rate";
const CPU: &str = "subject_to_peer_cpu";
const P99: &str = "recover_p99_ns";
const OVER_P50: &str = "over_peer_p50_ns";
const OVER_P99: &str = "over_peer_p99_ns";

pub const REQUIREMENTS: &[Requirement] = &[
    at_least("msg/s over native tokio, 10 agents", RATE, with(ROUTED, TEN_KIB), 2.0),
    at_least("msg/s over native tokio, 1,000 agents", RATE, with(ROUTED, THOUSAND_KIB), 1.5),
    at_least("msg/s over native tokio, 10,000 agents", RATE, with(ROUTED, MANY_KIB), 1.3),
    at_least("msg/s over channel, 10 agents", RATE, with(CHANNEL, TEN_KIB), 1.0),
    at_least("msg/s over channel, 1,000 agents", RATE, with(CHANNEL, THOUSAND_KIB), 1.0),
    at_least("msg/s over channel, 10,000 agents", RATE, with(CHANNEL, MANY_KIB), 1.0),
    at_least("msg/s over ractor, 10 agents", RATE, with(RACTOR, TEN_KIB), 2.0),
    at_least("msg/s over ractor, 1,000 agents", RATE, with(RACTOR, THOUSAND_KIB), 2.0),
    at_least("msg/s over ractor, 10,000 agents", RATE, with(RACTOR, MANY_KIB), 2.0),
    at_least("msg/s over kameo, 10 agents", RATE, with(KAMEO, TEN_KIB), 2.0),
    at_least("msg/s over kameo, 1,000 agents", RATE, with(KAMEO, THOUSAND_KIB), 2.0),
    at_least("msg/s over kameo, 10,000 agents", RATE, with(KAMEO, MANY_KIB), 2.0),
    at_least("msg/s over actix, 10 agents", RATE, with(ACTIX, TEN_KIB), 1.0),
    at_least("msg/s over actix, 1,000 agents", RATE, with(ACTIX, THOUSAND_KIB), 1.0),
    at_least("msg/s over actix, 10,000 agents", RATE, with(ACTIX, MANY_KIB), 1.0),
    at_most("CPU/msg over the native build, one by one", CPU, SINGLY, 1.35),
    at_most("CPU/msg over the native build, batched", CPU, with(NATIVE_BUILDS, TEN_KIB), 1.25),
    Requirement {
        name: "CPU/msg, 10,000 agents over 10",
        metric: "message_cpu_ns",
        figure: RequiredFigure::Ratio(with(SCALED, MANY), with(SCALED, TEN)),
        bound: Bound::at_most(2.2),
    },
    at_most("spawn p50, fresh slot, 1,000 agents", "spawn_p50_ns", with(FAST, THOUSAND), 30.0 * US),
    at_most(
        "spawn p50, warm slot, 1,000 agents",
        "spawn_warm_p50_ns",
        with(FAST, THOUSAND),
        10.0 * US,
    ),
    at_most("spawn p50, used slot, 1,000 agents", "respawn_p50_ns", with(FAST, THOUSAND), 4.0 * US),
    at_most("page faults per spawn, 1,000 agents", "spawn_faults", with(FAST, THOUSAND), 5.0),
    at_most("page faults per spawn into a used slot", "respawn_faults", with(FAST, THOUSAND), 5.0),
    at_most("10,000 agents up and answering", "up_ns", with(SCALED, MANY), S),
    at_most("100,000 agents up and answering", "up_ns", with(SCALED, MOST), 10.0 * S),
    at_most(
        "memory per agent, 10,000 agents",
        "memory_per_agent_bytes",
        with(SCALED, MANY),
        24.0 * KIB,
    ),
    at_most(
        "memory per agent with traffic, 10,000 agents",
        "memory_with_traffic_per_agent_bytes",
        with(SCALED, MANY),
        34.0 * KIB,
    ),
    at_most(
        "memory per agent, 100,000 agents",
        "memory_per_agent_bytes",
        with(SCALED, MOST),
        40.0 * KIB,
    ),
    at_most("recovery p99, no heap", P99, with(RECOVERED, EMPTY), 1e3 * US),
    at_most("recovery p99, heap of 1 MiB", P99, with(RECOVERED, SMALL), 1e3 * US),
    at_most("recovery p99, heap of 100 MiB", P99, with(RECOVERED, LARGE), 1e3 * US),
    Requirement {
        name: "recovery p50, 100 MiB over 1 MiB",
        metric: "recover_p50_ns",
        figure: RequiredFigure::Ratio(with(RECOVERED, LARGE), with(RECOVERED, SMALL)),
        bound: Bound::at_most(2.0),
    },
    at_least(
        "checkpoint of 100 MiB, full over incremental",
        "checkpoint_full_to_incremental",
        CHECKPOINTED,
        100.0,
    ),
    at_most("p50 over the null responder, 10 agents", OVER_P50, with(RESPONDED, TEN_FAST), US),
    at_most("p50 over the null responder, 10,000 agents", OVER_P50, with(RESPONDED, MANY_FAST), US),
    at_most(
        "p99 over the null responder, 10 agents",
        OVER_P99,
        with(RESPONDED, TEN_FAST),
        30.0 * US,
    ),
    at_most(
        "p99 over the null responder, 10,000 agents",
        OVER_P99,
        with(RESPONDED, MANY_FAST),
        30.0 * US,
    ),
    at_most("soak: more maps at its end", "soak_maps_growth", SOAKED, 0.0),
    at_most("soak: more open files at its end", "soak_fds_growth", SOAKED, 0.0),
];

impl Selector {
    /// The case of `record` that is meant: of several, the one with the fewest parameters.
    fn find<'a>(&self, record: &'a Record) -> Option<&'a CaseRecord> {
        let is_meant = |case: &&CaseRecord| {
            let key = &case.key;
            let begins = |(what, words): (&str, &str)| {
                case.findings.get(what).is_some_and(|finding| finding.starts_with(words))
            };
            (key.suite.as_str(), key.workload.as_str()) == (self.suite, self.workload)
                && key.subject == self.subject
                && self.params.iter().all(|(name, value)| key.param(name) == Some(value))
                && self.without.is_none_or(|name| key.param(name).is_none())
                && self.finding.is_none_or(begins)
        };
        record.cases.iter().filter(is_meant).min_by_key(|case| case.key.params.len())
    }
}

impl Requirement {
    fn metric(&self) -> MetricName {
        MetricName::parse(self.metric).expect("a requirement names a row")
    }

    fn unit(&self) -> Unit {
        match self.figure {
            RequiredFigure::Of(_) => self.metric().metric().unit,
            RequiredFigure::Ratio(..) => Unit::Ratio,
        }
    }

    /// Its figure in `record`, or why there is none; nothing where it has no such case.
    fn read(&self, record: &Record) -> Option<Result<Summary, Missing>> {
        let of = |case: &CaseRecord| match case.outcome.reason() {
            Some(why) => Err(Missing::Undefined(format!("{}: {why}", case.outcome.name()))),
            None => case
                .metric(self.metric)
                .copied()
                .map_err(|why| Missing::Undefined(format!("no {}: {why}", self.metric))),
        };
        match self.figure {
            RequiredFigure::Of(selector) => Some(of(selector.find(record)?)),
            RequiredFigure::Ratio(above, below) => {
                let [above, below] = [above.find(record)?, below.find(record)?];
                Some(of(above).and_then(|above| quotient(&above, &of(below)?)))
            }
        }
    }
}

/// One figure over another. Its level is what is left of certainty when each may be wrong
/// (Bonferroni's inequality).
pub fn quotient(above: &Summary, below: &Summary) -> Result<Summary, Missing> {
    let is_positive = below.estimate > 0.0 && below.interval.is_none_or(|i| i.lower > 0.0);
    if !is_positive {
        return Err(Missing::Undefined("it would be a ratio to 0".to_owned()));
    }
    let interval = above.interval.zip(below.interval).map(|(a, b)| Interval {
        lower: a.lower / b.upper,
        upper: a.upper / b.lower,
        level: (a.level + b.level - 1.0).max(0.0),
    });
    Ok(Summary {
        estimate: above.estimate / below.estimate,
        interval,
        n: above.n.min(below.n),
        samples: above.samples.saturating_add(below.samples),
        company: above.company,
    })
}

/// Every requirement whose cases are in `record`, held against them.
pub fn grade(record: &Record) -> Vec<Finding> {
    let graded = |requirement: &Requirement| {
        let limit = requirement.bound;
        let (estimate, verdict) = judged(limit, requirement.read(record)?);
        Some(Finding {
            subject: requirement.name.to_owned(),
            metric: requirement.metric(),
            unit: requirement.unit(),
            estimate,
            limit,
            verdict,
        })
    };
    REQUIREMENTS.iter().filter_map(graded).collect()
}

#[cfg(test)]
#[path = "requirements_tests.rs"]
mod tests;
