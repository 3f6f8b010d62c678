//! `cargo bench --bench latency`: how long do agents take to answer?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::latency::SUITE)
}
