//! What a job came to.

use caxton_analysis::exit;
use caxton_model::paired::comparison::{Comparison, Conclusion};

/// A base and a head, and what came of comparing them.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// What was compared with, as the user named it.
    pub base: &'a str,
    /// What is judged, as the user named it.
    pub head: &'a str,
    /// What came of it.
    pub outcome: Outcome<'a>,
    /// The exit code that the job ends in.
    pub code: u8,
    /// The command that does it again.
    pub again: &'a str,
}

/// What came of comparing.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// A comparison.
    Compared(&'a Comparison),
    /// None: a revision does not build, or there is nothing to compare.
    Without {
        /// Why, in one line.
        why: &'a str,
        /// What was said before: the compiler's errors. May be empty.
        said: &'a str,
    },
}

impl Job<'_> {
    /// The verdict in few words; every exit code has its own.
    pub fn verdict(&self) -> &'static str {
        match self.code {
            exit::FINE if self.is_open() => "nothing worse was found, some of it stayed open",
            exit::FINE => "nothing worse was found",
            exit::FAILED if self.has_different_answers() => "DIFFERENT ANSWERS",
            exit::FAILED => "the head FAILED",
            exit::REGRESSED => "REGRESSED",
            exit::NOT_COMPARABLE => "NOT COMPARABLE",
            exit::INCONCLUSIVE => "INCONCLUSIVE",
            exit::INTERRUPTED => "interrupted",
            _ => "the comparison broke down",
        }
    }

    /// True for a comparison whose head answers otherwise than its base.
    fn has_different_answers(&self) -> bool {
        let is_so = |c: &Comparison| c.conclusion() == Conclusion::DifferentAnswers;
        matches!(self.outcome, Outcome::Compared(comparison) if is_so(comparison))
    }

    /// True for a comparison that did not decide everything that it was to decide.
    pub(super) fn is_open(&self) -> bool {
        let is_open = |c: &Comparison| c.conclusion() == Conclusion::Inconclusive;
        matches!(self.outcome, Outcome::Compared(comparison) if is_open(comparison))
    }
}
