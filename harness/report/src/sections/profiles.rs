//! What profiles came to: how good each is, how its weight splits, what sampling cost, what grew
//! from native to WASM, and where the pictures are.

use crate::sections::figures::{estimate, interval, launches};
use crate::sections::functions;
use crate::sections::grid::{self, sides};
use crate::sections::overhead;
use crate::table::{ColumnOf, Table, Tone};
use caxton_model::case::THROUGHPUT;
use caxton_model::profile::{SampleWeight, health};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, ProfileRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::NONE;

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let cases: Vec<&CaseRecord> = record.cases.iter().filter(|c| !c.profiles.is_empty()).collect();
    let mut tables = vec![quality(&cases), shares(&cases), cost(&cases)];
    for case in &cases {
        tables.extend(
            case.profiles.changes.as_ref().map(|changes| functions::table(changes, &label(case))),
        );
    }
    tables.push(counters(&cases));
    tables.push(without(record));
    tables.push(files(&cases));
    tables
}

/// The case in a row: by its agent, and of messages by the runtimes.
fn label(case: &CaseRecord) -> String {
    match case.key.suite == THROUGHPUT {
        true => grid::label(case),
        false => overhead::label(case),
    }
}

fn each<'a>(cases: &[&'a CaseRecord]) -> Vec<(&'a CaseRecord, &'a ProfileRecord)> {
    cases.iter().flat_map(|case| case.profiles.taken.iter().map(|p| (*case, p))).collect()
}

fn share(value: f64) -> String {
    Unit::Share.show(value)
}

fn quality(cases: &[&CaseRecord]) -> Table {
    let warnings = |profile: &ProfileRecord| health::warnings(&profile.health);
    let tone = |bad: bool| if bad { Tone::Bad } else { Tone::Plain };
    let rows = each(cases).into_iter().map(|row| (tone(!warnings(row.1).is_empty()), row));
    let columns: &[ColumnOf<'_, (&CaseRecord, &ProfileRecord)>] = &[
        ("<agent", &|(case, _)| label(case)),
        ("<side", &|(_, profile)| profile.about.side.clone()),
        ("<engine", &|(_, profile)| profile.health.engine.clone()),
        ("Hz", &|(_, profile)| match (profile.health.real_hz, profile.health.asked_hz) {
            (Some(real), Some(asked)) => format!("{real:.0} of {asked:.0}"),
            _ => NONE.to_owned(),
        }),
        ("samples", &|(_, profile)| profile.health.samples.to_string()),
        ("weight", &|(_, profile)| profile.weight.unit().show(profile.total as f64)),
        ("lost", &|(_, profile)| share(profile.health.lost_share())),
        ("unresolved", &|(_, profile)| share(profile.health.unresolved_share())),
        ("to root", &|(_, profile)| share(profile.health.rooted_share())),
        ("mended", &|(_, profile)| profile.health.mended.to_string()),
        ("kernel", &|(_, profile)| match &profile.health.kernel_ns {
            Reading::Known(ns) => {
                share(*ns as f64 / (profile.health.cpu_ns as f64 + *ns as f64).max(1.0))
            }
            Reading::Missing(_) => NONE.to_owned(),
        }),
    ];
    let mut table = Table::of("Profiles", rows, columns);
    for (case, profile) in each(cases) {
        for warning in warnings(profile) {
            let who = format!("{}, {}", label(case), profile.about.side);
            table.note(Tone::Bad, &format!("{who}: {warning}"));
        }
    }
    let notes = each(cases).into_iter().flat_map(|(case, profile)| {
        let who = format!("{} {}", label(case), profile.about.side);
        profile.health.notes.iter().map(move |note| (note.clone(), who.clone()))
    });
    table.note_each(Tone::Plain, |who| who.join(", "), notes);
    table
}

fn shares(cases: &[&CaseRecord]) -> Table {
    let columns = ["<agent", "<side", "agent", "boundary", "wasmtime", "harness", "unknown", "±"];
    let mut table = Table::new("Where the samples fell", &columns);
    let sampled =
        each(cases).into_iter().filter(|(_, profile)| profile.weight == SampleWeight::CpuNs);
    for (case, profile) in sampled {
        let shares = &profile.shares;
        let parts = [shares.guest, shares.boundary, shares.engine, shares.host, shares.unknown];
        let n = profile.health.samples.max(1) as f64;
        // The widest of the parts' standard errors, doubled: sqrt(p (1 - p) / n), binomial.
        let widest = parts.iter().map(|p| (p * (1.0 - p) / n).sqrt() * 2.0).fold(0.0, f64::max);
        let cells = [label(case), profile.about.side.clone()].into_iter();
        let cells = cells.chain(parts.map(share)).chain([share(widest)]);
        table.row(Tone::Plain, cells);
    }
    if !table.rows.is_empty() {
        table.note(
            Tone::Plain,
            "agent: its own code and the system libraries it called; boundary: trampolines, WASI, \
             host functions; ±: two standard errors of the least certain share",
        );
    }
    table
}

/// What sampling cost, by windows with the sampler and windows without it.
fn cost(cases: &[&CaseRecord]) -> Table {
    let columns = ["<agent", "<side", "time with/without", "95 % interval", "windows"];
    let mut table = Table::new("What sampling cost", &columns);
    for case in cases {
        // Sides of the user's choice are called by their names.
        let (side, reference) = sides(case);
        let reference = reference.unwrap_or_default();
        for (role, side) in
            [("native", "native"), ("wasm", "wasm"), ("reference", reference), ("side", side)]
        {
            let metric = format!("{role}_sampling_cost");
            if case.metric(&metric).is_ok() {
                let figures =
                    [estimate(case, &metric), interval(case, &metric), launches(case, &metric)];
                let cells = [label(case), side.to_owned()].into_iter().chain(figures);
                table.row(Tone::Plain, cells);
            }
        }
    }
    table
}

fn counters(cases: &[&CaseRecord]) -> Table {
    let mut table = Table::new("Counters", &[]);
    let lines = each(cases).into_iter().flat_map(|(case, profile)| {
        let who = format!("{} {}", label(case), profile.about.side);
        health::counters(&profile.about).into_iter().map(move |line| (line, who.clone()))
    });
    table.note_each(Tone::Plain, |who| who.join(", "), lines);
    table
}

pub(super) fn files(cases: &[&CaseRecord]) -> Table {
    let mut table =
        Table::new("Pictures, in the run's folder; raw data and other forms beside them", &[]);
    for case in cases {
        let (missing, there): (Vec<&String>, Vec<&String>) =
            case.profiles.files.iter().partition(|file| file.starts_with("no "));
        let svgs = there.into_iter().filter(|file| file.ends_with(".svg"));
        let svgs: Vec<&str> = svgs.map(String::as_str).collect();
        table.note(Tone::Plain, &format!("{}/: {}", case.profiles.folder, svgs.join(" ")));
        for why in missing {
            table.note(Tone::Bad, &format!("{}: {why}", label(case)));
        }
    }
    table
}

fn without(record: &Record) -> Table {
    let mut table = Table::new("Not profiled", &[]);
    for case in &record.cases {
        let why = case.findings.get("no CPU profile").map(String::as_str);
        if let Some(why) = why.or(case.outcome.reason()) {
            let what = case.outcome.name();
            table.note(Tone::Bad, &format!("{}: {what}: {why}", label(case)));
        }
        let side = "no CPU profile of the native build";
        if let Some(why) = case.findings.get(side) {
            table.note(Tone::Plain, &format!("{}: {side}: {why}", label(case)));
        }
    }
    table
}
