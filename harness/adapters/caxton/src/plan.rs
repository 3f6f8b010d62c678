//! The cases, in the order of the report, and how each is run in a process of its own.

use crate::agents::{self, REDEPLOYED_AMONG};
use crate::report::{ProbeReport, Probed, failed};
use crate::router::{self, AGENTS, CONTENT_BYTES};
use crate::trials::{self, Tried};
use caxton_model::case::{
    BUSY_CPU, CALL, CAXTON, CHECKPOINT, CONVERSATIONS, CaseKey, DELIVERY, DEPLOYMENT,
    GRANTED_PAGES, LIMIT, OVERHEAD, Outcome, RECOVERY, REDEPLOYMENT, RESPONSE, ROUND_TRIP,
    ROUTER_LATENCY, ROUTER_RATE, TASKS,
};
use caxton_model::units::Bytes;
use std::future::Future;

/// One case.
#[derive(Debug)]
pub(crate) struct PlannedCase {
    pub(crate) key: CaseKey,
    work: ProbeWork,
    /// What it would measure if caxton could do it; nothing of a case that is measured.
    pub(crate) lacks: &'static [&'static str],
}

/// What a probe does.
#[derive(Debug, Clone, Copy)]
enum ProbeWork {
    Rates { senders: usize },
    Latency,
    Conversations,
    Deployment { agents: usize },
    Redeployment,
    GrantedPages(Bytes),
    Delivery,
    RoundTrip,
    Response,
    Tasks,
    Call,
    Overhead,
    Recovery,
    Checkpoint,
    BusyCpu,
    RefusedLimit(Bytes),
}

impl PlannedCase {
    /// True for a case that is expected to be impossible, which one launch shows.
    pub(crate) fn is_trial(&self) -> bool {
        !self.lacks.is_empty()
    }

    /// Runs it in this process, which has to be a fresh one.
    pub(crate) fn probe(&self) -> ProbeReport {
        match self.work {
            ProbeWork::Rates { senders } => on_two_threads(router::rates(senders)),
            ProbeWork::Latency => on_two_threads(router::latency()),
            ProbeWork::Conversations => on_two_threads(router::conversations()),
            ProbeWork::Deployment { agents } => on_two_threads(agents::deployment(agents)),
            ProbeWork::Redeployment => on_two_threads(agents::redeployment()),
            ProbeWork::GrantedPages(limit) => on_two_threads(agents::granted_pages(limit.0)),
            ProbeWork::Delivery => tried(trials::delivery()),
            ProbeWork::RoundTrip => tried(trials::round_trip()),
            ProbeWork::Response => tried(trials::response()),
            ProbeWork::Tasks => tried(trials::tasks()),
            ProbeWork::Call => tried(trials::call()),
            ProbeWork::Overhead => tried(trials::overhead()),
            ProbeWork::Recovery => tried(trials::recovery()),
            ProbeWork::Checkpoint => tried(trials::checkpoint()),
            ProbeWork::BusyCpu => tried(trials::busy_cpu()),
            ProbeWork::RefusedLimit(limit) => tried(trials::granted_pages(limit.0)),
        }
        .into()
    }
}

/// A runtime of tokio as caxton's own executable has it, but of two threads on any machine.
fn on_two_threads(work: impl Future<Output = Probed>) -> Probed {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .map_err(|error| failed("tokio", error))?;
    let probed = runtime.block_on(work);
    // Workers of the router never end.
    runtime.shutdown_background();
    probed
}

fn tried(trial: impl Future<Output = Tried>) -> Probed {
    on_two_threads(async { Err(trial.await.map_or_else(|outcome| outcome, Outcome::Unsupported)) })
}

/// Every case.
pub(crate) fn cases() -> Vec<PlannedCase> {
    let key = |workload: &str, agent: &str| CaseKey::new(CAXTON, workload, CAXTON, agent);
    let case = |key: CaseKey, work: ProbeWork| PlannedCase { key, work, lacks: &[] };
    let routed =
        |workload| key(workload, "none").with("agents", AGENTS).with("bytes", CONTENT_BYTES);
    let mut cases = Vec::new();
    for senders in [1, 2] {
        let key = routed(ROUTER_RATE).with("senders", senders);
        cases.push(case(key, ProbeWork::Rates { senders }));
    }
    cases.push(case(routed(ROUTER_LATENCY), ProbeWork::Latency));
    cases.push(case(routed(CONVERSATIONS), ProbeWork::Conversations));
    for agents in [1, 10, 100, 1_000, 10_000] {
        let key = key(DEPLOYMENT, "minimal").with("agents", agents);
        cases.push(case(key, ProbeWork::Deployment { agents }));
    }
    let redeployed = key(REDEPLOYMENT, "minimal").with("agents", REDEPLOYED_AMONG);
    cases.push(case(redeployed, ProbeWork::Redeployment));
    let limited = |mebi: u64| key(GRANTED_PAGES, "growing").with(LIMIT, format!("{mebi}MiB"));
    for mebi in [1, 10] {
        cases.push(case(limited(mebi), ProbeWork::GrantedPages(Bytes::mebi(mebi))));
    }
    let trial = |key, work, lacks| PlannedCase { key, work, lacks };
    for mebi in [100, 1_000] {
        let work = ProbeWork::RefusedLimit(Bytes::mebi(mebi));
        cases.push(trial(limited(mebi), work, &["granted_pages"]));
    }
    let trials: [(&str, ProbeWork, &'static [&'static str]); 9] = [
        (DELIVERY, ProbeWork::Delivery, &["message_rate"]),
        (ROUND_TRIP, ProbeWork::RoundTrip, &["round_trip_p50_ns", "round_trip_p99_ns"]),
        (RESPONSE, ProbeWork::Response, &["subject_response_p50_ns", "subject_response_p99_ns"]),
        (TASKS, ProbeWork::Tasks, &["subject_task_rate"]),
        (CALL, ProbeWork::Call, &["wasm_call_ns"]),
        (OVERHEAD, ProbeWork::Overhead, &["wasm_to_native_time"]),
        (RECOVERY, ProbeWork::Recovery, &["recover_p50_ns", "crash_steady_ns"]),
        (CHECKPOINT, ProbeWork::Checkpoint, &["checkpoint_full_ns", "checkpoint_incremental_ns"]),
        (BUSY_CPU, ProbeWork::BusyCpu, &["agent_cpu_share"]),
    ];
    let of = |(workload, work, lacks)| trial(key(workload, "none"), work, lacks);
    cases.extend(trials.into_iter().map(of));
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use caxton_model::metric::MetricName;
    use std::collections::BTreeSet;

    #[test]
    fn cases_are_unique_and_what_they_lack_is_in_the_table() {
        let cases = cases();
        let keys: BTreeSet<String> = cases.iter().map(|case| case.key.to_string()).collect();
        assert_eq!(keys.len(), cases.len());
        assert_eq!(cases.iter().filter(|case| case.is_trial()).count(), 11);
        for name in cases.iter().flat_map(|case| case.lacks) {
            MetricName::parse(name).expect(name);
        }
    }

    #[test]
    fn no_name_of_a_figure_could_be_taken_for_delivery() {
        for case in cases().iter().filter(|case| !case.is_trial()) {
            let name = case.key.to_string();
            for word in ["deliver", "throughput", "response", "latency/"] {
                assert!(!name.contains(word) || name.contains("router-latency"), "{name}");
            }
        }
    }
}
