//! The comment and the summary: one page, long and short.

use super::findings::{Finding, findings, regressed};
use super::markdown::{fence, row, span, table};
use super::{COMMENT_MAX, Job, MARKER, Outcome, SUMMARY_MAX};
use crate::paired::comparison::Comparison;
use crate::paired::decide::Verdict;
use crate::report::figures::{NONE, percent};
use crate::report::{comparison_line, comparison_tables};
use std::fmt::Write;

/// Most bytes of what a compiler said.
const SAID_MAX: usize = 24 << 10;
/// Kept for the line that says what was left out, and for what closes a fold.
const RESERVE: usize = 256;
/// Of a table of changes.
const HEADINGS: [&str; 7] =
    ["case", "metric", "times worse", "interval", "base", "head", "in words"];

/// The comment on a pull request: at most [`COMMENT_MAX`] bytes, and [`MARKER`] first.
pub fn comment(job: &Job<'_>) -> String {
    let mut page = Page::new(COMMENT_MAX);
    page.add(&format!("{MARKER}\n"));
    page.body(job, false);
    page.end()
}

/// The summary of a job: the comment without its mark, and every metric.
pub fn summary(job: &Job<'_>) -> String {
    let mut page = Page::new(SUMMARY_MAX);
    page.body(job, true);
    page.end()
}

/// A page that is being filled, and never overflows.
struct Page {
    text: String,
    max: usize,
    left_out: usize,
}

impl Page {
    const fn new(max: usize) -> Self {
        Self { text: String::new(), max, left_out: 0 }
    }

    /// Adds a part as a whole, or counts it as left out; true if it was added.
    fn add(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() + RESERVE <= self.max;
        if fits {
            self.text += part;
        } else {
            self.left_out += 1;
        }
        fits
    }

    fn end(mut self) -> String {
        if self.left_out > 0 {
            let left = self.left_out;
            write!(self.text, "\n_{left} further parts are left out: the artifact has all._\n")
                .expect("a String takes every character");
        }
        self.text
    }

    fn body(&mut self, job: &Job<'_>, is_long: bool) {
        let [base, head] = [job.base, job.head].map(span);
        self.add(&format!("### caxton-bench: {}\n\n{head} against {base}\n\n", job.verdict()));
        match job.outcome {
            Outcome::Compared(comparison) => self.compared(comparison, is_long),
            Outcome::Without { why, said } => {
                self.add(&format!("{}\n\n", span(why)));
                if !said.trim().is_empty() {
                    self.add(&fence(said, SAID_MAX));
                }
            }
        }
        let again = format!("scripts/ci-bench {} {}", job.base, job.head);
        self.add(&format!("\nThe same on your machine: {}\n", span(&again)));
    }

    fn compared(&mut self, comparison: &Comparison, is_long: bool) {
        let all = findings(comparison);
        self.add(&format!("{}\n\n", counts(&all)));
        let worse: Vec<&Finding<'_>> =
            all.iter().filter(|f| f.verdict == Some(Verdict::Regressed)).collect();
        if worse.len() > regressed(comparison).len() {
            self.add("⚠ The base differs from itself: no time below counts.\n\n");
        }
        self.changes("Regressed", &worse);
        for table_ in comparison_tables(comparison, is_long) {
            // What changed has its own tables here, with every name in full.
            if table_.title != "Changes" && !table_.title.starts_with("Comparison ") {
                self.add(&table(&table_));
            }
        }
        let of = |verdict: Verdict| -> Vec<&Finding<'_>> {
            all.iter().filter(|f| f.verdict == Some(verdict) && f.is_weighty).collect()
        };
        for (name, verdict) in
            [("Improved", Verdict::Improved), ("Inconclusive", Verdict::Inconclusive)]
        {
            let found = of(verdict);
            if !found.is_empty() {
                self.add(&format!("<details><summary>{name}: {}</summary>\n\n", found.len()));
                self.changes("", &found);
                self.text += "\n</details>\n\n";
            }
        }
        self.add(&format!("{}\n", span(&comparison_line(comparison))));
    }

    /// A table of `found`, row by row: as many as there is room for.
    fn changes(&mut self, title: &str, found: &[&Finding<'_>]) {
        if found.is_empty() {
            return;
        }
        let title = if title.is_empty() { String::new() } else { format!("**{title}**\n\n") };
        let head = row(HEADINGS.map(str::to_owned)) + &row(HEADINGS.map(|_| "---".to_owned()));
        if self.add(&(title + &head)) {
            for finding in found {
                self.add(&line(finding));
            }
            self.text.push('\n');
        }
    }
}

/// How many verdicts of which kind there are.
fn counts(all: &[Finding<'_>]) -> String {
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

fn line(finding: &Finding<'_>) -> String {
    let unit = finding.metric.metric().unit;
    let figure = |value: Option<f64>| value.map_or(NONE.to_owned(), |value| unit.show(value));
    let [base, head] = finding.figures.map(figure);
    // A count is exact, and so is its ratio.
    let digits = if finding.interval.is_none() { 5 } else { 3 };
    let ratio = finding.worse.map_or(NONE.to_owned(), |worse| format!("**{worse:.digits$}x**"));
    let interval = finding.interval.map_or("exact".to_owned(), |i| {
        format!("[{:.3}, {:.3}] at {}", i.lower, i.upper, percent(i.level))
    });
    let case = span(&finding.case.key.to_string());
    let metric = span(finding.metric.as_str());
    row([case, metric, ratio, interval, base, head, finding.words.replace('|', "¦")])
}
