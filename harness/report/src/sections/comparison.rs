//! A comparison as tables: what changed, one line each; how it all stands; what could not be
//! compared; and every metric, for those who ask.

mod changes;
mod every;

use crate::paint::{self, Style};
use crate::sections::functions;
use crate::table::{Table, Tone, name};
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{
    CaseComparison, Comparison, Conclusion, ExactVerdict, GrownSide, MetricVerdict, Sentinel,
    Verdict,
};
use caxton_model::paired::{Version, Weight};
use caxton_model::profile::changes::FunctionRow;
use caxton_model::reading::Reading;
use caxton_model::record::kit::Kit;
use caxton_model::record::{Revision, Status};
use caxton_model::words::{NONE, differ, list, some};
use std::collections::{BTreeMap, BTreeSet};

/// Characters of a file's hash that tell it from any other.
const HASH_CHARS: usize = 16;

pub(crate) use changes::{exact_words, paired_words, share};

/// The report for a terminal; `full`: with a table of every metric.
pub fn comparison_text(comparison: &Comparison, full: bool, style: &Style) -> String {
    paint::all(&comparison_tables(comparison, full), style)
}

/// The report as data: its sections in order, those that have something to say.
pub(crate) fn comparison_tables(comparison: &Comparison, full: bool) -> Vec<Table> {
    let mut tables = vec![headline(comparison), answers(comparison), changes::changes(comparison)];
    tables.extend(grown(comparison));
    if full {
        tables.push(every::every_metric(comparison));
        tables.push(every::every_count(comparison));
    }
    tables.extend([not_compared(comparison), conditions(comparison), summary(comparison)]);
    tables.into_iter().filter(|table| !table.is_empty()).collect()
}

/// Where an agent's own code executes other numbers of instructions: by function.
fn grown(comparison: &Comparison) -> Vec<Table> {
    let table = |case: &CaseComparison, side: &GrownSide| {
        let mut table =
            functions::table(&side.changes, &format!("{}, {}", case.key.agent, name(&side.side)));
        let unit = side.changes.weight.unit();
        let words = |row: &FunctionRow| {
            format!("{} {}", functions::short(&row.name), unit.show(row.growth()))
        };
        let outer: Vec<String> = side.outer.iter().map(words).collect();
        if !outer.is_empty() {
            let text = format!("growth with what is inlined into them: {}", list(&outer));
            table.note(Tone::Plain, &text);
        }
        let (tone, text) = match &side.picture {
            Ok(path) => (Tone::Plain, format!("as a picture, in the comparison's folder: {path}")),
            Err(why) => (Tone::Bad, format!("no picture: {why}")),
        };
        table.note(tone, &text);
        table
    };
    let sides = comparison.cases.iter().flat_map(|case| {
        let table = move |side| table(case, side);
        case.grown.iter().map(table)
    });
    sides.collect()
}

/// A comparison in one line: when, of what with what, and what it came to.
pub fn comparison_line(comparison: &Comparison) -> String {
    let run = &comparison.run;
    let [base, candidate] = versions(comparison);
    let conclusion = conclusion(comparison.conclusion());
    let cases = comparison.cases.len();
    format!(
        "{}  {candidate} against {base}  {} {cases} cases  {conclusion}",
        run.started_utc, run.suite
    )
}

const fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Fine => "nothing worse was found",
        Conclusion::DifferentAnswers => "DIFFERENT ANSWERS",
        Conclusion::Regressed => "REGRESSED",
        Conclusion::Failed => "a case of the candidate FAILED",
        Conclusion::NotComparable => "NOT COMPARABLE",
        Conclusion::Inconclusive => "INCONCLUSIVE",
        Conclusion::Interrupted => "interrupted",
    }
}

