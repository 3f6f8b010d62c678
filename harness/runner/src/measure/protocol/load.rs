//! What the run asks of a worker that puts a load on agents.

use caxton_results::load::plan::LoadPlan;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// A load, or the rest of one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadJob {
    /// What is offered.
    #[serde(deserialize_with = "checked")]
    pub plan: LoadPlan,
    /// To whom.
    pub target: LoadTarget,
    /// The second of the plan to begin with.
    pub from_second: u64,
    /// The number of this process among those that run the load.
    pub segment: u32,
    /// How long messages are offered at most, in nanoseconds; none for as long as the plan goes.
    pub for_ns: Option<u64>,
    /// Bytes of the host's heap that each answer leaves behind: a leak to be found.
    pub planted_bytes: u32,
}

/// A plan that can be run: the file of a load that was interrupted may come from anywhere.
fn checked<'de, D: Deserializer<'de>>(reader: D) -> Result<LoadPlan, D::Error> {
    let plan = LoadPlan::deserialize(reader)?;
    plan.check().map_err(D::Error::custom)?;
    Ok(plan)
}

/// What takes the messages of a load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadTarget {
    /// Agents on the reference runtime.
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
