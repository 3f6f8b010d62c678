//! Suite `resources`: memory and CPU time phase by phase, deaths and returns, and what deaths
//! without end leave behind.

use super::subjects::{Subjects, Suite};
use super::throughput::COURIER;
use crate::job::task::Task;
use crate::job::{Deaths, Fault, Job};
use caxton_model::case::CaseKey;
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "resources", plan, counting: AllocationDetail::Held, agent: Some(COURIER) };

/// What an agent holds when it dies, in MiB.
const HEAPS: [u32; 3] = [0, 1, 100];
/// Deaths of the soak.
const CYCLES_QUICK: u32 = 20_000;
const CYCLES_FULL: u32 = 1_000_000;
/// Agents under load, and those of them that die.
const AGENTS: u32 = 100;
const KILLED: u32 = 10;

fn plan(subjects: &Subjects) -> Vec<Task> {
    if subjects.agents.is_empty() {
        return Vec::new();
    }
    let key = |workload: &str| CaseKey::new(SUITE.name, workload, "reference", COURIER);
    let mut cases =
        vec![(key("memory-phases"), Job::MemoryPhases), (key("cpu-phases"), Job::CpuPhases)];
    cases.extend(HEAPS.map(|heap_mib| {
        let case = key("recover").with("heap", format!("{heap_mib}MiB"));
        (case, Job::Recover { heap_mib })
    }));
    let heap_mib = HEAPS[2];
    let case = key("checkpoint").with("heap", format!("{heap_mib}MiB"));
    cases.push((case, Job::Checkpoint { heap_mib }));
    let deaths = [(Fault::Trap, true), (Fault::Trap, false), (Fault::Exhaust, true)];
    let deaths = deaths.into_iter().chain([(Fault::Loop, true)]);
    cases.extend(deaths.map(|(fault, at_least_once)| {
        let delivery = if at_least_once { "at-least-once" } else { "at-most-once" };
        let case = key("crash")
            .with("agents", AGENTS)
            .with("killed", KILLED)
            .with("fault", fault.name())
            .with("delivery", delivery);
        let deaths = Deaths { agents: AGENTS, killed: KILLED, fault, at_least_once };
        (case, Job::Crash(deaths))
    }));
    let cycles = if subjects.is_full { CYCLES_FULL } else { CYCLES_QUICK };
    cases.push((key("soak").with("cycles", cycles), Job::Soak { cycles }));
    cases.into_iter().map(|(case, job)| Task::new(case, job)).collect()
}
