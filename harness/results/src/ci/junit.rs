//! JUnit: a suite per case, a test per metric. What is worse has failed, what could not be told is
//! an error, what stayed open was skipped.

use super::findings::{Finding, findings};
use super::{Job, Outcome};
use crate::case::Outcome as Ending;
use crate::exit;
use crate::paired::comparison::{CaseComparison, Comparison};
use crate::paired::decide::Verdict;
use crate::report::sanitise::sanitise;

/// Longest text of an attribute.
const TEXT_MAX: usize = 1000;
/// Lines of what a compiler said.
const LINES_MAX: usize = 400;

/// How a test ended.
enum End {
    Passed(String),
    Failed(String),
    Error(String),
    Skipped(String),
}

/// The job, as JUnit XML.
pub fn junit(job: &Job<'_>) -> String {
    let suites = match job.outcome {
        Outcome::Compared(comparison) => of(comparison, job.code == exit::INCONCLUSIVE),
        Outcome::Without { why, said } => vec![suite("comparison", 0, &[without(why, said)])],
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"caxton-bench\">\n{}\
         </testsuites>\n",
        suites.concat()
    )
}

/// The comparison that did not come about.
fn without(why: &str, said: &str) -> (String, [usize; 4]) {
    let said: Vec<String> = said.lines().take(LINES_MAX).map(clean).collect();
    let text = format!(
        "    <testcase name=\"comparison\" classname=\"caxton-bench\" time=\"0\">\n      \
         <error type=\"not_compared\" message=\"{}\">{}</error>\n    </testcase>\n",
        clean(why),
        said.join("\n")
    );
    (text, [1, 0, 1, 0])
}

fn of(comparison: &Comparison, is_strict: bool) -> Vec<String> {
    let is_untrusted = comparison.is_untrusted();
    let all = findings(comparison);
    let one = |case: &CaseComparison| {
        let own = all.iter().filter(|finding| finding.case.key == case.key);
        let mut tests: Vec<(String, [usize; 4])> = own
            .map(|f| test(case, f.metric.as_str(), &ending(f, is_untrusted, is_strict)))
            .collect();
        if let Some(reason) = case.outcome.reason() {
            let said = format!("{}: {reason}", case.outcome.name());
            let end = match case.outcome {
                Ending::Refused(_) if case.failed.is_none() => End::Skipped(said),
                _ => End::Error(said),
            };
            tests.push(test(case, "outcome", &end));
        }
        suite(&case.key.to_string(), case.taken_ns, &tests)
    };
    comparison.cases.iter().map(one).collect()
}

fn ending(finding: &Finding<'_>, is_untrusted: bool, is_strict: bool) -> End {
    let words = finding.words.clone();
    match finding.verdict {
        Some(Verdict::Regressed) if is_untrusted && finding.interval.is_some() => {
            End::Error(format!("the base differs from itself; {words}"))
        }
        Some(Verdict::Regressed) => End::Failed(words),
        Some(Verdict::NotComparable) => End::Error(words),
        Some(Verdict::Inconclusive) if is_strict && finding.is_weighty => End::Failed(words),
        Some(Verdict::Inconclusive) | None => End::Skipped(words),
        Some(Verdict::Ok | Verdict::Improved) => End::Passed(words),
    }
}

/// A test, and what it adds to tests, failures, errors and skipped.
fn test(case: &CaseComparison, name: &str, end: &End) -> (String, [usize; 4]) {
    let (body, adds) = match end {
        End::Passed(words) => (format!("<system-out>{}</system-out>", clean(words)), [1, 0, 0, 0]),
        End::Failed(words) => {
            (format!("<failure type=\"regressed\" message=\"{}\"/>", clean(words)), [1, 1, 0, 0])
        }
        End::Error(words) => {
            (format!("<error type=\"not_comparable\" message=\"{}\"/>", clean(words)), [1, 0, 1, 0])
        }
        End::Skipped(words) => (format!("<skipped message=\"{}\"/>", clean(words)), [1, 0, 0, 1]),
    };
    let text = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"0\">{body}</testcase>\n",
        clean(name),
        clean(&case.key.to_string())
    );
    (text, adds)
}

fn suite(name: &str, taken_ns: u64, tests: &[(String, [usize; 4])]) -> String {
    let sum = |which: usize| tests.iter().map(|(_, adds)| adds[which]).sum::<usize>();
    let texts: String = tests.iter().map(|(text, _)| text.as_str()).collect();
    format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" \
         time=\"{:.3}\">\n{texts}  </testsuite>\n",
        clean(name),
        sum(0),
        sum(1),
        sum(2),
        sum(3),
        taken_ns as f64 / 1e9
    )
}

/// One line of text that XML takes, in an attribute and between tags.
fn clean(text: &str) -> String {
    let text = sanitise(text, TEXT_MAX).replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&apos;")
}
