//! `gate`: a run by its limits and targets; a comparison by its samples.

use super::args::Gate;
use super::error::CommandError;
use super::output::{note, print, style};
use super::place::{NO_TABLE, is_comparison, limits};
use caxton_analysis::exit;
use caxton_analysis::finding::{Finding, LimitVerdict};
use caxton_analysis::limits::Limits;
use caxton_analysis::paired::judge::rejudge;
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::paired::Turn;
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_report::paint::paint;
use caxton_report::sections as painted;
use caxton_report::sections::{comparison_text, limits_table, summary_line};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Judges as `args` say; the exit code.
pub(super) fn run(args: &Gate) -> Result<u8, CommandError> {
    let limits = limits(args.rules.limits.as_deref())?;
    if !is_comparison(&args.dir) {
        let record = RunFolder::load_record(&args.dir)?;
        if args.table {
            return Err(NO_TABLE);
        }
        let (text, code) = judge_run(&record, &limits, args.rules.strict);
        print(text);
        return Ok(code);
    }
    if limits.has_hard() {
        note("hard limits (max, min) are for runs: of a comparison only margins count");
    }
    let (comparison, turns) = RunFolder::load_comparison(&args.dir)?;
    let comparison = judged(&args.dir, comparison, &turns, &limits)?;
    print(comparison_text(&comparison, args.table, &style()));
    Ok(exit::of(comparison.conclusion(), args.rules.strict))
}

/// What limits and targets say of a run, and the exit code: a missed limit first, then a failed
/// case, then what is not there, then what is open.
fn judge_run(record: &Record, limits: &Limits, is_strict: bool) -> (String, u8) {
    let graded = limits.grade(record);
    let idle = limits.idle(record);
    let tables =
        [limits_table(&graded, &idle), painted::targets::table(std::slice::from_ref(record))];
    let tables = tables.iter().filter(|table| !table.is_empty());
    let mut text = summary_line(record) + "\n\n";
    text += &tables.map(|table| paint(table, &style())).collect::<Vec<_>>().join("\n");
    let [_, missed, unclear, unknown] = count(&graded);
    let code = if missed > 0 {
        exit::LIMIT_MISSED
    } else if record.cases.iter().any(CaseRecord::has_failed) {
        exit::FAILED
    } else if record.run.status == Status::Interrupted {
        exit::INTERRUPTED
    } else if record.run.status != Status::Finished || unknown > 0 || !idle.is_empty() {
        exit::NOT_COMPARABLE
    } else if unclear > 0 && is_strict {
        exit::INCONCLUSIVE
    } else {
        exit::FINE
    };
    text += &format!("\nResult: {}\n", result(code, &graded));
    (text, code)
}

/// How many are met, missed, unclear and unknown.
fn count(findings: &[Finding]) -> [usize; 4] {
    let words = findings.iter().map(|finding| finding.verdict.word(&LimitVerdict::LIMIT));
    LimitVerdict::LIMIT.map(|word| words.clone().filter(|told| *told == word).count())
}

/// What `code` is for, and how many limits it rests on: targets decide nothing.
fn result(code: u8, graded: &[Finding]) -> String {
    let [met, missed, unclear, missing] = count(graded);
    let limits = format!(
        "of {} limits {met} met, {missed} missed, {unclear} unclear, {missing} not measured",
        graded.len()
    );
    match code {
        exit::LIMIT_MISSED => format!("a limit is missed: {limits}"),
        exit::FAILED => format!("a case failed; {limits}"),
        exit::INTERRUPTED => format!("the run was interrupted; {limits}"),
        exit::NOT_COMPARABLE => {
            format!("the run is incomplete, or a limit has no figure; {limits}")
        }
        _ if graded.is_empty() => {
            "no limit was asked for: no case failed, and targets decide nothing".to_owned()
        }
        _ => format!("no limit is missed: {limits}"),
    }
}

type Verdicts = BTreeMap<(CaseKey, MetricName), Option<Verdict>>;

/// `comparison` with every verdict computed anew from `turns`, by the margins of `limits` where
/// they give one and else by its own.
fn judged(
    path: &Path,
    mut comparison: Comparison,
    turns: &[Turn],
    limits: &Limits,
) -> Result<Comparison, CommandError> {
    let bad = |why: String| CommandError::Contradiction { path: path.to_owned(), why };
    let known: BTreeSet<&CaseKey> = comparison.cases.iter().map(|case| &case.key).collect();
    let sentinel = comparison.sentinel.as_ref().map(|sentinel| &sentinel.key);
    let is_known = |turn: &&Turn| known.contains(&turn.case) || sentinel == Some(&turn.case);
    if let Some(turn) = turns.iter().find(|turn| !is_known(turn)) {
        return Err(bad(format!("it has samples of {}, of which it says nothing", turn.case)));
    }
    let said = verdicts(&comparison);
    rejudge(&mut comparison, turns);
    let found = verdicts(&comparison);
    if let Some(why) = difference(&said, &found) {
        return Err(bad(why));
    }
    for case in &mut comparison.cases {
        case.margins.extend(limits.margins(&case.key));
    }
    rejudge(&mut comparison, turns);
    Ok(comparison)
}

/// Every verdict; the sentinel's under the name that no case can have.
fn verdicts(comparison: &Comparison) -> Verdicts {
    let mut all = Verdicts::new();
    for case in &comparison.cases {
        let key = || case.key.clone();
        all.extend(case.metrics.iter().map(|m| ((key(), m.metric), m.verdict)));
        all.extend(case.exact.iter().map(|e| ((key(), e.metric), Some(e.verdict))));
    }
    if let Some(sentinel) = &comparison.sentinel {
        let key = sentinel.key.clone().with("trial", "sentinel");
        let own = sentinel.metrics.iter().map(|m| ((key.clone(), m.metric), m.verdict));
        all.extend(own);
    }
    all
}

/// The first verdict that is not the same in both.
fn difference(said: &Verdicts, found: &Verdicts) -> Option<String> {
    let words = |verdict: Option<&Option<Verdict>>| match verdict {
        None => "nothing",
        Some(None) => "open",
        Some(Some(verdict)) => verdict.name(),
    };
    let keys: BTreeSet<_> = said.keys().chain(found.keys()).collect();
    let differs = keys.into_iter().find(|key| said.get(key) != found.get(key))?;
    let (key, metric) = differs;
    let [said, found] = [said, found].map(|verdicts| words(verdicts.get(differs)));
    Some(format!("of {key} {metric} it says {said}, and its samples say {found}"))
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
