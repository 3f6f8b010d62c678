//! Suite `throughput`: messages and tasks per second, and what three ways to make them more are
//! worth.

use super::{Subjects, Suite};
use crate::measure::protocol::{Crew, MailLoad, MailWork, Runtime, System};
use crate::plan::{Task, TaskKind};
use caxton_results::case::CaseKey;

/// The agent that all suites of messages run.
pub const COURIER: &str = "courier";

/// The suite.
pub const SUITE: Suite = Suite { name: "throughput", plan, heap: false, agent: Some(COURIER) };

/// Sizes of the populations that are compared.
const AGENTS: [u32; 3] = [10, 1_000, 10_000];
/// A usual message.
const BYTES: u32 = 1024;
/// Messages in flight for each agent, and the slots that can hold all that may meet at one.
const PER_AGENT: u32 = 8;
const SLOTS: u32 = 32;

const REFERENCE: Runtime = Runtime::new(System::Reference, Crew::Guests);
const NATIVE_REFERENCE: Runtime = Runtime::new(System::Reference, Crew::Twins);
const TOKIO: Runtime = Runtime::new(System::Tokio, Crew::Guests);
const NATIVE_TOKIO: Runtime = Runtime::new(System::Tokio, Crew::Twins);

fn plan(subjects: &Subjects) -> Vec<Task> {
    if subjects.agents.is_empty() {
        return Vec::new();
    }
    let against_tokio = AGENTS.map(|agents| route([REFERENCE, NATIVE_TOKIO], agents));
    let tokio = AGENTS.map(|agents| route([TOKIO, NATIVE_TOKIO], agents));
    let twins = [route([REFERENCE, NATIVE_REFERENCE], 10)];
    against_tokio.into_iter().chain(tokio).chain(twins).collect()
}

/// The usual load of `agents` agents.
pub fn load(agents: u32, bytes: u32) -> MailLoad {
    MailLoad { agents, per_agent: PER_AGENT, bytes, slots: SLOTS, batch: SLOTS }
}

fn route(pair: [Runtime; 2], agents: u32) -> Task {
    let subject = format!("{}-vs-{}", pair[0].name(), pair[1].name());
    let case = CaseKey::new(SUITE.name, "route", &subject, COURIER)
        .with("agents", agents)
        .with("bytes", BYTES);
    let what = MailWork::Route { pair, load: load(agents, BYTES) };
    Task { agent: COURIER.to_owned(), kind: TaskKind::Mail { case, what } }
}
