//! Where a steady-state WASM call goes, part by part; the agent's own code against native; and what
//! options of engine and build make of it.

use crate::sections::figures::{
    estimate, exact, interval, launches, note_about, note_company, note_missing, note_small_n,
    note_unclear, notes,
};
use crate::sections::overhead::label;
use crate::table::{ColumnOf, Table, Tone};
use caxton_analysis::reduce::SINGLE;
use caxton_model::case::Outcome;
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, list};

pub(crate) const CALL: &str = "part_call_ns";
/// What a call is for.
pub(crate) const OWN: &str = "agent's code";
const BY_SAMPLES: &str = "wasm_profile_guest_share";

/// The parts of a call; of an agent that changes its message in place, the second of each pair.
const PARTS: [(&str, [&str; 2]); 5] = [
    ("boundary", ["part_boundary_ns"; 2]),
    ("copy in", ["part_copy_in_ns"; 2]),
    (OWN, ["part_guest_ns", "part_guest_by_echo_ns"]),
    ("unexplained", ["part_unexplained_ns", "part_unexplained_by_echo_ns"]),
    ("copy out, not in the call", ["part_copy_out_ns"; 2]),
];

/// The options: a heading, and what their metrics are called.
const OPTIONS: [(&str, &str); 5] = [
    ("bounds checked", "bounds"),
    ("fuel", "fuel"),
    ("epochs", "epoch"),
    ("not optimised", "opt_none"),
    ("SIMD build", "simd"),
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|case| case.key.is_parts()).collect();
    if cases.is_empty() {
        return Vec::new();
    }
    let ran: Vec<&CaseRecord> =
        cases.iter().copied().filter(|case| case.outcome == Outcome::Ran).collect();
    vec![calls(record, &cases, &ran), code(record, &ran), options(&ran)]
}

/// The parts of an agent's call: a name and a metric each.
pub(crate) fn of(case: &CaseRecord) -> [(&'static str, &'static str); 5] {
    PARTS.map(|(name, metrics)| (name, metrics[column(case)]))
}

/// Which of two definitions holds for an agent.
fn column(case: &CaseRecord) -> usize {
    usize::from(case.metric("part_in_place_ns").is_err())
}

fn calls(record: &Record, cases: &[&CaseRecord], ran: &[&CaseRecord]) -> Table {
    let columns = ["<agent", "<part", "per call", "95 % interval", "share", "n"];
    let mut table = Table::new("Where a steady-state WASM call goes", &columns);
    for case in cases {
        let (agent, whole) = (label(case), "the call".to_owned());
        if case.outcome != Outcome::Ran {
            let [time, bounds, share, n] = [NONE; 4].map(str::to_owned);
            table.row(Tone::Bad, [agent, whole, time, bounds, share, n]);
            continue;
        }
        for (name, metric) in [("the call", CALL)].into_iter().chain(of(case)) {
            let agent = if metric == CALL { label(case) } else { String::new() };
            let share = share_of_call(case, metric);
            let cells = [estimate(case, metric), interval(case, metric), share];
            let [time, bounds, share] = cells;
            let cells = [agent, name.to_owned(), time, bounds, share, launches(case, metric)];
            table.row(Tone::Plain, cells);
        }
    }
    notes(&mut table, cases, label);
    note_small_n(&mut table, ran, CALL, SINGLE);
    note_missing(&mut table, ran, CALL, label);
    let company = |case: &&CaseRecord| Some((label(case), case.metric(CALL).ok()?.company));
    note_company(&mut table, &ran.iter().filter_map(company).collect::<Vec<_>>());
    if !ran.is_empty() {
        explain(&mut table, record, ran);
    }
    table
}

/// A part's estimate over the call's.
fn share_of_call(case: &CaseRecord, metric: &str) -> String {
    match (case.metric(metric), case.metric(CALL)) {
        (Ok(part), Ok(call)) if call.estimate > 0.0 => {
            Unit::Share.show(part.estimate / call.estimate)
        }
        _ => NONE.to_owned(),
    }
}

/// How the parts were told apart, and whose were told apart otherwise.
fn explain(table: &mut Table, record: &Record, ran: &[&CaseRecord]) {
    table.note(
        Tone::Plain,
        "Boundary is the call of an agent that does nothing; copy in is the same copy without a \
         call; agent's code, host calls included, is the agent called on the message that lies \
         in its inbox already, less the boundary. None of these contains the whole call, so that \
         unexplained can be more or less than nothing: steps overlap or hinder each other. Each \
         line is estimated on its own.",
    );
    let otherwise: Vec<String> =
        ran.iter().filter(|case| column(case) == 1).map(|case| label(case)).collect();
    if !otherwise.is_empty() {
        table.note(
            Tone::Plain,
            &format!(
                "{}: changes the message in place and cannot be called on it again. Its code is \
                 the call less an echo of the same length; unexplained is that echo less boundary \
                 and copy in, and says nothing of the agent.",
                list(&otherwise)
            ),
        );
    }
    let unsampled = ran.iter().filter(|case| by_samples(record, case).is_none());
    let unsampled: Vec<String> = unsampled.map(|case| label(case)).collect();
    if !unsampled.is_empty() {
        let text = format!("not profiled: {}; run --profile cpu", list(&unsampled));
        table.note(Tone::Plain, &text);
    }
}

