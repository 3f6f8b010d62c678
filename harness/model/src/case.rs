//! A case and its key: the join key of runs and baselines.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

pub const OVERHEAD: &str = "overhead";
/// Workload of sides that the user chose.
pub const SIDES: &str = "sides";
/// Workload of the agents under a memory limit.
pub const MEMORY_LIMIT: &str = "memory-limit";
/// Workload that takes a steady-state call apart.
pub const PARTS: &str = "parts";
pub const ALLOCATIONS: &str = "allocations";
/// Suite of messages and tasks per second.
pub const THROUGHPUT: &str = "throughput";
/// Its workload of messages from agent to agent.
pub const ROUTE: &str = "route";
/// Its workload of messages of several sizes.
pub const PAYLOAD: &str = "payload";
/// Its workload of tasks over a pool.
pub const TASKS: &str = "tasks";
/// Its workload of messages handed over together.
pub const BATCHING: &str = "batching";
/// Its workload of several channels or instances.
pub const POOLING: &str = "pooling";
/// Its workload of messages that are not copied.
pub const ZERO_COPY: &str = "zero-copy";
/// Its workload of guests whose memories are had in two ways.
pub const TIERS: &str = "tiers";
/// Its workload of a host that is watched.
pub const MONITORING: &str = "monitoring";
pub const LATENCY: &str = "latency";
/// Its workload at a fixed rate.
pub const RESPONSE: &str = "response";
/// Its workload of one request alone.
pub const ROUND_TRIP: &str = "round-trip";
/// Suite of growing numbers of agents.
pub const SCALABILITY: &str = "scalability";
pub const SCALE: &str = "scale";
/// Suite of memory, CPU time and recovery.
pub const RESOURCES: &str = "resources";
/// Its workload of memory by phase.
pub const MEMORY_PHASES: &str = "memory-phases";
/// Its workload of CPU time by phase.
pub const CPU_PHASES: &str = "cpu-phases";
/// Its workload of one agent that is brought back.
pub const RECOVER: &str = "recover";
/// Its workload of full and incremental checkpoints.
pub const CHECKPOINT: &str = "checkpoint";
/// Its workload of agents that are lost under load.
pub const CRASH: &str = "crash";
/// Its workload of many cycles of spawn, trap and respawn.
pub const SOAK: &str = "soak";
/// Suite of other frameworks' actors, each in turns with the reference runtime by [`ROUTE`].
pub const PEERS: &str = "peers";
/// Suite, and subject, of the crate caxton: what its public API allows to be measured.
pub const CAXTON: &str = "caxton";
/// Its workload of messages per second that the router accepts, and looks up and then drops.
pub const ROUTER_RATE: &str = "router-rate";
/// Its workload of one such message alone.
pub const ROUTER_LATENCY: &str = "router-latency";
/// Its workload of messages in conversations of their own.
pub const CONVERSATIONS: &str = "conversations";
/// Its workload of growing numbers of agents: time to deploy and start, and memory.
pub const DEPLOYMENT: &str = "deployment";
/// Its workload of one agent that is stopped, removed, deployed and started.
pub const REDEPLOYMENT: &str = "redeployment";
/// Its workload of pages that a guest is granted under a limit.
pub const GRANTED_PAGES: &str = "granted-pages";
/// Its workload of messages that reach an agent.
pub const DELIVERY: &str = "delivery";
/// Its workload of one call of an exported function.
pub const CALL: &str = "call";
/// Its workload of busy agents' CPU time.
pub const BUSY_CPU: &str = "busy-cpu";
/// Its workload of an agent that is brought back after a trap.
pub const RECOVERY: &str = "recovery";
/// Subject of an agent in WASM alone.
pub const WASMTIME: &str = "wasmtime";
/// Subject of both sides of an agent, each looked at on its own.
pub const WASM_AND_NATIVE: &str = "wasmtime-and-native";
/// Subject that compares an agent in WASM with its native twin.
pub const WASM_VS_NATIVE: &str = "wasmtime-vs-native";
/// Subject that compares a native twin with itself.
pub const NATIVE_VS_NATIVE: &str = "native-vs-native";
/// Subject that compares an agent in WASM with itself.
pub const WASM_VS_WASM: &str = "wasmtime-vs-wasmtime";
/// Parameter of a memory-limit case.
pub const LIMIT: &str = "limit";

/// What one case measures, as `suite/workload/subject/agent[/name=value,…]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CaseKey {
    /// The bench binary's suite: `wasm`.
    pub suite: String,
    /// What is done: `overhead`, `memory-limit`.
    pub workload: String,
    /// What runs the agent: `wasmtime-vs-native`.
    pub subject: String,
    pub agent: String,
    /// Further axes, in the order of the sweep.
    pub params: Vec<(String, String)>,
}

impl CaseKey {
    pub fn new(suite: &str, workload: &str, subject: &str, agent: &str) -> Self {
        let [suite, workload, subject, agent] =
            [suite, workload, subject, agent].map(str::to_owned);
        Self { suite, workload, subject, agent, params: Vec::new() }
    }

