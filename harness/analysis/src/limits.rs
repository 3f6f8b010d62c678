//! Limits of the user's own, as TOML: by case and metric, how much there may be of it (hard, in the
//! metric's unit), and by which share it may be worse than a baseline (soft).
//!
//! ```toml
//! [[limit]]
//! case = "^wasm/overhead/wasmtime-vs-native/"   # a regular expression over case keys
//! metric = "wasm_call_ns"
//! max = 25000                                   # or min, or both
//! margin = 0.03                                 # for a count: its tolerance
//! ```
//!
//! Of `max`, `min` and `margin`, each is that of the last entry that has it for a case and metric.

use crate::finding::{Bound, Finding, judged};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::{MetricName, metrics};
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Record};
use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;

/// What is wrong with a file of limits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}, line {line}: {why}")]
pub struct BadLimits {
    name: String,
    /// The line, from 1.
    line: usize,
    /// What is wrong there, and how to mend it.
    why: String,
}

#[derive(Debug, Clone, Default)]
pub struct Limits {
    entries: Vec<LimitEntry>,
}

#[derive(Debug, Clone)]
struct LimitEntry {
    /// Where it begins in its file, from 1.
    line: usize,
    case: Regex,
    metric: MetricName,
    max: Option<f64>,
    min: Option<f64>,
    margin: Option<f64>,
}

