//! Suite `throughput`: messages and tasks per second, and what three ways to make them more are
//! worth.

use super::subjects::{Subjects, Suite};
use crate::job::task::Task;
use crate::job::{
    Batching, Burden, Crew, GuestHome, Job, MailLoad, Monitoring, Pools, Runtime, Schedule, System,
};
use caxton_model::case::{self, CaseKey, MONITORING};
use caxton_model::units::Nanos;
use caxton_sys::allocator::AllocationDetail;

/// The agent that all suites of messages run.
pub const COURIER: &str = "courier";

/// The suite.
pub const SUITE: Suite =
    Suite { name: "throughput", plan, counting: AllocationDetail::Nothing, agent: Some(COURIER) };

/// Sizes of the populations that are compared.
const AGENTS: [u32; 3] = [10, 1_000, 10_000];
/// Sizes around the one at which the runtime houses guests in another way, up to what the kernel's
/// usual limit on memory maps lets a pool have.
const TIERS: [u32; 5] = [1_000, 2_000, 4_000, 10_000, 15_000];
/// A usual message, and other ones.
const BYTES: u32 = 1024;
const PAYLOADS: [u32; 4] = [64, 512, 8_192, 65_536];
/// Messages in flight for each agent, and the slots that can hold all that may meet at one.
const PER_AGENT: u32 = 8;
const SLOTS: u32 = 32;
/// Tasks at a time, and the pool that takes them.
const TASKS: u32 = 1_000;
const POOL: u32 = 10;
/// Requests per second that leave a shard time to fall asleep.
const SPARSE: u32 = 20_000;

const REFERENCE: Runtime = Runtime::new(System::Reference, Crew::Guests);
const NATIVE_REFERENCE: Runtime = Runtime::new(System::Reference, Crew::Natives);
const TOKIO: Runtime = Runtime::new(System::Tokio, Crew::Guests);
const NATIVE_TOKIO: Runtime = Runtime::new(System::Tokio, Crew::Natives);

fn plan(subjects: &Subjects) -> Vec<Task> {
    if subjects.agents.is_empty() {
        return Vec::new();
    }
    let mut tasks: Vec<Task> = Vec::new();
    tasks.extend(AGENTS.map(|agents| route([REFERENCE, NATIVE_TOKIO], agents)));
    tasks.extend([10, 1_000].map(|agents| route([TOKIO, NATIVE_TOKIO], agents)));
    tasks.push(route([REFERENCE, NATIVE_REFERENCE], 10));
    tasks.push(one_by_one());
    tasks.extend(PAYLOADS.map(payload));
    tasks.push(pool());
    tasks.extend(strategies());
    // The pool of the largest has the kernel make 60,000 maps: seconds in each launch.
    tasks.extend(TIERS.into_iter().filter(|_| subjects.is_full).map(tiers));
    tasks.push(watched("counted-vs-not", Burden::Recording));
    tasks.push(watched("besieged-vs-quiet", Burden::Siege));
    tasks
}

/// A host with what watching it costs, against one without.
fn watched(subject: &str, burden: Burden) -> Task {
    let agents = AGENTS[1];
    let case = key(MONITORING, subject).with("agents", agents).with("tasks", TASKS);
    let load = load(agents, BYTES);
    Task::new(case, Job::Monitoring(Monitoring { runtime: REFERENCE, load, tasks: TASKS, burden }))
}

/// The usual load of `agents` agents.
pub fn load(agents: u32, bytes: u32) -> MailLoad {
    MailLoad { agents, per_agent: PER_AGENT, bytes, slots: SLOTS, batch: SLOTS }
}

fn key(workload: &str, subject: &str) -> CaseKey {
    CaseKey::new(SUITE.name, workload, subject, COURIER)
}

fn versus(workload: &str, pair: [Runtime; 2]) -> CaseKey {
    key(workload, &format!("{}-vs-{}", pair[0].name(), pair[1].name()))
}

