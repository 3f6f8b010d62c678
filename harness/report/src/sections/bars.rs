//! The reference runtime's bars as a table.

use crate::table::{Table, Tone};
use caxton_analysis::bars::{GradedBar, grade};
use caxton_analysis::limits::{Bound, Grade};
use caxton_model::record::Record;
use caxton_model::words::{NONE, bounds, list};
use std::collections::BTreeMap;

/// The bars as a table; empty where the record has no case of one.
pub fn table(record: &Record) -> Table {
    let columns = ["<bar for", "bar", "figure", "interval", "n", "<stands"];
    let mut table = Table::new("Bars for the reference runtime", &columns);
    let graded = grade(record);
    for GradedBar { bar, figure, grade } in &graded {
        let unit = bar.unit();
        let bound = match bar.bound {
            Bound::Max(most) => format!("≤ {}", unit.show(most)),
            Bound::Min(least) => format!("≥ {}", unit.show(least)),
        };
        let [shown, interval, n] = match figure {
            Ok(summary) => [
                unit.show(summary.estimate),
                summary.interval.map_or(NONE.to_owned(), |interval| bounds(&interval, unit)),
                summary.n.to_string(),
            ],
            Err(_) => [NONE; 3].map(str::to_owned),
        };
        let tone = if *grade == Grade::Met { Tone::Plain } else { Tone::Bad };
        let stands = grade.name().to_owned();
        table.row(tone, [bar.name.to_owned(), bound, shown, interval, n, stands]);
    }
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for GradedBar { bar, figure, .. } in &graded {
        if let Err(why) = figure {
            reasons.entry(why).or_default().push(bar.name.to_owned());
        }
    }
    for (why, names) in reasons {
        table.note(Tone::Bad, &format!("{}: {why}", list(&names)));
    }
    if !graded.is_empty() {
        let text = "Met and missed are said of the whole interval, at 95 %; of a ratio of two \
                    cases, at 90 %.";
        table.note(Tone::Plain, text);
    }
    table
}
