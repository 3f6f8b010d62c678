//! `monitor --check`: whether a fault that is planted reaches somebody, by way of a real Prometheus
//! and a real Alertmanager, and how long that takes.

use super::super::error::CommandError;
use super::super::output::print;
use super::super::run::STOP;
use super::host::metrics;
use super::listener::Listener;
use super::servers::{PATIENCE, alertmanager, prometheus};
use crate::guest::files::AgentFiles;
use crate::workload::load::monitored::MonitoredLoad;
use caxton_analysis::exit;
use caxton_model::load::plan::LoadPlan;
use caxton_model::slo::{AlertOptions, Severity};
use caxton_monitor::{
    Endpoint, EndpointOptions, Metrics, Sink, SloWatch, SloWatchOptions, get, objectives,
};
use caxton_report::slo::{RuleOptions, rules};
use caxton_sys::clock::{Clock, Monotonic};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

/// What is asked, and the delay that breaks it.
const OBJECTIVE: &str = "response_time p(99)<100ms";
const DELAY_NS: u64 = 200_000_000;
/// Windows of an hour and five minutes become 60 s and 5 s.
const ALERTS: AlertOptions = AlertOptions { speed: 60, events_min: 20 };
const EVERY: Duration = Duration::from_secs(1);
/// How long each step may take, and the pause between two looks.
const STEP_NS: u64 = 120_000_000_000;
const PAUSE: Duration = Duration::from_millis(50);

/// Runs the check with agents of `files` under the load of `plan`; the exit code.
pub(super) fn run(files: &AgentFiles, plan: &LoadPlan) -> Result<u8, CommandError> {
    let slos = objectives(&[OBJECTIVE]).expect("in the grammar");
    let options = RuleOptions { job: "caxton".to_owned(), alerts: ALERTS };
    let rules = rules(&slos, &options);
    let metrics = metrics(slos)?;
    let endpoint =
        Endpoint::start(&metrics, EndpointOptions::on_any_port()).map_err(CommandError::Watch)?;
    let listeners = [Listener::start(), Listener::start()];
    let [by_rules, by_watch] = listeners.map(|listener| listener.map_err(CommandError::Watch));
    let (by_rules, by_watch) = (by_rules?, by_watch?);
    let managers = [alertmanager(by_rules.address)?, alertmanager(by_watch.address)?];
    let server = prometheus(endpoint.address(), managers[0].address, &rules)?;
    let sinks = vec![Sink::Alertmanager(format!("http://{}", managers[1].address))];
    let watch = SloWatchOptions { every: EVERY, alerts: ALERTS, sinks };
    let _watch = SloWatch::start(&metrics, watch).map_err(CommandError::Watch)?;
    let (delay_ns, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let load = MonitoredLoad {
        files,
        plan,
        metrics: &metrics,
        delay_ns: &delay_ns,
        for_ns: None,
        stop: &stop,
    };
    thread::scope(|scope| {
        let loading = thread::Builder::new().name("generator".to_owned());
        let loading = loading.spawn_scoped(scope, || load.run(&mut |_| {}));
        let loading = loading.map_err(CommandError::Watch)?;
        let mut check = Check {
            metrics: &metrics,
            by_rules: &by_rules.hooks,
            by_watch: &by_watch.hooks,
            prometheus: server.address,
            delay_ns: &delay_ns,
            is_over: &|| loading.is_finished(),
        };
        let told = check.steps();
        stop.store(true, Ordering::Relaxed);
        let ended = loading.join().expect("a load does not panic");
        ended.map_err(|outcome| CommandError::Ended { outcome })?;
        told
    })
}

/// What the check looks at.
struct Check<'a> {
    metrics: &'a Arc<Metrics>,
    /// Webhooks of the two Alertmanagers: one is told by Prometheus, one by the host itself.
    by_rules: &'a Receiver<Value>,
    by_watch: &'a Receiver<Value>,
    prometheus: SocketAddr,
    delay_ns: &'a AtomicU64,
    /// Whether the load has ended, which it shall not.
    is_over: &'a dyn Fn() -> bool,
}

