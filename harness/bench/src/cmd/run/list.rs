//! `--list`: the case keys, as people and test runners read them.

use super::args::ListFormat;
use crate::job::task::Task;
use std::fmt::Write;

/// The text of `--list`. No case is ever ignored, so the list of ignored ones is empty.
pub(super) fn text(tasks: &[Task], format: ListFormat, ignored: bool) -> String {
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
