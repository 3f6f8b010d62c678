//! What profiles came to: how good each is, how its weight splits, what sampling cost, what grew
//! from native to WASM, and where the pictures are.

use crate::sections::figures::{estimate, interval, launches};
use crate::sections::functions;
use crate::sections::overhead::label;
use crate::table::{Table, Tone};
use caxton_model::profile::{Weight, health};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, ProfileRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::NONE;
use std::collections::BTreeMap;

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

fn each<'a>(cases: &[&'a CaseRecord]) -> Vec<(&'a CaseRecord, &'a ProfileRecord)> {
    cases.iter().flat_map(|case| case.profiles.taken.iter().map(|p| (*case, p))).collect()
}

fn share(value: f64) -> String {
    Unit::Share.show(value)
}

fn quality(cases: &[&CaseRecord]) -> Table {
    let columns = [
        "<agent",
        "<side",
        "<engine",
        "Hz",
        "samples",
        "weight",
        "lost",
        "unresolved",
        "to root",
        "mended",
        "kernel",
    ];
    let mut table = Table::new("Profiles", &columns);
    for (case, profile) in each(cases) {
        let health = &profile.health;
        let hz = match (health.real_hz, health.asked_hz) {
            (Some(real), Some(asked)) => format!("{real:.0} of {asked:.0}"),
            _ => NONE.to_owned(),
        };
        let weight = match profile.weight {
            Weight::CpuNs => Unit::Nanos.show(profile.total as f64),
            Weight::Bytes | Weight::PeakBytes => Unit::Bytes.show(profile.total as f64),
        };
        let kernel = match &health.kernel_ns {
            Reading::Known(ns) => {
                let all = (health.cpu_ns as f64 + *ns as f64).max(1.0);
                share(*ns as f64 / all)
            }
            Reading::Missing(_) => NONE.to_owned(),
        };
        let warnings = health::warnings(health);
        let tone = if warnings.is_empty() { Tone::Plain } else { Tone::Bad };
        let cells = [
            label(case),
            profile.about.side.clone(),
            health.engine.clone(),
            hz,
            health.samples.to_string(),
            weight,
            share(health.lost_share()),
            share(health.unresolved_share()),
            share(health.rooted_share()),
            health.mended.to_string(),
            kernel,
        ];
        table.row(tone, cells);
        for warning in warnings {
            let who = format!("{}, {}", label(case), profile.about.side);
            table.note(Tone::Bad, &format!("{who}: {warning}"));
        }
    }
    let mut told: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (case, profile) in each(cases) {
        for note in &profile.health.notes {
            let who = format!("{} {}", label(case), profile.about.side);
            told.entry(note).or_default().push(who);
        }
    }
    for (note, who) in told {
        table.note(Tone::Plain, &format!("{}: {note}", who.join(", ")));
    }
    table
}

/// Who pays for the samples, in shares that add up to 1.
fn shares(cases: &[&CaseRecord]) -> Table {
    let columns = ["<agent", "<side", "agent", "boundary", "wasmtime", "harness", "unknown", "±"];
    let mut table = Table::new("Where the samples fell", &columns);
    let sampled = each(cases).into_iter().filter(|(_, profile)| profile.weight == Weight::CpuNs);
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
        for side in ["native", "wasm"] {
            let metric = format!("{side}_sampling_cost");
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

/// Counters of the same work, without the sampler.
fn counters(cases: &[&CaseRecord]) -> Table {
    let mut table = Table::new("Counters", &[]);
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (case, profile) in each(cases) {
        for line in health::counters(&profile.about) {
            told.entry(line).or_default().push(format!("{} {}", label(case), profile.about.side));
        }
    }
    for (line, who) in told {
        table.note(Tone::Plain, &format!("{}: {line}", who.join(", ")));
    }
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

/// Cases without a profile, and why.
fn without(record: &Record) -> Table {
    let mut table = Table::new("Not profiled", &[]);
    for case in &record.cases {
        let why = case.findings.get("no CPU profile").map(String::as_str);
        if let Some(why) = why.or(case.outcome.reason()) {
            let what = case.outcome.name();
            table.note(Tone::Bad, &format!("{}: {what}: {why}", label(case)));
        }
    }
    table
}