/// When something was seen, in nanoseconds from the start of its step; none if it was not.
#[derive(Default)]
struct SeenAt {
    by_rules_ns: Option<u64>,
    by_watch_ns: Option<u64>,
}

impl Check<'_> {
    fn steps(&mut self) -> Result<u8, CommandError> {
        let ready = self.until(|check| Some(check.has_quiet_rate()).filter(|is_there| *is_there));
        if ready?.is_none() {
            print("not ready: Prometheus has no burn rate of 0 after 2 minutes\n");
            return Ok(exit::FAILED);
        }
        print(format!("ready: {OBJECTIVE} holds\n"));
        let mut code = exit::FINE;
        for (delay_ns, is_firing, words) in [(DELAY_NS, true, "fired"), (0, false, "resolved")] {
            self.delay_ns.store(delay_ns, Ordering::Relaxed);
            let seen = self.wait_for(is_firing)?;
            let shown = |seen_ns: Option<u64>| match seen_ns {
                Some(ns) => format!("after {:.1} s", ns as f64 / 1e9),
                None => "not within 2 minutes".to_owned(),
            };
            print(format!(
                "delay of {} ms: {words} {} by Prometheus' rules, {} by its own watch\n",
                delay_ns / 1_000_000,
                shown(seen.by_rules_ns),
                shown(seen.by_watch_ns),
            ));
            if seen.by_rules_ns.is_none() || seen.by_watch_ns.is_none() {
                code = exit::FAILED;
            }
        }
        let counts = self.metrics.slo_counts();
        for (slo, counts) in self.metrics.slos().iter().zip(counts) {
            print(format!("{}: {} good, {} bad\n", slo.name, counts.good, counts.bad));
        }
        Ok(code)
    }

    /// Looks until `seen` is something, or it takes too long.
    fn until<T>(
        &mut self,
        mut seen: impl FnMut(&mut Self) -> Option<T>,
    ) -> Result<Option<T>, CommandError> {
        let start_ns = Monotonic.now().0;
        while Monotonic.now().0 - start_ns < STEP_NS && !(self.is_over)() {
            if STOP.load(Ordering::Relaxed) {
                return Err(CommandError::Interrupted);
            }
            if let Some(seen) = seen(self) {
                return Ok(Some(seen));
            }
            thread::sleep(PAUSE);
        }
        Ok(None)
    }

    /// Whether Prometheus has a burn rate in the short window of the page, and it is 0.
    fn has_quiet_rate(&self) -> bool {
        let short_s = ALERTS.keep_firing_s(Severity::Page);
        let query = format!("caxton:slo_burn:rate{short_s}s");
        let url = format!("http://{}/api/v1/query?query={query}", self.prometheus);
        let Ok(answer) = get(&url, PATIENCE) else { return false };
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        answer["data"]["result"][0]["value"][1].as_str() == Some("0")
    }

    /// Waits until both ways tell that the page fires, or that it does not any more.
    fn wait_for(&mut self, is_firing: bool) -> Result<SeenAt, CommandError> {
        let start_ns = Monotonic.now().0;
        let mut seen = SeenAt::default();
        let status = if is_firing { "firing" } else { "resolved" };
        self.until(|check| {
            let now_ns = Monotonic.now().0 - start_ns;
            if tells(check.by_rules, status) {
                seen.by_rules_ns.get_or_insert(now_ns);
            }
            if tells(check.by_watch, status) {
                seen.by_watch_ns.get_or_insert(now_ns);
            }
            (seen.by_rules_ns.is_some() && seen.by_watch_ns.is_some()).then_some(())
        })?;
        Ok(seen)
    }
}

/// Whether one of the webhooks that came says that the page is `status`.
fn tells(hooks: &Receiver<Value>, status: &str) -> bool {
    let is_page = |alert: &Value| {
        alert["labels"]["alertname"] == Severity::Page.alert() && alert["status"] == status
    };
    // All of them: those of another status are of the step before.
    let all = hooks.try_iter().collect::<Vec<Value>>();
    all.iter().filter_map(|hook| hook["alerts"].as_array()).flatten().any(is_page)
}
