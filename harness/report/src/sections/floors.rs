//! How much a relink alone moves each metric, as a table.

use crate::table::{Table, Tone};
use caxton_analysis::paired::relink::Floors;
use caxton_model::paired::Design;
use caxton_model::units::Unit;
use caxton_model::words::NONE;

/// Every floor; those above `margin` stand out.
pub fn table(floors: &Floors, design: &Design) -> Table {
    let launches = design.looks.last().copied().unwrap_or(0);
    let title = format!(
        "Relink floor: the same code, linked in other orders; {launches} launch pairs each, \
         seed {}",
        design.seed
    );
    let mut table = Table::new(&title, &["<case", "<metric", "relinks", "floor", "half-width"]);
    for (case, metrics) in &floors.cases {
        for (metric, floor) in metrics {
            let is_wide = floor.is_seen() && floor.share() > design.margin;
            let half_width = floor.half_width.map(|log| percent(log.exp_m1()));
            table.row(
                if is_wide { Tone::Bad } else { Tone::Plain },
                [
                    case.to_string(),
                    metric.to_string(),
                    floor.relinks.to_string(),
                    percent(floor.share()),
                    half_width.unwrap_or_else(|| NONE.to_owned()),
                ],
            );
        }
    }
    for (case, why) in &floors.untold {
        table.note(Tone::Bad, &format!("{case}: {why}"));
    }
    let level = Design::LEVEL * 100.0;
    let text = format!(
        "floor: the largest change that a relink made; half-width: of its {level:.0} % \
         interval. A floor below its half-width may be noise alone, and widens no margin"
    );
    table.note(Tone::Plain, &text);
    table
}

fn percent(share: f64) -> String {
    Unit::Share.show(share)
}

#[cfg(test)]
#[path = "floors_tests.rs"]
mod tests;
