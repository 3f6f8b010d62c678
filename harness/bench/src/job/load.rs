//! What the run asks of a worker that puts a load on agents.

use caxton_model::load::limits::LONGEST;
use caxton_model::load::plan::LoadPlan;
use caxton_model::units::Nanos;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadJob {
    pub plan: LoadPlan,
    pub target: LoadTarget,
    /// The second of the plan to begin with.
    pub from_second: u64,
    /// The number of this process among those that run the load.
    pub segment: u32,
    /// How long messages are offered at most, in nanoseconds; none for as long as the plan goes.
    pub for_ns: Option<u64>,
    /// Bytes of the host's heap that each answer leaves behind: a leak to be found.
    pub planted_bytes: u32,
    /// Restarts that an agent is allowed within a second, where the plan kills any; none for as
    /// many as are usual.
    #[serde(default)]
    pub restarts: Option<u32>,
    /// Where the target says how it stands.
    #[serde(default)]
    pub scrape: Option<String>,
}

impl LoadJob {
    /// Whether this job can be done: it may come from a file.
    pub fn check(&self) -> Result<(), String> {
        self.plan.check().map_err(|error| error.to_string())?;
        if let Some(for_ns) = self.for_ns.filter(|for_ns| *for_ns > LONGEST.0) {
            return Err(format!("for_ns = {for_ns}: more than 100 days"));
        }
        if self.target == LoadTarget::Program(Vec::new()) {
            return Err("the target is a program without a name".to_owned());
        }
        if self.plan.killed() > 0 && self.target != LoadTarget::Agents {
            let target = self.target.name();
            return Err(format!("{target} has no agents to kill: leave out kill"));
        }
        Ok(())
    }

    /// How long messages are offered at most, from its second on.
    pub fn length(&self) -> Nanos {
        let begun = Nanos(self.from_second.saturating_mul(1_000_000_000));
        let planned = self.plan.granted().0.saturating_sub(begun.0);
        // A closed loop takes the time that it is given, and not the plan's.
        Nanos(self.for_ns.unwrap_or(u64::MAX).min(planned))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadTarget {
    Agents,
    /// The same, each killed before each message.
    Churn,
    /// Nobody: the generator alone.
    Nobody,
    /// Another program, with its arguments.
    Program(Vec<String>),
}

impl LoadTarget {
    /// Its name in case keys.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Agents => "reference",
            Self::Churn => "reference-churn",
            Self::Nobody => "nobody",
            Self::Program(_) => "program",
        }
    }
}
