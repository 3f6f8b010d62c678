//! The rows of `report.md`: which figures stand in which table, and what changed.

use crate::checks::changes::{Change, of_case};
use crate::sections::share;
use crate::table::{Table, Tone};
use caxton_analysis::compare::Records;
use caxton_analysis::paired::contest::worse_sign;
use caxton_analysis::requirements::quotient;
use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::reading::Reading;
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, level};

/// A table of the report: its title, the heading of its first column, and its figures by name.
struct Section {
    title: &'static str,
    first: &'static str,
    rows: &'static [(&'static str, &'static str)],
}

const SECTIONS: [Section; 3] = [
    Section {
        title: "Throughput",
        first: "<Metric",
        rows: &[
            ("Messages/sec", "subject_message_rate"),
            ("Tasks/sec", "subject_task_rate"),
            ("Responses/sec", "achieved_rate"),
        ],
    },
    Section {
        title: "Latency",
        first: "<Percentile",
        rows: &[
            ("p50", "subject_response_p50_ns"),
            ("p90", "subject_response_p90_ns"),
            ("p99", "subject_response_p99_ns"),
            ("p99.9", "subject_response_p999_ns"),
            ("round trip, p50", "round_trip_p50_ns"),
            ("round trip, p99", "round_trip_p99_ns"),
            ("call, WASM", "wasm_call_ns"),
            ("call, native", "native_call_ns"),
            ("first message, WASM", "wasm_first_call_ns"),
            ("instantiate, WASM", "wasm_instantiate_ns"),
            ("spawn, p50", "spawn_p50_ns"),
            ("spawn, p99", "spawn_p99_ns"),
            ("recovery, p50", "recover_p50_ns"),
            ("recovery, p99", "recover_p99_ns"),
            ("recovery after a crash", "crash_steady_ns"),
        ],
    },
    Section {
        title: "Resource Usage",
        first: "<Resource",
        rows: &[
            ("Memory/agent", "memory_per_agent_bytes"),
            ("Memory/instance", "wasm_instance_rss_bytes"),
            ("CPU/agent", "agent_cpu_share"),
            ("CPU/message", "subject_message_cpu_ns"),
            ("Memory of the process", "anonymous_rss_bytes"),
            ("Fuel/call", "wasm_fuel"),
            ("Machine code", "wasm_code_bytes"),
            ("Linear memory", "linear_memory_bytes"),
        ],
    },
];

impl Section {
    fn table(&self) -> Table {
        let columns =
            [self.first, "Baseline", "Current", "Change", "Interval", "<Verdict", "<Case"];
        Table::new(self.title, &columns)
    }

    /// The name of `metric` in this table.
    fn name(&self, metric: MetricName) -> Option<&'static str> {
        self.rows.iter().find(|(_, of)| *of == metric.as_str()).map(|(name, _)| *name)
    }

    /// True where `metric`, which no table names, is told in this one.
    fn takes(&self, metric: MetricName) -> bool {
        let title = match metric.metric().unit {
            Unit::PerSecond => "Throughput",
            Unit::Nanos => "Latency",
            Unit::Bytes | Unit::Count | Unit::Ratio | Unit::Share => "Resource Usage",
        };
        self.title == title
    }
}