/// What base and candidate are: of our agents the commit decides, of guests that were given as
/// files the files do.
pub(crate) fn versions(comparison: &Comparison) -> [String; 2] {
    let agents: BTreeSet<&str> = comparison.cases.iter().map(|c| c.key.agent.as_str()).collect();
    [&comparison.base, &comparison.candidate].map(|kit| {
        let of = |agent: &&str| kit.agents.get(*agent).filter(|files| files.native.is_none());
        let guests: Vec<&str> =
            agents.iter().copied().filter(|agent| of(agent).is_some()).collect();
        let hashes = guests.iter().filter_map(|agent| {
            let sha256 = of(agent)?.wasm.sha256.chars().take(HASH_CHARS).collect::<String>();
            Some(format!("SHA-256 {sha256} of guest {agent}"))
        });
        let hashes: Vec<String> = hashes.collect();
        let is_ours = guests.len() < agents.len() || agents.is_empty();
        let commit = is_ours.then(|| revision_words(&kit.revision));
        let files = (!hashes.is_empty()).then(|| list(&hashes));
        let all: Vec<String> = commit.into_iter().chain(files).collect();
        format!("{} ({})", kit.name, all.join("; "))
    })
}

/// A revision in words.
pub fn revision_words(revision: &Revision) -> String {
    match &revision.commit {
        Reading::Known(commit) => format!("commit {commit}{}", revision.differs("changes")),
        Reading::Missing(why) => format!("commit unknown, {why}"),
    }
}

fn headline(comparison: &Comparison) -> Table {
    let run = &comparison.run;
    let mut table = Table::new(&format!("Comparison {}: suite {}", run.id, run.suite), &[]);
    let [base, candidate] = versions(comparison);
    table.note(Tone::Plain, &format!("base {base}; candidate {candidate}"));
    if run.status != Status::Finished {
        let how = match run.status {
            Status::Interrupted => "was interrupted",
            Status::Failed => "ended early: the harness failed",
            Status::Running | Status::Finished => "is going on, or was killed",
        };
        table.note(Tone::Bad, &format!("It {how}: what is said holds for what finished."));
    }
    table
}

fn answers(comparison: &Comparison) -> Table {
    let mut table = Table::new("Answers", &[]);
    let mut unchecked = Vec::new();
    let mut same = 0;
    for case in &comparison.cases {
        let (key, told) = (&case.key, case.answers.told());
        match &case.answers {
            Answers::Same => same += 1,
            Answers::Different(_) => table.note(Tone::Bad, &format!("{key}: {told}")),
            Answers::Blessed(_) => table.note(Tone::Plain, &format!("{key}: {told}")),
            // Its outcome says why.
            Answers::Unchecked(_) if case.outcome.reason().is_some() => {}
            Answers::Unchecked(why) => {
                unchecked.push((format!("answers unchecked: {why}"), key.to_string()));
            }
        }
    }
    if comparison.cases.iter().any(|case| case.answers.are_different()) {
        let text = "Nothing of these cases was measured: a version that does other work is not \
                    faster. Where the new answer is right, compare with --bless-answers.";
        table.note(Tone::Bad, text);
    }
    table.note_each(Tone::Bad, some, unchecked);
    if same > 0 {
        let of = comparison.cases.len();
        let text = format!("The same in {same} of {of} cases, compared before anything was timed.");
        table.note(Tone::Plain, &text);
    }
    table
}

fn verdicts(comparison: &Comparison) -> impl Iterator<Item = Option<Verdict>> {
    let exact = |e: &ExactVerdict| Some(e.verdict);
    comparison.cases.iter().flat_map(move |case| {
        case.metrics.iter().map(|m| m.verdict).chain(case.exact.iter().map(exact))
    })
}

