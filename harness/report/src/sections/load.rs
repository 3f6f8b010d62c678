//! Loads: the verdict of each with its reasons, what was offered and what came of it, thresholds,
//! what grew, how a burst was got over.

use crate::table::{Table, Tone, name};
use caxton_model::case::Outcome;
use caxton_model::load::outcome::{
    Leak, LoadOutcome, LoadVerdict, Percentile, Percentiles, Recovery, StageOutcome,
};
use caxton_model::load::plan::Pacing;
use caxton_model::load::quiescence::{LedgerRow, Thing};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::units::{Nanos, Unit};
use caxton_model::words::grouped;
use caxton_stats::limit::LimitVerdict;
use caxton_stats::trend::{SeriesGrowth, Trend};

const DAY_S: f64 = 86_400.0;

/// Tables of every load of the record.
pub(super) fn tables(record: &Record) -> Vec<Table> {
    let loads = of(record);
    if loads.is_empty() {
        return Vec::new();
    }
    let mut tables = vec![verdicts(&loads), messages(&loads), times(&loads), thresholds(&loads)];
    tables.push(growth(&loads));
    tables.push(slowing(&loads));
    tables.push(recoveries(&loads));
    tables.push(left(&loads));
    tables
}

/// The loads of the record, with their cases.
pub(crate) fn of(record: &Record) -> Vec<(&CaseRecord, &LoadOutcome)> {
    record.cases.iter().filter_map(|case| Some((case, case.load.as_deref()?))).collect()
}

/// How bad a verdict is.
pub(crate) const fn tone(verdict: LoadVerdict) -> Tone {
    match verdict {
        LoadVerdict::Pass | LoadVerdict::Unclear => Tone::Plain,
        LoadVerdict::Fail | LoadVerdict::Invalid => Tone::Bad,
    }
}

fn reading<T>(reading: &Reading<T>, show: impl Fn(&T) -> String) -> String {
    reading.known().map_or_else(|| "-".to_owned(), show)
}

pub(crate) fn count(value: u64) -> String {
    grouped(value as f64)
}

pub(crate) fn label(load: &LoadOutcome) -> String {
    name(&load.plan.name)
}

/// What was wanted and what was granted, in words.
fn size(load: &LoadOutcome) -> (String, String) {
    match load.plan.pacing {
        Pacing::Open => (length(load.plan.wanted()), length(load.whole.took)),
        Pacing::Closed { .. } => (
            format!("{} messages", count(load.wanted_messages)),
            format!("{} in {}", count(load.whole.counts.settled()), load.whole.took),
        ),
    }
}

/// A time, in hours where it is some.
fn length(time: Nanos) -> String {
    const HOUR_S: f64 = 3600.0;
    match time.0 as f64 / 1e9 {
        seconds if seconds >= 2.0 * HOUR_S => format!("{:.1} h", seconds / HOUR_S),
        _ => time.to_string(),
    }
}

pub(crate) fn verdicts(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = ["<load", "<verdict", "<loop", "agents", "message", "wanted", "granted"];
    let mut table = Table::new("Loads", &headings);
    for (_, load) in loads {
        let (wanted, granted) = size(load);
        let pacing = match load.plan.pacing {
            Pacing::Open => "open".to_owned(),
            Pacing::Closed { in_flight } => format!("closed, {in_flight} in flight"),
        };
        let agents = load.plan.agents.to_string();
        let bytes = Unit::Bytes.show(f64::from(load.plan.message_bytes));
        let verdict = load.told();
        let row = [&label(load), &verdict, &pacing, &agents, &bytes, &wanted, &granted];
        table.row(tone(load.verdict), row);
    }
    for (case, load) in loads {
        let what = label(load);
        table.note(Tone::Plain, &format!("{what}: {}", load.target));
        for reason in &load.reasons {
            table.note(tone(load.verdict), &format!("{what}: {}", reason));
        }
        if case.outcome != Outcome::Ran {
            let why = case.outcome.reason().unwrap_or_default();
            let text = format!("{what}: {}: {}", case.outcome.name(), why);
            table.note(Tone::Bad, &text);
        }
        if load.segments.len() > 1 {
            let text = format!(
                "{what}: {} processes, with gaps between them; {} messages were in flight when one \
                 was ended",
                load.segments.len(),
                load.cut_off
            );
            table.note(Tone::Plain, &text);
        }
    }
    if loads.iter().any(|(_, load)| matches!(load.plan.pacing, Pacing::Closed { .. })) {
        let text = "A closed loop waits for answers: its times are not comparable with an open \
                    one's, a stall hides in them.";
        table.note(Tone::Plain, text);
    }
    table
}

