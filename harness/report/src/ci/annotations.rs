//! Annotations: lines of a log that GitHub shows beside a change. The worst few, and one for all.

use super::findings::{Change, DIFFERS, findings, regressed};
use super::github::{COMMANDS_MAX, command};
use super::{Job, Outcome};
use caxton_analysis::exit;
use caxton_model::paired::comparison::{Comparison, Verdict};
use caxton_model::sanitise::sanitise;

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
    let line = |title: &str, what: String| {
        command("error", &format!("caxton-bench: {title}"), &sanitise(&what, LINE_MAX))
    };
    let of = |title: &str, finding: &Change<'_>| {
        line(title, format!("{} {}: {}", finding.case.key, finding.metric, finding.words))
    };
    let regressed = regressed(comparison);
    let worst = regressed.iter().take(WORST).map(|finding| of("REGRESSED", finding));
    let sentinel = comparison.is_untrusted().then(|| line("NOT COMPARABLE", DIFFERS.to_owned()));
    let failed = comparison.cases.iter().filter_map(|case| {
        if case.answers.are_different() {
            return None;
        }
        let (key, version) = (&case.key, case.failed?.name());
        Some(line("a case failed", format!("{key}, {version}: {}", case.outcome.told())))
    });
    let different = comparison.cases.iter().filter(|case| case.answers.are_different());
    let different = different
        .map(|case| line(case.answers.name(), format!("{}: {}", case.key, case.answers.told())));
    let all = findings(comparison);
    let untold = all.iter().filter(|f| f.verdict == Some(Verdict::NotComparable) && f.is_weighty);
    let untold = untold.map(|finding| of("NOT COMPARABLE", finding));
    let others = different.chain(sentinel).chain(failed).chain(untold);
    worst.chain(others.take(COMMANDS_MAX - 1 - WORST)).collect()
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
            let different = comparison.cases.iter().filter(|case| case.answers.are_different());
            match different.count() {
                0 => {}
                different => text += &format!("; {different} answer differently"),
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
