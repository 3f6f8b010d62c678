//! What a load test came to: seconds add up (`tally.rs`) and are judged (`finish.rs`).

pub mod account;
mod course;
mod finish;
pub mod logs;
pub mod recovery;
pub mod tally;
