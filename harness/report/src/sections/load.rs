//! Loads: the verdict of each with its reasons, what was offered and what came of it, thresholds,
//! what grew, how a burst or the death of agents was got over.

use crate::table::{ColumnOf, Table, Tone, name};
use caxton_model::case::Outcome;
use caxton_model::load::crashes::Crashes;
use caxton_model::load::outcome::{
    Leak, LoadOutcome, LoadVerdict, Percentile, Percentiles, Recovery, StageOutcome,
};
use caxton_model::load::plan::Pacing;
use caxton_model::load::quiescence::{LedgerRow, Thing};
use caxton_model::load::threshold::ThresholdFinding;
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Record};
use caxton_model::units::{Nanos, Unit};
use caxton_model::words::grouped;
use caxton_stats::limit::LimitVerdict;
use caxton_stats::trend::{SeriesGrowth, Trend};

const DAY_S: f64 = 86_400.0;

pub(super) fn tables(record: &Record) -> Vec<Table> {
    let loads = of(record);
    if loads.is_empty() {
        return Vec::new();
    }
    let all = [verdicts, messages, times, thresholds, growth, slowing, recoveries, deaths, left];
    all.iter().map(|table| table(&loads)).collect()
}

/// The loads of the record, with their cases.
pub(crate) fn of(record: &Record) -> Vec<(&CaseRecord, &LoadOutcome)> {
    record.cases.iter().filter_map(|case| Some((case, case.load.as_deref()?))).collect()
}

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
    let rows = loads.iter().map(|(_, load)| (tone(load.verdict), *load));
    let columns: &[ColumnOf<'_, &LoadOutcome>] = &[
        ("<load", &|load| label(load)),
        ("<verdict", &|load| load.told()),
        ("<loop", &|load| match load.plan.pacing {
            Pacing::Open => "open".to_owned(),
            Pacing::Closed { in_flight } => format!("closed, {in_flight} in flight"),
        }),
        ("agents", &|load| load.plan.agents.to_string()),
        ("message", &|load| Unit::Bytes.show(f64::from(load.plan.message_bytes))),
        ("wanted", &|load| size(load).0),
        ("granted", &|load| size(load).1),
    ];
    let mut table = Table::of("Loads", rows, columns);
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
        if let Some(several) = load.segments.iter().find(|segment| segment.generators > 1) {
            let text = format!("{what}: {} generators shared its schedule", several.generators);
            table.note(Tone::Plain, &text);
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

struct StageRow<'a> {
    load: &'a LoadOutcome,
    name: String,
    told: &'a StageOutcome,
}

/// The stages of each load, and all of them where there are several.
fn stages<'a>(loads: &[(&'a CaseRecord, &'a LoadOutcome)]) -> Vec<StageRow<'a>> {
    let of = |(_, load): &(&'a CaseRecord, &'a LoadOutcome)| {
        let load = *load;
        let all = (load.stages.len() > 1).then(|| ("all".to_owned(), &load.whole));
        let stages = load.stages.iter().map(|stage| (name(&stage.name), stage));
        stages.chain(all).map(move |(name, told)| StageRow { load, name, told })
    };
    loads.iter().flat_map(of).collect()
}

