//! The worker: one fresh process, one launch, one job.

use super::protocol::{Event, Job, PROTOCOL, Work};
use crate::subject::Attempt;
use crate::sys::affinity;
use crate::sys::clock::Monotonic;
use crate::workload::{Context, fuel, memory_limit, overhead};
use caxton_results::case::Outcome;
use std::io::{self, BufWriter, Read, Write};
use std::process::ExitCode;

/// Reads a job from standard input, does it, and tells events on standard output.
pub fn main() -> ExitCode {
    let mut text = String::new();
    let job = io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())
        .and_then(|_| serde_json::from_str::<Job>(&text).map_err(|error| error.to_string()));
    let mut out = BufWriter::new(io::stdout().lock());
    let end = match job {
        Ok(job) if job.protocol == PROTOCOL => work(&job, &mut out),
        Ok(job) => Outcome::Failed(format!(
            "worker protocol {} asked of an executable that speaks {PROTOCOL}",
            job.protocol
        )),
        Err(error) => Outcome::Failed(format!("no job on standard input: {error}")),
    };
    tell(&mut out, &Event::End(end));
    if out.flush().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn work(job: &Job, out: &mut dyn Write) -> Outcome {
    if let Some(core) = job.core
        && let Err(error) = affinity::pin_to(core)
    {
        return Outcome::Failed(format!("CPU {core}: {error}"));
    }
    let mut emit = |event: Event| {
        tell(out, &event);
        // The run must know at once that work began: a native agent can take the process along.
        if event == Event::Working {
            let _ = out.flush();
        }
    };
    let mut ctx = Context {
        clock: &Monotonic,
        rng: fastrand::Rng::with_seed(job.seed),
        effort: job.effort,
        launch: job.launch,
        tell: &mut emit,
    };
    match run(&mut ctx, &job.work) {
        Ok(()) => Outcome::Ran,
        Err(outcome) => outcome,
    }
}

fn run(ctx: &mut Context<'_>, work: &Work) -> Attempt<()> {
    match work {
        Work::Overhead { agent, pairs } => overhead::run(ctx, agent, pairs),
        Work::Fuel { agent, case } => fuel::run(ctx, agent, case),
        Work::MemoryLimit { agent, case, limit, search } => {
            memory_limit::run(ctx, agent, case, (*limit, *search))
        }
        Work::Spin { agent, pairs, time } => overhead::spin(ctx, agent, pairs, *time),
    }
}

/// A line to the run. If the run is gone there is nobody to tell and nothing to save.
fn tell(out: &mut dyn Write, event: &Event) {
    if serde_json::to_writer(&mut *out, event).is_ok() {
        let _ = out.write_all(b"\n");
    }
}
