//! Instructions of a call, which callgrind counted one by one, beside the time of the same call.

use crate::sections::figures::{ABOUT, launches, note_about, note_missing};
use crate::sections::grid::Cell::{Estimate, Text};
use crate::sections::grid::{Column, grid, sides};
use crate::sections::overhead::label;
use crate::table::{Table, Tone, name};
use caxton_model::case::Outcome;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, grouped};

/// The ratio of times and that of instructions differ by more than this factor: worth a sentence.
const APART: f64 = 1.2;

/// One kind of pair: what its sides are called in metrics.
struct Roles {
    is_it: fn(&CaseRecord) -> bool,
    reference: &'static str,
    side: &'static str,
    /// Between the two in names of ratios.
    ratio: &'static str,
}

const PAIRS: [Roles; 2] = [
    Roles {
        is_it: |case| case.key.is_overhead(),
        reference: "native",
        side: "wasm",
        ratio: "wasm_to_native",
    },
    Roles {
        is_it: |case| case.key.is_of_sides() && !case.key.is_same_against_same(),
        reference: "reference",
        side: "side",
        ratio: "side_to_reference",
    },
];

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    PAIRS.iter().flat_map(|roles| of_pair(record, roles)).collect()
}

fn of_pair(record: &Record, roles: &Roles) -> Vec<Table> {
    let total = format!("{}_exact_instructions", roles.side);
    let is_told = |case: &&CaseRecord| {
        let is_named = case.metrics.keys().any(|metric| metric.as_str() == total);
        (roles.is_it)(case) && case.outcome == Outcome::Ran && is_named
    };
    let told: Vec<&CaseRecord> = record.cases.iter().filter(is_told).collect();
    let counted: Vec<&CaseRecord> =
        told.iter().copied().filter(|case| case.metric(&total).is_ok()).collect();
    let mut tables = vec![calls(roles, &counted)];
    for side in [roles.reference, roles.side] {
        let own = format!("{side}_exact_instructions");
        let told: Vec<&CaseRecord> = told
            .iter()
            .copied()
            .filter(|case| case.metrics.keys().any(|metric| metric.as_str() == own))
            .collect();
        note_missing(&mut tables[0], &told, &own, who);
    }
    if !counted.is_empty() {
        tables.push(whose(roles, &counted));
        tables.push(simulated(roles, &counted));
        tables.push(phases(roles, &counted));
    }
    tables
}

/// The case in a line: its agent and, of sides, which.
fn who(case: &CaseRecord) -> String {
    match case.key.is_of_sides() {
        true => format!("{} {}", label(case), name(sides(case).0)),
        false => label(case),
    }
}

/// A count to the nearest whole one: what the two counts have around their calls may differ by an
/// instruction or two, which is a fraction of one for each call.
fn exact(case: &CaseRecord, metric: &str) -> String {
    let Ok(summary) = case.metric(metric) else { return NONE.to_owned() };
    let is_range = summary.interval.is_some_and(|range| range.upper.round() > range.lower.round());
    format!("{}{}", if is_range { ABOUT } else { "" }, grouped(summary.estimate.round()))
}

fn ratio_of(case: &CaseRecord, roles: &Roles, what: &str) -> Option<f64> {
    case.metric(&format!("{}_{what}", roles.ratio)).ok().map(|summary| summary.estimate)
}

fn shown(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| NONE.to_owned(), |ratio| Unit::Ratio.show(ratio))
}

fn calls(roles: &Roles, cases: &[&CaseRecord]) -> Table {
    let Roles { reference, side, .. } = roles;
    let over = format!("{side}/{reference}");
    let code = format!("agent's code, {reference}");
    let columns = ["<agent", reference, side, &over, "time", &code, side, &over, "n"];
    let mut table = Table::new("Instructions of a call, counted one by one", &columns);
    for case in cases {
        let count = |side: &str, what: &str| exact(case, &format!("{side}_{what}_instructions"));
        let cells = [
            who(case),
            count(reference, "exact"),
            count(side, "exact"),
            shown(ratio_of(case, roles, "exact_instructions")),
            shown(ratio_of(case, roles, "time")),
            count(reference, "agent"),
            count(side, "agent"),
            shown(ratio_of(case, roles, "agent_instructions")),
            launches(case, &format!("{side}_exact_instructions")),
        ];
        table.row(Tone::Plain, cells);
    }
    if cases.is_empty() {
        return table;
    }
    note_about(&mut table);
    let text = "counted by valgrind's callgrind, as 2N calls less N calls: without a sampling \
                error. The agent's code is the same wherever the same code is compiled; system \
                libraries take the paths of valgrind's processor (no AVX-512), and copy in loops \
                instead of `rep movsb`, of which each byte would count. n: processes, each counted \
                alike unless the figure says ≈";
    table.note(Tone::Plain, text);
    for line in apart(roles, cases) {
        table.note(Tone::Plain, &line);
    }
    table
}

/// Where instructions and time disagree, and what each means.
fn apart(roles: &Roles, cases: &[&CaseRecord]) -> Vec<String> {
    let words = |case: &&&CaseRecord| {
        let counted = ratio_of(case, roles, "exact_instructions")?;
        let timed = ratio_of(case, roles, "time")?;
        let is_apart = (counted / timed).max(timed / counted) > APART;
        let (counted, timed) = (Unit::Ratio.show(counted), Unit::Ratio.show(timed));
        is_apart.then(|| format!("{} {counted} in instructions, {timed} in time", who(case)))
    };
    let apart: Vec<String> = cases.iter().filter_map(|case| words(&case)).collect();
    if apart.is_empty() {
        return Vec::new();
    }
    let meaning = "time is what a user waits for, on this machine; instructions are what the \
                   compiler made of the program. More of them need not take longer where the \
                   processor runs several at once or waits for memory anyway; calls into the \
                   system take time that has no instruction here";
    vec![format!("they disagree: {}", apart.join("; ")), meaning.to_owned()]
}