fn summary(comparison: &Comparison) -> Table {
    let mut table = Table::new("", &[]);
    let all = verdicts(comparison).count();
    let count = |wanted: Option<Verdict>| verdicts(comparison).filter(|v| *v == wanted).count();
    let mut parts = vec![format!("{} of {all} OK", count(Some(Verdict::Ok)))];
    for verdict in [
        Some(Verdict::Regressed),
        Some(Verdict::Improved),
        Some(Verdict::Inconclusive),
        Some(Verdict::NotComparable),
        None,
    ] {
        let words = verdict.map_or("still open".to_owned(), |v| v.name().to_lowercase());
        match count(verdict) {
            0 => {}
            n => parts.push(format!("{n} {words}")),
        }
    }
    let design = &comparison.design;
    let mut text = parts.join(", ");
    // Counts have no error to split.
    if comparison.cases.iter().any(|case| case.launches.wanted > 0) {
        text.push_str(&format!(
            "; alpha {} for the run over {} metrics, {}, margin {}, seed {}",
            share(design.alpha),
            u64::from(design.primary) + u64::from(design.secondary),
            design.looks_told(),
            share(design.margin),
            design.seed,
        ));
    }
    let came_to = comparison.conclusion();
    let tone = match came_to {
        // Open is not wrong: the word says it.
        Conclusion::Fine | Conclusion::Inconclusive => Tone::Plain,
        Conclusion::DifferentAnswers
        | Conclusion::Regressed
        | Conclusion::Failed
        | Conclusion::NotComparable
        | Conclusion::Interrupted => Tone::Bad,
    };
    table.note(Tone::Plain, &text);
    if let Some(sentinel) = &comparison.sentinel {
        let (tone, text) = sentinel_says(sentinel, comparison.is_untrusted());
        table.note(tone, &text);
    } else {
        table.note(Tone::Plain, "A/A check: not run.");
    }
    for warning in &comparison.warnings {
        table.note(Tone::Bad, &format!("warning: {warning}"));
    }
    table.note(tone, &format!("Result: {}{}", conclusion(came_to), decided(comparison)));
    if came_to == Conclusion::Inconclusive {
        let text = "More launch pairs may decide what stays open: --budget SECONDS for each case, \
                    --until-decided, or a quieter machine.";
        table.note(Tone::Plain, text);
    }
    table
}

/// Which primary metrics stay open, and which are OK, of which agents.
fn decided(comparison: &Comparison) -> String {
    let of = |is_it: fn(Option<Verdict>) -> bool| -> Vec<String> {
        let mut agents: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for case in &comparison.cases {
            let own = case.metrics.iter().filter(|m| m.weight == Weight::Primary);
            for metric in own.filter(|m| is_it(m.verdict)) {
                agents.entry(metric.metric.as_str()).or_default().push(case.key.agent.clone());
            }
        }
        agents.iter().map(|(metric, agents)| format!("{metric} of {}", some(agents))).collect()
    };
    let open = of(|verdict| matches!(verdict, None | Some(Verdict::Inconclusive)));
    let same = of(|verdict| verdict == Some(Verdict::Ok));
    let mut text = String::new();
    if !open.is_empty() {
        text += &format!("; undecided: {}", open.join("; "));
    }
    // What cannot be trusted is not told as fine.
    if !same.is_empty() && !comparison.is_untrusted() {
        text += &format!("; OK: {}", same.join("; "));
    }
    text
}

/// What the base against itself says: of its primary metrics, or of all where one differs.
fn sentinel_says(sentinel: &Sentinel, is_untrusted: bool) -> (Tone, String) {
    let key = &sentinel.key;
    if let Some(why) = sentinel.outcome.reason() {
        return (Tone::Bad, format!("A/A check: {key} {}: {why}", sentinel.outcome.name()));
    }
    let said = |m: &MetricVerdict| match &m.decision {
        Ok(decision) => format!("{} {}", m.metric, changes::effect(m.metric, decision)),
        Err(why) => format!("{}: {why}", m.metric),
    };
    let is_told = |m: &&MetricVerdict| is_untrusted || m.weight == Weight::Primary;
    let said: Vec<String> = sentinel.metrics.iter().filter(is_told).map(said).collect();
    let said = said.join("; ");
    if is_untrusted {
        let text = format!(
            "A/A check: the base differs from itself on {key}: {said}. Do not trust \
             this environment or any time above: stop other programs and compare again."
        );
        (Tone::Bad, text)
    } else if said.is_empty() {
        (Tone::Bad, format!("A/A check: {key} gave no verdict"))
    } else {
        (Tone::Plain, format!("A/A check: the base agrees with itself on {key}: {said}"))
    }
}

