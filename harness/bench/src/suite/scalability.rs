//! Suite `scalability`: from one agent to 10,000, and to 100,000 at full scale.

use super::subjects::{Subjects, Suite};
use super::throughput::{COURIER, load};
use crate::job::task::Task;
use crate::job::{Job, MailLoad};
use caxton_model::case::CaseKey;
use caxton_sys::allocator::AllocationDetail;

/// The suite.
pub const SUITE: Suite =
    Suite { name: "scalability", plan, counting: AllocationDetail::Nothing, agent: Some(COURIER) };

/// Sizes of populations; the last one at full scale alone.
const AGENTS: [u32; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// The largest of the others.
const QUICK_MAX: u32 = 10_000;
/// A usual message.
const BYTES: u32 = 1024;

fn plan(subjects: &Subjects) -> Vec<Task> {
    let wanted =
        |agents: &u32| !subjects.agents.is_empty() && (subjects.is_full || *agents <= QUICK_MAX);
    let task = |agents: u32| {
        let case = CaseKey::new(SUITE.name, "scale", "reference", COURIER).with("agents", agents);
        // Of very many one message each is in flight: more would measure the memory of messages.
        let per_agent = if agents > QUICK_MAX { 1 } else { load(agents, BYTES).per_agent };
        Task::new(case, Job::Scale(MailLoad { per_agent, ..load(agents, BYTES) }))
    };
    AGENTS.into_iter().filter(wanted).map(task).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_agents_are_for_full_scale() {
        let count = |is_full: bool| {
            let agents = vec![COURIER.to_owned()];
            plan(&Subjects { agents, is_full, ..Subjects::default() }).len()
        };
        assert_eq!((count(false), count(true)), (5, 6));
    }
}
