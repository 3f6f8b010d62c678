//! `cargo bench --bench scenarios`: does it hold under load? Its allocator counts what the host's
//! heap holds: a few additions for each block.

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static ALLOC: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::scenarios::SUITE)
}
