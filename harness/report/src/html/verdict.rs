//! What it all comes to, in a word, and why.

use super::told::Told;
use crate::answer::{Answer, answer};
use crate::sections::{comparison_line, load, summary_line};
use caxton_analysis::finding::LimitVerdict;
use caxton_analysis::requirements;
use caxton_analysis::targets::{GradedTarget, grade};
use caxton_model::case::Outcome;
use caxton_model::load::outcome::{LoadOutcome, LoadVerdict as Judgement};
use caxton_model::paired::comparison::{Comparison, Conclusion};
use caxton_model::record::{CaseRecord, Record, Run, Status};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;
use caxton_model::words::some;
use serde::Serialize;

const REASON_MAX: usize = 400;
/// Warnings in the banner; the rest stand with their run.
const WARNINGS_MAX: usize = 4;
/// Answers of each run where there are several.
const OF_MANY_MAX: usize = 2;

/// How it stands, the gravest last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tone {
    Good,
    /// Something stays open, or is to be known.
    Open,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    /// What was found, in sentences.
    pub(super) answers: Vec<String>,
    /// Empty where nothing was judged.
    pub(super) word: String,
    pub(super) why: String,
    /// What else decided, the gravest first.
    pub(super) reasons: Vec<String>,
    /// What was told, a line each.
    pub(super) runs: Vec<String>,
    /// What to know before believing a number.
    pub(super) warnings: Vec<String>,
}

/// One thing that speaks for a verdict: how grave, the word, the reason.
type Reason = (Tone, &'static str, String);

pub(super) fn verdict(runs: &[Told], comparisons: &[&Comparison]) -> Verdict {
    let records: Vec<Record> = runs.iter().map(|told| told.record.clone()).collect();
    let mut findings: Vec<Reason> = Vec::new();
    findings.extend(comparisons.iter().map(|comparison| concluded(comparison)));
    findings.extend(records.iter().flat_map(failures));
    findings.extend(loads(&records));
    findings.extend(graded(&records));
    findings.extend(required(&records));
    // Stable: among equals, what was asked for first comes first.
    findings.sort_by_key(|(tone, ..)| std::cmp::Reverse(*tone));
    let clean = |text: String| sanitise(&text, REASON_MAX);
    let mut findings = findings.into_iter().map(|(tone, word, why)| (tone, word, clean(why)));
    let (tone, word, why) = findings.next().unwrap_or((Tone::Open, "", String::new()));
    let told: Vec<(&Record, Answer)> =
        records.iter().map(|record| (record, answer(record))).collect();
    // Of several runs of a suite its name says nothing.
    let name = |run: &Run| -> String {
        let own = records.iter().filter(|record| record.run.suite == run.suite).count();
        if own > 1 { run.id.clone() } else { run.suite.clone() }
    };
    let answers = told.iter().flat_map(|(record, answer)| match records.len() {
        1 => answer.found.clone(),
        _ => of_many(&name(&record.run), answer),
    });
    let of = |run: &Run, warnings: &[String]| -> Vec<String> {
        let name = name(run);
        warnings.iter().map(|warning| clean(format!("{name}: {warning}"))).collect()
    };
    let warned = told.iter().flat_map(|(record, answer)| of(&record.run, &answer.doubts));
    let compared = comparisons.iter().flat_map(|c| of(&c.run, &c.warnings));
    let mut warnings: Vec<String> = warned.chain(compared).collect();
    let more = warnings.len().saturating_sub(WARNINGS_MAX);
    warnings.truncate(WARNINGS_MAX);
    if more > 0 {
        warnings.push(format!("and {more} more, under Environment"));
    }
    let lines = records.iter().map(|record| format!("{}: {}", record.run.id, summary_line(record)));
    let lines = lines.chain(comparisons.iter().map(|comparison| comparison_line(comparison)));
    Verdict {
        tone,
        answers: answers.map(clean).collect(),
        word: word.to_owned(),
        why,
        reasons: findings.map(|(_, word, why)| format!("{word}: {why}")).collect(),
        runs: lines.map(clean).collect(),
        warnings,
    }
}

/// What the run of a suite among others found, most important first: the verdict has the rest.
fn of_many(name: &str, answer: &Answer) -> Vec<String> {
    let found = answer.found.iter().take(OF_MANY_MAX);
    found.map(|line| format!("{name}: {line}")).collect()
}

fn concluded(comparison: &Comparison) -> Reason {
    let [base, candidate] = [&comparison.base.name, &comparison.candidate.name];
    let (tone, word, what) = match comparison.conclusion() {
        Conclusion::Fine => (Tone::Good, "NOTHING WORSE", "nothing worse was found"),
        Conclusion::DifferentAnswers => {
            (Tone::Bad, "DIFFERENT ANSWERS", "the candidate answers otherwise than the base")
        }
        Conclusion::Regressed => (Tone::Bad, "REGRESSED", "something is worse"),
        Conclusion::Failed => (Tone::Bad, "FAILED", "a case of the candidate failed"),
        Conclusion::NotComparable => {
            (Tone::Bad, "NOT COMPARABLE", "not all could be compared, or trusted")
        }
        Conclusion::Inconclusive => (Tone::Open, "INCONCLUSIVE", "something primary stays open"),
        Conclusion::Interrupted => (Tone::Open, "INTERRUPTED", "it was stopped"),
    };
    (tone, word, format!("{candidate} against {base}: {what}"))
}

/// Cases that failed, and a run that is not whole.
fn failures(record: &Record) -> Vec<Reason> {
    let mut findings = Vec::new();
    let suite = &record.run.suite;
    let failed: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.has_failed()).collect();
    if !failed.is_empty() {
        let keys: Vec<String> = failed.iter().map(|case| case.key.to_string()).collect();
        let (count, all) = (failed.len(), record.cases.len());
        let why = format!("{count} of {all} cases of {suite}: {}", some(&keys));
        findings.push((Tone::Bad, "FAILED", why));
    }
    let missing = record.cases.iter().filter(|case| matches!(case.outcome, Outcome::NotRun(_)));
    let status = match record.run.status {
        Status::Finished => return findings,
        Status::Running => "is going on, or was killed",
        Status::Interrupted => "was interrupted",
        Status::Failed => "ended early: the harness failed",
    };
    let why = format!("the run of {suite} {status}; {} cases not run", missing.count());
    findings.push((Tone::Bad, "INCOMPLETE RUN", why));
    findings
}

