//! `cargo bench --bench wasm`: what does WASM cost this agent?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench_runner::bench_main(&caxton_bench_runner::suite::wasm::SUITE)
}
