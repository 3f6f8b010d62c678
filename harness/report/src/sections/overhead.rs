//! What WASM costs an agent: calls, phases, sizes.

use crate::sections::figures::{
    as_found, estimate, exact, interval, is_unclear, launches, note_about, note_company,
    note_missing, note_small_n, notes, too_few,
};
use crate::sections::grid::Cell::{Estimate, Text};
use crate::sections::grid::{Column, grid};
use crate::table::{Table, Tone, name};
use caxton_analysis::reduce::{
    GEOMEAN, GEOMEAN_AS_FOUND, HEADLINE, Levels, NOOP, counts_in_geomean,
};
use caxton_model::case::{Check, Outcome};
use caxton_model::metric::{STDERR_KEPT, WASM_STDERR_BYTES};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, percent};

const FUEL: &str = "wasm_fuel";
const WASM: &str = "wasm_call_ns";
const INSTRUCTIONS: &str = "wasm_to_native_exact_instructions";

pub(crate) fn cases(record: &Record) -> Vec<&CaseRecord> {
    record.cases.iter().filter(|case| case.key.is_overhead()).collect()
}

/// The same, those that ran.
pub(crate) fn ran(record: &Record) -> Vec<&CaseRecord> {
    cases(record).into_iter().filter(|case| case.outcome == Outcome::Ran).collect()
}

pub(crate) fn label(case: &CaseRecord) -> String {
    let params = case.key.params.iter().map(|(name, value)| format!(" {name}={value}"));
    name(&format!("{}{}", case.key.agent, params.collect::<String>()))
}

pub(crate) fn calls(record: &Record) -> Vec<Table> {
    let level = Levels::of_record(record).single;
    let heading = format!("{} interval", percent(level));
    let cases = cases(record);
    let is_counted = cases.iter().any(|case| case.metric(INSTRUCTIONS).is_ok());
    let found = as_found(HEADLINE);
    let is_watched = cases.iter().any(|case| case.metric(&found).is_ok());
    let mut columns = vec!["<agent", "native", "wasm", "wasm/native", &heading, "n"];
    columns.extend(is_watched.then_some("as found"));
    columns.push("fuel/call");
    columns.extend(is_counted.then_some("instructions"));
    columns.push("<outcome");
    let mut table = Table::new("WASM against native: steady-state call", &columns);
    for case in &cases {
        let (tone, cells) = match case.outcome {
            Outcome::Ran => (Tone::Plain, numbers(case)),
            _ => (Tone::Bad, [NONE; 5].map(str::to_owned)),
        };
        let found = is_watched.then(|| estimate(case, &found));
        let fuel = exact(case, FUEL);
        let instructions = is_counted.then(|| estimate(case, INSTRUCTIONS));
        let ending = instructions.into_iter().chain([case.ending().to_owned()]);
        let cells = std::iter::once(label(case)).chain(cells).chain(found).chain([fuel]);
        table.row(tone, cells.chain(ending));
    }
    notes(&mut table, &cases, label);
    if !cases.is_empty() {
        note_missing(&mut table, &cases, HEADLINE, label);
        let told = |case: &&&CaseRecord| case.metrics.keys().any(|name| name.as_str() == FUEL);
        let told: Vec<&CaseRecord> = cases.iter().filter(told).copied().collect();
        note_missing(&mut table, &told, FUEL, label);
        note_about(&mut table);
        note_small_n(&mut table, &ran(record), HEADLINE, level);
        let company = |case: &&CaseRecord| {
            let figure = [HEADLINE, WASM].into_iter().find_map(|name| case.metric(name).ok())?;
            Some((label(case), figure.company))
        };
        note_company(&mut table, &ran(record).iter().filter_map(company).collect::<Vec<_>>());
        note_stderr(&mut table, &ran(record));
        note_unchecked(&mut table, &ran(record));
        if let Some(line) = geomean(record) {
            table.note(Tone::Plain, &line);
        }
    }
    vec![table]
}

/// Which guests print while they are timed: each write is part of their call.
fn note_stderr(table: &mut Table, cases: &[&CaseRecord]) {
    for case in cases {
        let Ok(written) = case.metric(WASM_STDERR_BYTES) else { continue };
        if written.estimate > 0.0 {
            let bytes = Unit::Bytes.show(written.estimate);
            let why = format!(
                "{} writes {bytes} to stderr per message: no write fails, the last {STDERR_KEPT} \
                 of each instance are kept",
                label(case)
            );
            table.note(Tone::Plain, &why);
        }
    }
}

