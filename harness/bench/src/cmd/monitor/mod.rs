//! `monitor`: agents under a load as a host in production has them, with `/metrics`, objectives and
//! alerts; and a check of all that on a real Prometheus and Alertmanager.

mod check;
mod host;
mod listener;
mod servers;
mod view;

use self::host::metrics;
use super::args::Monitor;
use super::error::CommandError;
use super::output::{note, print};
use super::run::{STOP, files_of, read_plan, watch_for_ctrl_c};
use super::slo::objectives;
use crate::guest::bench::Bench;
use crate::guest::files::AgentFiles;
use crate::job::Job;
use crate::job::load::{LoadJob, LoadTarget};
use crate::job::task::Task;
use crate::suite::scenarios;
use crate::suite::throughput::COURIER;
use crate::workload::load::monitored::MonitoredLoad;
use caxton_analysis::exit;
use caxton_model::case::CaseKey;
use caxton_model::load::file::TIMEOUT;
use caxton_model::load::limits::LONGEST;
use caxton_model::load::plan::{Arrivals, LoadPlan, Pacing, Rate, Role, Stage};
use caxton_model::units::Nanos;
use caxton_monitor::{Endpoint, EndpointOptions, SloWatch, SloWatchOptions};
use caxton_sys::clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;
/// Between two looks, where nobody says: in production, and at the least.
const EVERY_NS: u64 = 10 * SECOND_NS;
const EVERY_NS_MIN: u64 = SECOND_NS / 5;
/// Length of a message, where no plan says.
const MESSAGE_BYTES: u32 = 1024;

/// Does what `args` say; the exit code.
pub(super) fn run(args: &Monitor, bench: Option<&Bench>) -> Result<u8, CommandError> {
    watch_for_ctrl_c();
    let plan = plan(args)?;
    let files = files(&plan, bench)?;
    if args.check {
        return check::run(&files, &plan);
    }
    let metrics = metrics(objectives(&args.objectives)?)?;
    let endpoint = EndpointOptions { address: args.address, ..EndpointOptions::default() };
    let endpoint = Endpoint::start(&metrics, endpoint)
        .map_err(|source| CommandError::Endpoint { address: args.address, source })?;
    let usual = Nanos((EVERY_NS / args.alerts.speed).max(EVERY_NS_MIN));
    let every = args.every.unwrap_or(usual);
    let sinks = args.tell.clone();
    let every_s = (every.0 / SECOND_NS).max(1);
    let every = Duration::from_nanos(every.0);
    let options = SloWatchOptions { every, alerts: args.alerts.options(), sinks };
    let watch = SloWatch::start(&metrics, options).map_err(CommandError::Watch)?;
    note(&format!("serving http://{}/metrics; Ctrl-C ends it", endpoint.address()));
    let delay_ns = AtomicU64::new(0);
    let load = MonitoredLoad {
        files: &files,
        plan: &plan,
        metrics: &metrics,
        delay_ns: &delay_ns,
        for_ns: args.time.map(|time| time.0),
        stop: &STOP,
    };
    print(view::head(args.alerts.options()));
    let mut untold = String::new();
    let ran = load.run(&mut |second| {
        let done_s = second.second + 1;
        delay_ns.store(planted_ns(args, done_s), Ordering::Relaxed);
        if let Some(why) = watch.take_failure().filter(|why| *why != untold) {
            note(&format!("could not tell of an alert, and will try again: {why}"));
            untold = why;
        }
        if done_s.is_multiple_of(every_s) {
            print(view::rows(metrics.slos(), &watch.views(), &second));
        }
    });
    ran.map_err(|outcome| CommandError::Ended { outcome })?;
    Ok(exit::FINE)
}

/// How long answers are held back when `done_s` seconds are over, in nanoseconds.
fn planted_ns(args: &Monitor, done_s: u64) -> u64 {
    let Some(delay) = args.plant_delay else { return 0 };
    let (now_ns, from_ns) = (done_s * SECOND_NS, args.plant_after.0);
    let until_ns = args.plant_for.map_or(u64::MAX, |length| from_ns.saturating_add(length.0));
    if (from_ns..until_ns).contains(&now_ns) { delay.0 } else { 0 }
}

/// The plan that `args` name, or a steady load.
fn plan(args: &Monitor) -> Result<LoadPlan, CommandError> {
    let seed = clock::entropy();
    let plan = match &args.objectives.plan {
        Some(path) => read_plan(path)?,
        None => {
            let rate = Rate::Constant { per_second: args.rate };
            LoadPlan {
                name: "monitor".to_owned(),
                agents: args.agents,
                message_bytes: MESSAGE_BYTES,
                seed,
                arrivals: Arrivals::Poisson,
                stages: vec![Stage::new("hold", Role::Hold, LONGEST, rate)],
                slo: Nanos(100_000_000),
                cap: 1_000_000,
                timeout: TIMEOUT,
                thresholds: Vec::new(),
                pacing: Pacing::Open,
            }
        }
    };
    plan.check()?;
    Ok(plan)
}

/// The agent that takes the messages of `plan`.
fn files(plan: &LoadPlan, bench: Option<&Bench>) -> Result<AgentFiles, CommandError> {
    let job = LoadJob {
        plan: plan.clone(),
        target: LoadTarget::Agents,
        from_second: 0,
        segment: 0,
        for_ns: None,
        planted_bytes: 0,
        restarts: None,
        generators: None,
        scrape: None,
    };
    let case = CaseKey::new(scenarios::SUITE.name, "monitor", LoadTarget::Agents.name(), COURIER);
    files_of(&Task::new(case, Job::Load(Box::new(job))), bench)
}
