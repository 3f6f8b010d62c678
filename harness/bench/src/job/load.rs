//! What the run asks of a worker that puts a load on agents.

use caxton_model::load::limits::LONGEST;
use caxton_model::load::plan::{LoadPlan, Pacing};
use caxton_model::units::Nanos;
use serde::{Deserialize, Serialize};

/// The most threads that generate one load.
pub const GENERATORS_MAX: u32 = 64;

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
    /// Threads that generate the messages; none for as many as the rate takes.
    #[serde(default)]
    pub generators: Option<u32>,
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
        self.check_generators().map_err(|why| format!("generators: {why}"))?;
        if self.plan.killed() > 0 && self.target != LoadTarget::Agents {
            let target = self.target.name();
            return Err(format!("{target} has no agents to kill: leave out kill"));
        }
        Ok(())
    }

    /// Whether several generators may share its schedule: each has its own way to the target, and
    /// instants count.
    pub fn may_share(&self) -> bool {
        let is_shared = matches!(self.target, LoadTarget::Nobody | LoadTarget::Program(_));
        is_shared && self.plan.pacing == Pacing::Open
    }

    /// Whether so many generators can share it.
    ///
    /// # Errors
    /// Why not, and what to do.
    pub fn check_generators(&self) -> Result<(), String> {
        let name = &self.plan.name;
        match self.generators {
            None | Some(1) => Ok(()),
            Some(number) if !(1..=GENERATORS_MAX).contains(&number) => {
                Err(format!("write 1 to {GENERATORS_MAX}"))
            }
            Some(_) if self.may_share() => Ok(()),
            Some(_) if self.plan.pacing != Pacing::Open => Err(format!(
                "load {name:?} is a closed loop, which has no schedule to share: leave it out"
            )),
            Some(_) => Err(format!(
                "load {name:?} is on agents, whose host side is one thread's: leave it out, or \
                 name a load on a program, or generator"
            )),
        }
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
