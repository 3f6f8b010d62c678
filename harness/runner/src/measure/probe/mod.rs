//! Probes: what can be read beside the clock. One file each.

pub mod counters;
