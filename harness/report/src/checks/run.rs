//! The questions of one run: its cases, its loads with their thresholds, targets and requirements.

use super::check::{Check, Kind, State};
use crate::sections::status;
use caxton_analysis::finding::{Bound, Finding, LimitVerdict};
use caxton_analysis::targets::{GradedTarget, decimal};
use caxton_analysis::{requirements, targets};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::load::outcome::LoadVerdict;
use caxton_model::load::threshold::ThresholdFinding;
use caxton_model::record::{CaseRecord, Record, Status, Summary};
use caxton_model::units::Unit;
use caxton_model::words;

/// How its cases ended, and how its targets and requirements stand.
pub(crate) fn of_run(record: &Record) -> Vec<Check> {
    let mut checks = Vec::new();
    if record.run.status != Status::Finished {
        let end = "comes to its end";
        checks.push(Check::new(Kind::Case, "run", end, State::Broken, status(record)));
    }
    checks.extend(record.cases.iter().map(case));
    checks.extend(record.cases.iter().flat_map(loads));
    if !record.is_profile() {
        checks.extend(targets::grade(std::slice::from_ref(record)).iter().map(target));
        checks.extend(requirements::grade(record).iter().map(requirement));
    }
    checks
}

/// Suite, workload and subject; agent and parameters.
fn parts(key: &CaseKey) -> (String, String) {
    let group = format!("{}/{}/{}", key.suite, key.workload, key.subject);
    let name = key.to_string();
    let name = name.strip_prefix(&group).map_or(name.as_str(), |rest| rest.trim_start_matches('/'));
    let name = name.to_owned();
    (group, name)
}

fn case(case: &CaseRecord) -> Check {
    let (group, name) = parts(&case.key);
    let state = match case.outcome {
        Outcome::NotRun(_) | Outcome::Unsupported(_) => State::Open,
        _ if case.has_failed() => State::Broken,
        // A limit that is turned down is an answer.
        _ => State::Good,
    };
    Check::new(Kind::Case, &group, &name, state, case.told())
}

/// What may be said of the load of a case, and how its thresholds stand.
fn loads(case: &CaseRecord) -> Vec<Check> {
    let Some(load) = case.load.as_deref() else { return Vec::new() };
    let (group, name) = parts(&case.key);
    let state = match load.verdict {
        LoadVerdict::Pass if load.part().is_some() => State::Weak,
        LoadVerdict::Pass => State::Good,
        LoadVerdict::Fail => State::Bad,
        LoadVerdict::Invalid => State::Broken,
        LoadVerdict::Unclear => State::Open,
    };
    let reasons = load.reasons.join("; ");
    let says = match load.told() {
        told if reasons.is_empty() => told,
        told => format!("{told}: {reasons}"),
    };
    let verdict = Check::new(Kind::Load, &group, &name, state, says);
    let verdict = Check { taken_ns: Some(load.whole.took.0), ..verdict };
    let thresholds = load.thresholds.iter().map(|judged| threshold(&group, &name, judged));
    std::iter::once(verdict).chain(thresholds).collect()
}

fn threshold(group: &str, name: &str, finding: &ThresholdFinding) -> Check {
    let ThresholdFinding { threshold, observed, verdict } = finding;
    let seen = verdict.why().map_or_else(|| finding.shown(), str::to_owned);
    let word = verdict.word(&LimitVerdict::THRESHOLD);
    let says = format!("{word}: {seen}; asked {}", threshold.text);
    let weight = observed.known().map_or(0.0, |figure| beyond(*figure, threshold.bound));
    let name = format!("{name} {threshold}");
    Check { weight, ..Check::new(Kind::Threshold, group, &name, state(verdict), says) }
}

const fn state(verdict: &LimitVerdict) -> State {
    match verdict {
        LimitVerdict::Met => State::Good,
        LimitVerdict::Missed => State::Bad,
        LimitVerdict::Unclear | LimitVerdict::Unknown(_) => State::Open,
    }
}

fn target(graded: &GradedTarget) -> Check {
    let GradedTarget { target, worst, .. } = graded;
    let [.., least] = target.bounds();
    let sign = if least.is_upper() { "<" } else { ">" };
    let [first, _, last] = target.levels.map(|level| decimal(target.unit, level));
    let (state, says) = match worst {
        Err(why) => (State::Open, format!("missing: {why}")),
        Ok(worst) => {
            let state = match worst.level() {
                Some(0) => State::Good,
                Some(1 | 2) => State::Weak,
                None => State::Open,
                Some(_) => State::Bad,
            };
            let (figure, grade) = (seen(&worst.figure, target.unit), worst.words());
            let asked = format!("target {sign} {first}, at the least {sign} {last}");
            (state, format!("{grade}: {figure}; {asked}; worst is {}", worst.case))
        }
    };
    let weight = worst.as_ref().map_or(0.0, |worst| beyond(worst.figure.estimate, least));
    Check { weight, ..Check::new(Kind::Target, "target", target.name, state, says) }
}

fn requirement(finding: &Finding) -> Check {
    let Finding { estimate, verdict, limit, unit, .. } = finding;
    let figure = estimate.map_or_else(String::new, |figure| seen(&figure, *unit));
    let figure = verdict.why().map_or(figure, str::to_owned);
    let weight = estimate.map_or(0.0, |figure| beyond(figure.estimate, *limit));
    let word = verdict.word(&LimitVerdict::LIMIT);
    let says = format!("{word}: {figure}; limit {}", finding.asked());
    let kind = Kind::Requirement;
    Check { weight, ..Check::new(kind, "requirement", &finding.subject, state(verdict), says) }
}

/// How far a figure is beyond its limit, as a logarithm; nothing where one is not above 0.
fn beyond(figure: f64, bound: Bound) -> f64 {
    let far = (figure / bound.limit).ln();
    let far = if bound.is_upper() { far } else { -far };
    if far.is_finite() { far } else { 0.0 }
}

fn seen(figure: &Summary, unit: Unit) -> String {
    let interval = figure.interval.map_or(String::new(), |interval| {
        format!(" {} ({})", words::bounds(&interval, unit), words::level(&interval))
    });
    format!("{}{interval}, n = {}", unit.show(figure.estimate), figure.n)
}
