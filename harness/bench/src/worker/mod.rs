//! The worker: one fresh process, one launch, one job. `turns.rs` is that of a comparison.

pub mod turns;

use crate::job::Job;
use crate::job::launch::{Event, Launch, PROTOCOL};
use crate::measure::child::attributed;
use crate::timing::context::Context;
use crate::workload::{
    compiling, fuel, heap, instructions, load, mail, memory_limit, overhead, parts, profile, versus,
};
use caxton_model::case::Outcome;
use caxton_runtime::subject::Attempt;
use caxton_runtime::subject::wasmtime::used_configurations;
use caxton_sys::clock::Monotonic;
use caxton_sys::{affinity, process};
use serde::Deserialize;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

/// Reads a job from standard input, does it, and tells events on standard output.
pub fn main() -> ExitCode {
    process::die_first();
    let mut text = String::new();
    let job = io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("no job on standard input: {error}"))
        .and_then(|_| parse(&text));
    let Ok(stdout) = process::take_stdout() else { return ExitCode::FAILURE };
    let mut out = BufWriter::new(stdout);
    let end = match job {
        Ok(job) => attributed(work(&job, &mut out)),
        Err(why) => Outcome::Failed(why),
    };
    tell(&mut out, &Event::End(end));
    if out.flush().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The launch in `text`. Its version is read first: all else may look different in another one.
pub fn parse(text: &str) -> Result<Launch, String> {
    #[derive(Deserialize)]
    struct AnyVersion {
        protocol: u32,
    }
    let no_job = |error: serde_json::Error| format!("no job on standard input: {error}");
    let AnyVersion { protocol } = serde_json::from_str(text).map_err(no_job)?;
    if protocol != PROTOCOL {
        return Err(format!(
            "worker protocol {protocol} asked of an executable that speaks {PROTOCOL}"
        ));
    }
    let launch: Launch = serde_json::from_str(text).map_err(no_job)?;
    let files = if launch.job == Job::Parts { 3 } else { 1 };
    if launch.cases.is_empty() || launch.files.len() != files {
        return Err(format!("a job of no cases, or of other than {files} agents"));
    }
    match &launch.job {
        Job::Load(load) => load.check().map(|()| launch),
        _ => Ok(launch),
    }
}

fn work(launch: &Launch, out: &mut dyn Write) -> Outcome {
    if let Some(core) = launch.core.filter(|_| launch.job.is_pinned())
        && let Err(error) = affinity::pin_to(core)
    {
        return Outcome::Failed(format!("CPU {core}: {error}"));
    }
    let mut emit = |event: Event| {
        if matches!(event, Event::Working) {
            // Now, for a launch that does not come to its end.
            tell_engines(out);
        }
        tell(out, &event);
        // The run must know at once that work began: a native agent can take the process along.
        // And a second of a load must not wait for the next one.
        if matches!(event, Event::Working | Event::Load { .. }) {
            let _ = out.flush();
        }
    };
    let mut ctx = Context {
        clock: &Monotonic,
        rng: fastrand::Rng::with_seed(launch.seed),
        effort: launch.effort,
        launch: launch.launch,
        core: launch.core,
        agent: &launch.files[0],
        case: &launch.cases[0],
        tell: &mut emit,
    };
    let end = run(&mut ctx, launch);
    tell_engines(out);
    end.err().unwrap_or(Outcome::Ran)
}