fn route(pair: [Runtime; 2], agents: u32) -> Task {
    let case = versus("route", pair).with("agents", agents).with("bytes", BYTES);
    Task::new(case, Job::Route { pair, load: load(agents, BYTES) })
}

/// Each message by a call of its own, on both sides.
fn one_by_one() -> Task {
    let pair = [REFERENCE, NATIVE_REFERENCE].map(|runtime| Runtime { batch: Some(1), ..runtime });
    let case = versus("route", pair).with("agents", 10).with("bytes", BYTES).with("batch", 1);
    Task::new(case, Job::Route { pair, load: load(10, BYTES) })
}

fn payload(bytes: u32) -> Task {
    let pair = [REFERENCE, NATIVE_TOKIO];
    let case = versus("payload", pair).with("agents", 10).with("bytes", bytes);
    Task::new(case, Job::Route { pair, load: load(10, bytes) })
}

/// Guests in a pool against guests side by side.
fn tiers(agents: u32) -> Task {
    let pair =
        [GuestHome::Pool, GuestHome::Slab].map(|home| Runtime { home: Some(home), ..REFERENCE });
    let case = key(case::TIERS, "pool-vs-slab").with("agents", agents);
    Task::new(case, Job::Route { pair, load: load(agents, BYTES) })
}

fn pool() -> Task {
    let pair = [(REFERENCE, POOL), (NATIVE_TOKIO, POOL)];
    let case = versus("tasks", [REFERENCE, NATIVE_TOKIO]).with("agents", POOL).with("tasks", TASKS);
    Task::new(case, Job::Tasks(Pools { pair, load: load(POOL, BYTES), tasks: TASKS }))
}

/// Each with it against without it.
fn strategies() -> Vec<Task> {
    let single = Runtime { batch: Some(1), ..REFERENCE };
    let batched = |agents: u32| {
        let case = key("batching", "batch-32-vs-batch-1").with("agents", agents);
        Task::new(case, Job::Route { pair: [REFERENCE, single], load: load(agents, BYTES) })
    };
    let wait = |size: u32, name: &str, timeout: Nanos| {
        let schedule = Schedule { agents: 10, per_second: SPARSE, bytes: BYTES };
        let subject = format!("timeout-{name}-vs-none");
        let case = key("batching", &subject).with("size", size).with("rate", SPARSE);
        Task::new(case, Job::Batching(Batching { schedule, size, timeout }))
    };
    let pooled = || {
        let case = key("pooling", "pool-4-vs-one").with("tasks", TASKS);
        let pair = [(REFERENCE, 4), (REFERENCE, 1)];
        Task::new(case, Job::Tasks(Pools { pair, load: load(4, BYTES), tasks: TASKS }))
    };
    let in_place = |bytes: u32| {
        let copied = Runtime { copies: true, ..REFERENCE };
        let case = key("zero-copy", "borrowed-vs-copied").with("bytes", bytes);
        Task::new(case, Job::Route { pair: [REFERENCE, copied], load: load(10, bytes) })
    };
    vec![
        batched(10),
        batched(1_000),
        wait(16, "1ms", Nanos(1_000_000)),
        wait(16, "100us", Nanos(100_000)),
        pooled(),
        in_place(BYTES),
        in_place(16_384),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_case_has_a_key_of_its_own_and_without_the_agent_there_is_none() {
        let subjects = Subjects { agents: vec![COURIER.to_owned()], ..Subjects::default() };
        let tasks = plan(&subjects);
        let keys: BTreeSet<String> =
            tasks.iter().flat_map(Task::cases).map(ToString::to_string).collect();
        assert_eq!(keys.len(), tasks.len());
        assert!(keys.contains(
            "throughput/route/reference-vs-native-tokio/courier/agents=10000,bytes=1024"
        ));
        assert_eq!(plan(&Subjects::default()), []);
    }
}
