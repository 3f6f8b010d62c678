//! Markdown for GitHub: a step's summary with everything, and a comment with what matters. Both are
//! cut before GitHub would drop them as a whole, and say so.

use crate::answer::answer;
use crate::checks::{Check, Kind, State, of_run, worst};
use crate::ci::page::Page;
use crate::ci::{COMMENT_MAX, MARKER, SUMMARY_MAX};
use crate::export::known::ExportError;
use crate::markdown::words;
use crate::sections as report;
use crate::sections::{summary_line, tables};
use crate::table::Table;
use caxton_model::record::Record;
use caxton_model::samples::Sample;
use caxton_model::sanitise::sanitise;

const NAMED: usize = 5;
const SAYS_MAX: usize = 300;

pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let mut page = Page::new(SUMMARY_MAX);
    of_record(&mut page, record);
    page.tables(&tables(record));
    Ok(page.end().into_bytes())
}

pub(super) fn comment(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    let mut page = Page::new(COMMENT_MAX);
    page.add(&format!("{MARKER}\n"));
    of_record(&mut page, record);
    Ok(page.end().into_bytes())
}

fn of_record(page: &mut Page, record: &Record) {
    let line = words(&sanitise(&summary_line(record), SAYS_MAX));
    page.add(&format!("### caxton-bench\n\n{line}\n\n"));
    for found in answer(record).found {
        page.add(&format!("- {}\n", words(&found)));
    }
    page.add("\n");
    page.lines(&bullets(&of_run(record)));
    page.add("\n");
    page.tables(&standing(record));
}

/// How targets and requirements stand; nothing of a profiled run, which has no figures.
pub(super) fn standing(record: &Record) -> Vec<Table> {
    if record.is_profile() {
        return Vec::new();
    }
    let tables = [
        report::targets::table(std::slice::from_ref(record)),
        report::targets::by_runtime(&[record]),
        report::requirements_table(record),
    ];
    tables.into_iter().filter(|table| !table.rows.is_empty()).collect()
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
        let name = sanitise(&check.label(), SAYS_MAX);
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
    let rest = State::TOLD.into_iter().filter(|state| count(*state) > 0);
    let rest: Vec<String> = rest.map(|s| format!("{} {}", count(s), kind.word(s))).collect();
    let rest = if rest.is_empty() { String::new() } else { format!(" ({})", rest.join(", ")) };
    // The gravest of them: what nobody knows is not good, and what became better hides nothing.
    let grave = [State::Broken, State::Bad, State::Weak, State::Open, State::Better];
    let state = grave.into_iter().find(|state| count(*state) > 0).unwrap_or(State::Good);
    let how =
        if good == all && all > 1 { format!("All {all}") } else { format!("{good} of {all}") };
    format!("- {} {how} {noun} {verb}{rest}\n", state.mark())
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_fixture as fixture;

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
    fn a_line_is_green_only_where_all_of_it_is_good() {
        let check = |state| Check::new(Kind::Target, "target", "x", state, String::new());
        use State::{Bad, Better, Broken, Good, Open, Weak};
        for (states, mark) in [
            (&[Good, Good][..], "✅"),
            (&[Good, Open], "❔"),
            (&[Open, Open], "❔"),
            (&[Better, Good], "📈"),
            (&[Better, Open], "❔"),
            (&[Weak, Open, Good], "⚠️"),
            (&[Bad, Good, Better], "❌"),
            (&[Broken, Good], "❌"),
        ] {
            let checks: Vec<Check> = states.iter().map(|state| check(*state)).collect();
            let line = line(Kind::Target, &checks);
            assert!(line.starts_with(&format!("- {mark} ")), "{states:?}: {line}");
        }
    }
}