    /// True for a case that compares an agent in WASM with its native twin.
    pub fn is_overhead(&self) -> bool {
        self.workload == OVERHEAD && self.subject == WASM_VS_NATIVE
    }

    /// True for a case that compares a thing with itself: `native-vs-native`.
    pub fn is_same_against_same(&self) -> bool {
        self.subject.split_once("-vs-").is_some_and(|(once, again)| once == again)
    }

    /// True for a case of sides that the user chose.
    pub fn is_of_sides(&self) -> bool {
        self.workload == SIDES
    }

    /// True for a case under a memory limit.
    pub fn is_memory_limit(&self) -> bool {
        self.workload == MEMORY_LIMIT
    }

    /// True for a case that takes a steady-state call apart.
    pub fn is_parts(&self) -> bool {
        self.workload == PARTS
    }

    pub fn is_heap(&self) -> bool {
        self.workload == ALLOCATIONS
    }

    /// The value of the parameter `name`.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The same key with one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.params.push((name.to_owned(), value.to_string()));
        self
    }
}

impl fmt::Display for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.suite, self.workload, self.subject, self.agent)?;
        for (i, (name, value)) in self.params.iter().enumerate() {
            let separator = if i == 0 { '/' } else { ',' };
            write!(f, "{separator}{name}={value}")?;
        }
        Ok(())
    }
}

impl From<CaseKey> for String {
    fn from(key: CaseKey) -> Self {
        key.to_string()
    }
}

/// A text that is no case key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no case key: expected suite/workload/subject/agent[/name=value,…]")]
pub struct BadCaseKey(String);

impl FromStr for CaseKey {
    type Err = BadCaseKey;

    fn from_str(text: &str) -> Result<Self, BadCaseKey> {
        let bad = || BadCaseKey(text.to_owned());
        let mut parts = text.splitn(5, '/');
        let mut part = || parts.next().filter(|p| !p.is_empty()).ok_or_else(bad);
        let mut key = Self::new(part()?, part()?, part()?, part()?);
        if let Some(params) = parts.next() {
            for pair in params.split(',') {
                let (name, value) = pair.split_once('=').ok_or_else(bad)?;
                key = key.with(name, value);
            }
        }
        Ok(key)
    }
}

impl TryFrom<String> for CaseKey {
    type Error = BadCaseKey;

    fn try_from(text: String) -> Result<Self, BadCaseKey> {
        text.parse()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ran to its end and every answer was right.
    Ran,
    /// It was turned down before it existed: no build, no valid module, a limit below its minimum.
    Refused(String),
    /// It existed and died before its first message: constructor, start function.
    DiedBeforeWork(String),
    /// It died, trapped or lied in the middle of its work.
    DiedInTheMiddle(String),
    /// It did not come back within the time allowed.
    TimedOut(String),
    /// It came back with a wrong answer.
    WrongAnswer(String),
    /// The apparatus failed, not the agent.
    Failed(String),
    /// The run ended before its turn.
    NotRun(String),
    /// What should do it has no such feature. No figure, no failure, and never a met target.
    Unsupported(String),
}

impl Outcome {
    /// The outcome's name in tables and files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Refused(_) => "refused",
            Self::DiedBeforeWork(_) => "died before work",
            Self::DiedInTheMiddle(_) => "died in the middle",
            Self::TimedOut(_) => "timed out",
            Self::WrongAnswer(_) => "wrong answer",
            Self::Failed(_) => "failed",
            Self::NotRun(_) => "not run",
            Self::Unsupported(_) => "unsupported",
        }
    }

    /// How a case ended, and why.
    pub fn told(&self) -> String {
        match self.reason() {
            None => self.name().to_owned(),
            Some(why) => format!("{}: {why}", self.name()),
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ran => None,
            Self::Refused(why)
            | Self::DiedBeforeWork(why)
            | Self::DiedInTheMiddle(why)
            | Self::TimedOut(why)
            | Self::WrongAnswer(why)
            | Self::Failed(why)
            | Self::NotRun(why)
            | Self::Unsupported(why) => Some(why),
        }
    }
}

/// What the answers of a case are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The hash that the agent's manifest promises.
    Manifest,
    /// The file that the user says it must answer with.
    Expected,
    /// The answer of its native build.
    NativeBuild,
    /// What the agents themselves count, message by message.
    Accounts,
    /// Nothing: a guest that was given as a file and has neither.
    Nothing,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_prints_and_parses_back() {
        let key = CaseKey::new("wasm", "memory-limit", "wasmtime", "ballast")
            .with("limit", "10MiB")
            .with("stack", 64);
        let text = "wasm/memory-limit/wasmtime/ballast/limit=10MiB,stack=64";
        assert_eq!(key.to_string(), text);
        assert_eq!(text.parse(), Ok(key));
    }

    #[test]
    fn a_text_that_is_no_key_is_refused() {
        for text in ["", "wasm", "wasm/overhead//json", "a/b/c/d/e", "a/b/c/d/"] {
            assert_eq!(text.parse::<CaseKey>(), Err(BadCaseKey(text.to_owned())), "{text:?}");
        }
    }
}
