//! Makes records: builds agents, runs them natively and as WASM, measures.
//!
//! A `plan` says what to run; a `subject` runs agents; a `workload` drives them; `measure`
//! watches; what comes of it is a `caxton_results::record::Record`. The only crate that knows
//! wasmtime and Linux. `harness/ARCHITECTURE.md` is the map.

#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
pub mod cli;
pub mod guest;
pub mod measure;
pub mod orchestrator;
pub mod plan;
mod record;
pub mod subject;
pub mod suite;
pub mod sys;
pub mod workload;

use std::process::ExitCode;

/// What a bench binary's `main` does: it is a worker if told so, else the suite's command line.
pub fn bench_main(suite: &suite::Suite) -> ExitCode {
    sys::process::prepare();
    let role = std::env::args_os().nth(1).unwrap_or_default();
    if role == measure::protocol::WORKER_ARGUMENT {
        return measure::worker::main();
    }
    if role == measure::turns::wire::TURNS_ARGUMENT {
        return measure::turns::worker::main();
    }
    cli::bench::main(suite)
}
