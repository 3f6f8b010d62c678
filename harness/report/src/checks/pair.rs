//! The questions of two records without kits.

use super::check::{Check, Kind, State};
use crate::sections::{exact_words, share};
use caxton_analysis::compare::Records;
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::{ExactVerdict, Verdict};

pub(crate) fn of_records(records: &Records<'_>) -> Vec<Check> {
    let mut checks: Vec<Check> = records.exact.iter().map(|(key, e)| count(key, e)).collect();
    for predicted in &records.predicted {
        let says = &predicted.says;
        let seen = format!(
            "{:.3}x as bad, seen from {:.3}x on: advice of {} sessions",
            says.worse, says.threshold, says.sessions
        );
        // Advice: the two were not measured in turns.
        let state = match says.verdict {
            Verdict::Regressed => State::Weak,
            Verdict::Improved => State::Better,
            _ => State::Good,
        };
        checks.push(change(&predicted.case, predicted.metric, state, seen));
    }
    for (why, of) in &records.not_compared {
        let opened = |what: &String| {
            Check::new(Kind::Change, "not compared", what, State::Open, why.clone())
        };
        checks.extend(of.iter().map(opened));
    }
    checks
}

fn change(key: &CaseKey, metric: MetricName, state: State, says: String) -> Check {
    Check::new(Kind::Change, &key.to_string(), metric.as_str(), state, says)
}

fn count(key: &CaseKey, exact: &ExactVerdict) -> Check {
    let state = match exact.verdict {
        Verdict::Ok => State::Good,
        Verdict::Improved => State::Better,
        Verdict::Regressed => State::Bad,
        Verdict::NotComparable => State::Broken,
        Verdict::Inconclusive => State::Open,
    };
    let words = exact_words(exact);
    let says = format!("{}: {words}; tolerance {}", exact.verdict.name(), share(exact.tolerance));
    let change_of = |(base, candidate): (f64, f64)| ((candidate - base) / base).abs().ln_1p();
    let weight = exact.base.zip(exact.candidate).map_or(0.0, change_of);
    Check { weight, ..change(key, exact.metric, state, says) }
}
