//! What must hold of a load test, in the grammar of k6: `aggregation operator number`, under
//! `metric` or `metric{stage:NAME}`. How it is held against figures is in `judge.rs`.

use crate::load::limits::LONGEST;
use crate::reading::Reading;
use crate::units::{Nanos, Unit};
use caxton_stats::limit::{Bound, LimitVerdict, Operator};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Why a text is no threshold, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadThreshold(pub(super) String);

/// What must hold of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    pub metric: LoadMetric,
    /// Of which stage; none for the whole load test.
    pub stage: Option<String>,
    pub aggregate: Aggregate,
    /// What is asked of it: ns for times, else the number as it is written.
    #[serde(flatten)]
    pub bound: Bound,
    /// The condition as it was written, such as `p(99)<100ms`.
    pub text: String,
    /// Whether the load test ends as soon as this is missed.
    pub abort_on_fail: bool,
    /// How long the load test goes on before this may end it.
    pub delay_abort_eval: Nanos,
}

/// A threshold, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdFinding {
    pub threshold: Threshold,
    /// The figure, in the unit of the threshold's limit.
    pub observed: Reading<f64>,
    #[serde(rename = "outcome")]
    pub verdict: LimitVerdict,
}

impl ThresholdFinding {
    pub fn shown(&self) -> String {
        match &self.observed {
            Reading::Known(value) => self.threshold.unit().show(*value),
            Reading::Missing(why) => why.to_string(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadMetric {
    /// From the intended instant to the answer.
    ResponseTime,
    /// From the sending to the answer.
    ServiceTime,
    /// Share of the offered messages with a good answer in time.
    Success,
    /// Share of the offered messages with a bad answer or none in time.
    Errors,
    /// Share of the offered messages that were not sent, because too many were in flight.
    Dropped,
    /// Messages with an answer.
    Messages,
    /// 1 where the memory leaks, else 0.
    Leak,
    /// By which share the response time got worse from the start to the end.
    Degradation,
    /// From the end of a burst until all is as before it.
    RecoveryTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    Count,
    /// A share of one; for a count, per second.
    Rate,
    /// The only one there is.
    Value,
    Avg,
    Min,
    Max,
    Med,
    /// The percentile, 0 to 100.
    P(f64),
}

/// The sort of a metric, which decides what can be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Times, of which there are quantiles.
    Trend,
    /// A share of one.
    Rate,
    Counter,
    /// One value of the whole load test.
    Gauge,
}

impl MetricKind {
    /// The aggregations of it, as they are written.
    const fn aggregates(self) -> &'static str {
        match self {
            Self::Trend => "avg, min, max, med, p(N)",
            Self::Rate => "rate",
            Self::Counter => "count, rate",
            Self::Gauge => "value",
        }
    }

    const fn has(self, aggregate: Aggregate) -> bool {
        match aggregate {
            Aggregate::Count => matches!(self, Self::Counter),
            Aggregate::Rate => matches!(self, Self::Rate | Self::Counter),
            Aggregate::Value => matches!(self, Self::Gauge),
            Aggregate::Avg | Aggregate::Min | Aggregate::Max | Aggregate::Med | Aggregate::P(_) => {
                matches!(self, Self::Trend)
            }
        }
    }
}

impl LoadMetric {
    pub const ALL: [Self; 9] = [
        Self::ResponseTime,
        Self::ServiceTime,
        Self::Success,
        Self::Errors,
        Self::Dropped,
        Self::Messages,
        Self::Leak,
        Self::Degradation,
        Self::RecoveryTime,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::ResponseTime => "response_time",
            Self::ServiceTime => "service_time",
            Self::Success => "success",
            Self::Errors => "errors",
            Self::Dropped => "dropped",
            Self::Messages => "messages",
            Self::Leak => "leak",
            Self::Degradation => "degradation",
            Self::RecoveryTime => "recovery_time",
        }
    }

    pub const fn kind(self) -> MetricKind {
        match self {
            Self::ResponseTime | Self::ServiceTime => MetricKind::Trend,
            Self::Success | Self::Errors | Self::Dropped => MetricKind::Rate,
            Self::Messages => MetricKind::Counter,
            Self::Leak | Self::Degradation | Self::RecoveryTime => MetricKind::Gauge,
        }
    }

    /// True where its figures are ns.
    pub const fn is_time(self) -> bool {
        matches!(self, Self::ResponseTime | Self::ServiceTime | Self::RecoveryTime)
    }
}

impl Aggregate {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "count" => Some(Self::Count),
            "rate" => Some(Self::Rate),
            "value" => Some(Self::Value),
            "avg" => Some(Self::Avg),
            "min" => Some(Self::Min),
            "max" => Some(Self::Max),
            "med" => Some(Self::Med),
            _ => {
                let inner = text.strip_prefix("p(")?.strip_suffix(')')?;
                let percentile: f64 = inner.trim().parse().ok()?;
                (0.0..=100.0).contains(&percentile).then_some(Self::P(percentile))
            }
        }
    }
}

