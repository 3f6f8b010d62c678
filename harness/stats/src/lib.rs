//! Statistics: numbers in, numbers out, each formula with its source. Knows no metric, unit, file.
#![forbid(unsafe_code)]

pub mod bets;
pub mod few;
pub mod limit;
pub mod mode;
pub mod proportion;
pub mod signed_rank;
pub mod signed_scores;
pub mod summary;
pub mod trend;
pub mod usl;