pub(crate) fn messages(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let rows = stages(loads).into_iter().map(|stage| {
        let is_bad = stage.told.counts.failed() > 0;
        (if is_bad { Tone::Bad } else { Tone::Plain }, stage)
    });
    let columns: &[ColumnOf<'_, StageRow<'_>>] = &[
        ("<load", &|stage| label(stage.load)),
        ("<stage", &|stage| stage.name.clone()),
        ("took", &|stage| stage.told.took.to_string()),
        ("offered", &|stage| count(stage.told.counts.offered)),
        ("answered", &|stage| count(stage.told.counts.ok)),
        ("answered/s", &|stage| match stage.told.took.0 as f64 / 1e9 {
            took_s if took_s > 0.0 => Unit::PerSecond.show(stage.told.counts.ok as f64 / took_s),
            _ => "-".to_owned(),
        }),
        ("wrong", &|stage| count(stage.told.counts.errors)),
        ("timed out", &|stage| count(stage.told.counts.timed_out)),
        ("dropped", &|stage| count(stage.told.counts.dropped)),
        ("Little", &|stage| {
            reading(&stage.told.little_residual, |residual| format!("{:+.2} %", residual * 100.0))
        }),
    ];
    let mut table = Table::of("Loads: messages", rows, columns);
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
    let rows = stages(loads).into_iter().map(|stage| (Tone::Plain, stage));
    let title = "Loads: response from the intended start, service from the send";
    let columns: &[ColumnOf<'_, StageRow<'_>>] = &[
        ("<load", &|stage| label(stage.load)),
        ("<stage", &|stage| stage.name.clone()),
        ("n", &|stage| count(stage.told.response.n)),
        ("response p50", &|stage| percentile(&stage.told.response, 0.5)),
        ("p90", &|stage| percentile(&stage.told.response, 0.9)),
        ("p99 [95 %]", &|stage| with_interval(&stage.told.response, 0.99)),
        ("p99.9", &|stage| percentile(&stage.told.response, 0.999)),
        ("max", &|stage| reading(&stage.told.response.max, Nanos::to_string)),
        ("service p50", &|stage| percentile(&stage.told.service, 0.5)),
        ("p99", &|stage| percentile(&stage.told.service, 0.99)),
        ("lateness p99", &|stage| reading(&stage.told.lateness_p99, Nanos::to_string)),
    ];
    let mut table = Table::of(title, rows, columns);
    let text = "Messages that failed count as longer than any. Intervals: bootstrap over stretches \
                of time within the one run.";
    table.note(Tone::Plain, text);
    table
}

pub(crate) fn thresholds(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let rows = loads.iter().flat_map(|(_, load)| {
        load.thresholds.iter().map(move |judged| {
            let is_missed = judged.verdict == LimitVerdict::Missed;
            let tone = if is_missed { Tone::Bad } else { Tone::Plain };
            (tone, (load, judged))
        })
    });
    let columns: &[ColumnOf<'_, (&&LoadOutcome, &ThresholdFinding)>] = &[
        ("<load", &|(load, _)| label(load)),
        ("<threshold", &|(_, judged)| judged.threshold.to_string()),
        ("observed", &|(_, judged)| reading(&judged.observed, |_| judged.shown())),
        ("<verdict", &|(_, judged)| judged.verdict.word(&LimitVerdict::THRESHOLD).to_owned()),
    ];
    Table::of("Loads: thresholds", rows, columns)
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
    let leaks = loads.iter().filter_map(|(_, load)| Some((*load, load.leak.as_ref()?)));
    let leaks: Vec<(&LoadOutcome, &Leak)> = leaks.collect();
    let rows = leaks.iter().flat_map(|(load, leak)| {
        leak.trends.iter().map(|trend| (Tone::Plain, Grown { load, leak, trend }))
    });
    let columns: &[ColumnOf<'_, Grown<'_>>] = &[
        ("<load", &|grown| label(grown.load)),
        ("<series", &|grown| grown.trend.name.clone()),
        ("<verdict", &|grown| grown.trend.verdict.word(&LimitVerdict::LEAK).to_owned()),
        ("level", &|grown| grown.judged(|judged| unit(grown.trend).show(judged.level))),
        ("growth in 24 h", &|grown| {
            grown.judged(|judged| per_day(grown.trend, judged.slope_per_s))
        }),
        ("95 % interval", &|grown| {
            grown.judged(|judged| {
                let (lower, upper) = judged.interval_per_s;
                format!("[{}, {}]", per_day(grown.trend, lower), per_day(grown.trend, upper))
            })
        }),
        ("per message", &|grown| {
            grown.judged(|judged| per_message(grown.trend, grown.leak, judged.slope_per_s))
        }),
        ("smallest seen in 24 h", &|grown| {
            grown.judged(|judged| per_day(grown.trend, judged.smallest_seen_per_s))
        }),
        ("per message", &|grown| {
            grown.judged(|judged| per_message(grown.trend, grown.leak, judged.smallest_seen_per_s))
        }),
    ];
    let mut table = Table::of("Loads: what grew", rows, columns);
    for (load, leak) in leaks {
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

struct Grown<'a> {
    load: &'a LoadOutcome,
    leak: &'a Leak,
    trend: &'a Trend,
}

impl Grown<'_> {
    fn judged(&self, show: impl Fn(&SeriesGrowth) -> String) -> String {
        self.trend.judged.as_ref().map_or_else(|| "-".to_owned(), show)
    }
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
    let bursts = loads.iter().filter_map(|(_, load)| Some((*load, load.recovery.as_ref()?)));
    let bursts: Vec<(&LoadOutcome, &Reading<Recovery>)> = bursts.collect();
    let rate = |rate: Option<f64>, none: &str| {
        rate.map_or_else(|| none.to_owned(), |rate| Unit::PerSecond.show(rate))
    };
    let rows = bursts.iter().map(|burst| (Tone::Plain, *burst));
    let columns: &[ColumnOf<'_, (&LoadOutcome, &Reading<Recovery>)>] = &[
        ("<load", &|(load, _)| label(load)),
        ("recovered after", &|(_, told)| {
            reading(told, |told| match told.took_s {
                Some(took_s) => format!("{took_s:.0} s"),
                None => format!("not in {:.0} s", told.looked_s),
            })
        }),
        ("backlog", &|(_, told)| reading(told, |told| count(told.backlog))),
        ("capacity", &|(_, told)| {
            reading(told, |told| rate(told.capacity_per_second, "not reached"))
        }),
        ("least time", &|(_, told)| {
            reading(told, |told| told.drain_s.map_or("-".to_owned(), |s| format!("{s:.1} s")))
        }),
        ("calm p99", &|(_, told)| reading(told, |told| told.calm_p99.to_string())),
        ("least capacity for the target", &|(load, _)| rate(load.least_capacity_per_second, "-")),
    ];
    let mut table = Table::of("Loads: recovery", rows, columns);
    for (load, recovery) in bursts {
        if let Reading::Missing(why) = recovery {
            table.note(Tone::Plain, &format!("{}: {why}", label(load)));
        }
    }
    if !table.rows.is_empty() {
        let text = "Recovered: the start of the first 5 whole seconds in a row that are as before \
                    the burst or the deaths; least time: the backlog at the capacity that was seen.";
        table.note(Tone::Plain, text);
    }
    table
}

