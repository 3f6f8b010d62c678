//! Two executables compared in launch pairs: what they say (`wire.rs`), the two of them taking
//! turns (`launch_pair.rs`), a whole comparison with its looks, budget and sentinel (`compare.rs`),
//! and what is kept to run a version again (`kit.rs`).

pub mod compare;
mod instructions;
pub mod kit;
pub mod launch_pair;
mod sampled;
pub mod wire;
