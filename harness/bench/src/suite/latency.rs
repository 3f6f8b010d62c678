//! Suite `latency`: how long agents take to answer, at fixed rates and one request at a time.

use super::subjects::{Subjects, Suite};
use super::throughput::COURIER;
use crate::job::task::Task;
use crate::job::{Job, Schedule, System};
use caxton_model::case::CaseKey;
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "latency", plan, counting: AllocationDetail::Nothing, agent: Some(COURIER) };

/// Agents and requests per second.
const RATES: [(u32, u32); 5] =
    [(10, 100_000), (100, 10_000), (100, 100_000), (1_000, 100_000), (10_000, 100_000)];
/// Those at which tokio's actors are asked, too.
const OF_TOKIO: [(u32, u32); 2] = [RATES[0], RATES[3]];
/// A usual message.
const BYTES: u32 = 1024;

fn plan(subjects: &Subjects) -> Vec<Task> {
    let reference = RATES.map(|rate| (System::Reference, "reference-vs-idle", rate));
    let tokio = OF_TOKIO.map(|rate| (System::Tokio, "tokio-vs-idle", rate));
    let all = reference.into_iter().chain(tokio);
    let at_a_rate = all.map(|(system, subject, (agents, per_second))| {
        let case = CaseKey::new(SUITE.name, "response", subject, COURIER)
            .with("agents", agents)
            .with("rate", per_second);
        let schedule = Schedule { agents, per_second, bytes: BYTES };
        (case, Job::Response { system, schedule })
    });
    let alone = CaseKey::new(SUITE.name, "round-trip", "reference", COURIER).with("agents", 1);
    let alone = (alone, Job::RoundTrip { bytes: BYTES });
    let is_there = !subjects.agents.is_empty();
    let cases = at_a_rate.chain([alone]).filter(|_| is_there);
    cases.map(|(case, job)| Task::new(case, job)).collect()
}
