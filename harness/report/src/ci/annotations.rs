//! Annotations: lines of a log that GitHub shows beside a change. The worst few, and one for all:
//! GitHub shows few of a step and says nothing of the others.

use super::github::{COMMANDS_MAX, command};
use super::job::{Job, Outcome};
use crate::checks::changes::regressed;
use crate::checks::{Check, State, of_comparison, of_run, worst};
use crate::sections::summary_line;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;
use caxton_model::record::Record;
use caxton_model::sanitise::sanitise;

/// What is bad that has a line each; what broke has the rest.
const WORST: usize = 5;
const NAMED: usize = 20;
/// Longest title, and longest line of a message.
const TITLE_MAX: usize = 160;
const LINE_MAX: usize = 1000;
const SAID_LINES: usize = 40;

/// The annotations of `job`, one a line: the worst first, and one for all at the end.
pub fn annotations(job: &Job<'_>) -> String {
    let title = job.verdict();
    let kind = if job.code == exit::FINE { "notice" } else { "error" };
    match job.outcome {
        Outcome::Compared(comparison) => {
            let kind = if kind == "notice" && job.is_open() { "warning" } else { kind };
            let checks = of_comparison(comparison, job.code == exit::INCONCLUSIVE);
            lines(&checks) + &command(kind, &titled(title), &roll_up(job, comparison))
        }
        Outcome::Without { why, said } => {
            let said = said.lines().take(SAID_LINES);
            let lines = std::iter::once(why).chain(said).map(|line| sanitise(line, LINE_MAX));
            command(kind, &titled(title), &lines.collect::<Vec<_>>().join("\n"))
        }
    }
}

/// Of a run: what failed or was missed.
pub(crate) fn annotations_of_run(record: &Record) -> String {
    let checks = of_run(record);
    let count = |state: State| checks.iter().filter(|check| check.state == state).count();
    let [bad, broken, weak, open] =
        [State::Bad, State::Broken, State::Weak, State::Open].map(count);
    let line = summary_line(record);
    let (kind, title, of) = if bad + broken == 0 {
        let good = checks.len() - weak - open;
        let of = format!("{good} good, {weak} weak or in part, {open} open");
        ("notice", "nothing wrong was found", of)
    } else {
        ("error", "something is wrong", format!("{bad} bad, {broken} broken"))
    };
    let all = sanitise(&format!("{of}: {line}"), LINE_MAX);
    lines(&checks) + &command(kind, &titled(title), &all)
}

fn titled(what: &str) -> String {
    sanitise(&format!("caxton-bench: {what}"), TITLE_MAX)
}

fn lines(checks: &[Check]) -> String {
    let worst = worst(checks);
    let bad = worst.iter().filter(|check| check.state == State::Bad).take(WORST);
    let broken = worst.iter().filter(|check| check.state == State::Broken);
    let line = |check: &&Check| {
        let title = titled(&format!("{}: {}", check.code.replace('_', " "), check.name));
        let says = format!("{}: {}", check.label(), check.says);
        command("error", &title, &sanitise(&says, LINE_MAX))
    };
    bad.chain(broken.take(COMMANDS_MAX - 1 - WORST)).map(line).collect()
}

fn roll_up(job: &Job<'_>, comparison: &Comparison) -> String {
    let [base, head] = [job.base, job.head].map(|name| sanitise(name, 100));
    let all = regressed(comparison);
    let cases = comparison.cases.len();
    let mut text = format!("{head} against {base}: {} regressed in {cases} cases", all.len());
    if !all.is_empty() {
        let names = all.iter().take(NAMED);
        let names = names.map(|f| format!("{} {}", f.case.key.agent, f.metric));
        text += ": ";
        text += &sanitise(&names.collect::<Vec<_>>().join(", "), LINE_MAX);
    }
    if all.len() > NAMED {
        text += &format!(", and {} more", all.len() - NAMED);
    }
    match comparison.cases.iter().filter(|case| case.answers.are_different()).count() {
        0 => {}
        different => text += &format!("; {different} answer differently"),
    }
    text
}
