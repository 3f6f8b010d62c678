//! A record as topics, and those as tables. What is shown is apart from how it is painted: text,
//! Markdown and the page tell the same topics in the same order.
//!
//! Nothing is computed here that is not in the record: a report of a folder says the same on every
//! machine.

mod account;
pub(crate) mod again;
mod caxton;
mod comparison;
mod compiled;
mod conditions;
mod counters;
pub(crate) mod figures;
mod findings;
pub mod floors;
mod found;
pub(crate) mod functions;
pub(crate) mod grid;
mod heap;
mod instructions;
mod latency;
pub(crate) mod limits;
pub(crate) mod load;
pub(crate) mod overhead;
pub(crate) mod parts;
mod peers;
mod profiles;
mod programs;
mod records;
mod resources;
mod same;
pub(crate) mod scaling;
pub mod selftest;
mod sides;
pub mod targets;
mod throughput;

pub(crate) use crate::paint::wrap;
pub use crate::paint::{Style, paint};
use crate::table::{Table, Tone};
pub use again::quoted;
use caxton_model::case::Outcome;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record, Status};
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

/// The report as data: those of its tables that have something to say.
pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let graded = if record.is_profile() { None } else { Some(requirements_table(record)) };
    let topics = TOPICS.iter().flat_map(|topic| topic.groups(record));
    let tables = topics.flat_map(|(_, tables)| tables);
    let tables = std::iter::once(headline(record)).chain(graded).chain(tables);
    tables.filter(|table| !table.is_empty()).collect()
}

/// Tables that belong together, behind what they are where they are shown on demand.
pub(crate) type TableGroup = (&'static str, Vec<Table>);

/// A part of every report of a run.
pub(crate) struct Topic {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    groups: fn(&Record) -> Vec<TableGroup>,
}

impl Topic {
    /// A profiled run has no figures.
    pub(crate) fn is_of(&self, record: &Record) -> bool {
        !record.is_profile() || ["profiles", "environment"].contains(&self.id)
    }

    pub(crate) fn groups(&self, record: &Record) -> Vec<TableGroup> {
        if self.is_of(record) { (self.groups)(record) } else { Vec::new() }
    }
}

/// In the order in which they are told.
pub(crate) const TOPICS: [Topic; 11] = [
    Topic {
        id: "overhead",
        title: "Native against WASM",
        groups: |record| {
            let phases = [overhead::phases(record), overhead::sizes(record)].concat();
            vec![
                ("", overhead::calls(record)),
                ("Sides", sides::tables(record)),
                ("Programs", programs::tables(record)),
                ("The same against itself", same::same_against_same(record)),
                ("Phases and sizes", phases),
                ("Compiling", compiled::tables(record)),
                ("Instructions", instructions::tables(record)),
                ("Counters per call", counters::per_call(record)),
            ]
        },
    },
    Topic {
        id: "parts",
        title: "Where the overhead goes",
        groups: |record| vec![("", parts::tables(record))],
    },
    Topic {
        id: "limits",
        title: "Under a memory limit",
        groups: |record| vec![("", limits::tables(record))],
    },
    Topic {
        id: "loads",
        title: "Loads",
        groups: |record| vec![("", [load::tables(record), account::tables(record)].concat())],
    },
    Topic {
        id: "messages",
        title: "Messages and response times",
        groups: |record| {
            let rates = [throughput::tables(record), peers::tables(record)].concat();
            vec![("", rates), ("", latency::tables(record))]
        },
    },
    Topic { id: "scaling", title: "Scaling", groups: |record| vec![("", scaling::tables(record))] },
    Topic {
        id: "resources",
        title: "Memory, CPU time and recovery",
        groups: |record| vec![("", resources::tables(record))],
    },
    Topic {
        id: "caxton",
        title: "The crate caxton",
        groups: |record| vec![("", caxton::tables(record))],
    },
    Topic {
        id: "profiles",
        title: "Profiles",
        groups: |record| {
            let profiled = if record.is_profile() { profiles::tables(record) } else { Vec::new() };
            vec![("", profiled), ("", heap::tables(record))]
        },
    },
    Topic {
        id: "as-found",
        title: "In quiet, and as found",
        groups: |record| vec![("", found::tables(record))],
    },
    Topic {
        id: "environment",
        title: "Environment",
        groups: |record| {
            let all = [conditions::instrument(record), conditions::environment(record)].concat();
            vec![("Instrument, machine, builds, warnings", all)]
        },
    },
];

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
    // What is measured against itself belongs to the case that it says how far to trust.
    let has_others = record.cases.iter().any(|case| !case.key.is_same_against_same());
    let is_counted = |case: &&CaseRecord| !has_others || !case.key.is_same_against_same();
    let cases = record.cases.iter().filter(is_counted);
    let planned = cases.clone().count();
    let ran = cases.clone().filter(|case| case.outcome == Outcome::Ran).count();
    let is_lacking = |case: &&CaseRecord| matches!(case.outcome, Outcome::Unsupported(_));
    let lacking = match cases.clone().filter(is_lacking).count() {
        0 => String::new(),
        count => format!(", {count} unsupported"),
    };
    let begun = cases.clone().filter(|case| !matches!(case.outcome, Outcome::NotRun(_)));
    let is_cut = |case: &&CaseRecord| {
        let is_part = case.load.as_ref().is_some_and(|load| load.part().is_some());
        is_part || (case.outcome == Outcome::Ran && case.launches.granted < case.launches.wanted)
    };
    let (cut, whole): (Vec<_>, Vec<_>) = begun.partition(is_cut);
    let in_part = if cut.is_empty() { String::new() } else { format!(", {} in part", cut.len()) };
    let progress = format!("{} of {planned} cases whole{in_part}", whole.len());
    match record.run.status {
        Status::Finished if ran == planned && planned == 1 => "finished, its case ran".to_owned(),
        Status::Finished if ran == planned => format!("finished, all {planned} cases ran"),
        Status::Finished => format!("finished, {ran} of {planned} cases ran{lacking}"),
        Status::Running => format!("running or killed: {progress}"),
        Status::Interrupted => format!("interrupted: {progress}"),
        Status::Failed => format!("the harness failed: {progress}"),
    }
}

#[cfg(test)]
mod tests;