/// Whose code the instructions are of.
fn whose(roles: &Roles, cases: &[&CaseRecord]) -> Table {
    let Roles { reference, side, .. } = roles;
    const PARTS: [(&str, &str); 6] = [
        ("agent", "agent"),
        ("its libraries", "library"),
        ("boundary", "crossing"),
        ("wasmtime", "engine"),
        ("harness", "harness"),
        ("unknown", "unnamed"),
    ];
    let columns = ["<agent", "<side"].into_iter().chain(PARTS.map(|(heading, _)| heading));
    let columns: Vec<&str> = columns.chain(["around the agent"]).collect();
    let mut table = Table::new("Whose instructions a call executes", &columns);
    for case in cases {
        for role in [reference, side] {
            let count = |part: &str| format!("{role}_{part}_instructions");
            let Ok(total) = case.metric(&count("exact")) else { continue };
            let parts = PARTS.map(|(_, part)| exact(case, &count(part)));
            let of = |part: &str| case.metric(&count(part)).map_or(0.0, |sum| sum.estimate);
            let around = total.estimate - of("agent") - of("library");
            let share = Unit::Share.show(around / total.estimate.max(1.0));
            let cells = [who(case), (*role).to_owned()].into_iter().chain(parts).chain([share]);
            table.row(Tone::Plain, cells);
        }
    }
    let text = "its libraries: what the agent calls of the system (native malloc, memcpy); \
                boundary: trampolines, WASI, host functions; wasmtime: its own functions, among \
                them those that copy and fill memory for a guest; harness: copies the message, \
                finds the reply";
    table.note(Tone::Plain, text);
    table
}

/// What callgrind's model of a processor makes of a call.
fn simulated(roles: &Roles, cases: &[&CaseRecord]) -> Table {
    const EVENTS: [(&str, &str); 6] = [
        ("loads", "simulated_loads"),
        ("stores", "simulated_stores"),
        ("cond. branches", "simulated_branches"),
        ("mispredicts", "simulated_mispredicts"),
        ("L1 misses", "simulated_l1_misses"),
        ("last-level misses", "simulated_llc_misses"),
    ];
    let columns = std::iter::once("<agent").chain(EVENTS.map(|(heading, _)| heading));
    let columns: Vec<&str> = columns.collect();
    let title = format!("Simulated: events of a call, {} over {}", roles.side, roles.reference);
    let mut table = Table::new(&title, &columns);
    let is_known = |case: &&&CaseRecord| ratio_of(case, roles, "simulated_loads").is_some();
    for case in cases.iter().filter(is_known) {
        let cells = EVENTS.map(|(_, event)| quotient(case, roles, event));
        table.row(Tone::Plain, std::iter::once(who(case)).chain(cells));
    }
    if !table.rows.is_empty() {
        let text = "by callgrind's model of a processor: caches of 32 KiB and 8 MiB with neither \
                    prefetch nor neighbours, a simple branch predictor; a → b: too few for a ratio";
        table.note(Tone::Plain, text);
    }
    table
}

fn quotient(case: &CaseRecord, roles: &Roles, event: &str) -> String {
    // Of a handful of events a ratio says nothing.
    const FEW: f64 = 10.0;
    let of = |side: &str| case.metric(&format!("{side}_{event}")).map(|sum| sum.estimate);
    match (of(roles.reference), of(roles.side)) {
        (Ok(reference), Ok(side)) if reference < FEW => {
            format!("{} → {}", Unit::Count.show(reference), Unit::Count.show(side))
        }
        _ => shown(ratio_of(case, roles, event)),
    }
}

fn phases(roles: &Roles, cases: &[&CaseRecord]) -> Table {
    const NATIVE_AND_WASM: &[Column] = &[
        ("<agent", Text(who)),
        ("compile", Estimate("wasm_compile_instructions")),
        ("instantiate wasm", Estimate("wasm_instantiate_instructions")),
        ("native", Estimate("native_instantiate_instructions")),
        ("first call wasm", Text(|case| exact(case, "wasm_first_call_instructions"))),
        ("native", Text(|case| exact(case, "native_first_call_instructions"))),
    ];
    const SIDES: &[Column] = &[
        ("<side", Text(who)),
        ("compile", Estimate("side_compile_instructions")),
        ("the reference", Estimate("reference_compile_instructions")),
        ("instantiate", Estimate("side_instantiate_instructions")),
        ("the reference", Estimate("reference_instantiate_instructions")),
        ("first call", Text(|case| exact(case, "side_first_call_instructions"))),
        ("the reference", Text(|case| exact(case, "reference_first_call_instructions"))),
    ];
    let columns = if roles.side == "wasm" { NATIVE_AND_WASM } else { SIDES };
    let mut table = grid("Phases, in instructions", columns, cases);
    note_about(&mut table);
    let text = "compile: engine, linker and compiling the module, counted in one process for each \
                module and executable, and kept; compile and instantiate differ from process to \
                process, by up to 4 %: by the order of hash tables";
    table.note(Tone::Plain, text);
    table
}

#[cfg(test)]
#[path = "instructions_tests.rs"]
mod tests;
