//! A job as JUnit: a suite per case, a test for its end and one per metric. What is worse has
//! failed, what could not be told is an error, what stayed open was skipped.

use super::findings::{Change, DIFFERS, of_case};
use super::xml::{End, Suite, Test, document};
use super::{Job, Outcome};
use caxton_analysis::exit;
use caxton_model::case::Outcome as Ending;
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{CaseComparison, Comparison, Verdict};
use caxton_model::record::Status;

/// Lines of what a compiler said.
const LINES_MAX: usize = 400;
/// The type of an error.
const UNTOLD: &str = "not_comparable";

/// The job, as JUnit XML.
pub fn junit(job: &Job<'_>) -> String {
    match job.outcome {
        Outcome::Compared(comparison) => {
            let run = &comparison.run;
            let suites = suites(comparison, job.code == exit::INCONCLUSIVE);
            document(&format!("caxton-bench {}", run.id), Some(&run.started_utc), &suites)
        }
        Outcome::Without { why, said } => {
            let test = Test::new("caxton-bench", "comparison", End::Broken("not_compared"), why);
            let body = said.lines().take(LINES_MAX).map(str::to_owned).collect();
            document("caxton-bench", None, &[whole(vec![Test { body, ..test }])])
        }
    }
}

/// What is asked of a comparison as a whole.
fn whole(tests: Vec<Test>) -> Suite {
    Suite { name: "comparison".to_owned(), tests }
}

fn suites(comparison: &Comparison, is_strict: bool) -> Vec<Suite> {
    let is_untrusted = comparison.is_untrusted();
    let mut tests = vec![end(comparison)];
    tests.extend(sentinel(comparison));
    let one = |case: &CaseComparison| {
        let key = case.key.to_string();
        let mut tests = vec![outcome(case, &key), answers(case, &key)];
        for finding in of_case(case) {
            let (end, says) = ending(&finding, is_untrusted, is_strict);
            tests.push(Test::new(&key, finding.metric.as_str(), end, &says));
        }
        Suite { name: key, tests }
    };
    std::iter::once(whole(tests)).chain(comparison.cases.iter().map(one)).collect()
}

/// Whether it came to its end.
fn end(comparison: &Comparison) -> Test {
    let is_whole = comparison.run.status == Status::Finished;
    let end = if is_whole { End::Passed } else { End::Broken(UNTOLD) };
    Test::new("comparison", "end", end, "results cover only the cases that finished")
}

/// Whether the base agrees with itself.
fn sentinel(comparison: &Comparison) -> Option<Test> {
    let sentinel = comparison.sentinel.as_ref()?;
    let end = if comparison.is_untrusted() { End::Broken(UNTOLD) } else { End::Passed };
    let says = match sentinel.outcome {
        Ending::Ran => DIFFERS.to_owned(),
        _ => sentinel.outcome.told(),
    };
    Some(Test::new("A/A check", &sentinel.key.to_string(), end, &says))
}

/// How a case ended.
fn outcome(case: &CaseComparison, key: &str) -> Test {
    let end = match case.outcome {
        // The test of its answers has failed.
        _ if case.answers.are_different() => End::Skipped,
        _ if case.failed.is_some() => End::Broken(UNTOLD),
        Ending::Ran => End::Passed,
        Ending::Refused(_) => End::Skipped,
        _ => End::Broken(UNTOLD),
    };
    let taken_ns = (case.outcome == Ending::Ran).then_some(case.taken_ns);
    Test { taken_ns, ..Test::new(key, "outcome", end, &case.outcome.told()) }
}

/// Whether both versions answer alike.
fn answers(case: &CaseComparison, key: &str) -> Test {
    let end = match case.answers {
        Answers::Same | Answers::Blessed(_) => End::Passed,
        Answers::Different(_) => End::Failed("different_answers"),
        Answers::Unchecked(_) => End::Skipped,
    };
    Test::new(key, "answers", end, &case.answers.told())
}

fn ending(finding: &Change<'_>, is_untrusted: bool, is_strict: bool) -> (End, String) {
    let words = finding.words.clone();
    let end = match finding.verdict {
        Some(Verdict::Regressed) if is_untrusted && finding.interval.is_some() => {
            return (End::Broken(UNTOLD), format!("the base differs from itself; {words}"));
        }
        Some(Verdict::Regressed) => End::Failed("regressed"),
        Some(Verdict::NotComparable) if finding.is_weighty => End::Broken(UNTOLD),
        Some(Verdict::Inconclusive) if is_strict && finding.is_weighty => {
            End::Failed("inconclusive")
        }
        Some(Verdict::Inconclusive | Verdict::NotComparable) | None => End::Skipped,
        Some(Verdict::Ok | Verdict::Improved) => End::Passed,
    };
    (end, words)
}
