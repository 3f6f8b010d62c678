//! `report.md`: a summary with marks, then throughput, latency and resources as Baseline, Current
//! and Change, then how targets stand, then every table that a terminal shows, and how to do it
//! again. Of a run alone, of a run beside another one, or of a comparison.

mod rows;

use crate::checks::{of_records, of_run};
use crate::ci::{Job, Outcome, verdict};
use crate::export::known::ExportError;
use crate::export::summary::{bullets, standing};
use crate::markdown::{all, span, words};
use crate::sections::again::again;
use crate::sections::{comparison_tables, records_tables, revision_words, tables, versions};
use caxton_analysis::compare::Records;
use caxton_analysis::limits::Limits;
use caxton_model::reading::Reading;
use caxton_model::record::{Host, Record, Run};
use caxton_model::samples::Sample;
use caxton_model::sanitise::sanitise;
use caxton_model::words::NONE;

const LINE_MAX: usize = 400;

pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let text = head(&record.run, &record.host, None) + "## Summary\n\n" + &bullets(&of_run(record));
    let text = text + "\n## Detailed Results\n\n" + &all(&rows::of_run(record, None), 3);
    Ok((text + &tail(record)).into_bytes())
}

/// Of a run beside `baseline`, another run.
pub(super) fn against(record: &Record, baseline: &Record) -> Vec<u8> {
    let limits = Limits::default();
    let records = Records::compare(baseline, record, &[], &limits);
    let checks = [of_run(record), of_records(&records)].concat();
    let base = format!("run {}, {}", baseline.run.id, revision_words(&baseline.run.revision));
    let mut text = head(&record.run, &record.host, Some(&base));
    text += &format!("## Summary\n\n{}\n## Detailed Results\n\n", bullets(&checks));
    text += &all(&rows::of_run(record, Some((baseline, &records))), 3);
    text += &format!("## Beside the baseline\n\n{}", all(&records_tables(&records), 3));
    (text + &tail(record)).into_bytes()
}

/// Of a comparison; where there is none, what the job says.
pub(super) fn compared(job: &Job<'_>) -> String {
    let verdict = verdict(job);
    let Outcome::Compared(comparison) = job.outcome else { return verdict };
    let [base, candidate] = versions(comparison);
    let mut text = head(&comparison.run, &comparison.host, Some(&base));
    text += &format!("Candidate: {}\n\n## Summary\n\n{verdict}", line(&candidate));
    text += &format!("## Detailed Results\n\n{}", all(&rows::of_comparison(comparison), 3));
    text += &format!("## Every table\n\n{}", all(&comparison_tables(comparison, true), 3));
    text + &reproduce(&comparison.run)
}

fn head(run: &Run, host: &Host, baseline: Option<&str>) -> String {
    let known = |name: &str| host.fingerprint.get(name).and_then(Reading::known);
    let cpu = known("cpu_model").map_or("unknown processor", String::as_str);
    let cores = host.cores().map_or(NONE.to_owned(), |cores| cores.to_string());
    let memory = host.memory_bytes.known().map_or(NONE.to_owned(), ToString::to_string);
    let environment = format!("{cpu}, {cores} cores, {memory} of memory");
    let mut text = "# Performance Benchmark Report\n\n".to_owned();
    let what = format!("suite {}, scale {}, run {}", run.suite, run.scale, run.id);
    let pairs = [
        ("Date", run.updated_utc.clone()),
        ("Commit", revision_words(&run.revision).trim_start_matches("commit ").to_owned()),
        ("Environment", environment),
        ("Run", what),
    ];
    for (name, value) in pairs {
        text += &format!("{name}: {}  \n", line(&value));
    }
    if let Some(baseline) = baseline {
        text += &format!("Baseline: {}  \n", line(baseline));
    }
    text + "\n"
}

fn line(text: &str) -> String {
    words(&sanitise(text, LINE_MAX))
}

fn tail(record: &Record) -> String {
    let standing = standing(record);
    let mut text = String::new();
    if !standing.is_empty() {
        text += &format!("## Targets\n\n{}", all(&standing, 3));
    }
    // The requirements stand above.
    let is_new = |table: &crate::table::Table| !standing.contains(table);
    let tables: Vec<_> = tables(record).into_iter().filter(is_new).collect();
    text += &format!("## Every table\n\n{}", all(&tables, 3));
    text + &reproduce(&record.run)
}

fn reproduce(run: &Run) -> String {
    format!(
        "## How to reproduce\n\n1. Check out {}.\n2. {}\n",
        line(&revision_words(&run.revision)),
        span(&sanitise(&again(run), LINE_MAX))
    )
}
