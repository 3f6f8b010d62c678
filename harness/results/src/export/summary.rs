//! Markdown for GitHub: a step's summary with everything, and a comment with what matters. Both are
//! cut before GitHub would drop them whole, and say so.

use crate::bars;
use crate::export::ExportError;
use crate::export::checks::{Check, Kind, State, of_comparison, of_run, worst};
use crate::paired::comparison::Comparison;
use crate::record::Record;
use crate::report::markdown::{all, words};
use crate::report::sanitise::sanitise;
use crate::report::table::Table;
use crate::report::{comparison_line, comparison_tables, summary_line, tables};
use crate::samples::Sample;
use crate::targets;

/// GitHub aborts the upload of a summary above 1,024 KiB.
const SUMMARY_MAX: usize = 1000 << 10;
/// GitHub refuses a comment above 64 KiB.
const COMMENT_MAX: usize = 60 << 10;
/// By this a workflow finds its own comment again.
const MARKER: &str = "<!-- caxton-bench -->\n";
/// Names in a line.
const NAMED: usize = 5;
/// Longest answer in a line.
const SAYS_MAX: usize = 300;

/// A step's summary of a run.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let text = of_record(record) + &all(&tables(record), 3);
    Ok(cut(&text, SUMMARY_MAX).into_bytes())
}

/// A step's summary of a comparison.
pub(super) fn compared(comparison: &Comparison) -> Result<Vec<u8>, ExportError> {
    Ok(cut(&of_pair(comparison, true), SUMMARY_MAX).into_bytes())
}

/// A comment on a run.
pub(super) fn comment(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    Ok(cut(&format!("{MARKER}{}", of_record(record)), COMMENT_MAX).into_bytes())
}

/// A comment on a comparison.
pub(super) fn compared_comment(comparison: &Comparison) -> Result<Vec<u8>, ExportError> {
    Ok(cut(&format!("{MARKER}{}", of_pair(comparison, false)), COMMENT_MAX).into_bytes())
}

fn of_record(record: &Record) -> String {
    let line = words(&sanitise(&summary_line(record), SAYS_MAX));
    let mut text = format!("## Performance benchmarks\n\n{line}\n\n");
    text += &bullets(&of_run(record));
    text.push('\n');
    text + &all(&standing(record), 3)
}

/// How targets and bars stand; nothing of a profiled run, which has no figures.
pub(super) fn standing(record: &Record) -> Vec<Table> {
    if record.is_profile() {
        return Vec::new();
    }
    let tables = [targets::table(std::slice::from_ref(record)), bars::table(record)];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
}

fn of_pair(comparison: &Comparison, full: bool) -> String {
    let line = words(&sanitise(&comparison_line(comparison), SAYS_MAX));
    let mut text = format!("## Performance comparison\n\n{line}\n\n");
    text += &bullets(&of_comparison(comparison));
    text.push('\n');
    text + &all(&comparison_tables(comparison, full), 3)
}

/// A line for each kind of question, and lines for the answers that one wants to see.
pub(super) fn bullets(checks: &[Check]) -> String {
    let mut out = String::new();
    for kind in Kind::ALL {
        let own: Vec<Check> = checks.iter().filter(|check| check.kind == kind).cloned().collect();
        if own.is_empty() {
            continue;
        }
        out += &line(kind, &own);
        out += &some(&worst(&own));
        for state in [State::Weak, State::Better] {
            let such: Vec<&Check> = own.iter().filter(|check| check.state == state).collect();
            out += &some(&such);
        }
    }
    out
}

/// The first of `checks`, a line each, and how many more there are.
fn some(checks: &[&Check]) -> String {
    let mut out = String::new();
    for check in checks.iter().take(NAMED) {
        let name = sanitise(&format!("{}/{}", check.group, check.name), SAYS_MAX);
        let says = sanitise(&check.says, SAYS_MAX);
        out += &format!("  - {} {}: {}\n", check.state.mark(), words(&name), words(&says));
    }
    if checks.len() > NAMED {
        out += &format!("  - and {} more\n", checks.len() - NAMED);
    }
    out
}

/// How many of a kind are good, and what became of the rest.
fn line(kind: Kind, checks: &[Check]) -> String {
    let count = |state: State| checks.iter().filter(|check| check.state == state).count();
    let [noun, verb] = kind.words();
    let all = checks.len();
    let good = count(State::Good) + count(State::Better);
    let rest = State::TOLD.into_iter().filter(|(state, _)| count(*state) > 0);
    let rest: Vec<String> = rest.map(|(s, word)| format!("{} {word}", count(s))).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
    // The gravest of them; what nobody asked for is no blemish on the rest.
    let gravest = [State::Broken, State::Bad, State::Weak].into_iter().find(|s| count(*s) > 0);
    let state = gravest.unwrap_or(match (count(State::Better), good) {
        (1.., _) => State::Better,
        (_, 0) => State::Open,
        _ => State::Good,
    });
    let how =
        if good == all && all > 1 { format!("All {all}") } else { format!("{good} of {all}") };
    format!("- {} {how} {noun} {verb}{rest}\n", state.mark())
}

/// `text`, at most `max` bytes of it, in whole lines and with a line on what is missing.
fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let note = format!("\n> Cut at {} KiB: the artifact has the rest.\n", max >> 10);
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        if out.len() + line.len() + note.len() > max {
            break;
        }
        out += line;
    }
    out + &note
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn what_is_too_long_is_cut_between_lines_and_says_so() {
        let text = "äöü\n".repeat(100);
        assert_eq!(cut(&text, 700), text);
        let cut = cut(&text, 650);
        assert!(cut.len() <= 650 && cut.starts_with("äöü\näöü\n"), "{cut}");
        assert!(cut.ends_with("äöü\n\n> Cut at 0 KiB: the artifact has the rest.\n"), "{cut}");
    }

    #[test]
    fn a_huge_run_keeps_below_githubs_limits() {
        let (mut record, samples) = fixture::run();
        let case = record.cases[0].clone();
        for i in 0..20_000 {
            let mut case = case.clone();
            case.key.agent = format!("agent-{i}");
            record.cases.push(case);
        }
        let summary = export(&record, &samples).unwrap();
        assert!(summary.len() > SUMMARY_MAX / 2 && summary.len() <= SUMMARY_MAX);
        assert!(comment(&record, &samples).unwrap().len() <= COMMENT_MAX);
    }

    #[test]
    fn a_comment_begins_with_its_marker() {
        let (record, samples) = fixture::run();
        assert!(comment(&record, &samples).unwrap().starts_with(MARKER.as_bytes()));
    }
}
