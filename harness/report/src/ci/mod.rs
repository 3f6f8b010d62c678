//! What a pull request's job came to, as the texts that a CI shows: a summary, a comment,
//! annotations, and JUnit. Each is a pure function of a [`Job`]. Who posts them is no matter here.
//!
//! Names, reasons and compilers' words are from outside: whoever opens a pull request chooses them.

mod annotations;
mod github;
mod job;
mod junit;
mod markdown;
pub(crate) mod page;

pub use annotations::annotations;
pub(crate) use annotations::annotations_of_run;
pub use github::{COMMENT_MAX, MARKER, SUMMARY_MAX};
pub use job::{Job, Outcome};
pub use junit::junit;
pub(crate) use junit::junit_of_run;
pub(crate) use markdown::verdict;
pub use markdown::{comment, summary};

#[cfg(test)]
#[path = "ci_tests.rs"]
mod tests;
