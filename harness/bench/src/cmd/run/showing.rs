//! What of a run is shown, and how.

use super::super::output::{self, LINE_MAX, note, print, print_json, style};
use super::session::Session;
use crate::job::scale::Scale;
use caxton_analysis::targets::{GradedTarget, grade};
use caxton_model::latest::latest_of_each_suite;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::store::RunFolder;
use caxton_model::record::{CaseRecord, Record, Status};
use caxton_model::sanitise::sanitise;
use caxton_report::answer;
use caxton_report::paint::paint;
use caxton_report::sections::{comparison_text, quoted, targets, text};
use clap::{ColorChoice, ValueEnum};
use serde::Serialize;
use std::path::Path;

/// Flame graphs that are named at the end; the page has all.
const PICTURES_MAX: usize = 3;

/// What of a run is shown, and how.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Results")]
pub(super) struct Showing {
    /// What is printed at the end
    #[arg(long, value_enum, value_name = "WHAT", env = "CAXTON_BENCH_REPORT",
          hide_env_values = true, default_value_t = ReportLength::Summary)]
    report: ReportLength,

    /// The same as --report full
    #[arg(hide_short_help = true, short, long, conflicts_with = "quiet")]
    verbose: bool,

    /// Neither progress nor a line for each case
    #[arg(short, long)]
    quiet: bool,

    /// Colours and bars
    #[arg(hide_short_help = true, long, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    /// Print the whole record, or the error, as one JSON text instead: for programs
    #[arg(hide_short_help = true, long, value_enum, value_name = "FORMAT",
          default_value_t = MessageFormat::Human)]
    message_format: MessageFormat,
}

/// How much of a run is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportLength {
    /// What was found, what to doubt, and where the rest is.
    Summary,
    /// Every table.
    Full,
}

/// For whom it is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MessageFormat {
    /// For people.
    Human,
    /// For programs.
    Json,
}

impl Showing {
    /// From now on, whatever is printed is printed so.
    pub(super) fn begin(self) {
        let is_json = self.is_json();
        output::begin(output::Shown {
            color: self.color,
            is_json,
            has_progress: !self.quiet,
            has_lines: !self.quiet && !is_json && !self.is_full(),
        });
    }

    /// Whether every table is wanted.
    pub(super) fn is_full(self) -> bool {
        (self.verbose || self.report == ReportLength::Full) && !self.is_json() && !self.quiet
    }

    fn is_json(self) -> bool {
        self.message_format == MessageFormat::Json
    }

    /// Prints what came of a run that is kept in `folder`, if it is.
    pub(super) fn run(self, session: &Session<'_>, record: &Record, folder: Option<&Path>) {
        let kept = folder.map(|folder| session.shown(folder));
        if self.is_json() {
            // As it is kept: with the number of its samples.
            let kept = folder.and_then(|folder| RunFolder::load_record(folder).ok());
            json(kept.as_ref().unwrap_or(record));
        } else if self.is_full() {
            print(text(record, &style()));
            if let Some(kept) = kept {
                note(&format!("kept in {kept}"));
            }
        } else {
            let summary = answer::summary(record);
            let next = folder
                .zip(kept)
                .map_or(String::new(), |(folder, kept)| next(session, folder, &kept, record));
            let gap = if self.quiet { "" } else { "\n" };
            print(format!("{gap}{}{next}", paint(&summary, &style())));
        }
    }

    /// Prints how the run stands to the targets, if that `is_wanted`: in a line, or each.
    pub(super) fn targets(self, session: &Session<'_>, record: &Record, is_wanted: bool) {
        let records = if is_wanted { of_all_suites(session, record) } else { Vec::new() };
        if records.is_empty() || self.is_json() {
            return;
        }
        if self.is_full() {
            print(paint(&targets::table(&records), &style()));
            return;
        }
        // Of a run that measured none of what the targets are of, it would be no news.
        if grade(std::slice::from_ref(record)).iter().all(|one| one.worst.is_err()) {
            return;
        }
        let graded = grade(&records);
        let count =
            |is_it: fn(&GradedTarget) -> bool| graded.iter().filter(|one| is_it(one)).count();
        let met = count(|one| one.worst.as_ref().is_ok_and(|worst| worst.level() == Some(0)));
        let open = count(|one| one.worst.is_err());
        let all = graded.len();
        print(format!(
            "  targets: {met} of {all} met, {open} not measured (latest of each suite)\n"
        ));
    }

    /// Prints a comparison that is kept in `folder`, with `every` metric or those that changed.
    pub(super) fn comparison(
        self,
        session: &Session<'_>,
        comparison: &Comparison,
        every: bool,
        folder: &Path,
    ) {
        if self.is_json() {
            let kept = RunFolder::load_comparison(folder).ok();
            return json(kept.as_ref().map_or(comparison, |(kept, _)| kept));
        }
        print(comparison_text(comparison, every, &style()));
        let report = session.report_of(folder);
        note(&format!("kept in {}", session.shown(folder)));
        note(&format!("as a page: {report} --html"));
    }
}

/// Where a run is kept, and what shows more of it.
fn next(session: &Session<'_>, folder: &Path, kept: &str, record: &Record) -> String {
    let report = session.report_of(folder);
    let mut told = vec![
        format!("kept in {kept}"),
        format!("every table: {report}"),
        format!("as a page: {report} --html"),
    ];
    let pictures = record.cases.iter().flat_map(|case| case.profiles.pictures());
    let paths = pictures.take(PICTURES_MAX).map(|picture| quoted(&format!("{kept}/{picture}")));
    told.extend(paths.map(|path| format!("flame graph: {path}")));
    let listings = record.cases.iter().flat_map(|case| case.profiles.listings());
    let paths = listings.take(1).map(|listing| quoted(&format!("{kept}/{listing}")));
    told.extend(paths.map(|path| format!("hot instructions: {path}")));
    let is_cut = |case: &CaseRecord| case.load.as_ref().is_some_and(|load| load.part().is_some());
    if record.run.status == Status::Interrupted && record.cases.iter().any(is_cut) {
        let (suite, start) = (&record.run.suite, session.report.trim_end_matches("report"));
        told.push(format!("go on: {start}run {suite} --resume {}", quoted(kept)));
    }
    lines(&told)
}

/// Not broken: they are copied.
fn lines(told: &[String]) -> String {
    told.iter().map(|line| format!("  {}\n", sanitise(line, LINE_MAX))).collect()
}

/// This run with the latest ones of the other suites of the same commit on the same machine, by
/// which the targets are graded; none for a run that is not whole.
fn of_all_suites(session: &Session<'_>, record: &Record) -> Vec<Record> {
    let is_timed = record.run.scale != Scale::Smoke.name() && !record.is_profile();
    // They are of a checkout's agents.
    if !is_timed || session.workspace.user.is_some() || record.run.status != Status::Finished {
        return Vec::new();
    }
    let mut records = latest_of_each_suite(&session.workspace.profiles, record);
    records.retain(|other| other.run.suite != record.run.suite);
    records.push(record.clone());
    records.sort_by(|a, b| a.run.suite.cmp(&b.run.suite));
    records
}

fn json(page: &impl Serialize) {
    // What is kept was read again before it was kept: it is JSON.
    print_json(&serde_json::to_string(page).unwrap_or_default());
}
