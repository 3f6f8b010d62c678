//! A run as workflow commands of GitHub, one per line: the worst findings and a line on all of
//! them.
//! GitHub shows few of a step and says nothing of the others; so these are few.

use crate::ci::github::command;
use crate::export::checks::{Check, State, of_run, worst};
use crate::export::known::ExportError;
use crate::sections::summary_line;
use caxton_model::record::Record;
use caxton_model::samples::Sample;
use caxton_model::sanitise::sanitise;

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

fn commands(checks: &[Check], line: &str) -> Vec<u8> {
    let wrong = worst(checks);
    let mut out = String::new();
    for check in wrong.iter().take(SHOWN) {
        let says = format!("{}/{}: {}", check.group, check.name, check.says);
        let title = format!("caxton-bench, {}: {}", check.kind.word(check.state), check.name);
        out += &clean("error", &title, &says);
    }
    let [mut bad, mut broken] = [0; 2];
    for check in &wrong {
        *if check.state == State::Bad { &mut bad } else { &mut broken } += 1;
    }
    let shown = wrong.len().min(SHOWN);
    let count = |state: State| checks.iter().filter(|check| check.state == state).count();
    let (weak, open) = (count(State::Weak), count(State::Open));
    let (kind, says) = if wrong.is_empty() {
        let told = checks.len() - weak - open;
        let of = format!("{told} good, {weak} weak or in part, {open} open");
        ("notice", format!("nothing wrong was found ({of}): {line}"))
    } else {
        let of = format!("{bad} bad, {broken} broken; the worst {shown} are told");
        ("error", format!("{of}: {line}"))
    };
    out += &clean(kind, "caxton-bench", &says);
    out.into_bytes()
}

fn clean(kind: &str, title: &str, says: &str) -> String {
    command(kind, &sanitise(title, TITLE_MAX), &sanitise(says, MESSAGE_MAX))
}
