//! Records as charts of rows: targets, ratios, parts, changes. What is drawn where there is nothing
//! to draw is nothing.

use crate::chart::rows::{Mark, Paint, Row, Rows, Shape, bounds};
use crate::chart::scale::{Axis, Scale};
use crate::checks::changes::{Change, findings};
use crate::sections::figures::{UNCLEAR, is_unclear};
use crate::sections::{grid, overhead, parts};
use crate::table::name;
use caxton_analysis::targets::{GradedTarget, grade};
use caxton_model::case::Outcome;
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::record::{CaseRecord, Interval, Record};
use caxton_model::sanitise::sanitise;
use caxton_model::units::Unit;

/// Rows of changes: those behind say less.
const CHANGES_MAX: usize = 40;
const LABEL_MAX: usize = 60;

pub(super) fn targets(records: &[Record]) -> Option<Rows> {
    let graded = grade(records);
    let rows: Vec<Row> = graded.iter().map(target).collect();
    let grounds = ["target", "acceptable", "critical", "missed"].map(str::to_owned).to_vec();
    let chart = Rows::ratios("Worst case against each target", "target", Scale::Log, rows).read(
        "The figure over its target (of a rate: the target over the figure): left of 1x meets it. \
         UNCLEAR: the interval contains a level.",
        "multiple of the target, logarithmic; less is better",
    );
    graded.iter().any(|graded| graded.worst.is_ok()).then_some(Rows { grounds, ..chart })
}

fn target(graded: &GradedTarget) -> Row {
    let GradedTarget { target, worst, .. } = graded;
    let [first, second, third] = target.levels;
    let is_less_better = first < third;
    let over = |value: f64| if is_less_better { value / first } else { first / value };
    let label = target.name.to_owned();
    let grounds = Some([1.0, over(second), over(third)]);
    let Ok(worst) = worst else {
        let row = Row::new(label, "not measured here".to_owned(), Paint::Aside);
        return Row { grounds, ..row };
    };
    let bounds = worst.figure.interval.map(|interval| {
        let (a, b) = (over(interval.lower), over(interval.upper));
        (a.min(b), a.max(b))
    });
    let mark = Mark { bounds, ..Mark::new(over(worst.figure.estimate)) };
    let paint = match worst.level() {
        Some(0) => Paint::Good,
        Some(1) => Paint::Plain,
        Some(2) | None => Paint::Fair,
        Some(_) => Paint::Bad,
    };
    let figure = format!("{}  {}", target.unit.show(worst.figure.estimate), worst.words());
    Row { mark: Some(mark), grounds, ..Row::new(label, figure, paint) }
}

/// Metrics that launch pairs compared, the gravest first.
pub(super) fn changes(comparison: &Comparison) -> Option<Rows> {
    let is_change =
        |told: &Change<'_>| matches!(told.verdict, Some(Verdict::Regressed | Verdict::Improved));
    let mut changes = findings(comparison);
    changes.retain(|told| told.agreement.is_none() && (told.is_primary || is_change(told)));
    let rows: Vec<Row> = changes.iter().filter_map(change).collect();
    let more = rows.len().saturating_sub(CHANGES_MAX);
    let rows = rows.into_iter().take(CHANGES_MAX).collect();
    let notes = (more > 0).then(|| format!("{more} more stand in the table."));
    let margin = comparison.design.margin;
    let band = (margin > 0.0 && margin < 1.0).then(|| ((1.0 + margin).recip(), 1.0 + margin));
    let pairs = "Launch pairs, with exact intervals at 99 %. Above 1x the candidate is worse.";
    let shaded = band
        .map_or(String::new(), |_| format!(" Shaded: the margin of {}.", Unit::Share.show(margin)));
    let own = comparison.cases.iter().any(|case| !case.margins.is_empty());
    let own = own.then(|| "Metrics with a margin of their own: see the table.".to_owned());
    let chart =
        Rows::ratios("Candidate over base: how much worse", "the same", Scale::Linear, rows)
            .read(&format!("{pairs}{shaded}"), "candidate over base; less is better");
    let notes = notes.into_iter().chain(own).collect();
    (!chart.rows.is_empty()).then_some(Rows { notes, band, ..chart })
}

