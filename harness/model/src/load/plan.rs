//! A load test as data: the stages, the rate of each, and how long it may take. How a file or a
//! flag becomes one is in `file.rs` and `flags.rs`; what makes no sense is said in `check.rs`.

use crate::load::threshold::{LoadMetric, Threshold};
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// What is wrong with a load test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{why}")]
pub struct BadPlan {
    /// The file and line it is in, ending in `: `; empty where it is from no file.
    pub(super) file: String,
    /// What is wrong, and how to mend it.
    pub(super) why: String,
    /// The part of the plan that is wrong.
    pub(super) part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Whole,
    Key(&'static str),
    Stage(usize),
    Threshold(usize),
}

impl BadPlan {
    pub(super) fn whole(why: String) -> Self {
        Self { file: String::new(), why, part: Part::Whole }
    }

    pub(super) fn key(key: &'static str, why: String) -> Self {
        Self { part: Part::Key(key), ..Self::whole(why) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadPlan {
    pub name: String,
    /// How many agents take the messages.
    pub agents: u32,
    pub message_bytes: u32,
    /// What all chance in the schedule is drawn from.
    pub seed: u64,
    /// How messages lie within the rate.
    pub arrivals: Arrivals,
    /// What is offered, one stage after the other.
    pub stages: Vec<Stage>,
    /// The response time that the load test is about; a generator that is late by a tenth of it
    /// cannot judge it.
    pub slo: Nanos,
    /// The most messages in flight; one more is dropped, and counted.
    pub cap: u64,
    /// How long an answer is waited for.
    pub timeout: Nanos,
    pub thresholds: Vec<Threshold>,
    /// Whether a message waits for those before it.
    pub pacing: Pacing,
}

/// Whether a message waits for those before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pacing {
    /// Each goes at its own instant, whatever is in flight.
    #[default]
    Open,
    /// No more than `in_flight` at a time: one that finds no room waits. Its response times say
    /// nothing of an open system.
    Closed { in_flight: u64 },
}

/// How messages lie within the rate of a stage. A trace is replayed as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// At equal distances.
    #[default]
    Constant,
    /// As from many that know nothing of each other: exponential gaps.
    Poisson,
    /// Each somewhere in the interval that is its own.
    Uniform,
}

/// A stretch of a load test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Its name, the only one of its kind in the plan.
    pub name: String,
    pub role: Role,
    pub wanted: Nanos,
    /// How long it is; less than wanted where the time for a run is short.
    pub granted: Nanos,
    pub rate: Rate,
    /// Agents that are killed at its start, all at once.
    #[serde(default, skip_serializing_if = "is_nobody")]
    pub kill: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_nobody(count: &u32) -> bool {
    *count == 0
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Leads to the load; nothing is judged by it alone.
    RampUp,
    /// The usual load before a burst.
    Base,
    /// The load that the test is about.
    Hold,
    /// More than usual, for a short time.
    Burst,
    /// The usual load again, in which a burst is recovered from.
    After,
    /// Leads away from the load.
    RampDown,
}

/// What a stage offers, in messages per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    Constant {
        per_second: f64,
    },
    /// From one rate to another over the whole granted length.
    Linear {
        from: f64,
        to: f64,
    },
    /// `mean + amplitude * sin`, from the mean upwards at the start; never below 0.
    Sine {
        mean: f64,
        amplitude: f64,
        period: Nanos,
    },
    /// A message at each of these instants, in ns from the start of the stage, ascending.
    Trace(Vec<u64>),
}

impl Rate {
    /// The highest rate; none for a trace.
    pub fn peak(&self) -> Option<f64> {
        match self {
            Self::Constant { per_second } => Some(*per_second),
            Self::Linear { from, to } => Some(from.max(*to)),
            Self::Sine { mean, amplitude, .. } => Some(mean + amplitude),
            Self::Trace(_) => None,
        }
    }

    /// The role of a stage with this rate, where none is given.
    pub fn usual_role(&self) -> Role {
        match self {
            Self::Linear { from, to } if from < to => Role::RampUp,
            Self::Linear { from, to } if from > to => Role::RampDown,
            _ => Role::Hold,
        }
    }
}

impl Role {
    pub const ALL: [Self; 6] =
        [Self::RampUp, Self::Base, Self::Hold, Self::Burst, Self::After, Self::RampDown];

    pub const fn name(self) -> &'static str {
        match self {
            Self::RampUp => "ramp-up",
            Self::Base => "base",
            Self::Hold => "hold",
            Self::Burst => "burst",
            Self::After => "after",
            Self::RampDown => "ramp-down",
        }
    }

    /// True for a load that is meant to go on for ever, so that its figures may be judged.
    pub const fn is_steady(self) -> bool {
        matches!(self, Self::Base | Self::Hold)
    }
}

