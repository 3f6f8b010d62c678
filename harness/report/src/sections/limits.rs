//! Agents under a memory limit: how much they get of it, and what it costs to hold it.

use crate::sections::figures::{
    estimate, exact, interval, launches, note_about, note_company, note_findings, note_missing,
    note_small_n, note_unclear, notes,
};
use crate::table::{ColumnOf, Table, Tone, name};
use caxton_analysis::reduce::SINGLE;
use caxton_model::case::{LIMIT, Outcome};
use caxton_model::record::{CaseRecord, Record};
use caxton_model::words::NONE;

/// Shares of the limit that are held while messages are sent, in per cent.
pub(crate) const HELD: [&str; 4] = ["10", "50", "90", "99"];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> =
        record.cases.iter().filter(|case| case.key.is_memory_limit()).collect();
    let mut agents: Vec<&str> = cases.iter().map(|case| case.key.agent.as_str()).collect();
    agents.sort_unstable();
    agents.dedup();
    // One agent needs no name in every row.
    let label = |case: &CaseRecord| {
        let params = case.key.params.iter();
        let params = params.map(|(n, v)| if n == LIMIT { v.clone() } else { format!("{n}={v}") });
        let params: Vec<String> = params.collect();
        let agent = (agents.len() > 1).then(|| name(&case.key.agent));
        agent.into_iter().chain(params).collect::<Vec<String>>().join(" ")
    };
    vec![capacity(&cases, label), rates(&cases, label)]
}

fn capacity(cases: &[&CaseRecord], label: impl Fn(&CaseRecord) -> String) -> Table {
    let tone = |case: &CaseRecord| match case.outcome {
        Outcome::Ran => Tone::Plain,
        _ => Tone::Bad,
    };
    let columns: &[ColumnOf<'_, &CaseRecord>] = &[
        ("<limit", &|case| label(case)),
        ("<outcome", &|case| case.ending().to_owned()),
        ("single, B", &|case| exact(case, "single_bytes")),
        ("fragmented, B", &|case| exact(case, "single_fragmented_bytes")),
        ("small, B", &|case| exact(case, "total_bytes")),
        ("fragmented, B", &|case| exact(case, "total_fragmented_bytes")),
        ("resident", &|case| estimate(case, "resident_bytes")),
        ("grow/page", &|case| estimate(case, "grow_ns")),
        ("first touch", &|case| estimate(case, "first_touch_ns")),
    ];
    let mut table = Table::of(
        "Memory limits: largest single allocation, and most bytes in small blocks",
        cases.iter().map(|case| (tone(case), *case)),
        columns,
    );
    notes(&mut table, cases, &label);
    note_about(&mut table);
    note_findings(&mut table, cases, &label);
    table
}

fn rates(cases: &[&CaseRecord], label: impl Fn(&CaseRecord) -> String) -> Table {
    let columns =
        ["<limit", "held", "messages", "time to empty's", "95 % interval", "n", "writing call"];
    let ran: Vec<&CaseRecord> =
        cases.iter().filter(|case| case.outcome == Outcome::Ran).copied().collect();
    let title = "Messages under a memory limit: rate, and time over that of an empty agent";
    let mut table = Table::new(title, &columns);
    for case in &ran {
        for held in HELD {
            let rate = estimate(case, &format!("level_{held}_rate"));
            let ratio = format!("level_{held}_to_empty_time");
            let to_empty = estimate(case, &ratio);
            if rate == NONE && to_empty == NONE {
                continue;
            }
            let writing = estimate(case, &format!("level_{held}_writing_call_ns"));
            let held = format!("{held} %");
            let (interval, n) = (interval(case, &ratio), launches(case, &ratio));
            table.row(Tone::Plain, [label(case), held, rate, to_empty, interval, n, writing]);
        }
    }
    for held in HELD {
        note_small_n(&mut table, &ran, &format!("level_{held}_to_empty_time"), SINGLE);
        note_missing(&mut table, &ran, &format!("level_{held}_call_ns"), &label);
        note_unclear(&mut table, &ran, &format!("level_{held}_to_empty_time"), &label);
    }
    table.notes.dedup();
    let mut company = Vec::new();
    for case in &ran {
        for held in HELD {
            if let Ok(summary) = case.metric(&format!("level_{held}_to_empty_time")) {
                company.push((format!("{} at {held} %", label(case)), summary.company));
            }
        }
    }
    note_company(&mut table, &company);
    if table.rows.iter().flat_map(|row| row.cells.last()).any(|cell| cell != NONE) {
        let text = "A writing call also writes to 64 random places of what is held.";
        table.note(Tone::Plain, text);
    }
    table
}
