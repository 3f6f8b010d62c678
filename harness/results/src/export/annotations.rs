//! Workflow commands of GitHub, one per line: the worst findings and a line on all of them. Of more
//! than ten a step GitHub shows none, and says nothing; so these are few.

use crate::export::ExportError;
use crate::export::checks::{Check, State, of_comparison, of_run, worst};
use crate::paired::comparison::Comparison;
use crate::record::Record;
use crate::report::sanitise::sanitise;
use crate::report::{comparison_line, summary_line};
use crate::samples::Sample;

/// Findings that get a line of their own.
const SHOWN: usize = 5;
/// Longest title.
const TITLE_MAX: usize = 160;
/// Longest message.
const MESSAGE_MAX: usize = 1000;

/// Of a run: what failed or was missed.
pub(super) fn export(record: &Record, _: &[Sample]) -> Result<Vec<u8>, ExportError> {
    Ok(commands(&of_run(record), &summary_line(record)))
}

/// Of a comparison: what got worse, failed, or could not be compared.
pub(super) fn compared(comparison: &Comparison) -> Result<Vec<u8>, ExportError> {
    Ok(commands(&of_comparison(comparison), &comparison_line(comparison)))
}

fn commands(checks: &[Check], line: &str) -> Vec<u8> {
    let wrong = worst(checks);
    let mut out = String::new();
    for check in wrong.iter().take(SHOWN) {
        let says = format!("{}/{}: {}", check.group, check.name, check.says);
        out += &command("error", &title(check), &says);
    }
    let [mut bad, mut broken] = [0; 2];
    for check in &wrong {
        *if check.state == State::Bad { &mut bad } else { &mut broken } += 1;
    }
    let shown = wrong.len().min(SHOWN);
    let (kind, says) = if wrong.is_empty() {
        ("notice", format!("nothing wrong was found: {line}"))
    } else {
        let of =
            format!("{bad} bad, {broken} failed or not comparable; the worst {shown} are told");
        ("error", format!("{of}: {line}"))
    };
    out += &command(kind, "caxton-bench", &says);
    out.into_bytes()
}

fn title(check: &Check) -> String {
    let state = if check.state == State::Bad { "bad" } else { "failed" };
    format!("caxton-bench, {state}: {}", check.name)
}

fn command(kind: &str, title: &str, says: &str) -> String {
    let title = escaped(&sanitise(title, TITLE_MAX)).replace(':', "%3A").replace(',', "%2C");
    format!("::{kind} title={title}::{}\n", escaped(&sanitise(says, MESSAGE_MAX)))
}

/// What a command's own syntax needs; a clean text has no line end any more.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