impl FromStr for Threshold {
    type Err = BadThreshold;

    /// A threshold on one line: `response_time p(99)<10ms`.
    fn from_str(text: &str) -> Result<Self, BadThreshold> {
        let cut = || {
            let form = "expected METRIC CONDITION, such as 'response_time p(99)<10ms'";
            BadThreshold(form.to_owned())
        };
        let (metric, condition) = text.trim().split_once(char::is_whitespace).ok_or_else(cut)?;
        Self::parse(metric, condition.trim())
    }
}

impl Threshold {
    /// The condition `text` on `selector`, such as `p(99)<100ms` on `response_time{stage:hold}`.
    /// A number without a unit on a time is milliseconds, as in k6.
    ///
    /// # Errors
    /// Where the metric or the aggregation is unknown or do not belong together, or where the
    /// limit is no number that can be met and missed.
    pub fn parse(selector: &str, text: &str) -> Result<Self, BadThreshold> {
        let (metric, stage) = read_selector(selector)?;
        let bad = |why: String| BadThreshold(format!("threshold {selector:?}: {text:?}: {why}"));
        if text.len() > TEXT_BYTES || text.chars().any(char::is_control) {
            let start: String = text.chars().take(20).collect();
            return Err(BadThreshold(format!(
                "threshold {selector:?}: {start:?}... is no condition: write {FORM}"
            )));
        }
        let at = text.find(['<', '>', '=', '!']);
        let (left, rest) = text.split_at(at.ok_or_else(|| bad(format!("write {FORM}")))?);
        let starts =
            |(sign, operator): &(&str, Operator)| Some((rest.strip_prefix(sign)?, *operator));
        let found = Operator::ALL.iter().find_map(starts);
        let (right, operator) =
            found.ok_or_else(|| bad("the operators are > >= < <= == === !=".to_owned()))?;
        let kind = metric.kind();
        let (name, offers) = (metric.name(), kind.aggregates());
        let aggregate = Aggregate::parse(left.trim()).ok_or_else(|| {
            let left = left.trim();
            bad(format!("{left:?} is no aggregation; {name} has {offers}, with N from 0 to 100"))
        })?;
        if !kind.has(aggregate) {
            return Err(bad(format!("{name} has no {}; it has {offers}", left.trim())));
        }
        Ok(Self {
            metric,
            stage,
            aggregate,
            bound: Bound { operator, limit: read_limit(metric, right.trim()).map_err(bad)? },
            text: text.to_owned(),
            abort_on_fail: false,
            delay_abort_eval: Nanos(0),
        })
    }

    /// What the condition is on, such as `response_time{stage:hold}`.
    pub fn selector(&self) -> String {
        match &self.stage {
            Some(stage) => format!("{}{{stage:{stage}}}", self.metric.name()),
            None => self.metric.name().to_owned(),
        }
    }

    fn unit(&self) -> Unit {
        match (self.metric, self.metric.kind()) {
            (LoadMetric::RecoveryTime, _) | (_, MetricKind::Trend) => Unit::Nanos,
            (LoadMetric::Degradation, _) | (_, MetricKind::Rate) => Unit::Share,
            (_, MetricKind::Counter) if self.aggregate == Aggregate::Rate => Unit::PerSecond,
            _ => Unit::Count,
        }
    }

