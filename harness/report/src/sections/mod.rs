//! A record as tables, and tables as text. What is shown is apart from how it is painted: the same
//! rows can become another format.
//!
//! Nothing is computed here that is not in the record: a report of a folder says the same on every
//! machine.

pub(crate) mod again;
mod comparison;
pub(crate) mod conditions;
pub(crate) mod counters;
pub(crate) mod figures;
mod findings;
pub mod floors;
pub(crate) mod functions;
pub(crate) mod grid;
pub(crate) mod heap;
pub(crate) mod latency;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod overhead;
pub(crate) mod parts;
pub(crate) mod profiles;
mod records;
pub(crate) mod resources;
pub(crate) mod same;
pub(crate) mod scaling;
pub mod selftest;
pub mod targets;
pub(crate) mod throughput;

pub(crate) use crate::paint::wrap;
pub use crate::paint::{Style, paint};
use crate::table::{Table, Tone};
pub use again::quoted;
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::{Record, Status};
pub(crate) use comparison::comparison_tables;
pub use comparison::{comparison_line, comparison_text, revision_words};
pub(crate) use comparison::{exact_words, paired_words, share, versions};
pub use findings::limits_table;
pub(crate) use findings::requirements_table;
pub(crate) use records::records_tables;
pub use records::records_text;

/// The report for a terminal.
pub fn text(record: &Record, style: &Style) -> String {
    crate::paint::all(&tables(record), style)
}

/// The report as data: its sections in order, those that have something to say.
pub(crate) fn tables(record: &Record) -> Vec<Table> {
    if record.is_profile() {
        let mut tables = vec![headline(record)];
        tables.extend(profiles::tables(record));
        tables.extend(conditions::environment(record));
        return tables.into_iter().filter(|table| !table.is_empty()).collect();
    }
    let sections = [
        vec![headline(record)],
        overhead::calls(record),
        same::same_against_same(record),
        overhead::phases(record),
        overhead::sizes(record),
        counters::per_call(record),
        limits::tables(record),
        parts::tables(record),
        heap::tables(record),
        load::tables(record),
        throughput::tables(record),
        latency::tables(record),
        scaling::tables(record),
        resources::tables(record),
        vec![requirements_table(record)],
        conditions::instrument(record),
        conditions::environment(record),
    ];
    sections.into_iter().flatten().filter(|table| !table.is_empty()).collect()
}

fn headline(record: &Record) -> Table {
    let run = &record.run;
    let status = status(record);
    let title = format!("Run {}: suite {}, scale {}: {status}", run.id, run.suite, run.scale);
    let mut table = Table::new(&title, &[]);
    let commit = match &run.revision.commit {
        Reading::Known(commit) => {
            format!("commit {commit}{}", run.revision.differs("uncommitted changes"))
        }
        Reading::Missing(why) => format!("commit unknown ({why})"),
    };
    let times = format!("from {} to {}", run.started_utc, run.updated_utc);
    table.note(Tone::Plain, &format!("{commit}; {times}; seed {}", run.seed));
    table.note(Tone::Plain, &format!("command: {}", run.command.join(" ")));
    let is_whole = run.status == Status::Finished;
    if !is_whole {
        table.note(Tone::Bad, "Incomplete run: results cover only the cases that finished.");
    }
    table
}

/// A run in one line: when, of what, and how it stands.
pub fn summary_line(record: &Record) -> String {
    let run = &record.run;
    let commit = run.revision.commit.known().map_or("unknown", String::as_str);
    let status = status(record);
    format!("{}  commit {commit}  {} {}  {status}", run.started_utc, run.suite, run.scale)
}

/// How the run stands, with its count of cases.
pub(crate) fn status(record: &Record) -> String {
    let planned = record.cases.len();
    let finished =
        record.cases.iter().filter(|case| !matches!(case.outcome, Outcome::NotRun(_))).count();
    let ran = record.cases.iter().filter(|case| case.outcome == Outcome::Ran).count();
    let progress = format!("{finished} of {planned} cases finished");
    match record.run.status {
        Status::Finished if ran == planned => format!("finished, all {planned} cases ran"),
        Status::Finished => format!("finished, {ran} of {planned} cases ran"),
        Status::Running => format!("running or killed: {progress}"),
        Status::Interrupted => format!("interrupted: {progress}"),
        Status::Failed => format!("the harness failed: {progress}"),
    }
}

#[cfg(test)]
mod tests;
