//! The guide's targets as tables: against all that was measured, and runtime beside runtime.

use crate::paint::{Style, paint};
use crate::table::{Table, Tone};
use caxton_analysis::runtimes::{self, NEAR, NearFigure, RUNTIMES, RuntimeCell, RuntimeRow};
use caxton_analysis::targets::{GradedTarget, Worst, decimal, grade};
use caxton_model::metric::MetricName;
use caxton_model::record::{Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds};

/// The targets as a table. A row is the case of all `records` that stands worst.
pub fn table(records: &[Record]) -> Table {
    let columns = [
        "<target for",
        "target",
        "acceptable",
        "critical",
        "worst case",
        "interval",
        "n",
        "cases",
        "<verdict",
    ];
    let mut table = Table::new("Targets", &columns);
    for GradedTarget { target, worst, cases } in grade(records) {
        let sign = if target.bounds()[0].is_upper() { "<" } else { ">" };
        let level = |level: f64| format!("{sign} {}", decimal(target.unit, level));
        let [first, second, third] = target.levels.map(level);
        let (tone, told) = match &worst {
            Ok(worst @ Worst { figure, .. }) => {
                let interval = figure.interval.map_or(NONE.to_owned(), |i| bounds(&i, target.unit));
                let tone = match worst.level() {
                    Some(0..=2) => Tone::Plain,
                    _ => Tone::Bad,
                };
                let figure = [target.unit.show(figure.estimate), interval, figure.n.to_string()];
                (tone, [&figure[..], &[cases.to_string(), worst.words()]].concat())
            }
            Err(why) => {
                let none = || NONE.to_owned();
                (Tone::Plain, vec![none(), none(), none(), none(), format!("missing: {why}")])
            }
        };
        let row = [target.name.to_owned(), first, second, third];
        table.row(tone, row.into_iter().chain(told));
        if let Ok(Worst { case, metrics, .. }) = &worst {
            let from = metrics.join(" + ");
            table.note(Tone::Plain, &format!("{}: {from}; worst is {case}", target.name));
        }
    }
    table.note(
        Tone::Plain,
        "A row is the worst case, judged by its whole interval; UNCLEAR: the interval contains a \
         level.",
    );
    table
}

/// [`by_runtime`] as text; nothing where none of `records` is of the suite caxton.
pub fn by_runtime_text(records: &[&Record], style: &Style) -> String {
    let table = by_runtime(records);
    if table.is_empty() { String::new() } else { paint(&table, style) }
}

/// The targets with a column for each runtime. It has no rows where none of `records` is of the
/// suite caxton.
pub fn by_runtime(records: &[&Record]) -> Table {
    let [ours, tokio, caxton] = RUNTIMES.map(|name| format!("<{name}"));
    let columns = ["<target for", "target", &*ours, &*tokio, &*caxton];
    let mut table = Table::new("Targets by runtime", &columns);
    for row in runtimes::by_runtime(records) {
        let RuntimeRow { target, cells } = &row;
        let sign = if target.bounds()[0].is_upper() { "<" } else { ">" };
        let asked = format!("{sign} {}", decimal(target.unit, target.levels[0]));
        let is_bad = |cell: &RuntimeCell| match cell {
            RuntimeCell::Figure(worst) => !matches!(worst.level(), Some(0..=2)),
            RuntimeCell::Unsupported(_) | RuntimeCell::NotMeasured(_) => false,
        };
        let tone = if cells.iter().any(is_bad) { Tone::Bad } else { Tone::Plain };
        let [ours, tokio, caxton] = cells.each_ref().map(|cell| shown(cell, target.unit));
        table.row(tone, [target.name.to_owned(), asked, ours, tokio, caxton]);
        for (runtime, cell) in RUNTIMES.iter().zip(cells) {
            if let Some(more) = more(cell, target.unit) {
                table.note(Tone::Plain, &format!("{}, {runtime}: {more}", target.name));
            }
        }
        for near in NEAR.iter().filter(|near| near.target == target.name) {
            if let Some(line) = near_line(near, records) {
                table.note(Tone::Plain, &line);
            }
        }
    }
    if !table.rows.is_empty() {
        let text = "A cell is the worst case, judged by its whole interval. What is unsupported \
                    meets no target.";
        table.note(Tone::Plain, text);
    }
    table
}

/// A cell: a figure with its n and verdict, or in a few words why there is none.
fn shown(cell: &RuntimeCell, unit: Unit) -> String {
    match cell {
        RuntimeCell::Figure(worst) => {
            let Summary { estimate, n, .. } = worst.figure;
            format!("{} (n = {n}) {}", unit.show(estimate), worst.words())
        }
        RuntimeCell::Unsupported(why) => {
            format!("unsupported: {}", why.split("; ").next().unwrap_or_default())
        }
        RuntimeCell::NotMeasured(why) => format!("not measured: {why}"),
    }
}

/// What a cell has no room for.
fn more(cell: &RuntimeCell, unit: Unit) -> Option<String> {
    match cell {
        RuntimeCell::Figure(Worst { case, metrics, figure, .. }) => {
            let (within, from) = (within(figure, unit), metrics.join(" + "));
            Some(format!("{}{within}: {from} of {case}", unit.show(figure.estimate)))
        }
        RuntimeCell::Unsupported(why) => Some(format!("unsupported: {why}")),
        RuntimeCell::NotMeasured(_) => None,
    }
}

fn within(figure: &Summary, unit: Unit) -> String {
    figure.interval.map_or(String::new(), |interval| format!(" {}", bounds(&interval, unit)))
}

fn near_line(near: &NearFigure, records: &[&Record]) -> Option<String> {
    let (case, figure) = runtimes::near(near, records)?;
    let unit = MetricName::parse(near.metric).ok()?.metric().unit;
    let (shown, within) = (unit.show(figure.estimate), within(&figure, unit));
    Some(format!("{}: {} {shown}{within}, n = {}: {}", near.target, near.words, figure.n, case.key))
}
