//! The bench family and the command line: plans, builds and runs agents, keeps records.
//!
//! A `plan` says what to run; a `workload` drives the subjects of `caxton_runtime` with the kit of
//! `timing`; `measure` schedules launches; `cli` is a bench's command line, `cmd` the one of
//! `caxton-bench`.
#![forbid(unsafe_code)]

#[cfg(test)]
#[path = "../../../tests/capability.rs"]
mod capability;
pub mod cli;
pub mod cmd;
pub mod guest;
pub mod measure;
pub mod plan;
mod record;
pub mod suite;
pub mod timing;
pub mod workload;

use std::process::ExitCode;

/// What a bench binary's `main` does: it is a worker if told so, else the suite's command line.
pub fn bench_main(suite: &suite::Suite) -> ExitCode {
    caxton_sys::process::prepare();
    let role = std::env::args_os().nth(1).unwrap_or_default();
    if role == measure::protocol::WORKER_ARGUMENT {
        return measure::worker::main();
    }
    if role == measure::turns::wire::TURNS_ARGUMENT {
        return measure::turns::worker::main();
    }
    cli::bench::main(suite)
}
