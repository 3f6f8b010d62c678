//! Hard limits of the user's own, and how a run stands to them.

use crate::table::{Table, Tone};
use caxton_analysis::limits::{Bound, Grade, Graded};
use caxton_model::words::{NONE, bounds};

/// Each limit beside its figure; `idle` are lines of the file whose limits concern no case.
pub fn limits_table(graded: &[Graded], idle: &[usize]) -> Table {
    let columns = ["<case", "<metric", "limit", "figure", "interval", "n", "<stands"];
    let mut table = Table::new("Limits", &columns);
    for Graded { case, metric, bound, figure, grade, .. } in graded {
        let unit = metric.metric().unit;
        let limit = match bound {
            Bound::Max(max) => format!("≤ {}", unit.show(*max)),
            Bound::Min(min) => format!("≥ {}", unit.show(*min)),
        };
        let [shown, interval, n] = match figure {
            Ok(summary) => [
                unit.show(summary.estimate),
                summary.interval.map_or(NONE.to_owned(), |interval| bounds(&interval, unit)),
                summary.n.to_string(),
            ],
            Err(_) => [NONE, NONE, NONE].map(str::to_owned),
        };
        let tone = if *grade == Grade::Met { Tone::Plain } else { Tone::Bad };
        let (case, metric) = (case.to_string(), metric.to_string());
        table.row(tone, [case, metric, limit, shown, interval, n, grade.name().to_owned()]);
    }
    for Graded { case, metric, figure, .. } in graded {
        if let Err(why) = figure {
            table.note(Tone::Bad, &format!("{case}: no {metric}: {why}"));
        }
    }
    for line in idle {
        let text = format!("The limit at line {line} concerns no case of this run: mend its case.");
        table.note(Tone::Bad, &text);
    }
    table
}