/// Which cases and metrics could not be compared, and why.
fn not_compared(comparison: &Comparison) -> Table {
    let mut table = Table::new("Not compared", &[]);
    let mut reasons = Vec::new();
    for case in &comparison.cases {
        let key = case.key.to_string();
        let is_untold = case.metrics.is_empty() && case.exact.is_empty();
        if case.answers.are_different() {
            // It has a table of its own.
            continue;
        }
        if let Some(reason) = case.outcome.reason() {
            let whose = case.failed.map_or(String::new(), |v| format!("{}: ", v.name()));
            // A reason may name the version itself.
            let reason = reason.strip_prefix(&whose).unwrap_or(reason);
            let why = format!("{whose}{}: {reason}", case.outcome.name());
            reasons.push((why, key.clone()));
        } else if is_untold {
            reasons.push(("no metric was told by both versions".to_owned(), key.clone()));
        }
        for (why, metric) in without_figures(case) {
            reasons.push((why, format!("{key} {metric}")));
        }
    }
    table.note_each(Tone::Bad, some, reasons);
    table
}

/// The metrics of `case` without a comparison, each behind its reason.
fn without_figures(case: &CaseComparison) -> Vec<(String, String)> {
    let paired = case.metrics.iter().filter_map(|m| {
        let why = m.decision.as_ref().err()?;
        Some((why.clone(), m.metric.to_string()))
    });
    let exact = case.exact.iter().filter(|e| e.verdict == Verdict::NotComparable).map(|e| {
        let who = match (e.base, e.candidate) {
            (Some(_), None) => "told by the base only",
            (None, Some(_)) => "told by the candidate only",
            _ => "told by too few processes",
        };
        (who.to_owned(), e.metric.to_string())
    });
    paired.chain(exact).collect()
}

fn conditions(comparison: &Comparison) -> Table {
    let mut table = Table::new("Conditions that differ", &["<what", "<base", "<candidate"]);
    let sides = Version::BOTH.map(|version| match version {
        Version::Base => described(&comparison.base),
        Version::Candidate => described(&comparison.candidate),
    });
    let names: BTreeSet<&String> = sides.iter().flat_map(BTreeMap::keys).collect();
    for name in names {
        let [base, candidate] =
            [0, 1].map(|side: usize| sides[side].get(name).map_or(NONE, String::as_str));
        if differ(name, [base, candidate]) {
            let is_expected = name == "revision";
            let tone = if is_expected { Tone::Plain } else { Tone::Bad };
            table.row(tone, [name, base, candidate]);
        }
    }
    if table.rows.iter().any(|row| row.tone == Tone::Bad) {
        table.note(Tone::Bad, "A difference found may be theirs, and not the source's.");
    }
    table
}

fn described(kit: &Kit) -> BTreeMap<String, String> {
    let build = kit.build.iter();
    let mut pairs: BTreeMap<String, String> =
        build.map(|(name, value)| (format!("build {name}"), value.clone())).collect();
    let aligned = match &kit.aligned {
        Reading::Known((aligned, all)) if aligned == all => "at 64 bytes".to_owned(),
        Reading::Known((aligned, all)) => format!("{aligned} of {all} functions at 64 bytes"),
        Reading::Missing(why) => format!("unknown ({why})"),
    };
    pairs.insert("alignment".to_owned(), aligned);
    pairs.insert("suite".to_owned(), kit.suite.clone());
    pairs
}

#[cfg(test)]
#[path = "comparison_tests.rs"]
mod tests;