fn change(told: &Change<'_>) -> Option<Row> {
    let worse = told.worse?;
    let paint = match told.verdict {
        Some(Verdict::Regressed) => Paint::Bad,
        Some(Verdict::Improved) => Paint::Good,
        Some(Verdict::Ok) => Paint::Plain,
        Some(Verdict::Inconclusive | Verdict::NotComparable) | None => Paint::Fair,
    };
    let word = told.verdict.map_or("OPEN", Verdict::name);
    let label = format!("{} {}", name(&told.case.key.agent), told.metric);
    let row = Row::new(label, format!("{}  {word}", Unit::Ratio.show(worse)), paint);
    let mark = Mark { bounds: bounds(told.interval), ..Mark::new(worse) };
    Some(Row { mark: Some(mark), ..row })
}

pub(super) fn call_parts(record: &Record) -> Option<Rows> {
    let ran = record.cases.iter().filter(|case| case.key.is_parts());
    let ran: Vec<&CaseRecord> = ran.filter(|case| case.outcome == Outcome::Ran).collect();
    let rows: Vec<Row> = ran.iter().flat_map(|case| parts_of(case)).collect();
    (!rows.is_empty()).then(|| Rows {
        title: "Where a steady-state WASM call goes".to_owned(),
        subtitle: "Each part over the whole call, with its 95 % interval. Parts are estimated on \
                   their own: what is unexplained can be less than nothing."
            .to_owned(),
        axis: Axis {
            title: "share of the call".to_owned(),
            scale: Scale::FromZero,
            unit: Unit::Share,
        },
        shape: Shape::Bar,
        reference: (0.0, String::new()),
        band: None,
        grounds: Vec::new(),
        rows,
        notes: vec!["Copy out comes after the call and is no part of it.".to_owned()],
    })
}

fn parts_of(case: &CaseRecord) -> Vec<Row> {
    let Ok(call) = case.metric(parts::CALL) else { return Vec::new() };
    if call.estimate <= 0.0 {
        return Vec::new();
    }
    let part = |(name, metric): (&str, &str)| {
        let summary = case.metric(metric).ok()?;
        let over = |value: f64| value / call.estimate;
        let ends = bounds(summary.interval).map(|(lower, upper)| (over(lower), over(upper)));
        let share = over(summary.estimate);
        let shown = format!("{}  {}", Unit::Nanos.show(summary.estimate), Unit::Share.show(share));
        let paint = if name.starts_with("copy out") { Paint::Aside } else { Paint::Plain };
        let mark = Some(Mark { bounds: ends, ..Mark::new(share) });
        Some(Row { mark, ..Row::new(name.to_owned(), shown, paint) })
    };
    let heading = format!("{}: {} a call", overhead::label(case), Unit::Nanos.show(call.estimate));
    let heading = Row::heading(heading);
    let parts: Vec<Row> = parts::of(case).into_iter().filter_map(part).collect();
    if parts.is_empty() { Vec::new() } else { [vec![heading], parts].concat() }
}

/// The rate of each subject over its peer's; a heading for each workload and pair.
pub(super) fn rates(record: &Record) -> Option<Rows> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = String::new();
    for case in record.cases.iter().filter(|case| case.outcome == Outcome::Ran) {
        let Some(row) = rate(case) else { continue };
        let (subject, peer) = grid::sides(case);
        let heading = format!("{}: {subject} over {}", case.key.workload, peer.unwrap_or("none"));
        if heading != last {
            rows.push(Row::heading(sanitise(&heading, LABEL_MAX)));
            last = heading;
        }
        rows.push(row);
    }
    let chart = Rows::ratios("Rate over the peer's", "peer", Scale::Log, rows).read(
        "Messages or tasks per second, window beside window, with 95 % intervals.",
        "subject over peer, logarithmic; more is better",
    );
    (!chart.rows.is_empty()).then_some(chart)
}

fn rate(case: &CaseRecord) -> Option<Row> {
    const METRICS: [&str; 2] = ["subject_to_peer_rate", "subject_to_peer_task_rate"];
    let params = case.key.params.iter().map(|(name, value)| format!("{name}={value}"));
    let label = sanitise(&params.collect::<Vec<_>>().join(" "), LABEL_MAX);
    if METRICS.iter().any(|metric| is_unclear(case, metric)) {
        return Some(Row::new(label, UNCLEAR.to_owned(), Paint::Bad));
    }
    let summary = METRICS.iter().find_map(|metric| case.metric(metric).ok())?;
    let bounds = |i: Interval| format!(" [{:.2}, {:.2}]", i.lower, i.upper);
    let bounds = summary.interval.map_or(String::new(), bounds);
    let figure = format!("{:.2}x{bounds}", summary.estimate);
    let row = Row::new(label, figure, Paint::Plain);
    Some(Row { mark: Some(Mark::of(summary)), ..row })
}
