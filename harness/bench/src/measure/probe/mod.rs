//! Probes: what can be read beside the clock. One file each.

pub mod allocations;
pub mod held;
