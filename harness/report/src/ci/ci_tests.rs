//! What a CI is shown of a job.

use super::*;
use crate::checks::changes::regressed;
use crate::export::COMPARISON_EXPORTERS;
use crate::html;
use crate::sections::{Style, comparison_line, comparison_text};
use caxton_analysis::exit;
use caxton_fixture::paired::comparison as fixture;
use caxton_model::case::Outcome as Ending;
use caxton_model::paired::Version;
use caxton_model::paired::answers::Answers;
use caxton_model::paired::comparison::{CaseComparison, Comparison, Conclusion, Verdict};
use caxton_model::record::Status;
use expect_test::{expect, expect_file};

const AGAIN: &str = "scripts/ci-bench main HEAD";

fn job(comparison: &Comparison) -> Job<'_> {
    let code = exit::of(comparison.conclusion(), false);
    Job { base: "main", head: "HEAD", outcome: Outcome::Compared(comparison), code, again: AGAIN }
}

const UNBUILT: Job<'static> = Job {
    base: "main",
    head: "x`|@all",
    outcome: Outcome::Without {
        why: "revision main does not build",
        said: "error[E0425]: cannot find value `x`\n --> a.rs:1:1\n```\n@all <script>\u{202e}\n",
    },
    code: exit::NOT_COMPARABLE,
    again: AGAIN,
};

#[test]
fn the_texts_of_the_fixture_are_as_they_were() {
    let (comparison, _) = fixture();
    let job = job(&comparison);
    expect_file!["./goldens/comment.md"].assert_eq(&comment(&job));
    expect_file!["./goldens/summary.md"].assert_eq(&summary(&job));
    expect_file!["./goldens/annotations.txt"].assert_eq(&annotations(&job));
    expect_file!["./goldens/junit.xml"].assert_eq(&junit(&job));
    assert!(comment(&job).starts_with(MARKER) && !summary(&job).contains(MARKER));
}

