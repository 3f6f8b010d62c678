//! The guide's targets as a table.

use crate::table::{Table, Tone};
use caxton_analysis::targets::{GradedTarget, Worst, decimal, grade};
use caxton_model::record::Record;
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
