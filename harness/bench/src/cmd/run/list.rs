//! `--list`: the case keys, as people and test runners read them; and `--dry-run`.

use super::super::output::style;
use super::args::{ListFormat, Mode, Selection};
use super::measure::ahead;
use crate::job::task::Task;
use crate::measure::settings::Settings;
use caxton_model::units::Nanos;
use caxton_report::paint::paint;
use caxton_report::table::{Table, Tone};
use std::fmt::Write;

/// What is printed of `tasks` where they are not to be run.
pub(super) fn told(
    selection: &Selection,
    mode: Mode,
    tasks: &[Task],
    settings: &Settings,
) -> Option<String> {
    match mode {
        Mode::List(_) => Some(text(tasks, selection.format, selection.ignored)),
        _ => (selection.dry_run && !tasks.is_empty()).then(|| dry_run(tasks, settings)),
    }
}

/// The text of `--list`. No case is ever ignored, so the list of ignored ones is empty.
fn text(tasks: &[Task], format: ListFormat, ignored: bool) -> String {
    let mut text = String::new();
    if ignored {
        return text;
    }
    let cases: Vec<_> = tasks.iter().flat_map(Task::cases).collect();
    for case in &cases {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{case}: test");
    }
    if format == ListFormat::Pretty {
        let _ = writeln!(text, "\n{} cases", cases.len());
    }
    text
}

/// What would run: each task with its launches and about how long they take.
fn dry_run(tasks: &[Task], settings: &Settings) -> String {
    let mut table = Table::new("What would run", &["<task", "cases", "launches", "about"]);
    let mut all = Nanos(0);
    for task in tasks {
        let ahead = ahead(std::slice::from_ref(task), settings);
        let launches: u64 = ahead.launches.values().sum();
        let took = ahead.launches.iter().map(|(each, count)| each.0.saturating_mul(*count));
        let took = took.fold(ahead.loads.0, u64::saturating_add);
        all.0 = all.0.saturating_add(took);
        let cases: Vec<String> = task.cases().iter().map(ToString::to_string).collect();
        let first = cases.first().map_or("", String::as_str);
        let (cases, took) = (cases.len().to_string(), Nanos(took).to_string());
        // A load is one launch.
        let cells = [first, &cases, &launches.max(1).to_string(), &took];
        table.wide(Tone::Plain, cells);
    }
    let text = format!(
        "{all} in all, by how long such launches take on a virtual machine of two cores; what is \
         not built yet, and launches in place of disturbed ones, come on top. Nothing was run."
    );
    table.note(Tone::Plain, &text);
    paint(&table, &style())
}
