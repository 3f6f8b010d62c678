//! What became of each metric over many runs, as one HTML page that needs nothing but itself.
//!
//! It shows and does not judge: figures of different sessions differ by more than their intervals
//! say. Only figures of the same machine and scale are joined by a line.

mod chart;
mod page;
mod series;

pub use page::page;

#[cfg(test)]
#[path = "history_tests.rs"]
mod tests;