/// The stages of a load, and all of them where there are several.
fn rows(load: &LoadOutcome) -> Vec<(String, &StageOutcome)> {
    let all = (load.stages.len() > 1).then(|| ("all".to_owned(), &load.whole));
    let stages = load.stages.iter().map(|stage| (name(&stage.name), stage));
    stages.chain(all).collect()
}

pub(crate) fn messages(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = [
        "<load",
        "<stage",
        "took",
        "offered",
        "answered",
        "answered/s",
        "wrong",
        "timed out",
        "dropped",
        "Little",
    ];
    let mut table = Table::new("Loads: messages", &headings);
    for (_, load) in loads {
        for (stage, outcome) in rows(load) {
            let counts = &outcome.counts;
            let took_s = outcome.took.0 as f64 / 1e9;
            let per_second = match took_s {
                took_s if took_s > 0.0 => Unit::PerSecond.show(counts.ok as f64 / took_s),
                _ => "-".to_owned(),
            };
            let little =
                reading(&outcome.little_residual, |residual| format!("{:+.2} %", residual * 100.0));
            let is_bad = counts.failed() > 0;
            let row = [
                label(load),
                stage,
                outcome.took.to_string(),
                count(counts.offered),
                count(counts.ok),
                per_second,
                count(counts.errors),
                count(counts.timed_out),
                count(counts.dropped),
                little,
            ];
            let tone = if is_bad { Tone::Bad } else { Tone::Plain };
            table.row(tone, row.iter().map(String::as_str));
        }
    }
    let text = "Little: mean in flight by the clock, over throughput times mean response, less \
                one; over 5 % the books are wrong.";
    table.note(Tone::Plain, text);
    table
}

fn percentile(of: &Percentiles, share: f64) -> String {
    of.find(share).map_or_else(String::new, |p| reading(&p.value, Nanos::to_string))
}

fn with_interval(of: &Percentiles, share: f64) -> String {
    match of.find(share) {
        Some(Percentile {
            value: Reading::Known(value), interval: Some([lower, upper]), ..
        }) => {
            format!("{value} [{lower}, {upper}]")
        }
        _ => percentile(of, share),
    }
}

pub(crate) fn times(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = [
        "<load",
        "<stage",
        "n",
        "response p50",
        "p90",
        "p99 [95 %]",
        "p99.9",
        "max",
        "service p50",
        "p99",
        "lateness p99",
    ];
    let title = "Loads: response from the intended start, service from the send";
    let mut table = Table::new(title, &headings);
    for (_, load) in loads {
        for (stage, outcome) in rows(load) {
            let (response, service) = (&outcome.response, &outcome.service);
            let row = [
                label(load),
                stage,
                count(response.n),
                percentile(response, 0.5),
                percentile(response, 0.9),
                with_interval(response, 0.99),
                percentile(response, 0.999),
                reading(&response.max, Nanos::to_string),
                percentile(service, 0.5),
                percentile(service, 0.99),
                reading(&outcome.lateness_p99, Nanos::to_string),
            ];
            table.row(Tone::Plain, row.iter().map(String::as_str));
        }
    }
    let text = "Messages that failed count as longer than any. Intervals: bootstrap over stretches \
                of time within the one run.";
    table.note(Tone::Plain, text);
    table
}

