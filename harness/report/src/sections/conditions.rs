//! Under which conditions the numbers hold: the instrument, the machine, the builds.

use crate::sections::figures::estimate;
use crate::sections::overhead::cases;
use crate::table::{Table, Tone, name};
use caxton_analysis::reduce::NOOP;
use caxton_model::reading::Reading;
use caxton_model::record::{Artifact, CaseRecord, Record};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, list};
use std::collections::BTreeMap;
use std::fmt::Display;

/// What the instrument itself costs. Shown, and subtracted nowhere: a difference of two noisy
/// numbers would look better known than it is.
pub(crate) fn instrument(record: &Record) -> Vec<Table> {
    if record.is_profile() {
        // Nothing was timed.
        return Vec::new();
    }
    let mut table = Table::pairs("The instrument");
    if let Some(calibration) = &record.calibration {
        let ns = |ns: f64| Unit::Nanos.show(ns);
        table.pair("clock read", &ns(calibration.clock_read_ns));
        table.pair("timed empty sample", &ns(calibration.sample_ns));
        table.pair("turn of batch loop", &ns(calibration.loop_turn_ns));
        table.pair("batch aimed at", &calibration.batch_min.to_string());
        table.pair("calibrated in", &format!("{} launches", calibration.launches));
    } else {
        table.note(Tone::Bad, "The run was not calibrated.");
    }
    let share = |case: &CaseRecord| Some(case.metric("apparatus_share").ok()?.estimate);
    let shares = record.cases.iter().filter_map(|case| Some((case, share(case)?)));
    if let Some((case, share)) = shares.max_by(|(_, a), (_, b)| a.total_cmp(b)) {
        let share = Unit::Share.show(share);
        table.pair("greatest own share", &format!("{share} of a timed batch, in {}", case.key));
    }
    for case in cases(record).into_iter().filter(|case| case.key.agent == NOOP) {
        let [native, wasm] = ["native_call_ns", "wasm_call_ns"].map(|m| estimate(case, m));
        table.pair("boundary per call", &format!("native {native}, wasm {wasm} (agent {NOOP})"));
        table.note(Tone::Plain, "The boundary is part of every call: shown, subtracted nowhere.");
    }
    vec![table]
}

/// The machine, the engine, the compilers, and what to know before believing a number.
pub(crate) fn environment(record: &Record) -> Vec<Table> {
    let mut machine = Table::pairs("Machine");
    for (name, value) in &record.host.fingerprint {
        machine.pair(name, &reading(value));
    }
    for (check, found) in &record.host.checks {
        machine.pair(&format!("doctor: {check}"), found);
    }
    machine.pair("memory", &reading(&record.host.memory_bytes));
    let load = |reading: &Reading<f64>| match reading {
        Reading::Known(load) => format!("{load:.2}"),
        Reading::Missing(why) => format!("{NONE} ({why})"),
    };
    let [start, end] = [&record.host.load_at_start, &record.host.load_at_end].map(load);
    machine.pair("load average", &format!("{start} at the start, {end} at the end"));

    let mut builds = Table::pairs("Builds");
    compilers(&mut builds, &record.artifacts);
    for (name, value) in record.run.build.iter() {
        builds.pair(&format!("harness {name}"), value);
    }
    for (name, value) in &record.engine {
        builds.pair(&format!("engine {name}"), value);
    }
    let settings = record.engine_settings();
    for ([setting, value], workloads) in &settings {
        let is_one_of_many = settings.keys().filter(|[other, _]| other == setting).count() > 1;
        let workloads: Vec<String> = workloads.iter().map(|workload| name(workload)).collect();
        let who = if is_one_of_many { format!(" ({})", list(&workloads)) } else { String::new() };
        builds.pair(&format!("engine {setting}"), &format!("{value}{who}"));
    }

    let mut warnings = Table::new("Warnings", &[]);
    for warning in &record.warnings {
        warnings.note(Tone::Bad, warning);
    }
    vec![machine, builds, warnings]
}

fn reading(reading: &Reading<impl Display>) -> String {
    match reading {
        Reading::Known(value) => value.to_string(),
        Reading::Missing(why) => format!("{NONE} ({why})"),
    }
}

/// One line per compiler and side, and whether an agent's two sides had the same one.
fn compilers(table: &mut Table, artifacts: &[Artifact]) {
    let mut used: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for artifact in artifacts {
        *used.entry((&artifact.side, reading(&artifact.rustc))).or_default() += 1;
    }
    for ((side, rustc), files) in &used {
        let side = match *side {
            "wasm" => "guests",
            "wasm-simd" => "guests with SIMD",
            "native" => "native builds",
            other => other,
        };
        table.pair(side, &format!("{rustc} (files: {files})"));
    }
    let differ: Vec<String> = artifacts
        .iter()
        .filter(|guest| guest.side == "wasm")
        .filter(|guest| artifacts.iter().any(|twin| is_other_compiler(guest, twin)))
        .map(|guest| name(&guest.agent))
        .collect();
    if !differ.is_empty() {
        let agents = list(&differ);
        table.note(
            Tone::Bad,
            &format!(
                "Guest and native build come from different compilers: {agents}. Their ratios \
                 include that difference."
            ),
        );
    }
}

fn is_other_compiler(guest: &Artifact, twin: &Artifact) -> bool {
    twin.side == "native" && twin.agent == guest.agent && twin.rustc != guest.rustc
}
