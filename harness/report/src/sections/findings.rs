//! Findings as tables: limits of the user's own, and the requirements of the reference runtime.

use crate::table::{Table, Tone};
use caxton_analysis::finding::{Finding, LimitVerdict};
use caxton_analysis::requirements;
use caxton_model::record::Record;
use caxton_model::words::{NONE, bounds, list};

/// Each limit beside its figure; `idle` are lines of the file whose limits concern no case.
pub fn limits_table(findings: &[Finding], idle: &[usize]) -> Table {
    let columns = ["<case", "<metric", "limit", "figure", "interval", "n", "<verdict"];
    let mut table = Table::new("Limits", &columns);
    for finding in findings {
        row(&mut table, &[&finding.subject, finding.metric.as_str()], finding);
    }
    for Finding { subject, metric, verdict, .. } in findings {
        if let Some(why) = verdict.why() {
            table.note(Tone::Bad, &format!("{subject}: no {metric}: {why}"));
        }
    }
    for line in idle {
        let text = format!("The limit at line {line} matches no case of this run: correct it.");
        table.note(Tone::Bad, &text);
    }
    table
}

pub(crate) fn requirements_table(record: &Record) -> Table {
    let columns = ["<requirement", "limit", "figure", "interval", "n", "<verdict"];
    let mut table = Table::new("Requirements of the reference runtime", &columns);
    let findings = requirements::grade(record);
    findings.iter().for_each(|finding| row(&mut table, &[&finding.subject], finding));
    let missing = findings
        .iter()
        .filter_map(|finding| Some((finding.verdict.why()?.to_owned(), finding.subject.clone())));
    table.note_each(Tone::Bad, list, missing);
    if !findings.is_empty() {
        let text = "MET and MISSED hold for the whole interval, at 95 %; for a ratio of two \
                    cases, at 90 %.";
        table.note(Tone::Plain, text);
    }
    table
}

fn row(table: &mut Table, names: &[&str], finding: &Finding) {
    let Finding { unit, estimate, verdict, .. } = finding;
    let [shown, interval, n] = match estimate {
        Some(summary) => [
            unit.show(summary.estimate),
            summary.interval.map_or(NONE.to_owned(), |interval| bounds(&interval, *unit)),
            summary.n.to_string(),
        ],
        None => [NONE; 3].map(str::to_owned),
    };
    let tone = if *verdict == LimitVerdict::Met { Tone::Plain } else { Tone::Bad };
    let cells =
        [finding.asked(), shown, interval, n, verdict.word(&LimitVerdict::LIMIT).to_owned()];
    table.row(tone, names.iter().map(|name| (*name).to_owned()).chain(cells));
}
