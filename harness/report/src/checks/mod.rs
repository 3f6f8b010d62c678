//! What a run or a comparison was asked, question by question: how each case ended, what each load
//! came to, how each target and requirement stands, whether each metric got worse. Summaries,
//! annotations and JUnit all read these.

pub(crate) mod changes;
mod check;
mod comparison;
mod pair;
mod run;

pub(crate) use check::{Check, Kind, State, worst};
pub(crate) use comparison::{of_comparison, without};
pub(crate) use pair::of_records;
pub(crate) use run::of_run;