impl Stage {
    /// A stage that is granted all it wants.
    pub fn new(name: &str, role: Role, wanted: Nanos, rate: Rate) -> Self {
        Self { name: name.to_owned(), role, wanted, granted: wanted, rate, kill: 0 }
    }

    /// The same, with so many agents killed at its start.
    #[must_use]
    pub fn killing(self, kill: u32) -> Self {
        Self { kill, ..self }
    }
}

impl LoadPlan {
    /// The stage that an instant of the plan belongs to; the last one from its end on.
    pub fn stage_at(&self, at_ns: u64) -> u32 {
        let ends = self.stages.iter().scan(0, |end, stage| {
            *end = stage.granted.0.saturating_add(*end);
            Some(*end)
        });
        let number = ends.take_while(|end| *end <= at_ns).count();
        number.min(self.stages.len().saturating_sub(1)) as u32
    }

    /// Agents that are killed in it.
    pub fn killed(&self) -> u64 {
        self.stages.iter().map(|stage| u64::from(stage.kill)).sum()
    }

    /// The place of the first stage that a target must recover from: a burst, or deaths of agents.
    pub fn disruption(&self) -> Option<usize> {
        self.stages.iter().position(|stage| stage.role == Role::Burst || stage.kill > 0)
    }

    /// This plan for each of so many generators, which share its schedule: of what may be in
    /// flight each has its part.
    #[must_use]
    pub fn shared_by(&self, generators: u64) -> Self {
        Self { cap: self.cap.div_ceil(generators.max(1)), ..self.clone() }
    }

    /// True where a threshold is on `metric`.
    pub fn asks(&self, metric: LoadMetric) -> bool {
        self.thresholds.iter().any(|threshold| threshold.metric == metric)
    }

    /// Messages that it wants: the integral of its rates over their wanted lengths.
    pub fn wanted_messages(&self) -> u64 {
        let of = |stage: &Stage| {
            let length_s = stage.wanted.0 as f64 / 1e9;
            match &stage.rate {
                Rate::Constant { per_second } => per_second * length_s,
                Rate::Linear { from, to } => (from + to) / 2.0 * length_s,
                Rate::Sine { mean, .. } => mean * length_s,
                Rate::Trace(instants) => instants.len() as f64,
            }
        };
        self.stages.iter().map(of).sum::<f64>().round() as u64
    }

    pub fn wanted(&self) -> Nanos {
        total(self.stages.iter().map(|stage| stage.wanted))
    }

    pub fn granted(&self) -> Nanos {
        total(self.stages.iter().map(|stage| stage.granted))
    }

    /// This plan in `total` time: each stage keeps what it wants and its rates, and is granted its
    /// proportion of `total`. A plan that wants no more than that stays whole. A ramp gets
    /// steeper; a sine has fewer waves; a trace ends early.
    ///
    /// # Errors
    /// Where a stage would have no time at all.
    pub fn scaled(&self, total: Nanos) -> Result<Self, BadPlan> {
        let wanted = u128::from(self.wanted().0);
        let total = u128::from(total.0).min(wanted);
        let (mut until, mut last_end) = (0_u128, 0_u128);
        // By ends, not by lengths: the parts add up to the whole.
        let part = |stage: &Stage| {
            until += u128::from(stage.wanted.0);
            let end = until * total / wanted.max(1);
            let granted = end - last_end;
            last_end = end;
            Nanos(u64::try_from(granted).unwrap_or(u64::MAX))
        };
        let granted: Vec<Nanos> = self.stages.iter().map(part).collect();
        self.granting(&granted)
    }

    /// This plan with `granted` time for each stage in turn.
    ///
    /// # Errors
    /// Where there is not one for each stage, or a stage gets nothing, or more than it wants.
    pub fn granting(&self, granted: &[Nanos]) -> Result<Self, BadPlan> {
        if granted.len() != self.stages.len() {
            let (given, stages) = (granted.len(), self.stages.len());
            return Err(BadPlan::whole(format!(
                "{given} lengths for {stages} stages: give one for each"
            )));
        }
        let mut plan = self.clone();
        for (stage, &granted) in plan.stages.iter_mut().zip(granted) {
            stage.granted = granted;
        }
        plan.check()?;
        Ok(plan)
    }
}

/// All of `lengths` together; at most what a `u64` holds, for a plan may come from any file.
pub fn total(lengths: impl Iterator<Item = Nanos>) -> Nanos {
    Nanos(lengths.fold(0, |sum, length| length.0.saturating_add(sum)))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