impl LimitEntry {
    fn takes(&self, case: &CaseKey, metric: MetricName) -> bool {
        self.metric == metric && self.case.is_match(&case.to_string())
    }
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    #[serde(default)]
    limit: Vec<Spanned<WrittenLimit>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenLimit {
    case: Spanned<String>,
    metric: Spanned<String>,
    max: Option<Spanned<f64>>,
    min: Option<Spanned<f64>>,
    margin: Option<Spanned<f64>>,
}

impl Limits {
    /// Reads `text`, the contents of the file called `name`.
    ///
    /// # Errors
    /// The first thing that is wrong, its line, and how to mend it.
    pub fn parse(name: &str, text: &str) -> Result<Self, BadLimits> {
        let bad = |at: Option<Range<usize>>, why: String| {
            let before = text.get(..at.map_or(0, |span| span.start)).unwrap_or_default();
            BadLimits { name: name.to_owned(), line: before.matches('\n').count() + 1, why }
        };
        let file: LimitsFile = toml::from_str(text).map_err(|e| {
            let why = format!(
                "{}; an entry is `[[limit]]` with case, metric, and one of max, min \
                 and margin",
                e.message()
            );
            bad(e.span(), why)
        })?;
        let entry = |written: Spanned<WrittenLimit>| {
            let line = bad(Some(written.span()), String::new()).line;
            checked(written, line).map_err(|(span, why)| bad(Some(span), why))
        };
        let entries = file.limit.into_iter().map(entry).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// The share by which `metric` of `case` may be worse than a baseline's; none where no entry
    /// says so.
    pub fn margin(&self, case: &CaseKey, metric: MetricName) -> Option<f64> {
        self.last(case, metric, |entry| entry.margin)
    }

    /// Every such share that an entry gives for `case`.
    pub fn margins(&self, case: &CaseKey) -> BTreeMap<MetricName, f64> {
        let metrics = self.entries.iter().map(|entry| entry.metric);
        metrics.filter_map(|metric| Some((metric, self.margin(case, metric)?))).collect()
    }

    /// True where an entry has a hard limit.
    pub fn has_hard(&self) -> bool {
        self.entries.iter().any(|entry| entry.max.is_some() || entry.min.is_some())
    }

    /// Each hard limit that concerns a case of `record`, in the order of the cases.
    pub fn grade(&self, record: &Record) -> Vec<Finding> {
        let mut graded = Vec::new();
        for case in &record.cases {
            let mut names: Vec<MetricName> = self.entries.iter().map(|e| e.metric).collect();
            names.sort_unstable();
            names.dedup();
            for metric in names.into_iter().filter(|metric| concerns(record, case, *metric)) {
                let max = self.last(&case.key, metric, |entry| entry.max.map(Bound::at_most));
                let min = self.last(&case.key, metric, |entry| entry.min.map(Bound::at_least));
                let bounds = [max, min].into_iter().flatten();
                graded.extend(bounds.map(|bound| grade(case, metric, bound)));
            }
        }
        graded
    }

    /// The lines of entries with a hard limit that concerns no case of `record`: a name that was
    /// changed must not turn a limit off in silence.
    pub fn idle(&self, record: &Record) -> Vec<usize> {
        let has_hard = |entry: &&LimitEntry| entry.max.is_some() || entry.min.is_some();
        let is_idle = |entry: &&LimitEntry| {
            !record.cases.iter().any(|case| {
                entry.takes(&case.key, entry.metric) && concerns(record, case, entry.metric)
            })
        };
        self.entries.iter().filter(has_hard).filter(is_idle).map(|entry| entry.line).collect()
    }

    /// What the last entry that has it says.
    fn last<T>(
        &self,
        case: &CaseKey,
        metric: MetricName,
        of: impl Fn(&LimitEntry) -> Option<T>,
    ) -> Option<T> {
        let mut entries = self.entries.iter().rev().filter(|entry| entry.takes(case, metric));
        entries.find_map(of)
    }
}

/// An entry that makes sense, or where it does not and why.
fn checked(
    written: Spanned<WrittenLimit>,
    line: usize,
) -> Result<LimitEntry, (Range<usize>, String)> {
    let whole = written.span();
    let WrittenLimit { case, metric, max, min, margin } = written.into_inner();
    let pattern = case.as_ref();
    let regex = Regex::new(pattern).map_err(|error| {
        let why = error.to_string();
        let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ");
        let advice = "`.` and `*` have a meaning of their own, write `.*` for anything";
        (case.span(), format!("case {pattern:?} is no regular expression: {why}; {advice}"))
    })?;
    let name = MetricName::parse(metric.as_ref())
        .map_err(|error| (metric.span(), format!("{error}{}", near(metric.as_ref()))))?;
    let number = |what: &str, value: Option<Spanned<f64>>, is_good: fn(f64) -> bool| match value {
        Some(value) if !is_good(*value.as_ref()) => {
            let told = *value.as_ref();
            let fix = if what == "margin" {
                "write a share of 0 or more, such as 0.03 for 3 %"
            } else {
                "write a finite number in the metric's unit"
            };
            Err((value.span(), format!("{what} = {told}: {fix}")))
        }
        value => Ok(value.map(Spanned::into_inner)),
    };
    let max = number("max", max, f64::is_finite)?;
    let min = number("min", min, f64::is_finite)?;
    let margin = number("margin", margin, |share| share.is_finite() && share >= 0.0)?;
    match (max, min, margin) {
        (None, None, None) => {
            Err((whole, "this limit limits nothing: give it max, min or margin".to_owned()))
        }
        (Some(max), Some(min), _) if max < min => {
            Err((whole, format!("nothing is at least {min} and at most {max}: exchange them")))
        }
        _ => Ok(LimitEntry { line, case: regex, metric: name, max, min, margin }),
    }
}

/// The names most like `name`, as advice.
fn near(name: &str) -> String {
    let parts: Vec<&str> = name.split('_').collect();
    let alike = |metric: &str| metric.split('_').filter(|part| parts.contains(part)).count();
    let most = metrics().map(|metric| alike(metric.name)).max().unwrap_or(0);
    let names = metrics().map(|metric| metric.name).filter(|name| most > 0 && alike(name) == most);
    let names: Vec<&str> = names.take(5).collect();
    if names.is_empty() {
        "; `caxton-bench export --format csv` lists the metrics of a run".to_owned()
    } else {
        format!("; did you mean {}?", names.join(" or "))
    }
}

/// True where `metric` belongs to `case`: it is there, or is missing with a reason, or the case did
/// not run and one like it has the metric, or none like it ran.
fn concerns(record: &Record, case: &CaseRecord, metric: MetricName) -> bool {
    if case.outcome == Outcome::Ran || case.metrics.contains_key(&metric) {
        return case.metrics.contains_key(&metric);
    }
    let is_alike = |other: &&CaseRecord| {
        other.outcome == Outcome::Ran
            && (&other.key.workload, &other.key.subject) == (&case.key.workload, &case.key.subject)
    };
    let mut alike = record.cases.iter().filter(is_alike).peekable();
    alike.peek().is_none() || alike.any(|other| other.metrics.contains_key(&metric))
}

fn grade(case: &CaseRecord, metric: MetricName, limit: Bound) -> Finding {
    let estimate = match case.metrics.get(&metric) {
        Some(Reading::Known(summary)) => Ok(*summary),
        Some(Reading::Missing(why)) => Err(why.clone()),
        None => Err(Missing::Undefined(format!(
            "the case {}: {}",
            case.outcome.name(),
            case.outcome.reason().unwrap_or("it has no such metric")
        ))),
    };
    let (estimate, verdict) = judged(limit, estimate);
    Finding {
        subject: case.key.to_string(),
        metric,
        unit: metric.metric().unit,
        estimate,
        limit,
        verdict,
    }
}

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;