fn numbers(case: &CaseRecord) -> [String; 5] {
    // A guest without a native build has no ratio: the interval is that of the figure it has.
    let has_ratio = case.metric(HEADLINE).is_ok() || is_unclear(case, HEADLINE);
    let told = if has_ratio { HEADLINE } else { WASM };
    [
        estimate(case, "native_call_ns"),
        estimate(case, WASM),
        estimate(case, HEADLINE),
        interval(case, told),
        launches(case, told),
    ]
}

/// The mean of several agents' ratios.
fn geomean(record: &Record) -> Option<String> {
    let agents = cases(record).into_iter();
    let has_ratio = |case: &CaseRecord| case.metric(HEADLINE).is_ok() || is_unclear(case, HEADLINE);
    let agents = agents.filter(|case| counts_in_geomean(case) && has_ratio(case));
    let agents = agents.count();
    if agents < 2 {
        return None;
    }
    let without = cases(record).iter().any(|case| case.key.agent == NOOP);
    let without = if without { format!(" ({NOOP} not among them)") } else { String::new() };
    let what = format!("geomean of {agents} agents{without}");
    let found = record.totals.get(GEOMEAN_AS_FOUND).and_then(Reading::known);
    let found = found.map_or_else(String::new, |found| {
        format!("; as found {}", Unit::Ratio.show(found.estimate))
    });
    let told = Some(match record.totals.get(GEOMEAN) {
        Some(Reading::Known(summary)) => {
            let n = summary.n;
            let interval = summary.interval.map_or_else(
                || format!("({})", too_few(n, Levels::of_record(record).single)),
                |i| format!("{} {}, n = {n} launches", bounds(&i, Unit::Ratio), percent(i.level)),
            );
            format!("{what}: {} {interval}", Unit::Ratio.show(summary.estimate))
        }
        Some(Reading::Missing(why)) => format!("{what}: {NONE} ({why})"),
        None => format!("{what}: {NONE} (the run did not come to its end)"),
    });
    told.map(|told| told + &found)
}

fn note_unchecked(table: &mut Table, cases: &[&CaseRecord]) {
    for case in cases.iter().filter(|case| case.check == Some(Check::Nothing)) {
        let what =
            "has no manifest or native build to check its answers by: unchecked, it only ran";
        table.note(Tone::Plain, &format!("{} {what}", label(case)));
    }
}

pub(crate) fn phases(record: &Record) -> Vec<Table> {
    const COLUMNS: &[Column] = &[
        ("<agent", Text(label)),
        ("compile", Estimate("wasm_compile_ns")),
        ("instantiate wasm", Estimate("wasm_instantiate_ns")),
        ("native", Estimate("native_instantiate_ns")),
        ("load native", Estimate("native_load_ns")),
        ("first call wasm", Estimate("wasm_first_call_ns")),
        ("native", Estimate("native_first_call_ns")),
        ("n", Text(|case| fewest(case).to_string())),
    ];
    fn fewest(case: &CaseRecord) -> u32 {
        let metrics = COLUMNS.iter().filter_map(|(_, cell)| cell.metric());
        let known = metrics.filter_map(|metric| case.metric(metric).ok());
        known.map(|summary| summary.n).min().unwrap_or(0)
    }
    having(record, "Phases: median of each launch, estimate over n launches", COLUMNS)
}

pub(crate) fn sizes(record: &Record) -> Vec<Table> {
    const COLUMNS: &[Column] = &[
        ("<agent", Text(label)),
        (".wasm file", Estimate("wasm_file_bytes")),
        ("module", Estimate("wasm_module_bytes")),
        ("its code", Estimate("wasm_code_bytes")),
        ("native file", Estimate("native_file_bytes")),
        ("its code", Estimate("native_code_bytes")),
        ("linear mem", Estimate("linear_memory_bytes")),
        ("RSS/inst wasm", Estimate("wasm_instance_rss_bytes")),
        ("native", Estimate("native_instance_rss_bytes")),
        ("worker peak", Estimate("peak_rss_bytes")),
    ];
    let mut tables = having(record, "Sizes: code is machine code, RSS is resident memory", COLUMNS);
    for table in tables.iter_mut().filter(|table| !table.is_empty()) {
        let text = "module: the file without names, debug information and other custom sections";
        table.note(Tone::Plain, text);
    }
    tables
}

/// A row for each case that ran and has at least one figure of `columns`.
pub(super) fn having(record: &Record, title: &str, columns: &[Column]) -> Vec<Table> {
    let has = |case: &&CaseRecord| {
        let mut metrics = columns.iter().filter_map(|(_, cell)| cell.metric());
        metrics.any(|metric| case.metric(metric).is_ok())
    };
    let cases: Vec<&CaseRecord> = ran(record).into_iter().filter(has).collect();
    vec![grid(title, columns, &cases)]
}
