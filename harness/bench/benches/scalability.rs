//! `cargo bench --bench scalability`: how many agents fit, and what does each one more cost?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::scalability::SUITE)
}
