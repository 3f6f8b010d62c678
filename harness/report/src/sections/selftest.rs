//! Trials of which the truth is known, as a table: how often comparisons are wrong on a machine,
//! what they find, and how soon.

use crate::table::{Table, Tone};
use caxton_model::paired::comparison::{CaseComparison, Decision, Verdict};
use caxton_model::paired::{Design, Weight};
use caxton_model::reading::Reading;
use caxton_model::record::Record;
use caxton_model::units::{Nanos, Unit};
use caxton_model::words::NONE;
use caxton_stats::proportion::clopper_pearson;
use caxton_stats::summary;

/// Confidence of the shares' intervals.
const LEVEL: f64 = 0.95;

/// What a comparison said where the truth is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The slow-down that was planted, in per mille of the work.
    pub permille: u64,
    /// What the comparison said.
    pub case: CaseComparison,
}

/// The table, and whether false alarms are as rare as promised: no, if they are more frequent than
/// [`Design::alpha`] beyond doubt.
pub fn report(trials: &[Trial], design: &Design, run: &Record) -> (Table, bool) {
    let metrics = design.primary + design.secondary;
    let title = format!(
        "Self-test: sized for a run of {metrics} metrics, alpha {}, margin {}, to find {}, {}, \
         seed {}",
        percent(design.alpha),
        percent(design.margin),
        percent(design.mde - design.margin),
        design.looks_told(),
        run.run.seed
    );
    let columns = [
        "planted",
        "trials",
        "<metric",
        "<verdict",
        "times",
        "share",
        "<95 % interval",
        "estimate",
        "launches",
        "time",
    ];
    let mut table = Table::new(&title, &columns);
    let (same, planted): (Vec<_>, Vec<_>) = trials.iter().partition(|t| t.permille == 0);
    let mut is_sound = true;
    for verdict in [Verdict::Regressed, Verdict::Improved] {
        let any = |t: &&&Trial| t.case.metrics.iter().any(|m| m.verdict == Some(verdict));
        let times = same.iter().filter(any).count() as u64;
        let bounds = clopper_pearson(times, same.len() as u64, LEVEL);
        is_sound &= bounds.is_none_or(|(lower, _)| lower <= design.alpha);
        let metric = "any of them";
        row(&mut table, &same, &Found { metric, verdict, times, decisions: None });
    }
    let mut sizes: Vec<u64> = planted.iter().map(|t| t.permille).collect();
    sizes.sort_unstable();
    sizes.dedup();
    for size in sizes {
        let of_size: Vec<&Trial> = planted.iter().copied().filter(|t| t.permille == size).collect();
        for metric in ["wasm_call_ns", "native_call_ns"] {
            let decisions = decisions(&of_size, metric);
            let found = decisions.iter().filter(|(v, _)| *v == Some(Verdict::Regressed)).count();
            let (times, decisions) = (found as u64, Some(&decisions[..]));
            let verdict = Verdict::Regressed;
            row(&mut table, &of_size, &Found { metric, verdict, times, decisions });
        }
    }
    floor(&mut table, &same);
    let of = |name: &str| {
        let told = run.host.fingerprint.get(name).and_then(Reading::known);
        told.map_or(NONE, String::as_str)
    };
    let text = format!(
        "on {} ({}), {} cores: another machine resolves less or more",
        of("cpu_model"),
        of("cpu_family_model_stepping"),
        of("cores_allowed"),
    );
    table.note(Tone::Plain, &text);
    (table, is_sound)
}

/// How often trials gave a verdict on a metric, and what they said of it.
struct Found<'a> {
    metric: &'a str,
    verdict: Verdict,
    times: u64,
    decisions: Option<&'a [Told]>,
}

fn row(table: &mut Table, trials: &[&Trial], found: &Found<'_>) {
    let Found { metric, verdict, times, decisions } = *found;
    let n = trials.len() as u64;
    let Some((lower, upper)) = clopper_pearson(times, n, LEVEL) else { return };
    let middle = |values: Vec<f64>| summary::median(&values);
    let launches = middle(trials.iter().map(|t| f64::from(t.case.launches.granted)).collect());
    let time = middle(trials.iter().map(|t| t.case.taken_ns as f64).collect());
    let estimate = decisions.and_then(|d| middle(d.iter().map(|(_, d)| d.worse).collect()));
    let none = || "—".to_owned();
    let cells = [
        percent(trials.first().map_or(0.0, |t| t.permille as f64 / 1000.0)),
        n.to_string(),
        metric.to_owned(),
        verdict.name().to_owned(),
        times.to_string(),
        percent(times as f64 / n as f64),
        format!("[{}, {}]", percent(lower), percent(upper)),
        estimate.map_or_else(none, |worse| format!("{:+.2} %", (worse - 1.0) * 100.0)),
        launches.map_or_else(none, |launches| format!("{launches:.0}")),
        time.map_or_else(none, |ns| Nanos(ns as u64).to_string()),
    ];
    let is_alarm = trials.first().is_some_and(|t| t.permille == 0) && times > 0;
    table.row(if is_alarm { Tone::Bad } else { Tone::Plain }, cells);
}

/// What comparisons of the same say of the smallest change that can be seen here.
fn floor(table: &mut Table, same: &[&Trial]) {
    for metric in ["wasm_call_ns", "native_call_ns"] {
        let decisions = decisions(same, metric);
        let widths = decisions.iter().filter_map(|(_, d)| d.interval);
        let widths: Vec<f64> = widths.map(|i| (i.upper - i.lower) / 2.0).collect();
        let off: Vec<f64> = decisions.iter().map(|(_, d)| (d.worse - 1.0).abs()).collect();
        let (Some(width), Some(most)) = (summary::median(&widths), summary::quantile(&off, 0.95))
        else {
            continue;
        };
        let text = format!(
            "noise floor of {metric}: the estimate is within ±{} of the truth in 95 % of {} \
             trials; median half-width of its 99 % interval {}",
            percent(most),
            same.len(),
            percent(width)
        );
        table.note(Tone::Plain, &text);
    }
    table.note(
        Tone::Plain,
        "launches and time are medians per trial: until every primary metric was decided",
    );
}

/// What a trial said of one metric.
type Told = (Option<Verdict>, Decision);

fn decisions(trials: &[&Trial], metric: &str) -> Vec<Told> {
    let of = |trial: &&Trial| {
        let mut metrics = trial.case.metrics.iter();
        let found = metrics.find(|m| m.metric.as_str() == metric && m.weight == Weight::Primary)?;
        Some((found.verdict, *found.decision.as_ref().ok()?))
    };
    trials.iter().filter_map(of).collect()
}

fn percent(share: f64) -> String {
    Unit::Share.show(share)
}