pub(crate) fn thresholds(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = ["<load", "<threshold", "observed", "<verdict"];
    let mut table = Table::new("Loads: thresholds", &headings);
    for (_, load) in loads {
        for judged in &load.thresholds {
            let is_missed = judged.verdict == LimitVerdict::Missed;
            let tone = if is_missed { Tone::Bad } else { Tone::Plain };
            let observed = match &judged.observed {
                Reading::Known(_) => judged.shown(),
                Reading::Missing(_) => "-".to_owned(),
            };
            let threshold = judged.threshold.to_string();
            let verdict = judged.verdict.word(&LimitVerdict::THRESHOLD);
            table.row(tone, [&label(load), &threshold, &observed, verdict]);
        }
    }
    table
}

/// A slope in bytes or blocks as what it is in a day.
pub(crate) fn per_day(trend: &Trend, per_s: f64) -> String {
    unit(trend).show(per_s * DAY_S)
}

/// The same as what it is for each message.
pub(crate) fn per_message(trend: &Trend, leak: &Leak, per_s: f64) -> String {
    const SMALL: f64 = 0.01;
    let rate = leak.messages_per_second;
    let each = per_s / rate;
    match each.abs() {
        _ if rate <= 0.0 => "-".to_owned(),
        // Digits would round it away.
        small if small > 0.0 && small < SMALL => {
            let sign = if each < 0.0 { "-" } else { "" };
            let one = unit(trend).show(1.0);
            format!("{sign}{one} in {} messages", count((1.0 / small).round() as u64))
        }
        _ => unit(trend).show(each),
    }
}

fn unit(trend: &Trend) -> Unit {
    if trend.name.ends_with("bytes") { Unit::Bytes } else { Unit::Count }
}

pub(crate) fn growth(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = [
        "<load",
        "<series",
        "<verdict",
        "level",
        "growth in 24 h",
        "95 % interval",
        "per message",
        "smallest seen in 24 h",
        "per message",
    ];
    let mut table = Table::new("Loads: what grew", &headings);
    for (_, load) in loads {
        let Some(leak) = &load.leak else { continue };
        for trend in &leak.trends {
            table.row(Tone::Plain, grown(load, leak, trend).iter().map(String::as_str));
        }
        let text = match &leak.verdict {
            LimitVerdict::Met => "CLEAN: no series grew in a way that matters".to_owned(),
            LimitVerdict::Unclear => "SUSPECT: something grew; a longer run can tell".to_owned(),
            LimitVerdict::Missed => "LEAK: series of two kinds grew to the end".to_owned(),
            LimitVerdict::Unknown(why) => format!("INVALID: {}", why),
        };
        let tone = match leak.verdict {
            LimitVerdict::Met | LimitVerdict::Unclear => Tone::Plain,
            LimitVerdict::Missed | LimitVerdict::Unknown(_) => Tone::Bad,
        };
        table.note(tone, &format!("{}: {text}", label(load)));
    }
    table
}

fn grown(load: &LoadOutcome, leak: &Leak, trend: &Trend) -> [String; 9] {
    let of = |show: &dyn Fn(&SeriesGrowth) -> String| {
        trend.judged.as_ref().map_or_else(|| "-".to_owned(), show)
    };
    [
        label(load),
        trend.name.clone(),
        trend.verdict.word(&LimitVerdict::LEAK).to_owned(),
        of(&|judged| unit(trend).show(judged.level)),
        of(&|judged| per_day(trend, judged.slope_per_s)),
        of(&|judged| {
            let (lower, upper) = judged.interval_per_s;
            format!("[{}, {}]", per_day(trend, lower), per_day(trend, upper))
        }),
        of(&|judged| per_message(trend, leak, judged.slope_per_s)),
        of(&|judged| per_day(trend, judged.smallest_seen_per_s)),
        of(&|judged| per_message(trend, leak, judged.smallest_seen_per_s)),
    ]
}

