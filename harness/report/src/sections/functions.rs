//! What WASM costs each function, as a table.

use crate::table::{Table, Tone};
use caxton_model::profile::Weight;
use caxton_model::profile::changes::{Changes, FunctionRow, NORMAL_95};
use caxton_model::words::NONE;

/// Longest name in the table; of a longer one its end is shown, which tells more.
const NAME_MAX: usize = 36;

/// The functions that changed most between native and WASM, for a report on `agent`.
pub(crate) fn table(changes: &Changes, agent: &str) -> Table {
    let title = format!("{agent}: {} per message, by function", changes.weight.words());
    let columns = ["<function", "native", "WASM", "growth", "ratio", "native, all", "WASM, all"];
    let mut table = Table::new(&title, &columns);
    for row in &changes.grown {
        table.row(Tone::Plain, cells(changes, row));
    }
    if changes.others > 0 {
        let (others, grown) = (changes.others, changes.weight.unit().show(changes.others_growth));
        table.note(Tone::Plain, &format!("{others} other functions together: growth {grown}"));
    }
    let show = |row: &FunctionRow| {
        format!("{} {}", tail(&row.name), changes.weight.unit().show(row.growth()))
    };
    let shrunk: Vec<String> = changes.shrunk.iter().map(show).collect();
    if !shrunk.is_empty() {
        table.note(Tone::Plain, &format!("less as WASM, the most: {}", shrunk.join(", ")));
    }
    let text = "native, WASM and growth: in the function itself; all: with what it calls";
    table.note(Tone::Plain, text);
    if changes.weight == Weight::CpuNs {
        let text = "± half a 95 % interval for the number of samples (Poisson), and for \
                    nothing else: not for how runs differ";
        table.note(Tone::Plain, text);
    }
    table.note(Tone::Plain, &changes.matched.words());
    for warning in &changes.warnings {
        table.note(Tone::Bad, warning);
    }
    table
}

fn cells(changes: &Changes, row: &FunctionRow) -> [String; 7] {
    let show = |value: f64| changes.weight.unit().show(value);
    let within = |text: String, error: Option<String>| match error {
        Some(error) => format!("{text} ±{error}"),
        None => text,
    };
    let growth_error = row.growth_error().map(|error| show(NORMAL_95 * error));
    let ratio_error = row.ratio_error().map(|error| format!("{:.2}", NORMAL_95 * error));
    let ratio = match row.ratio() {
        Some(ratio) => within(format!("{ratio:.2}x"), ratio_error),
        None => NONE.to_owned(),
    };
    [
        tail(&row.name),
        show(row.native.own),
        show(row.wasm.own),
        within(show(row.growth()), growth_error),
        ratio,
        show(row.native.inclusive),
        show(row.wasm.inclusive),
    ]
}

fn tail(name: &str) -> String {
    let count = name.chars().count();
    match count.checked_sub(NAME_MAX).filter(|over| *over > 0) {
        None => name.to_owned(),
        Some(over) => format!("…{}", name.chars().skip(over + 1).collect::<String>()),
    }
}