fn run(ctx: &mut Context<'_>, launch: &Launch) -> Attempt<()> {
    let (files, cases) = (&launch.files, &launch.cases);
    match &launch.job {
        Job::Overhead => overhead::run(ctx, cases),
        Job::Sides(pair) => versus::run(ctx, cases, pair),
        Job::Fuel => fuel::run(ctx),
        Job::Compiling => compiling::run(ctx),
        Job::Instructions(job) => {
            instructions::run(ctx, job, &launch.folder.join(instructions::OUT), &launch.code)
        }
        Job::Parts => parts::run(ctx, &files[1], &files[2]),
        // Twice, in two processes: what is searched is exact only if they agree.
        Job::MemoryLimit { limit } => memory_limit::run(ctx, *limit, ctx.launch < 2),
        Job::Heap => heap::run(ctx, &launch.folder),
        Job::Spin { time, perf_map } => overhead::spin(ctx, cases, *time, *perf_map),
        Job::Profile => profile::run(ctx, launch.sampling, None),
        Job::ProfileSides(pair) => profile::run(ctx, launch.sampling, Some(pair)),
        Job::Load(job) => load::run(ctx, job),
        Job::Route { pair, load } => mail::route::run(ctx, *pair, *load),
        Job::ProfileRoute { pair, load } => mail::profiled::run(ctx, launch.sampling, *pair, *load),
        Job::Tasks(pools) => mail::tasks::run(ctx, *pools),
        Job::Monitoring(monitoring) => mail::monitoring::run(ctx, *monitoring),
        Job::Batching(batching) => mail::batching::run(ctx, *batching),
        Job::Response { system, schedule } => mail::response::run(ctx, *system, *schedule),
        Job::RoundTrip { bytes } => mail::response::round_trip(ctx, *bytes),
        Job::Scale(load) => mail::scale::run(ctx, *load),
        Job::MemoryPhases => mail::phases::memory(ctx),
        Job::CpuPhases => mail::phases::cpu(ctx),
        Job::Recover { heap_mib } => mail::recover::run(ctx, *heap_mib),
        Job::Checkpoint { heap_mib } => mail::recover::checkpoints(ctx, *heap_mib),
        Job::Crash(deaths) => mail::crash::run(ctx, *deaths),
        Job::Soak { cycles } => mail::crash::soak(ctx, u64::from(*cycles)),
    }
}

/// Which engines this process has made so far, if any.
fn tell_engines(out: &mut dyn Write) {
    let used = used_configurations();
    if !used.is_empty() {
        tell(out, &Event::Engines(used));
    }
}

/// A line to the run. If the run is gone there is nobody to tell and nothing to save.
fn tell(out: &mut dyn Write, event: &Event) {
    if serde_json::to_writer(&mut *out, event).is_ok() {
        let _ = out.write_all(b"\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EFFORT: &str = r#"{"blocks":1,"samples_per_block":1,"block":1,"instances":1,
        "counting":1,"windows":1,"window":1}"#;
    const AGENT: &str = r#"{"name":"a","wasm":"a.wasm","native":null,"expected":null}"#;

    fn launch(job: &str, cases: &str) -> Result<Launch, String> {
        let sampling = r#"{"engine":null,"hz":1,"time":1,"threads":1,"asynchronous":false}"#;
        parse(&format!(
            r#"{{"protocol":{PROTOCOL},"launch":0,"seed":1,"core":null,"effort":{EFFORT},
                "sampling":{sampling},"files":[{AGENT}],"folder":"","code":"","cases":[{cases}],
                "job":{job}}}"#
        ))
    }

    #[test]
    fn a_job_that_cannot_be_done_is_refused_when_it_is_read() {
        let case = r#""wasm/overhead/wasmtime-vs-native/a""#;
        assert!(launch(r#""overhead""#, case).is_ok());
        for (job, cases, files) in [("overhead", "", 1), ("parts", case, 3)] {
            let why = format!("a job of no cases, or of other than {files} agents");
            assert_eq!(launch(&format!("{job:?}"), cases), Err(why));
        }
        let load = |length_ns: u64| {
            let stage = format!(
                r#"{{"name":"s","role":"hold","wanted":{length_ns},"granted":{length_ns},
                    "rate":{{"constant":{{"per_second":1.0}}}}}}"#
            );
            let plan = format!(
                r#"{{"name":"p","agents":1,"message_bytes":64,"seed":1,"arrivals":"constant",
                    "stages":[{stage},{}],"slo":1,"cap":1,"timeout":1,"thresholds":[],
                    "pacing":"open"}}"#,
                stage.replace("\"s\"", "\"t\"")
            );
            let job = format!(
                r#"{{"plan":{plan},"target":"agents","from_second":0,"segment":0,"for_ns":null,
                    "planted_bytes":0}}"#
            );
            launch(&format!(r#"{{"load":{job}}}"#), r#""load/mail/reference/a""#)
        };
        assert!(load(1_000_000_000).is_ok());
        let why = load(u64::MAX).expect_err("longer than 100 days");
        assert!(why.contains("up to 100 days"), "{why}");
    }
}
