//! The worker: one fresh process, one launch, one job.

use super::child::attributed;
use super::protocol::{Event, Job, PROTOCOL, Work};
use crate::timing::context::Context;
use crate::workload::{fuel, heap, load, mail, memory_limit, overhead, parts, profile};
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

/// The job in `text`. Its version is read first: all else may look different in another one.
///
/// # Errors
/// It is no job, or one of another version.
pub fn parse(text: &str) -> Result<Job, String> {
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
    let job: Job = serde_json::from_str(text).map_err(no_job)?;
    match &job.work {
        Work::Overhead { pairs, .. } | Work::Spin { pairs, .. } | Work::Profile { pairs, .. }
            if pairs.is_empty() =>
        {
            Err("a job of no comparisons".to_owned())
        }
        Work::Load { job: load, .. } => load.check().map(|()| job),
        _ => Ok(job),
    }
}

fn work(job: &Job, out: &mut dyn Write) -> Outcome {
    // A worker that compiles seven modules before it measures does that on every core; one whose
    // agents live on a thread per core measures there, too.
    let pins_itself =
        matches!(job.work, Work::Parts { .. } | Work::Mail { .. } | Work::Load { .. });
    if let Some(core) = job.core.filter(|_| !pins_itself)
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
        rng: fastrand::Rng::with_seed(job.seed),
        effort: job.effort,
        launch: job.launch,
        core: job.core,
        tell: &mut emit,
    };
    let end = run(&mut ctx, &job.work);
    tell_engines(out);
    end.err().unwrap_or(Outcome::Ran)
}

fn run(ctx: &mut Context<'_>, work: &Work) -> Attempt<()> {
    match work {
        Work::Overhead { agent, pairs } => overhead::run(ctx, agent, pairs),
        Work::Fuel { agent, case } => fuel::run(ctx, agent, case),
        Work::Parts { case, agent, noop, echo } => {
            parts::run(ctx, case, &parts::Files { agent, noop, echo })
        }
        Work::MemoryLimit { agent, case, limit, search } => {
            memory_limit::run(ctx, agent, case, *limit, *search)
        }
        Work::Mail { agent, case, what } => mail::run(ctx, agent, case, what),
        Work::Load { agent, case, job } => load::run(ctx, agent, case, job),
        Work::Heap { agent, case, folder } => heap::run(ctx, agent, case, folder),
        Work::Spin { agent, pairs, time, perf_map } => {
            overhead::spin(ctx, agent, pairs, *time, *perf_map)
        }
        Work::Profile { agent, pairs, how } => profile::run(ctx, agent, pairs, *how),
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
    const AGENT: &str =
        r#"{"name":"a","wasm":"a.wasm","native":null,"expected":null,"variants":{}}"#;

    fn job(work: &str) -> Result<Job, String> {
        parse(&format!(
            r#"{{"protocol":{PROTOCOL},"launch":0,"seed":1,"core":null,"effort":{EFFORT},
                "work":{work}}}"#
        ))
    }

    #[test]
    fn a_job_that_cannot_be_done_is_refused_when_it_is_read() {
        let overhead = |pairs| format!(r#"{{"overhead":{{"agent":{AGENT},"pairs":[{pairs}]}}}}"#);
        let pair = r#"{"pair":"overhead","case":"wasm/overhead/wasmtime-vs-native/a"}"#;
        assert!(job(&overhead(pair)).is_ok());
        assert_eq!(job(&overhead("")), Err("a job of no comparisons".to_owned()));
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
            format!(r#"{{"load":{{"agent":{AGENT},"case":"load/mail/reference/a","job":{job}}}}}"#)
        };
        assert!(job(&load(1_000_000_000)).is_ok());
        let why = job(&load(u64::MAX)).expect_err("longer than 100 days");
        assert!(why.contains("up to 100 days"), "{why}");
    }
}