/// A load that killed agents, and what became of them.
type Killing<'a> = (&'a LoadOutcome, &'a Crashes);

pub(crate) fn deaths(loads: &[(&CaseRecord, &LoadOutcome)]) -> Table {
    let of = loads.iter().filter_map(|(_, load)| Some((*load, load.crashes.as_ref()?)));
    let all: Vec<Killing<'_>> = of.collect();
    let rows = all.iter().map(|(load, told)| {
        let tone = if told.back < told.killed { Tone::Bad } else { Tone::Plain };
        (tone, (*load, *told))
    });
    let columns: &[ColumnOf<'_, Killing<'_>>] = &[
        ("<load", &|(load, _)| label(load)),
        ("killed", &|(load, told)| format!("{} of {}", count(told.killed), load.plan.agents)),
        ("back", &|(_, told)| count(told.back)),
        ("requests lost", &|(_, told)| count(told.lost)),
        ("n", &|(_, told)| count(told.detect.known().map_or(0, |time| time.n))),
        ("detect p50", &|(_, told)| reading(&told.detect, |time| time.p50.to_string())),
        ("max", &|(_, told)| reading(&told.detect, |time| time.max.to_string())),
        ("restart p50", &|(_, told)| reading(&told.restart, |time| time.p50.to_string())),
        ("max", &|(_, told)| reading(&told.restart, |time| time.max.to_string())),
        ("caught up p50", &|(_, told)| reading(&told.caught_up, |time| time.p50.to_string())),
        ("max", &|(_, told)| reading(&told.caught_up, |time| time.max.to_string())),
    ];
    let mut table = Table::of("Loads: agents that were killed", rows, columns);
    if !table.rows.is_empty() {
        let text = "Times are the runtime's own, one of each death (n): detect and caught up from \
                    the start of the call in which the agent died, restart from when its death \
                    was seen. Delivery is at most once: a request that is answered twice fails \
                    the load.";
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
