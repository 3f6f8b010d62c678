//! Software and hardware counters per call, as ratios; and why some are not there.

use crate::sections::overhead::{label, ran};
use crate::table::{Table, Tone};
use caxton_model::metric::metrics;
use caxton_model::reading::{Missing, Reading};
use caxton_model::record::{CaseRecord, Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::NONE;

const RATIOS: [(&str, &str); 9] = [
    ("cycles", "cycles"),
    ("instr.", "instructions"),
    ("branches", "branches"),
    ("br. miss", "branch_misses"),
    ("LLC miss", "cache_misses"),
    ("L1d miss", "l1d_misses"),
    ("dTLB miss", "dtlb_misses"),
    ("task clock", "task_clock_ns"),
    ("faults", "page_faults"),
];
const IPC: [(&str, &str); 2] = [("IPC native", "native_ipc"), ("IPC wasm", "wasm_ipc")];
const RATIO: &str = "wasm_to_native_";
/// So many different reasons are told; a reason that holds a number could be another every time.
const REASONS_MAX: usize = 8;

/// WASM over native, for every counter that some agent has.
pub(crate) fn per_call(record: &Record) -> Vec<Table> {
    let cases = ran(record);
    let ratios = RATIOS.map(|(heading, counter)| (heading, format!("{RATIO}{counter}")));
    let ipc = IPC.map(|(heading, metric)| (heading, metric.to_owned()));
    let is_there = |metric: &String| cases.iter().any(|case| quotient(case, metric).is_some());
    let columns: Vec<(&str, String)> =
        ratios.into_iter().chain(ipc).filter(|(_, metric)| is_there(metric)).collect();
    let headings: Vec<&str> =
        std::iter::once("<agent").chain(columns.iter().map(|(heading, _)| *heading)).collect();
    let mut table = Table::new("Counters per call: WASM over native", &headings);
    if !columns.is_empty() {
        for case in &cases {
            let quotients = columns.iter().map(|(_, metric)| quotient(case, metric));
            let cells = quotients.map(|quotient| quotient.unwrap_or(NONE.to_owned()));
            table.row(Tone::Plain, std::iter::once(label(case)).chain(cells));
        }
    }
    if table.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.contains('→')) {
        table.note(Tone::Plain, "a → b: native and WASM, where native has none and so no ratio");
    }
    for group in ["hardware", "software"] {
        let scalings =
            cases.iter().filter_map(|case| case.metric(&format!("{group}_scaling")).ok());
        let greatest = scalings.map(|summary| summary.estimate).max_by(f64::total_cmp);
        if let Some(greatest) = greatest {
            let text = format!(
                "{group} counts are scaled by enabled over counting time: by {greatest:.3} at most"
            );
            table.note(Tone::Plain, &text);
        }
    }
    for (why, names) in reasons(&cases).into_iter().take(REASONS_MAX) {
        table.note(Tone::Plain, &format!("{}: {why}", names.join(", ")));
    }
    vec![table]
}

/// Two decimals: a counter is seldom better known, and the table is wide. Where there is no ratio
/// because native has none of it, both sides.
fn quotient(case: &CaseRecord, metric: &str) -> Option<String> {
    let counter = metric.strip_prefix(RATIO);
    if let Ok(summary) = case.metric(metric) {
        let suffix = if counter.is_some() { "x" } else { "" };
        return Some(format!("{:.2}{suffix}", summary.estimate));
    }
    let side = |side: &str| case.metric(&format!("{side}_{}", counter?)).ok();
    let show = |summary: &Summary| Unit::Count.show(summary.estimate);
    Some(format!("{} → {}", show(side("native")?), show(side("wasm")?)))
}

/// Each reason for a missing counter, with the counters that it holds for. A counter that is
/// missing on both sides is named once; a ratio that lacks a side is not told twice.
fn reasons(cases: &[&CaseRecord]) -> Vec<(Missing, Vec<String>)> {
    let mut reasons: Vec<(Missing, Vec<String>)> = Vec::new();
    let ratios = metrics().filter_map(|metric| metric.name.strip_prefix(RATIO));
    for counter in ratios.filter(|counter| *counter != "time") {
        let native = missing(cases, &format!("native_{counter}"));
        let wasm = missing(cases, &format!("wasm_{counter}"));
        let ratio = missing(cases, &format!("{RATIO}{counter}"));
        let mut told: Vec<&Missing> = Vec::new();
        for why in native.iter().chain(&wasm).chain(&ratio) {
            if told.contains(&why) {
                continue;
            }
            told.push(why);
            let name = match (native.contains(why), wasm.contains(why)) {
                (true, true) => counter.to_owned(),
                (true, false) => format!("{counter} (native)"),
                (false, true) => format!("{counter} (wasm)"),
                (false, false) => format!("{counter} (ratio)"),
            };
            match reasons.iter_mut().find(|(known, _)| known == why) {
                Some((_, names)) => names.push(name),
                None => reasons.push((why.clone(), vec![name])),
            }
        }
    }
    reasons
}

/// Why some case has no `metric`.
fn missing(cases: &[&CaseRecord], metric: &str) -> Vec<Missing> {
    let readings = cases.iter().flat_map(|case| &case.metrics);
    let own = readings.filter(|(name, _)| name.as_str() == metric);
    own.filter_map(|(_, reading)| match reading {
        Reading::Missing(why) => Some(why.clone()),
        Reading::Known(_) => None,
    })
    .collect()
}
