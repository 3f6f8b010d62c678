//! `cargo bench --bench throughput`: how many messages do agents exchange per second?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::throughput::SUITE)
}
