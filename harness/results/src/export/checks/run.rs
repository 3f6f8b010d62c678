//! The questions of one run.

use super::{Check, Kind, State};
use crate::bars;
use crate::case::{CaseKey, Outcome};
use crate::limits::{Bound, Grade};
use crate::record::{CaseRecord, Record, Status, Summary};
use crate::report::figures;
use crate::report::status;
use crate::targets::{self, GradedTarget, Standing, decimal};
use crate::units::Unit;

/// How its cases ended, and how its targets and bars stand.
pub(in crate::export) fn of_run(record: &Record) -> Vec<Check> {
    let mut checks = Vec::new();
    if record.run.status != Status::Finished {
        let name = ("run", "comes to its end");
        checks.push(Check::new(Kind::Case, name, State::Broken, status(record)));
    }
    checks.extend(record.cases.iter().map(case));
    if !record.is_profile() {
        checks.extend(targets::grade(std::slice::from_ref(record)).iter().map(target));
        checks.extend(bars::grade(record).iter().map(bar));
    }
    checks
}

/// Suite, workload and subject; agent and parameters.
pub(super) fn parts(key: &CaseKey) -> (String, String) {
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
    Check::new(Kind::Case, (&group, &name), state, ended(&case.outcome))
}

/// How a case ended, and why.
pub(super) fn ended(outcome: &Outcome) -> String {
    match outcome.reason() {
        None => outcome.name().to_owned(),
        Some(why) => format!("{}: {why}", outcome.name()),
    }
}

fn target(graded: &GradedTarget) -> Check {
    let GradedTarget { target, worst, .. } = graded;
    let sign = if target.levels[0] < target.levels[2] { "<" } else { ">" };
    let [first, _, last] = target.levels.map(|level| decimal(target.unit, level));
    let (state, says) = match worst {
        Err(why) => (State::Open, format!("missing: {why}")),
        Ok(worst) => {
            let state = match worst.standing {
                Standing::Target => State::Good,
                Standing::Acceptable | Standing::Critical => State::Weak,
                Standing::Unclear => State::Open,
                Standing::Missed => State::Bad,
            };
            let (figure, standing) = (seen(&worst.figure, target.unit), worst.standing.name());
            let asked = format!("target {sign} {first}, at the least {sign} {last}");
            (state, format!("{standing}: {figure}; {asked}; worst is {}", worst.case))
        }
    };
    let weight = worst.as_ref().map_or(0.0, |worst| {
        beyond(worst.figure.estimate, target.levels[2], target.levels[0] < target.levels[2])
    });
    Check { weight, ..Check::new(Kind::Target, ("target", target.name), state, says) }
}

fn bar(graded: &bars::GradedBar) -> Check {
    let bar = &graded.bar;
    let (bound, limit, is_most) = match bar.bound {
        Bound::Max(most) => (format!("≤ {}", bar.unit().show(most)), most, true),
        Bound::Min(least) => (format!("≥ {}", bar.unit().show(least)), least, false),
    };
    let state = match graded.grade {
        Grade::Met => State::Good,
        Grade::Missed => State::Bad,
        Grade::Unclear | Grade::Missing => State::Open,
    };
    let (figure, weight) = match &graded.figure {
        Ok(figure) => (seen(figure, bar.unit()), beyond(figure.estimate, limit, is_most)),
        Err(why) => (why.clone(), 0.0),
    };
    let says = format!("{}: {figure}; bar {bound}", graded.grade.name());
    Check { weight, ..Check::new(Kind::Bar, ("bar", bar.name), state, says) }
}

/// How far a figure is beyond its limit, as a logarithm; nothing where one is not above 0.
fn beyond(figure: f64, limit: f64, is_most: bool) -> f64 {
    let far = (figure / limit).ln();
    let far = if is_most { far } else { -far };
    if far.is_finite() { far } else { 0.0 }
}

/// A figure with its interval and its launches.
fn seen(figure: &Summary, unit: Unit) -> String {
    let interval = figure.interval.map_or(String::new(), |interval| {
        format!(" {} ({})", figures::bounds(&interval, unit), figures::level(&interval))
    });
    format!("{}{interval}, n = {}", unit.show(figure.estimate), figure.n)
}
