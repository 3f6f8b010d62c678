//! The questions of a comparison: whether it came to its end, whether the base agrees with itself,
//! how each case ended, whether its answers are the same, whether a metric got worse.

use super::changes::{Change, DIFFERS, of_case};
use super::check::{Check, Kind, State};
use caxton_model::case::Outcome;
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{CaseComparison, Comparison, Sentinel, Verdict};
use caxton_model::record::Status;

/// The suite of what is asked of a comparison as a whole.
const WHOLE: &str = "comparison";
const UNTOLD: &str = "not_comparable";

/// `is_strict`: what stays open is bad.
pub(crate) fn of_comparison(comparison: &Comparison, is_strict: bool) -> Vec<Check> {
    let is_untrusted = comparison.is_untrusted();
    let mut checks = vec![end(comparison)];
    checks.extend(comparison.sentinel.as_ref().map(|told| sentinel(told, is_untrusted)));
    for case in &comparison.cases {
        let key = case.key.to_string();
        checks.extend([outcome(case, &key), answers(case, &key)]);
        let changes = of_case(case);
        checks.extend(changes.iter().map(|told| change(told, &key, is_untrusted, is_strict)));
    }
    checks
}

/// Of a comparison that did not come about, and the `lines` that were said before.
pub(crate) fn without(why: &str, lines: &str) -> Check {
    let check = check("caxton-bench", WHOLE, (State::Broken, "not_compared"), why.to_owned());
    Check { more: lines.to_owned(), ..check }
}

fn check(group: &str, name: &str, end: (State, &'static str), says: String) -> Check {
    let (state, code) = end;
    Check { code, ..Check::new(Kind::Change, group, name, state, says) }
}

fn end(comparison: &Comparison) -> Check {
    let is_whole = comparison.run.status == Status::Finished;
    let state = if is_whole { State::Good } else { State::Broken };
    let says = "results cover only the cases that finished".to_owned();
    check(WHOLE, "end", (state, UNTOLD), says)
}

fn sentinel(sentinel: &Sentinel, is_untrusted: bool) -> Check {
    let state = if is_untrusted { State::Broken } else { State::Good };
    let says = match sentinel.outcome {
        Outcome::Ran => DIFFERS.to_owned(),
        _ => sentinel.outcome.told(),
    };
    let check = check(WHOLE, &format!("A/A check {}", sentinel.key), (state, UNTOLD), says);
    Check { weight: f64::INFINITY, ..check }
}

fn outcome(case: &CaseComparison, key: &str) -> Check {
    let state = match case.outcome {
        // The check of its answers is bad.
        _ if case.answers.are_different() => State::Open,
        _ if case.failed.is_some() => State::Broken,
        Outcome::Ran => State::Good,
        Outcome::Refused(_) => State::Open,
        _ => State::Broken,
    };
    let says = match case.failed.map(|version| format!("{}: ", version.name())) {
        // A reason may name the version itself.
        Some(whose) if !case.outcome.told().contains(&whose) => whose + &case.outcome.told(),
        _ => case.outcome.told(),
    };
    let taken_ns = (case.outcome == Outcome::Ran).then_some(case.taken_ns);
    Check { weight: 1.0, taken_ns, ..check(key, "outcome", (state, UNTOLD), says) }
}

fn answers(case: &CaseComparison, key: &str) -> Check {
    let state = match case.answers {
        Answers::Same | Answers::Blessed(_) => State::Good,
        Answers::Different(_) => State::Bad,
        Answers::Unchecked(_) => State::Open,
    };
    let check = check(key, "answers", (state, "different_answers"), case.answers.told());
    Check { weight: f64::INFINITY, ..check }
}

fn change(told: &Change<'_>, key: &str, is_untrusted: bool, is_strict: bool) -> Check {
    let mut says = told.words.clone();
    let end = match told.verdict {
        Some(Verdict::Regressed) if is_untrusted && told.interval.is_some() => {
            says = format!("the base differs from itself; {says}");
            (State::Broken, UNTOLD)
        }
        Some(Verdict::Regressed) => (State::Bad, "regressed"),
        Some(Verdict::NotComparable) if told.is_weighty() => (State::Broken, UNTOLD),
        Some(Verdict::Inconclusive) if is_strict && told.is_weighty() => {
            (State::Bad, "inconclusive")
        }
        Some(Verdict::Inconclusive | Verdict::NotComparable) | None => (State::Open, "open"),
        Some(Verdict::Improved) => (State::Better, "improved"),
        Some(Verdict::Ok) => (State::Good, "good"),
    };
    let weight = match end.0 {
        State::Bad => told.worse.unwrap_or(f64::INFINITY),
        _ => 0.0,
    };
    Check { weight, ..check(key, told.metric.as_str(), end, says) }
}
