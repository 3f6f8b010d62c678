//! Annotations: lines of a log that GitHub shows beside a change. It shows ten per kind and step
//! and drops the rest in silence, so there are the worst few and one line for all.

use super::findings::regressed;
use super::{Job, Outcome};
use crate::exit;
use crate::paired::comparison::Comparison;
use crate::report::sanitise::sanitise;

/// Regressions that have a line each.
const WORST: usize = 5;
/// Names in the line for all.
const NAMED: usize = 20;
/// Longest line of a message.
const LINE_MAX: usize = 600;
/// Lines of what a compiler said.
const SAID_LINES: usize = 40;

/// The annotations of `job`, one a line: the worst first, and one for all at the end.
pub fn annotations(job: &Job<'_>) -> String {
    let mut lines = match job.outcome {
        Outcome::Compared(comparison) => of(comparison),
        Outcome::Without { .. } => Vec::new(),
    };
    lines.push(roll_up(job));
    lines.concat()
}

fn of(comparison: &Comparison) -> Vec<String> {
    let worst = regressed(comparison).into_iter().take(WORST).map(|finding| {
        let what = format!("{} {}: {}", finding.case.key, finding.metric, finding.words);
        command("error", "caxton-bench: REGRESSED", &sanitise(&what, LINE_MAX))
    });
    let failed = comparison.cases.iter().filter_map(|case| {
        let version = case.failed?;
        let (key, outcome) = (&case.key, &case.outcome);
        let why = outcome.reason().unwrap_or_default();
        let what = format!("{key}, {}: {}: {why}", version.name(), outcome.name());
        Some(command("error", "caxton-bench: a case failed", &sanitise(&what, LINE_MAX)))
    });
    worst.chain(failed.take(WORST)).collect()
}

/// One line for all of it.
fn roll_up(job: &Job<'_>) -> String {
    let kind = match job.code {
        exit::FINE => "notice",
        _ => "error",
    };
    let title = format!("caxton-bench: {}", job.verdict());
    let [base, head] = [job.base, job.head].map(|name| sanitise(name, 100));
    match job.outcome {
        Outcome::Compared(comparison) => {
            let all = regressed(comparison);
            let cases = comparison.cases.len();
            let mut text =
                format!("{head} against {base}: {} regressed in {cases} cases", all.len());
            if !all.is_empty() {
                let names = all.iter().take(NAMED);
                let names = names.map(|f| format!("{} {}", f.case.key.agent, f.metric));
                text += ": ";
                text += &sanitise(&names.collect::<Vec<_>>().join(", "), LINE_MAX);
            }
            if all.len() > NAMED {
                text += &format!(", and {} more", all.len() - NAMED);
            }
            let kind = if kind == "notice" && job.is_open() { "warning" } else { kind };
            command(kind, &title, &text)
        }
        Outcome::Without { why, said } => {
            let lines = said.lines().take(SAID_LINES).map(|line| sanitise(line, LINE_MAX));
            let lines = std::iter::once(sanitise(why, LINE_MAX)).chain(lines);
            command(kind, &title, &lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// A workflow command, with its line's end.
fn command(kind: &str, title: &str, message: &str) -> String {
    format!("::{kind} title={}::{}\n", property(title), data(message))
}

/// A message, as a workflow command needs it.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property, as a workflow command needs it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_command_is_escaped() {
        let line = command("error", "a: b, 5 %", "x\r\n::stop-commands::y, 1 %");
        let expected = "::error title=a%3A b%2C 5 %25::x%0D%0A::stop-commands::y, 1 %25\n";
        assert_eq!(line, expected);
    }
}
