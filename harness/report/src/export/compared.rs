//! Comparisons: the texts that a CI shows of one ([`ci`](crate::ci)), for anybody.

use crate::ci::{Job, Outcome};
use crate::sections::again::again;
use caxton_analysis::exit;
use caxton_model::paired::comparison::Comparison;

/// A text of `comparison`, where nobody asked for strictness.
fn with_job(comparison: &Comparison, text: impl Fn(&Job<'_>) -> String) -> Vec<u8> {
    let job = Job {
        base: &comparison.base.name,
        head: &comparison.candidate.name,
        outcome: Outcome::Compared(comparison),
        code: exit::of(comparison.conclusion(), false),
        again: &again(&comparison.run),
    };
    text(&job).into_bytes()
}

pub(super) fn junit(comparison: &Comparison) -> Vec<u8> {
    with_job(comparison, crate::ci::junit)
}

pub(super) fn summary(comparison: &Comparison) -> Vec<u8> {
    with_job(comparison, crate::ci::summary)
}

pub(super) fn comment(comparison: &Comparison) -> Vec<u8> {
    with_job(comparison, crate::ci::comment)
}

pub(super) fn annotations(comparison: &Comparison) -> Vec<u8> {
    with_job(comparison, crate::ci::annotations)
}

pub(super) fn markdown(comparison: &Comparison) -> Vec<u8> {
    with_job(comparison, |job| super::report::compared(comparison, &crate::ci::verdict(job)))
}
