//! Suite `wasm`: what WASM costs each agent, each side against itself, memory limits, and where
//! the time of a call goes.

use super::subjects::{Subjects, Suite};
use crate::job::sides::SideSpec;
use crate::job::task::Task;
use crate::job::{Job, Pair};
use caxton_model::case::{CaseKey, LIMIT, MEMORY_LIMIT, OVERHEAD, PARTS, SIDES};
use caxton_model::units::Bytes;
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "wasm", plan, counting: AllocationDetail::Nothing, agent: None };

/// The agent that is put under memory limits.
pub const BALLAST: &str = "ballast";

fn plan(subjects: &Subjects) -> Vec<Task> {
    let is_plain = |name: &&String| !subjects.sides.contains_key(*name);
    let plain = || subjects.agents.iter().filter(is_plain);
    let with_native = [Pair::Overhead, Pair::NativeAgain, Pair::WasmAgain];
    let agents = plain().map(|agent| overhead(agent, &with_native));
    let without = [Pair::Overhead, Pair::WasmAgain];
    let guests = subjects.guests.iter().filter(is_plain).map(|guest| overhead(guest, &without));
    let has_ballast = plain().any(|agent| agent == BALLAST);
    let limits = subjects.limits.iter().filter(|_| has_ballast).map(|&limit| under(limit));
    // A guest given as a file is not taken apart: there may be no toolchain for those beside it.
    let parts = plain().map(|agent| parts(agent));
    let sides = subjects.sides.iter().flat_map(|(agent, sides)| by_sides(agent, sides));
    agents.chain(guests).chain(limits).chain(parts).chain(sides).collect()
}

fn overhead(agent: &str, pairs: &[Pair]) -> Task {
    let case = |pair: &Pair| CaseKey::new(SUITE.name, OVERHEAD, pair.subject(), agent);
    let cases = pairs.iter().map(case).collect();
    Task { cases, job: Job::Overhead }
}

/// A task for each side, beside the first as reference, and one of the reference beside itself.
fn by_sides(agent: &str, sides: &[SideSpec]) -> Vec<Task> {
    let [reference, others @ ..] = sides else { return Vec::new() };
    let case = |one: &SideSpec, other: &SideSpec| {
        CaseKey::new(SUITE.name, SIDES, &one.against(other), agent)
    };
    let task = |other: &SideSpec, cases: Vec<CaseKey>| Task {
        cases,
        job: Job::Sides(Box::new([reference.clone(), other.clone()])),
    };
    let versus = |other| task(other, vec![case(other, reference), case(other, other)]);
    let alone = task(reference, vec![case(reference, reference)]);
    std::iter::once(alone).chain(others.iter().map(versus)).collect()
}

fn parts(agent: &str) -> Task {
    Task::new(CaseKey::new(SUITE.name, PARTS, "wasmtime", agent), Job::Parts)
}

fn under(limit: Bytes) -> Task {
    let case =
        CaseKey::new(SUITE.name, MEMORY_LIMIT, "wasmtime", BALLAST).with(LIMIT, name_of(limit));
    Task::new(case, Job::MemoryLimit { limit })
}

/// A limit as a case key holds it: exact, without a space.
fn name_of(limit: Bytes) -> String {
    const STEPS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let fits = |&&(shift, _): &&(u32, &str)| limit.0 > 0 && limit.0.is_multiple_of(1 << shift);
    match STEPS.iter().find(fits) {
        Some((shift, unit)) => format!("{}{unit}", limit.0 >> shift),
        None => format!("{}B", limit.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_has_three_comparisons_and_its_parts_and_ballast_its_limits() {
        let subjects = Subjects {
            agents: vec!["ballast".to_owned(), "json".to_owned()],
            guests: vec!["loop".to_owned()],
            limits: vec![Bytes::mebi(1), Bytes::mebi(1000), Bytes(70_000)],
            ..Subjects::default()
        };
        let keys: Vec<String> =
            plan(&subjects).iter().flat_map(Task::cases).map(ToString::to_string).collect();
        assert_eq!(
            keys,
            [
                "wasm/overhead/wasmtime-vs-native/ballast",
                "wasm/overhead/native-vs-native/ballast",
                "wasm/overhead/wasmtime-vs-wasmtime/ballast",
                "wasm/overhead/wasmtime-vs-native/json",
                "wasm/overhead/native-vs-native/json",
                "wasm/overhead/wasmtime-vs-wasmtime/json",
                "wasm/overhead/wasmtime-vs-native/loop",
                "wasm/overhead/wasmtime-vs-wasmtime/loop",
                "wasm/memory-limit/wasmtime/ballast/limit=1MiB",
                "wasm/memory-limit/wasmtime/ballast/limit=1000MiB",
                "wasm/memory-limit/wasmtime/ballast/limit=70000B",
                "wasm/parts/wasmtime/ballast",
                "wasm/parts/wasmtime/json",
            ]
        );
    }
}
