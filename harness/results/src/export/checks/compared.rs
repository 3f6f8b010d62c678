//! The questions of a comparison, and of two records without kits.

use super::run::{ended, parts};
use super::{Check, Kind, State};
use crate::case::{CaseKey, Outcome};
use crate::compare::Records;
use crate::metric::MetricName;
use crate::paired::Weight;
use crate::paired::comparison::{CaseComparison, Comparison, MetricVerdict, Sentinel};
use crate::paired::decide::Verdict;
use crate::paired::exact::ExactVerdict;
use crate::record::Status;
use crate::report::{exact_words, paired_words, share};

/// How its cases ended, what changed, and whether the base agrees with itself.
pub(in crate::export) fn of_comparison(comparison: &Comparison) -> Vec<Check> {
    let mut checks = Vec::new();
    if comparison.run.status != Status::Finished {
        let says = "what is said holds for what finished".to_owned();
        let name = ("comparison", "comes to its end");
        checks.push(Check::new(Kind::Case, name, State::Broken, says));
    }
    checks.extend(comparison.cases.iter().map(case));
    let is_untrusted = comparison.is_untrusted();
    for case in &comparison.cases {
        checks.extend(case.metrics.iter().map(|m| paired(&case.key, m, is_untrusted)));
        checks.extend(case.exact.iter().map(|e| count(&case.key, e)));
    }
    checks.extend(comparison.sentinel.iter().map(|s| sentinel(s, is_untrusted)));
    checks
}

/// What counts say, and what could not be compared.
pub(in crate::export) fn of_records(records: &Records<'_>) -> Vec<Check> {
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
            Check::new(Kind::Change, ("not compared", what), State::Open, why.clone())
        };
        checks.extend(of.iter().map(opened));
    }
    checks
}

fn case(case: &CaseComparison) -> Check {
    let (group, name) = parts(&case.key);
    let state = match case.outcome {
        _ if case.failed.is_some() => State::Broken,
        Outcome::Ran | Outcome::Refused(_) => State::Good,
        Outcome::NotRun(_) => State::Open,
        _ => State::Broken,
    };
    let check = Check::new(Kind::Case, (&group, &name), state, ended(&case.outcome));
    Check { taken_ns: (case.outcome == Outcome::Ran).then_some(case.taken_ns), ..check }
}

fn change(key: &CaseKey, metric: MetricName, state: State, says: String) -> Check {
    let (group, name) = parts(key);
    Check::new(Kind::Change, (&group, &format!("{name} {metric}")), state, says)
}

fn paired(key: &CaseKey, verdict: &MetricVerdict, is_untrusted: bool) -> Check {
    let state = match verdict.verdict {
        Some(Verdict::Ok) => State::Good,
        // What a base does to itself says nothing of the candidate.
        Some(Verdict::Improved | Verdict::Regressed) if is_untrusted => State::Open,
        Some(Verdict::Improved) => State::Better,
        Some(Verdict::Regressed) => State::Bad,
        Some(Verdict::NotComparable) if verdict.weight == Weight::Primary => State::Broken,
        Some(Verdict::Inconclusive | Verdict::NotComparable) | None => State::Open,
    };
    let name = verdict.verdict.map_or("OPEN", Verdict::name);
    let says = paired_words(verdict);
    let says = format!("{name}: {says}; margin {}", share(verdict.margin));
    let weight = verdict.decision.as_ref().map_or(0.0, |decision| decision.worse.ln());
    Check { weight, ..change(key, verdict.metric, state, says) }
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

fn sentinel(sentinel: &Sentinel, is_untrusted: bool) -> Check {
    let (state, says) = if is_untrusted {
        let says = match sentinel.outcome.reason() {
            Some(_) => ended(&sentinel.outcome),
            None => "the base differs from itself: no time of this comparison is to be believed"
                .to_owned(),
        };
        (State::Broken, says)
    } else {
        (State::Good, "the base agrees with itself".to_owned())
    };
    Check::new(Kind::Sentinel, ("sentinel", &sentinel.key.to_string()), state, says)
}
