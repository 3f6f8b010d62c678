//! Suite `heap`: what the host allocates for each agent, and what the agent allocates itself.

use super::subjects::{Subjects, Suite};
use crate::job::Job;
use crate::job::task::Task;
use caxton_model::case::{ALLOCATIONS, CaseKey, WASM_AND_NATIVE, WASMTIME};
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "heap", plan, counting: AllocationDetail::Stacks, agent: None };

fn plan(subjects: &Subjects) -> Vec<Task> {
    let task = |subject: &str, agent: &String| {
        Task::new(CaseKey::new(SUITE.name, ALLOCATIONS, subject, agent), Job::Heap)
    };
    let agents = subjects.agents.iter().map(|agent| task(WASM_AND_NATIVE, agent));
    let guests = subjects.guests.iter().map(|guest| task(WASMTIME, guest));
    agents.chain(guests).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agent_and_each_guest_is_one_case() {
        let (agents, guests) = (vec!["json".to_owned()], vec!["loop".to_owned()]);
        let subjects = Subjects { agents, guests, ..Subjects::default() };
        let keys: Vec<String> =
            plan(&subjects).iter().flat_map(Task::cases).map(ToString::to_string).collect();
        let expected =
            ["heap/allocations/wasmtime-and-native/json", "heap/allocations/wasmtime/loop"];
        assert_eq!(keys, expected);
    }
}