#[test]
fn a_base_that_does_not_build_is_told_with_the_compilers_words() {
    expect_file!["./goldens/unbuilt.md"].assert_eq(&comment(&UNBUILT));
    expect_file!["./goldens/unbuilt.xml"].assert_eq(&junit(&UNBUILT));
    expect![[r#"
        ::error title=caxton-bench%3A NOT COMPARABLE::revision main does not build%0Aerror[E0425]: cannot find value `x`%0A --> a.rs:1:1%0A```%0A@all <script>\u{202e}
    "#]]
    .assert_eq(&annotations(&UNBUILT));
}

#[test]
fn what_stayed_open_is_fine_and_is_said() {
    let (mut comparison, _) = fixture();
    comparison.cases.retain(|case| case.key.agent == "noop");
    for case in &mut comparison.cases {
        case.exact.clear();
    }
    let job = job(&comparison);
    assert_eq!(job.code, exit::FINE);
    let verdict = "nothing worse was found, some of it stayed open";
    assert!(comment(&job).contains(&format!("### caxton-bench: {verdict}\n")));
    assert!(annotations(&job).starts_with("::warning title=caxton-bench%3A nothing worse"));
}

#[test]
fn a_base_that_differs_from_itself_is_told_everywhere() {
    let (mut comparison, _) = fixture();
    let regressed =
        comparison.cases[0].metrics.iter().find(|told| told.verdict == Some(Verdict::Regressed));
    let found = regressed.expect("the fixture has a time that is worse").clone();
    comparison.sentinel.as_mut().unwrap().metrics = vec![found];
    let job = job(&comparison);
    let said = "the base differs from itself";
    for text in [comment(&job), summary(&job), annotations(&job)] {
        assert!(text.contains(said), "{text}");
    }
    let xml = junit(&job);
    assert!(xml.contains(&format!("<error message=\"{said}: no time")), "{xml}");
    assert!(xml.contains(&format!("<error message=\"{said}; 1.039x")), "{xml}");
    // A count is a fact in any company.
    assert!(annotations(&job).contains("wasm_fuel: 311,197") && job.code == exit::REGRESSED);
    let annotations = annotations(&job);
    let time = annotations.lines().find(|line| line.contains("1.039x")).unwrap();
    assert!(time.contains("title=caxton-bench%3A not comparable") && time.contains(said));
}

/// The fixture, whose first case got much faster by answering otherwise; `bless`: as it should.
fn with_other_answers(bless: bool) -> Comparison {
    let (mut comparison, _) = fixture();
    comparison.cases.truncate(2);
    let why = "their replies differ".to_owned();
    let case = &mut comparison.cases[0];
    if bless {
        case.answers = Answers::Blessed(why);
    } else {
        (case.metrics, case.exact) = (Vec::new(), Vec::new());
        (case.outcome, case.failed) = (Ending::WrongAnswer(why.clone()), Some(Version::Candidate));
        case.answers = Answers::Different(why);
    }
    comparison
}

#[test]
fn different_answers_are_told_in_every_format_and_end_in_1() {
    let comparison = with_other_answers(false);
    let job = job(&comparison);
    assert_eq!((job.code, job.verdict()), (exit::FAILED, "DIFFERENT ANSWERS"));
    let why = "their replies differ";
    let mut told = vec![
        html::page(&[], &[&comparison]).unwrap().html,
        comparison_text(&comparison, false, &Style::default()),
    ];
    for exporter in COMPARISON_EXPORTERS {
        told.push(String::from_utf8(exporter.export(&comparison)).unwrap());
    }
    for text in told {
        assert!(text.contains("DIFFERENT ANSWERS") && text.contains(why), "{text}");
    }
    let xml = junit(&job);
    let failed = format!("<failure message=\"DIFFERENT ANSWERS: {why}\"");
    assert!(xml.contains(&failed), "{xml}");
    assert!(comparison_line(&comparison).ends_with("DIFFERENT ANSWERS"));
}

#[test]
fn blessed_answers_are_compared_and_said() {
    let comparison = with_other_answers(true);
    assert_eq!(comparison.conclusion(), Conclusion::Regressed, "as by its figures");
    for text in [comment(&job(&comparison)), summary(&job(&comparison))] {
        assert!(text.contains("different answers, blessed: their replies"), "{text}");
    }
}

#[test]
fn a_wrong_answer_is_worse_than_anything_else() {
    let mut comparison = with_other_answers(false);
    comparison.cases.extend(fixture().0.cases);
    assert!(!regressed(&comparison).is_empty());
    assert_eq!(comparison.conclusion(), Conclusion::DifferentAnswers);
    comparison.run.status = Status::Interrupted;
    assert_eq!(comparison.conclusion(), Conclusion::DifferentAnswers);
}

/// The fixture with its first case, which regressed, in `count` copies, some named by `name`.
fn many(count: usize, name: &str) -> Comparison {
    let (mut comparison, _) = fixture();
    let first = comparison.cases[0].clone();
    let copy = |number: usize| -> CaseComparison {
        let mut case = first.clone();
        case.key.agent = format!("{name}-{number}");
        case
    };
    comparison.cases = (0..count).map(copy).collect();
    comparison
}

#[test]
fn a_comment_fits_and_says_what_it_left_out() {
    let comparison = many(2000, "agent");
    let text = comment(&job(&comparison));
    assert!(text.len() <= COMMENT_MAX && text.len() > COMMENT_MAX - 1024, "{}", text.len());
    assert!(text.contains("further lines are left out"));
    assert!(summary(&job(&comparison)).len() <= SUMMARY_MAX);
    let lines = annotations(&job(&comparison));
    assert_eq!(lines.lines().count(), 6, "the worst five, and one for all");
    assert!(lines.lines().all(|line| line.len() < 2000));
    let said = "error: `x` is a long line of a compiler\n".repeat(10_000);
    let outcome = Outcome::Without { why: "it does not build", said: &said };
    let text = comment(&Job { outcome, ..UNBUILT });
    assert!(text.len() < COMMENT_MAX && text.contains("more lines"), "{}", text.len());
}

#[test]
fn every_regressed_case_is_named_with_ratio_and_interval() {
    let comparison = many(50, "agent");
    let text = comment(&job(&comparison));
    let is_told = |number: usize| {
        let name = format!("agent-{number} |");
        let mut lines = text.lines().filter(|line| line.contains(&name));
        lines.any(|line| line.contains(r"x | \[1.0") && line.contains("99 %"))
    };
    assert!((0..50).all(is_told), "{text}");
}