pub(crate) fn slowing(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = ["<load", "<figure", "last third over first", "95 % interval", "<verdict"];
    let mut table = Table::new("Loads: what got slower", &headings);
    for (_, load) in loads {
        if load.degradation.is_some() {
            let text = format!(
                "{}: responses within a hundredth of the objective of {} count as alike",
                label(load),
                load.plan.slo
            );
            table.note(Tone::Plain, &text);
        }
        for (figure, told) in load.degradation.iter().flat_map(|all| &all.figures) {
            let is_degraded = told.verdict == LimitVerdict::Missed;
            let tone = if is_degraded { Tone::Bad } else { Tone::Plain };
            let standing = told.verdict.word(&LimitVerdict::DEGRADATION);
            let (estimate, interval) = match &told.ratio {
                Some(ratio) => (
                    Unit::Ratio.show(ratio.estimate),
                    format!("[{:.3}, {:.3}]", ratio.lower, ratio.upper),
                ),
                None => ("-".to_owned(), String::new()),
            };
            table.row(tone, [&label(load), figure.as_str(), &estimate, &interval, standing]);
            if let Some(why) = told.verdict.why() {
                let text = format!("{}: {figure}: {}", label(load), why);
                table.note(Tone::Plain, &text);
            }
        }
    }
    table
}

fn recoveries(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings = [
        "<load",
        "recovered after",
        "backlog",
        "capacity",
        "least time",
        "calm p99",
        "least capacity for the target",
    ];
    let mut table = Table::new("Loads: bursts", &headings);
    for (_, load) in loads {
        let Some(recovery) = &load.recovery else { continue };
        let least = load.least_capacity_per_second;
        let least = least.map_or_else(|| "-".to_owned(), |rate| Unit::PerSecond.show(rate));
        let of = |show: &dyn Fn(&Recovery) -> String| reading(recovery, show);
        let row = [
            label(load),
            of(&|told| match told.took_s {
                Some(took_s) => format!("{took_s:.0} s"),
                None => format!("not in {:.0} s", told.looked_s),
            }),
            of(&|told| count(told.backlog)),
            of(&|told| match told.capacity_per_second {
                Some(rate) => Unit::PerSecond.show(rate),
                None => "not reached".to_owned(),
            }),
            of(&|told| told.drain_s.map_or_else(|| "-".to_owned(), |s| format!("{s:.1} s"))),
            of(&|told| told.calm_p99.to_string()),
            least,
        ];
        table.row(Tone::Plain, row.iter().map(String::as_str));
        if let Reading::Missing(why) = recovery {
            table.note(Tone::Plain, &format!("{}: {}", label(load), why));
        }
    }
    if !table.rows.is_empty() {
        let text = "Recovered: the start of the first 5 whole seconds in a row that are as before \
                    the burst; least time: the backlog at the capacity that was seen.";
        table.note(Tone::Plain, text);
    }
    table
}

/// What is counted before the first agent and after the last, in the order of the columns.
const THINGS: [Thing; 6] = [
    Thing::InFlight,
    Thing::Threads,
    Thing::Files,
    Thing::Maps,
    Thing::LiveBlocks,
    Thing::LiveBytes,
];

pub(crate) fn left(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let headings: Vec<&str> = ["<load", "messages handled"]
        .into_iter()
        .chain(THINGS.into_iter().map(Thing::name))
        .collect();
    let title = "Loads: what was left when the last agent was gone";
    let mut table = Table::new(title, &headings);
    for (_, load) in loads {
        let Reading::Known(ledger) = &load.left else { continue };
        let of = |thing: Thing| {
            let row = ledger.rows.iter().find(|row| row.thing == thing);
            row.and_then(LedgerRow::left).map_or_else(|| "-".to_owned(), count)
        };
        let row = [label(load), count(ledger.messages)].into_iter().chain(THINGS.map(of));
        table.row(Tone::Plain, row);
    }
    table
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
