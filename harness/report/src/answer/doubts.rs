//! What to know before believing what a run found.

use super::case::{NATIVE, SAME, WASM, figures_of, label};
use crate::sections::{figures, load};
use caxton_model::case::{Check, Outcome};
use caxton_model::metric::{Rule, WASM_STDERR_BYTES, metrics};
use caxton_model::record::{Budget, CaseRecord, Company, Record};
use caxton_model::units::Unit;
use caxton_model::words::{counted, some};

/// From this share of native's time on, the start of its process is worth a word.
const START_MIN: f64 = 0.05;

/// Sentences, of which the run's own warnings come last.
pub(super) fn of(record: &Record) -> Vec<String> {
    let ran: Vec<&CaseRecord> =
        record.cases.iter().filter(|case| figures_of(case).is_some()).collect();
    let smoke = "a smoke run: one launch each shows that it runs, and no more";
    let mut doubts = Vec::new();
    doubts.extend((record.run.scale == "smoke").then(|| smoke.to_owned()));
    doubts.extend(on_a_shared_core(&ran));
    doubts.extend(noisy(record));
    doubts.extend(short(record));
    doubts.extend(cut_loads(record));
    doubts.extend(unchecked(&ran));
    doubts.extend(ran.iter().filter_map(|case| started(case)));
    doubts.extend(printing(&ran));
    doubts.extend(record.warnings.iter().cloned());
    doubts
}

/// Cases whose ratio is not known in quiet, and those whose times are of a shared core.
fn on_a_shared_core(ran: &[&CaseRecord]) -> Vec<String> {
    let is_unclear = |case: &CaseRecord| {
        let mut ratios = metrics().filter_map(|found| match found.rule {
            Rule::AsFound { of } => Some(of),
            _ => None,
        });
        ratios.any(|ratio| figures::is_unclear(case, ratio))
    };
    let is_shared = |case: &CaseRecord| {
        let company = case.metric(WASM).ok().map(|own| own.company);
        matches!(company, Some(Company::Present(count)) if count > 0)
    };
    let told = |is: &dyn Fn(&CaseRecord) -> bool, words: &str| {
        let those: Vec<String> = ran.iter().filter(|case| is(case)).map(|c| label(c)).collect();
        let (count, all) = (those.len(), ran.len());
        (count > 0).then(|| format!("{count} of {all} {words}: {}", some(&those)))
    };
    let unclear = "UNCLEAR, since too few launches were quiet (caxton-bench doctor says why)";
    let times = "with times of a shared core";
    told(&is_unclear, unclear).into_iter().chain(told(&is_shared, times)).collect()
}

fn noisy(record: &Record) -> Option<String> {
    let misses = |case: &&CaseRecord| {
        let interval = case.metric(SAME).ok().and_then(|own| own.interval);
        case.key.is_same_against_same() && interval.is_some_and(|own| !own.contains(1.0))
    };
    let noisy = record.cases.iter().filter(misses);
    let noisy: Vec<String> =
        noisy.map(|case| format!("{} {}", case.key.agent, case.key.subject)).collect();
    let words = "differs from itself, so small differences are noise";
    (!noisy.is_empty()).then(|| format!("{words}: {}", some(&noisy)))
}

fn short(record: &Record) -> Option<String> {
    let is_short = |case: &&CaseRecord| {
        let is_cut = case.launches.granted < case.launches.wanted;
        is_cut && case.outcome == Outcome::Ran && !case.key.is_same_against_same()
    };
    let short: Vec<&CaseRecord> = record.cases.iter().filter(is_short).collect();
    let fewest = short.iter().min_by_key(|case| case.launches.granted)?;
    let Budget { granted, wanted } = fewest.launches;
    let cases = counted(short.len(), "case");
    Some(format!("fewer launches than planned: {granted} of {wanted} in the worst of {cases}"))
}

/// A load of which a part ran has not shown what takes longer to show.
fn cut_loads(record: &Record) -> Option<String> {
    let loads = load::of(record);
    let cut = loads.iter().filter_map(|(_, load)| {
        let part = Unit::Share.show(load.part()?);
        Some(format!("{} {part}", load::label(load)))
    });
    let cut: Vec<String> = cut.collect();
    let words = "only a part of the load ran, and what takes longer to show was not seen";
    (!cut.is_empty()).then(|| format!("{words}: {}", some(&cut)))
}

fn unchecked(ran: &[&CaseRecord]) -> Option<String> {
    let is_unchecked = |case: &&&CaseRecord| case.check == Some(Check::Nothing);
    let hint =
        if ran.iter().any(|case| case.key.suite == "wasm") { " (--expect FILE would)" } else { "" };
    let unchecked: Vec<String> = ran.iter().filter(is_unchecked).map(|case| label(case)).collect();
    let words = "nothing says that the answers are right";
    (!unchecked.is_empty()).then(|| format!("{words}{hint}: unchecked {}", some(&unchecked)))
}

/// A native program is a process of its own, and its WASM build an instance in a host that runs.
fn started(case: &CaseRecord) -> Option<String> {
    let [start, native] = ["empty_process_ns", NATIVE].map(|name| case.metric(name));
    let (start, native) = (start.ok()?.estimate, native.ok()?.estimate);
    let instance = case.metric("wasm_fresh_ns").ok()?.estimate;
    let [shown_start, shown_native, instance] =
        [start, native, instance].map(|ns| Unit::Nanos.show(ns));
    (start > native * START_MIN && start <= native).then(|| {
        format!(
            "{}: {} of native's time is the start of a process ({shown_start} of {shown_native}), \
             where WASM starts an instance ({instance})",
            label(case),
            Unit::Share.show(start / native),
        )
    })
}

fn printing(ran: &[&CaseRecord]) -> Option<String> {
    let prints = |case: &&CaseRecord| {
        let written = case.metric(WASM_STDERR_BYTES).ok()?.estimate;
        let bytes = Unit::Bytes.show(written);
        (written > 0.0).then(|| format!("{} {bytes} a message", label(case)))
    };
    let printing: Vec<String> = ran.iter().filter_map(prints).collect();
    let words = "timed while it writes to stderr";
    (!printing.is_empty()).then(|| format!("{words}: {}", some(&printing)))
}