/// The share of the agent's samples that lie in its own code, whichever case tells.
fn by_samples<'a>(record: &'a Record, case: &CaseRecord) -> Option<&'a Summary> {
    let same = record.cases.iter().filter(|other| other.key.agent == case.key.agent);
    same.filter_map(|other| other.metric(BY_SAMPLES).ok()).next()
}

fn code(record: &Record, ran: &[&CaseRecord]) -> Table {
    let ratio = "part_guest_to_native_time";
    let columns: &[ColumnOf<'_, &CaseRecord>] = &[
        ("<agent", &|case| label(case)),
        ("wasm", &|case| estimate(case, "part_guest_by_echo_ns")),
        ("native", &|case| estimate(case, "part_native_guest_ns")),
        ("wasm/native", &|case| estimate(case, ratio)),
        ("95 % interval", &|case| interval(case, ratio)),
        ("n", &|case| launches(case, ratio)),
        ("by parts", &|case| share_of_call(case, PARTS[2].1[column(case)])),
        ("by samples", &|case| {
            let share = by_samples(record, case);
            share.map_or(NONE.to_owned(), |share| Unit::Share.show(share.estimate))
        }),
        ("grows", &|case| exact(case, "part_memory_grows")),
        ("WASI", &|case| exact(case, "part_wasi_calls")),
        ("host calls", &|case| exact(case, "part_host_calls")),
    ];
    let mut table = Table::of(
        "The agent's own code: without boundary and copy; share of the call; counts per call",
        ran.iter().map(|case| (Tone::Plain, *case)),
        columns,
    );
    note_missing(&mut table, ran, ratio, label);
    note_about(&mut table);
    let grows =
        |case: &&&CaseRecord| case.metric("part_memory_grows").is_ok_and(|s| s.estimate > 0.0);
    let growing: Vec<String> = ran.iter().filter(grows).map(|case| label(case)).collect();
    if !growing.is_empty() {
        let text = "memory.grow is part of the agent's code here; the memory-limit table times one";
        table.note(Tone::Plain, &format!("{}: {text}", list(&growing)));
    }
    if !ran.is_empty() {
        let text = "wasm and native are each a call less an echo of the same length. By samples: \
                    a short profile in a process of its own; it leaves out what the agent's code \
                    has the engine do, such as memory.copy, which the parts leave in.";
        table.note(Tone::Plain, text);
    }
    table
}

fn options(ran: &[&CaseRecord]) -> Table {
    let mut columns = vec!["<agent"];
    columns.extend(OPTIONS.iter().map(|(heading, _)| *heading));
    columns.push("n");
    let title = "Options that change the guest's code: time over the default's, 95 % intervals";
    let mut table = Table::new(title, &columns);
    for case in ran {
        let name = |option: &str| format!("option_{option}_time");
        let summaries: Vec<Option<&Summary>> =
            OPTIONS.iter().map(|(_, option)| case.metric(&name(option)).ok()).collect();
        let n = summaries.iter().flatten().map(|summary| summary.n).min();
        let cells = OPTIONS.iter().zip(&summaries).map(|((_, option), summary)| match summary {
            Some(summary) => with_bounds(summary),
            None => estimate(case, &name(option)),
        });
        let n = n.map_or(NONE.to_owned(), |n| n.to_string());
        table.row(Tone::Plain, std::iter::once(label(case)).chain(cells).chain([n]));
    }
    for (_, option) in OPTIONS {
        note_missing(&mut table, ran, &format!("option_{option}_call_ns"), label);
        note_unclear(&mut table, ran, &format!("option_{option}_time"), label);
    }
    if !ran.is_empty() {
        table.note(
            Tone::Plain,
            "bounds checked: each access compared with the memory's size, which may move; nothing \
             reserved or guarded. fuel: counted, never spent. epochs: a deadline out of reach. \
             SIMD build: the agent's crates with simd128, the standard library as it came. Each \
             is other code: a few per cent either way can be where it came to lie.",
        );
    }
    table
}

/// A ratio with its interval, short enough to stand beside four others.
fn with_bounds(summary: &Summary) -> String {
    let estimate = summary.estimate;
    match summary.interval {
        Some(i) => format!("{estimate:.2}x [{:.2}, {:.2}]", i.lower, i.upper),
        None => format!("{estimate:.2}x"),
    }
}

#[cfg(test)]
#[path = "parts_tests.rs"]
mod tests;