    /// Whether a miss at `elapsed` from the start ends the load test.
    pub fn may_abort(&self, elapsed: Nanos) -> bool {
        self.abort_on_fail && elapsed >= self.delay_abort_eval
    }

    /// Whether the stage is one of `stages`, and the rest what its text says: a threshold may come
    /// from any file.
    pub(super) fn check(&self, stages: &[&str]) -> Result<(), BadThreshold> {
        let read = Self::parse(&self.selector(), &self.text)?;
        let (abort_on_fail, delay_abort_eval) = (self.abort_on_fail, self.delay_abort_eval);
        if *self != (Self { abort_on_fail, delay_abort_eval, ..read }) {
            return Err(BadThreshold(format!("threshold {self}: it says something else")));
        }
        if delay_abort_eval > LONGEST {
            return Err(BadThreshold(format!(
                "threshold {self}: delayAbortEval = {delay_abort_eval}: write up to 100 days"
            )));
        }
        match &self.stage {
            Some(stage) if !stages.contains(&stage.as_str()) => Err(BadThreshold(format!(
                "threshold {self}: there is no stage {stage:?}; write one of {}",
                stages.join(", ")
            ))),
            _ => Ok(()),
        }
    }
}

/// The form of a condition, for errors.
const FORM: &str = "aggregation, operator and number, such as p(99)<100ms";
/// The longest condition and the longest selector in bytes.
const TEXT_BYTES: usize = 200;

fn read_selector(selector: &str) -> Result<(LoadMetric, Option<String>), BadThreshold> {
    let bad = |why: &str| BadThreshold(format!("threshold {selector:?}: {why}"));
    if selector.len() > TEXT_BYTES || selector.chars().any(char::is_control) {
        let start: String = selector.chars().take(20).collect();
        let why = "is no metric: write one such as response_time{stage:hold}";
        return Err(BadThreshold(format!("threshold {start:?}... {why}")));
    }
    let (name, stage) = match selector.split_once('{') {
        None => (selector.trim(), None),
        Some((name, rest)) => {
            let inner = rest.trim_end().strip_suffix('}');
            let stage = inner.and_then(|inner| inner.trim().strip_prefix("stage:"));
            let stage = stage.map(str::trim).filter(|stage| !stage.is_empty());
            let stage = stage.ok_or_else(|| {
                bad("write the stage as {stage:NAME}; there are no other selectors")
            })?;
            (name.trim(), Some(stage.to_owned()))
        }
    };
    let metric =
        LoadMetric::ALL.into_iter().find(|metric| metric.name() == name).ok_or_else(|| {
            let names: Vec<&str> = LoadMetric::ALL.iter().map(|metric| metric.name()).collect();
            bad(&format!("{name:?} is no metric of a load test; write one of {}", names.join(", ")))
        })?;
    if stage.is_some() && metric.kind() == MetricKind::Gauge {
        return Err(bad(&format!("{name} is of the whole load test: write it without the stage")));
    }
    Ok((metric, stage))
}

fn read_limit(metric: LoadMetric, text: &str) -> Result<f64, String> {
    const NANOS_PER_MS: f64 = 1e6;
    let number = text.parse::<f64>().ok();
    if !metric.is_time() {
        let name = metric.name();
        let number = number.filter(|number| number.is_finite()).ok_or_else(|| {
            format!("{text:?} is no number; {name} is no time, and has none of its units")
        })?;
        let is_share = metric.kind() == MetricKind::Rate;
        return if is_share && !(0.0..=1.0).contains(&number) {
            Err(format!("{name} is a share from 0 to 1: write 0.99 for 99 %"))
        } else {
            Ok(number)
        };
    }
    let limit = match number {
        Some(number) => number * NANOS_PER_MS,
        None => text.parse::<Nanos>().map_err(|e| format!("{text:?} is no time: {e}"))?.0 as f64,
    };
    if limit.is_finite() && limit >= 0.0 {
        Ok(limit)
    } else {
        Err(format!("{text:?} is no time: write 0 or more, such as 100ms"))
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.selector(), self.text)
    }
}

#[cfg(test)]
#[path = "threshold_tests.rs"]
mod tests;
