//! Readings as the words of a cell, and the lines that several sections need.

use crate::case::Outcome;
use crate::record::{CaseRecord, Interval, Summary};
use crate::report::sanitise::sanitise;
use crate::report::table::{Table, Tone};
use crate::stats::signed_rank;
use crate::units::Unit;
use std::collections::BTreeMap;

/// What stands where there is no value.
pub(crate) const NONE: &str = "—";
/// What stands before a value that should be exact and is not.
pub(crate) const ABOUT: &str = "≈";
/// Longest name of a case in a line: subjects and parameters are ours, and tell cases apart.
const LABEL_MAX: usize = 60;

/// The estimate of `metric`, in words.
pub(crate) fn estimate(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, unit| unit.show(summary.estimate))
}

/// The estimate of an exact `metric`, with all its digits.
pub(crate) fn exact(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, _| {
        let about = if summary.interval.is_some_and(|i| i.is_range()) { ABOUT } else { "" };
        format!("{about}{}", grouped(summary.estimate))
    })
}

/// The interval of `metric`, in words.
pub(crate) fn interval(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, unit| {
        summary.interval.map_or(NONE.to_owned(), |interval| bounds(&interval, unit))
    })
}

/// The launches behind `metric`.
pub(crate) fn launches(case: &CaseRecord, metric: &str) -> String {
    shown(case, metric, |summary, _| summary.n.to_string())
}

fn shown(case: &CaseRecord, metric: &str, show: impl Fn(&Summary, Unit) -> String) -> String {
    let unit = crate::metric::MetricName::parse(metric).map(|metric| metric.metric().unit);
    match (case.metric(metric), unit) {
        (Ok(summary), Ok(unit)) => show(summary, unit),
        _ => NONE.to_owned(),
    }
}

/// Two bounds in square brackets; a ratio's without its `x`.
pub(crate) fn bounds(interval: &Interval, unit: Unit) -> String {
    match unit {
        Unit::Ratio => format!("[{:.3}, {:.3}]", interval.lower, interval.upper),
        _ => format!("[{}, {}]", unit.show(interval.lower), unit.show(interval.upper)),
    }
}

/// How sure an interval is, in words: its level, or that its readings are equal, or are not.
pub(crate) fn level(interval: &Interval) -> String {
    match interval.level {
        Interval::EXACT => "exact".to_owned(),
        _ if interval.is_range() => "range".to_owned(),
        level => percent(level),
    }
}

/// A level in per cent, with as many digits as tell it from 100: `95 %`, `99.97 %`.
pub(crate) fn percent(level: f64) -> String {
    let digits = match 1.0 - level {
        miss if miss >= 0.01 - 1e-9 => 0,
        miss if miss >= 0.001 => 1,
        miss if miss >= 0.0001 => 2,
        _ => 4,
    };
    format!("{:.digits$} %", level * 100.0)
}

/// A whole number with its digits in groups of three; any other with two decimals.
pub(crate) fn grouped(value: f64) -> String {
    if value.fract() != 0.0 || value.abs() >= 1e15 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = if value < 0.0 { "-".to_owned() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Lines on how `cases` ended otherwise than well, on launches that were not granted, and on
/// intervals that could not be; cases of which the same is to be said share a line.
pub(crate) fn notes(
    table: &mut Table,
    cases: &[&CaseRecord],
    label: impl Fn(&CaseRecord) -> String,
) {
    let mut reasons: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut budgets: BTreeMap<(u32, u32), Vec<String>> = BTreeMap::new();
    for case in cases {
        if let Some(reason) = case.outcome.reason() {
            reasons.entry((case.outcome.name(), reason)).or_default().push(label(case));
        }
        let is_short = case.launches.granted < case.launches.wanted;
        if is_short && case.outcome.reason().is_none() {
            let budget = (case.launches.granted, case.launches.wanted);
            budgets.entry(budget).or_default().push(label(case));
        }
    }
    for ((outcome, reason), labels) in reasons {
        table.note(Tone::Bad, &format!("{}: {outcome}: {reason}", list(&labels)));
    }
    for ((granted, wanted), labels) in budgets {
        let labels = list(&labels);
        table.note(Tone::Bad, &format!("{labels}: {granted} of {wanted} launches done"));
    }
}

/// A line for each reason why a case that ran has no `metric`.
pub(crate) fn note_missing(
    table: &mut Table,
    cases: &[&CaseRecord],
    metric: &str,
    label: impl Fn(&CaseRecord) -> String,
) {
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.outcome == Outcome::Ran) {
        if let Err(why) = case.metric(metric) {
            reasons.entry(why.to_string()).or_default().push(label(case));
        }
    }
    for (why, labels) in reasons {
        table.note(Tone::Bad, &format!("{}: no {metric}: {why}", list(&labels)));
    }
}

/// A line on what [`ABOUT`] means, where a cell has it.
pub(crate) fn note_about(table: &mut Table) {
    if table.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.starts_with(ABOUT)) {
        let text = format!("{ABOUT} the middle of readings that should be equal and are not");
        table.note(Tone::Bad, &text);
    }
}

/// A line where a summary of `metric` has no interval, because its launches are too few.
pub(crate) fn note_small_n(table: &mut Table, cases: &[&CaseRecord], metric: &str, level: f64) {
    let small = cases.iter().filter_map(|case| case.metric(metric).ok());
    let small = small.filter(|summary| summary.interval.is_none()).map(|summary| summary.n).max();
    if let Some(n) = small {
        table.note(Tone::Bad, &too_few(n, level));
    }
}

/// That `n` launches give no interval at `level`.
pub(crate) fn too_few(n: u32, level: f64) -> String {
    let least = signed_rank::least_n(level).unwrap_or(signed_rank::N_MAX);
    format!("n = {n} has no interval at {}: that takes {least} launches", percent(level))
}

/// Names in a row; of many, the first ones and a count.
pub(crate) fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    const CHARS: usize = 300;
    let mut text = String::new();
    for (i, label) in names.iter().enumerate() {
        if i == SHOWN || text.chars().count() > CHARS {
            return format!("{text} and {} more", names.len() - i);
        }
        let separator = if i == 0 { "" } else { ", " };
        text = text + separator + &sanitise(label, LABEL_MAX);
    }
    text
}

/// Case keys in a row, whole: a name that is cut cannot be looked for. Of many, the first ones and
/// a count.
pub(crate) fn some(keys: &[String]) -> String {
    const SHOWN: usize = 4;
    let (shown, more) = keys.split_at(keys.len().min(SHOWN));
    match more.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_shows_what_it_misses() {
        let shown = [0.95, 0.99, 1.0 - 0.01 / 6.0, 1.0 - 0.01 / 32.0, 0.99999].map(percent);
        assert_eq!(shown, ["95 %", "99 %", "99.8 %", "99.97 %", "99.9990 %"]);
    }

    #[test]
    fn exact_numbers_keep_their_digits() {
        let shown = [0.0, 999.0, 1000.0, 10_485_632.0, -1234.0, 2.5].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "10,485,632", "-1,234", "2.50"]);
    }
}