pub(super) fn tone(load: &LoadOutcome) -> Tone {
    match load.verdict {
        // No better than the part that was done.
        Judgement::Pass if load.part().is_some() => Tone::Open,
        Judgement::Pass => Tone::Good,
        Judgement::Unclear => Tone::Open,
        Judgement::Fail | Judgement::Invalid => Tone::Bad,
    }
}

/// What loads came to, the gravest first: a word, and what it means.
const LOADS: [[&str; 2]; 5] = [
    ["LOAD FAILED", "a threshold missed, messages dropped, or something left"],
    ["LOAD INVALID", "the measurement was not sound"],
    ["LOAD UNCLEAR", "nothing failed, but not every threshold could be judged"],
    ["LOADS PASSED IN PART", "every threshold holds for the part of the load that ran"],
    ["LOADS PASSED", "every threshold holds"],
];

fn loads(records: &[Record]) -> Vec<Reason> {
    let loads: Vec<_> = records.iter().flat_map(load::of).map(|(_, load)| load).collect();
    let rank = |load: &LoadOutcome| match load.verdict {
        Judgement::Fail => 0,
        Judgement::Invalid => 1,
        Judgement::Unclear => 2,
        Judgement::Pass if load.part().is_some() => 3,
        Judgement::Pass => 4,
    };
    let name = |load: &&LoadOutcome| match load.part() {
        Some(part) => format!("{} ({})", load::label(load), Unit::Share.show(part)),
        None => load::label(load),
    };
    let reason = |(at, [word, what]): (usize, [&'static str; 2])| {
        let those = || loads.iter().copied().filter(|load| rank(load) == at);
        let names: Vec<String> = those().map(|load| name(&load)).collect();
        let why = format!("{} of {}: {what}: {}", names.len(), loads.len(), some(&names));
        Some((tone(those().next()?), word, why))
    };
    LOADS.into_iter().enumerate().filter_map(reason).collect()
}

/// How the targets stand; nothing where none was measured.
fn graded(records: &[Record]) -> Vec<Reason> {
    let graded = grade(records);
    let named = |level: Option<usize>| -> Vec<String> {
        let is_it =
            |graded: &&GradedTarget| graded.worst.as_ref().is_ok_and(|w| w.level() == level);
        graded.iter().filter(is_it).map(|graded| graded.target.name.to_owned()).collect()
    };
    let mut findings = Vec::new();
    for (level, tone, word, what) in [
        (Some(3), Tone::Bad, "TARGET MISSED", "beyond the last level"),
        (None, Tone::Open, "TARGET UNCLEAR", "the interval contains a level"),
        (Some(2), Tone::Open, "CRITICAL", "only the last level is met"),
        (Some(1), Tone::Open, "ACCEPTABLE", "only the second level is met"),
    ] {
        let names = named(level);
        if !names.is_empty() {
            findings.push((tone, word, format!("{}: {what}", names.join(", "))));
        }
    }
    let met = named(Some(0));
    if !met.is_empty() {
        let all = graded.len();
        let (met, open) = (met.len(), graded.iter().filter(|one| one.worst.is_err()).count());
        // What was not measured is not met.
        findings.push(match (met, open) {
            (met, _) if met == all => (Tone::Good, "TARGETS MET", format!("all {all} of them")),
            (met, 0) => (Tone::Good, "OTHER TARGETS MET", format!("{met} of {all}")),
            (met, open) => {
                let why = format!("{met} of {all} targets are met, {open} not measured here");
                (Tone::Open, "TARGETS MET IN PART", why)
            }
        });
    }
    findings
}

/// Requirements that are not met; a run is not judged by them.
fn required(records: &[Record]) -> Option<Reason> {
    let graded: Vec<_> = records.iter().flat_map(requirements::grade).collect();
    let count =
        |verdict: LimitVerdict| graded.iter().filter(|graded| graded.verdict == verdict).count();
    let (met, missed) = (count(LimitVerdict::Met), count(LimitVerdict::Missed));
    let open = graded.len() - met - missed;
    let why = format!("{met} of {} are met, {missed} missed, {open} open", graded.len());
    (missed + open > 0).then_some((Tone::Open, "REQUIREMENTS OF THE REFERENCE RUNTIME", why))
}
