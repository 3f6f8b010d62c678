//! `cargo bench --bench throughput`: how many messages do agents exchange per second?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench_runner::bench_main(&caxton_bench_runner::suite::throughput::SUITE)
}
