//! Sides of the user's choice, each against the first.

use super::figures::{estimate, interval, launches, note_missing, notes};
use super::grid::sides;
use super::overhead::label;
use crate::table::{Table, Tone, name};
use caxton_analysis::reduce::Levels;
use caxton_model::case::Outcome;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::words::{NONE, percent};

const RATIO: &str = "side_to_reference_time";
const AGAIN: &str = "aa_time";

/// A table per agent: the reference, and a row for each side that is compared with it.
pub(super) fn tables(record: &Record) -> Vec<Table> {
    let cases = record.cases.iter().filter(|case| case.key.is_of_sides());
    let (same, versus): (Vec<&CaseRecord>, Vec<&CaseRecord>) =
        cases.partition(|case| case.key.is_same_against_same());
    let mut agents: Vec<String> = Vec::new();
    for case in &versus {
        if !agents.contains(&label(case)) {
            agents.push(label(case));
        }
    }
    let table = |agent: &String| table(agent, record, &of(agent, &versus), &of(agent, &same));
    agents.iter().map(table).collect()
}

/// Those of `cases` that are of `agent`.
fn of<'a>(agent: &str, cases: &[&'a CaseRecord]) -> Vec<&'a CaseRecord> {
    cases.iter().copied().filter(|case| label(case) == agent).collect()
}

fn table(agent: &str, record: &Record, versus: &[&CaseRecord], same: &[&CaseRecord]) -> Table {
    let levels = Levels::of_record(record);
    let reference = versus.first().map_or("", |case| sides(case).1.unwrap_or_default());
    let heading = format!("over {}", name(reference));
    let level = format!("{} interval", percent(levels.single));
    let columns =
        ["<side", "call", &heading, &level, "n", "over itself", "compile", "code", "<outcome"];
    let mut table = Table::new(&format!("Sides of {agent}: steady-state call"), &columns);
    let again = |side: &str| {
        let case = same.iter().find(|case| sides(case) == (side, Some(side)));
        case.map_or_else(|| NONE.to_owned(), |case| interval(case, AGAIN))
    };
    // Each side was measured beside the reference: the first of them stands for all.
    if let Some(case) = versus.iter().find(|case| case.outcome == Outcome::Ran) {
        let [call, compile, code] = ["call_ns", "compile_ns", "code_bytes"]
            .map(|metric| estimate(case, &format!("reference_{metric}")));
        let (one, none) = ("1".to_owned(), NONE.to_owned());
        let n = launches(case, RATIO);
        let cells = [call, one, none, n, again(reference), compile, code, case.ending().to_owned()];
        table.row(Tone::Plain, std::iter::once(name(reference)).chain(cells));
    }
    for case in versus {
        let (side, _) = sides(case);
        let has_run = case.outcome == Outcome::Ran;
        let cells = [
            estimate(case, "side_call_ns"),
            estimate(case, RATIO),
            interval(case, RATIO),
            launches(case, RATIO),
            again(side),
            estimate(case, "side_compile_ns"),
            estimate(case, "side_code_bytes"),
            case.ending().to_owned(),
        ];
        let tone = if has_run { Tone::Plain } else { Tone::Bad };
        table.row(tone, std::iter::once(name(side)).chain(cells));
    }
    notes(&mut table, versus, |case| name(sides(case).0));
    note_missing(&mut table, versus, RATIO, |case| name(sides(case).0));
    let why = format!(
        "Each side takes turns with {}, in processes of their own; \"over itself\" is the {} \
         interval of a side against itself, which should contain 1.",
        name(reference),
        percent(levels.same_against_same)
    );
    table.note(Tone::Plain, &why);
    table
}
