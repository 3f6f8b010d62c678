//! The same against itself: what the instrument sees where there is nothing to see.

use crate::sections::figures::{estimate, interval, note_missing, notes, too_few};
use crate::table::{Table, Tone, name};
use caxton_analysis::reduce::Levels;
use caxton_model::case::NATIVE_VS_NATIVE;
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::words::{NONE, percent};

const METRIC: &str = "aa_time";
const SIDES: [&str; 2] = ["native", "wasm"];

/// The two sides of an agent, native first.
type Sides<'a> = [Option<&'a CaseRecord>; 2];

/// One row per agent, and whether every interval contains 1.
pub(crate) fn same_against_same(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> = record
        .cases
        .iter()
        .filter(|case| case.key.is_same_against_same() && !case.key.is_of_sides())
        .collect();
    let columns =
        ["<agent", "native/native", "interval", "wasm/wasm", "interval", "n", "<contains 1"];
    let mut table = Table::new("The same against itself (A/A)", &columns);
    let mut agents: Vec<&str> = Vec::new();
    for case in &cases {
        if !agents.contains(&case.key.agent.as_str()) {
            agents.push(&case.key.agent);
        }
    }
    for agent in agents {
        let is_it = |case: &&&CaseRecord, side| case.key.agent == agent && side_of(case) == side;
        let sides: Sides<'_> =
            SIDES.map(|side| cases.iter().find(|case| is_it(case, side)).copied());
        let contains = verdict(&sides);
        let tone = if contains.starts_with("no") { Tone::Bad } else { Tone::Plain };
        let shown = |case: Option<&CaseRecord>| {
            let figures = case.map(|case| [estimate(case, METRIC), interval(case, METRIC)]);
            figures.unwrap_or([NONE; 2].map(str::to_owned))
        };
        let figures = sides.into_iter().flat_map(shown);
        let cells = std::iter::once(name(agent)).chain(figures);
        table.row(tone, cells.chain([counts(&sides), contains]));
    }
    notes(&mut table, &cases, label);
    note_missing(&mut table, &cases, METRIC, label);
    if !cases.is_empty() {
        sum_up(&mut table, &cases, Levels::of_record(record).same_against_same);
    }
    vec![table]
}

fn label(case: &CaseRecord) -> String {
    format!("{} {}", name(&case.key.agent), side_of(case))
}

fn side_of(case: &CaseRecord) -> &'static str {
    if case.key.subject == NATIVE_VS_NATIVE { "native" } else { "wasm" }
}

/// The sides that have a summary.
fn summaries<'a>(sides: &Sides<'a>) -> impl Iterator<Item = (&'static str, &'a Summary)> {
    let sides = SIDES.into_iter().zip(*sides);
    sides.filter_map(|(side, case)| Some((side, case?.metric(METRIC).ok()?)))
}

fn counts(sides: &Sides<'_>) -> String {
    let mut counts: Vec<String> = summaries(sides).map(|(_, s)| s.n.to_string()).collect();
    counts.dedup();
    if counts.is_empty() { NONE.to_owned() } else { counts.join("/") }
}

fn verdict(sides: &Sides<'_>) -> String {
    let intervals = summaries(sides).filter_map(|(side, s)| Some((side, s.interval?)));
    let intervals: Vec<(&str, Interval)> = intervals.collect();
    let out = intervals.iter().filter(|(_, i)| !i.contains(1.0)).map(|(side, _)| *side);
    let out: Vec<&str> = out.collect();
    match (intervals.is_empty(), out.is_empty()) {
        (true, _) => NONE.to_owned(),
        (false, true) => "yes".to_owned(),
        (false, false) => format!("no: {}", out.join(", ")),
    }
}

/// At which level they hold together, how many contain 1, and which do not.
fn sum_up(table: &mut Table, cases: &[&CaseRecord], level: f64) {
    let summaries: Vec<(&CaseRecord, &Summary)> =
        cases.iter().filter_map(|case| Some((*case, case.metric(METRIC).ok()?))).collect();
    let bare = summaries.iter().filter(|(_, s)| s.interval.is_none());
    if let Some(n) = bare.map(|(_, s)| s.n).max() {
        table.note(Tone::Bad, &too_few(n, level));
    }
    let with: Vec<(&CaseRecord, Interval)> =
        summaries.iter().filter_map(|(case, s)| Some((*case, s.interval?))).collect();
    let out: Vec<&(&CaseRecord, Interval)> =
        with.iter().filter(|(_, interval)| !interval.contains(1.0)).collect();
    let inside = with.len() - out.len();
    let (all, level) = (cases.len(), percent(level));
    let none = match all - with.len() {
        0 => String::new(),
        1 => ", 1 has no interval".to_owned(),
        none => format!(", {none} have no interval"),
    };
    let together = match all {
        1 => format!("The interval holds at {level}"),
        _ => {
            format!(
                "Each interval holds at {level}, so that all {all} hold together in 99 % of runs"
            )
        }
    };
    let text = format!("{together}; {inside} of {all} contain 1.00{none}.");
    table.note(Tone::Plain, &text);
    if !out.is_empty() {
        let labels: Vec<String> = out.iter().map(|(case, _)| label(case)).collect();
        let farthest =
            out.iter().map(|(_, i)| (i.lower - 1.0).max(1.0 - i.upper)).fold(0.0, f64::max);
        table.note(
            Tone::Bad,
            &format!(
                "WARNING: the interval of {} over itself misses 1, by up to {:.2} %: instrument or \
                 machine are not to be trusted with differences of that size.",
                labels.join(", "),
                farthest * 100.0
            ),
        );
    }
}
