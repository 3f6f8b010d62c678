//! The questions of one run: its cases, its loads with their thresholds, targets and requirements.

use super::check::{Check, Kind, State};
use crate::sections::status;
use caxton_analysis::finding::{Bound, Finding, LimitVerdict};
use caxton_analysis::targets::{GradedTarget, decimal};
use caxton_analysis::{requirements, targets};
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::load::judged::{Judged, ThresholdOutcome};
use caxton_model::load::outcome::Verdict;
use caxton_model::load::threshold::Operator;
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
        Outcome::NotRun(_) => State::Open,
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
        Verdict::Pass if load.part().is_some() => State::Weak,
        Verdict::Pass => State::Good,
        Verdict::Fail => State::Bad,
        Verdict::Invalid => State::Broken,
        Verdict::Unclear => State::Open,
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

fn threshold(group: &str, name: &str, judged: &Judged) -> Check {
    let threshold = &judged.threshold;
    let state = match judged.outcome {
        ThresholdOutcome::Met => State::Good,
        ThresholdOutcome::Missed => State::Bad,
        ThresholdOutcome::Unknown(_) => State::Open,
    };
    let observed = match &judged.outcome {
        ThresholdOutcome::Unknown(why) => why.clone(),
        ThresholdOutcome::Met | ThresholdOutcome::Missed => judged.shown(),
    };
    let says = format!("{}: {observed}; asked {}", judged.outcome.name(), threshold.text);
    let is_most = matches!(threshold.operator, Operator::Below | Operator::AtMost);
    let figure = judged.observed.known();
    let weight = figure.map_or(0.0, |figure| beyond(*figure, threshold.limit, is_most));
    let name = format!("{name} {threshold}");
    Check { weight, ..Check::new(Kind::Threshold, group, &name, state, says) }
}

fn target(graded: &GradedTarget) -> Check {
    let GradedTarget { target, worst, .. } = graded;
    let sign = if target.levels[0] < target.levels[2] { "<" } else { ">" };
    let [first, _, last] = target.levels.map(|level| decimal(target.unit, level));
    let (state, says) = match worst {
        Err(why) => (State::Open, format!("missing: {why}")),
        Ok(worst) => {
            let state = match worst.grade {
                targets::Grade::Target => State::Good,
                targets::Grade::Acceptable | targets::Grade::Critical => State::Weak,
                targets::Grade::Unclear => State::Open,
                targets::Grade::Missed => State::Bad,
            };
            let (figure, grade) = (seen(&worst.figure, target.unit), worst.words());
            let asked = format!("target {sign} {first}, at the least {sign} {last}");
            (state, format!("{grade}: {figure}; {asked}; worst is {}", worst.case))
        }
    };
    let weight = worst.as_ref().map_or(0.0, |worst| {
        beyond(worst.figure.estimate, target.levels[2], target.levels[0] < target.levels[2])
    });
    Check { weight, ..Check::new(Kind::Target, "target", target.name, state, says) }
}

fn requirement(finding: &Finding) -> Check {
    let (limit, is_most) = match finding.limit {
        Bound::Max(most) => (most, true),
        Bound::Min(least) => (least, false),
    };
    let state = match finding.verdict {
        LimitVerdict::Met => State::Good,
        LimitVerdict::Missed => State::Bad,
        LimitVerdict::Unclear | LimitVerdict::Missing => State::Open,
    };
    let (figure, weight) = match &finding.estimate {
        Ok(figure) => (seen(figure, finding.unit), beyond(figure.estimate, limit, is_most)),
        Err(why) => (why.clone(), 0.0),
    };
    let asked = finding.limit.words(finding.unit);
    let says = format!("{}: {figure}; limit {asked}", finding.verdict.name());
    let kind = Kind::Requirement;
    Check { weight, ..Check::new(kind, "requirement", &finding.subject, state, says) }
}

/// How far a figure is beyond its limit, as a logarithm; nothing where one is not above 0.
fn beyond(figure: f64, limit: f64, is_most: bool) -> f64 {
    let far = (figure / limit).ln();
    let far = if is_most { far } else { -far };
    if far.is_finite() { far } else { 0.0 }
}

fn seen(figure: &Summary, unit: Unit) -> String {
    let interval = figure.interval.map_or(String::new(), |interval| {
        format!(" {} ({})", words::bounds(&interval, unit), words::level(&interval))
    });
    format!("{}{interval}, n = {}", unit.show(figure.estimate), figure.n)
}