/// A run alone, or beside a baseline and what the two come to.
pub(super) fn of_run(record: &Record, baseline: Option<(&Record, &Records<'_>)>) -> Vec<Table> {
    let table = |section: &Section| {
        let mut table = section.table();
        for (name, metric) in section.rows {
            let metric = MetricName::parse(metric).expect("a row of this file names a row");
            for case in record.cases.iter().filter(|case| case.outcome == Outcome::Ran) {
                if let Some((tone, cells)) = row(name, metric, case, baseline) {
                    table.wide(tone, cells);
                }
            }
        }
        note(&mut table, baseline.is_some());
        table
    };
    SECTIONS.iter().map(table).filter(|table| !table.is_empty()).collect()
}

fn note(table: &mut Table, has_baseline: bool) {
    if table.rows.is_empty() {
        return;
    }
    let text = if has_baseline {
        "Interval: of the change, as wide as both intervals allow. Their launches are not \
         paired: drift of the machine between them is in the change and not in the interval, so \
         that times have no verdict: caxton-bench compare gives one."
    } else {
        "Interval: of the current figure."
    };
    table.note(Tone::Plain, text);
}

fn row(
    name: &str,
    metric: MetricName,
    case: &CaseRecord,
    baseline: Option<(&Record, &Records<'_>)>,
) -> Option<(Tone, [String; 7])> {
    let unit = metric.metric().unit;
    let none = || NONE.to_owned();
    let key = case.key.to_string();
    let current = match case.metrics.get(&metric)? {
        Reading::Known(summary) => summary,
        Reading::Missing(why) => {
            let cells = [name.to_owned(), none(), none(), none(), none(), why.to_string(), key];
            return Some((Tone::Plain, cells));
        }
    };
    let before = baseline.and_then(|(base, _)| {
        let case = base.cases.iter().find(|other| other.key == case.key)?;
        case.metric(metric.as_str()).ok()
    });
    let [was, change, interval] = match (baseline, before) {
        (Some(_), Some(before)) => {
            let [change, interval] = changed(current, before);
            [unit.show(before.estimate), change, interval]
        }
        (Some(_), None) => [none(), none(), none()],
        (None, _) => [none(), none(), interval(current.interval.as_ref(), unit)],
    };
    let exact = baseline.and_then(|(_, records)| verdict(records, &case.key, metric));
    let tone = if exact == Some(Verdict::Regressed) { Tone::Bad } else { Tone::Plain };
    let verdict = exact.map_or(none(), |verdict| verdict.name().to_owned());
    let now = unit.show(current.estimate);
    Some((tone, [name.to_owned(), was, now, change, interval, verdict, key]))
}

fn interval(interval: Option<&Interval>, unit: Unit) -> String {
    interval.map_or(NONE.to_owned(), |i| format!("{} ({})", bounds(i, unit), level(i)))
}

/// What counts say of `metric`.
fn verdict(records: &Records<'_>, key: &CaseKey, metric: MetricName) -> Option<Verdict> {
    let own = records.exact.iter().find(|(of, exact)| of == key && exact.metric == metric);
    own.map(|(_, exact)| exact.verdict)
}

fn changed(current: &Summary, before: &Summary) -> [String; 2] {
    match quotient(current, before) {
        Err(_) if current.estimate == before.estimate => [signed(1.0), NONE.to_owned()],
        Err(why) => [format!("{NONE} ({why})"), NONE.to_owned()],
        Ok(ratio) => [signed(ratio.estimate), signed_interval(ratio.interval.as_ref())],
    }
}

fn signed_interval(interval: Option<&Interval>) -> String {
    interval.map_or(NONE.to_owned(), |i| {
        format!("[{}, {}] ({})", signed(i.lower), signed(i.upper), level(i))
    })
}

fn signed(ratio: f64) -> String {
    let change = ratio - 1.0;
    let sign = match change {
        v if v > 0.0 => "+",
        v if v < 0.0 => "-",
        _ => "",
    };
    format!("{sign}{}", share(change.abs()))
}

/// What launch pairs and counts of a comparison say, in the same tables.
pub(super) fn of_comparison(comparison: &Comparison) -> Vec<Table> {
    let is_untrusted = comparison.is_untrusted();
    let table = |section: &Section| {
        let mut table = section.table();
        for change in comparison.cases.iter().flat_map(of_case) {
            if let Some(name) = placed(section, change.metric) {
                let is_bad = change.verdict == Some(Verdict::Regressed);
                let tone = if is_bad { Tone::Bad } else { Tone::Plain };
                table.wide(tone, cells(name, &change, is_untrusted));
            }
        }
        if !table.rows.is_empty() {
            let text = "Interval: of the change, by launch pairs. Baseline and current stand for \
                        orientation: the change is not their quotient.";
            table.note(Tone::Plain, text);
        }
        table
    };
    SECTIONS.iter().map(table).filter(|table| !table.is_empty()).collect()
}

/// The name of `metric` in `section`; none where it stands in another one.
fn placed(section: &Section, metric: MetricName) -> Option<&'static str> {
    let is_named = SECTIONS.iter().any(|section| section.name(metric).is_some());
    let other = || (!is_named && section.takes(metric)).then_some(metric.as_str());
    section.name(metric).or_else(other)
}

fn cells(name: &str, told: &Change<'_>, is_untrusted: bool) -> [String; 7] {
    let row = told.metric.metric();
    let show = |value: Option<f64>| value.map_or(NONE.to_owned(), |value| row.unit.show(value));
    let [base, candidate] = told.figures.map(show);
    // It says how much worse; a table says how much more.
    let is_less_worse = worse_sign(row) < 0.0;
    let flip =
        |i: Interval| Interval { lower: i.upper.recip(), upper: i.lower.recip(), level: i.level };
    let interval = told.interval.map(|i| if is_less_worse { flip(i) } else { i });
    let change = match (told.worse, told.figures) {
        (Some(worse), _) => signed(if is_less_worse { worse.recip() } else { worse }),
        (None, [Some(_), Some(_)]) if told.agreement.is_some() => "from none".to_owned(),
        (None, _) => NONE.to_owned(),
    };
    let verdict = match told.verdict {
        None => "open".to_owned(),
        Some(found @ (Verdict::Regressed | Verdict::Improved))
            if is_untrusted && told.agreement.is_none() =>
        {
            format!("{}, not to be trusted", found.name())
        }
        Some(found) => found.name().to_owned(),
    };
    let how = told.agreement.clone().unwrap_or_else(|| signed_interval(interval.as_ref()));
    [name.to_owned(), base, candidate, change, how, verdict, told.case.key.to_string()]
}
