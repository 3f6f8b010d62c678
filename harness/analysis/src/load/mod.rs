//! What a load test came to: seconds add up (`tally.rs`) and are judged (`judge.rs`, `finish.rs`).

mod course;
mod finish;
pub mod judge;
pub mod logs;
pub mod recovery;
pub mod tally;
