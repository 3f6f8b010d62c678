//! `cargo bench --bench wasm`: what does WASM cost this agent?

use std::process::ExitCode;

fn main() -> ExitCode {
    caxton_bench::bench_main(&caxton_bench::suite::wasm::SUITE)
}
