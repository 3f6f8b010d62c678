//! The comment and the summary of a job: one page, long and short.

use super::github::{COMMENT_MAX, MARKER, SUMMARY_MAX};
use super::job::{Job, Outcome};
use super::page::Page;
use crate::checks::changes::{Change, DIFFERS, findings, regressed};
use crate::markdown::{LOOK, fence, span, words};
use crate::sections::{comparison_line, comparison_tables};
use crate::table::{Table, Tone};
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::sanitise::sanitise;
use caxton_model::words::{NONE, percent};

const LINE_MAX: usize = 400;
/// Most bytes of what a compiler said.
const SAID_MAX: usize = 24 << 10;
const HEADINGS: [&str; 7] =
    ["<case", "<metric", "times worse", "<interval", "base", "head", "<in words"];

/// The comment on a pull request: at most [`COMMENT_MAX`] bytes, and [`MARKER`] first.
pub fn comment(job: &Job<'_>) -> String {
    let mut page = Page::new(COMMENT_MAX);
    page.add(&format!("{MARKER}\n"));
    body(&mut page, job, false);
    page.end()
}

/// The summary of a job: the comment without its mark, and every metric.
pub fn summary(job: &Job<'_>) -> String {
    let mut page = Page::new(SUMMARY_MAX);
    body(&mut page, job, true);
    page.end()
}

/// The verdict of a job, and what changed: the beginning of a longer report.
pub(crate) fn verdict(job: &Job<'_>) -> String {
    let mut page = Page::new(usize::MAX);
    page.add(&format!("**{}**: {}\n\n", job.verdict(), versions(job)));
    if let Outcome::Compared(comparison) = job.outcome {
        let all = findings(comparison);
        worse(&mut page, comparison, &all);
        rest(&mut page, &all);
    }
    page.end()
}

fn body(page: &mut Page, job: &Job<'_>, is_long: bool) {
    page.add(&format!("### caxton-bench: {}\n\n{}\n\n", job.verdict(), versions(job)));
    match job.outcome {
        Outcome::Compared(comparison) => compared(page, comparison, is_long),
        Outcome::Without { why, said } => {
            page.add(&format!("{}\n\n", line(why)));
            if !said.trim().is_empty() {
                page.add(&fence(said, SAID_MAX));
            }
        }
    }
    let again = span(&sanitise(job.again, LINE_MAX));
    page.add(&format!("\nThe same on your machine: {again}\n"));
}

fn versions(job: &Job<'_>) -> String {
    let [base, head] = [job.base, job.head].map(line);
    format!("{head} against {base}")
}

fn line(text: &str) -> String {
    words(&sanitise(text, LINE_MAX))
}

fn compared(page: &mut Page, comparison: &Comparison, is_long: bool) {
    let all = findings(comparison);
    worse(page, comparison, &all);
    // What changed has its own tables here, with every name in full.
    let is_other = |t: &Table| t.title != "Changes" && !t.title.starts_with("Comparison ");
    let tables = comparison_tables(comparison, is_long).into_iter().filter(is_other);
    page.tables(&tables.collect::<Vec<_>>());
    rest(page, &all);
    page.add(&format!("{}\n", line(&comparison_line(comparison))));
}

/// How many verdicts there are, and those that need somebody.
fn worse(page: &mut Page, comparison: &Comparison, all: &[Change<'_>]) {
    page.add(&format!("{}\n\n", counts(all)));
    let worse = of(all, Verdict::Regressed);
    if worse.len() > regressed(comparison).len() {
        page.add(&format!("{LOOK} {DIFFERS}\n\n"));
    }
    if !worse.is_empty() {
        page.tables(&[changes("Regressed", &worse)]);
    }
}

/// What else there is to see, folded away.
fn rest(page: &mut Page, all: &[Change<'_>]) {
    let kinds = [("Improved", Verdict::Improved), ("Inconclusive", Verdict::Inconclusive)];
    for (name, verdict) in kinds {
        let found = of(all, verdict);
        if !found.is_empty() {
            page.folded(&format!("{name}: {}", found.len()), &changes("", &found));
        }
    }
}

fn of<'a>(all: &'a [Change<'a>], verdict: Verdict) -> Vec<&'a Change<'a>> {
    all.iter().filter(|f| f.verdict == Some(verdict) && f.is_weighty()).collect()
}

/// How many verdicts of which kind there are.
fn counts(all: &[Change<'_>]) -> String {
    let count = |verdict| all.iter().filter(|f| f.verdict == verdict).count();
    let kinds = [
        (Some(Verdict::Regressed), "regressed"),
        (Some(Verdict::Improved), "improved"),
        (Some(Verdict::Inconclusive), "inconclusive"),
        (Some(Verdict::NotComparable), "not comparable"),
        (None, "open"),
        (Some(Verdict::Ok), "OK"),
    ];
    let parts = kinds.into_iter().map(|(verdict, word)| (count(verdict), word));
    let parts = parts.filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}"));
    let parts: Vec<String> = parts.collect();
    format!("{} of {} verdicts", parts.join(", "), all.len())
}

fn changes(title: &str, found: &[&Change<'_>]) -> Table {
    let mut table = Table::new(title, &HEADINGS);
    for finding in found {
        let is_bad = finding.verdict == Some(Verdict::Regressed);
        let tone = if is_bad { Tone::Bad } else { Tone::Plain };
        table.wide(tone, cells(finding));
    }
    table
}

fn cells(finding: &Change<'_>) -> [String; 7] {
    let unit = finding.metric.metric().unit;
    let figure = |value: Option<f64>| value.map_or(NONE.to_owned(), |value| unit.show(value));
    let [base, head] = finding.figures.map(figure);
    // A count is exact, and so is its ratio.
    let digits = if finding.interval.is_none() { 5 } else { 3 };
    let ratio = finding.worse.map_or(NONE.to_owned(), |worse| format!("{worse:.digits$}x"));
    let interval = finding.interval.map_or("exact".to_owned(), |i| {
        format!("[{:.3}, {:.3}] at {}", i.lower, i.upper, percent(i.level))
    });
    let (case, metric) = (finding.case.key.to_string(), finding.metric.as_str().to_owned());
    [case, metric, ratio, interval, base, head, finding.words.clone()]
}
