//! What WASM costs each function, as a table.

use crate::table::{ColumnOf, Table, Tone};
use caxton_model::profile::SampleWeight;
use caxton_model::profile::changes::{Changes, FunctionRow, NORMAL_95};
use caxton_model::words::NONE;

/// Longest name in the table; of a longer one its end is shown, which tells more.
const NAME_MAX: usize = 36;

/// The functions that changed most between native and WASM, for a report on `agent`.
pub(crate) fn table(changes: &Changes, agent: &str) -> Table {
    let [from, to] = changes.names();
    let (from_all, to_all) = (format!("{from}, all"), format!("{to}, all"));
    let title = format!("{agent}: {} per message, by function", changes.weight.words());
    let unit = changes.weight.unit();
    let within = |text: String, error: Option<String>| match error {
        Some(error) => format!("{text} ±{error}"),
        None => text,
    };
    let columns: &[ColumnOf<'_, &FunctionRow>] = &[
        ("<function", &|row| tail(&row.name)),
        (from, &|row| unit.show(row.native.own)),
        (to, &|row| unit.show(row.wasm.own)),
        ("growth", &|row| {
            let error = row.growth_error().map(|error| unit.show(NORMAL_95 * error));
            within(unit.show(row.growth()), error)
        }),
        ("ratio", &|row| {
            let error = row.ratio_error().map(|error| format!("{:.2}", NORMAL_95 * error));
            row.ratio().map_or(NONE.to_owned(), |ratio| within(format!("{ratio:.2}x"), error))
        }),
        (&from_all, &|row| unit.show(row.native.inclusive)),
        (&to_all, &|row| unit.show(row.wasm.inclusive)),
    ];
    let mut table = Table::of(&title, changes.grown.iter().map(|row| (Tone::Plain, row)), columns);
    if changes.others > 0 {
        let (others, grown) = (changes.others, unit.show(changes.others_growth));
        table.note(Tone::Plain, &format!("{others} other functions together: growth {grown}"));
    }
    let show = |row: &FunctionRow| format!("{} {}", tail(&row.name), unit.show(row.growth()));
    let shrunk: Vec<String> = changes.shrunk.iter().map(show).collect();
    if !shrunk.is_empty() {
        table.note(Tone::Plain, &format!("less as {to}, the most: {}", shrunk.join(", ")));
    }
    let text = format!("{from}, {to} and growth: in the function itself; all: with what it calls");
    table.note(Tone::Plain, &text);
    if changes.weight == SampleWeight::CpuNs {
        let text = "± half a 95 % interval for the number of samples (Poisson), and for \
                    nothing else: not for how runs differ";
        table.note(Tone::Plain, text);
    }
    table.note(Tone::Plain, &changes.matched.words(changes.names()));
    for warning in &changes.warnings {
        table.note(Tone::Bad, warning);
    }
    table
}

fn tail(name: &str) -> String {
    let count = name.chars().count();
    match count.checked_sub(NAME_MAX).filter(|over| *over > 0) {
        None => name.to_owned(),
        Some(over) => format!("…{}", name.chars().skip(over + 1).collect::<String>()),
    }
}
