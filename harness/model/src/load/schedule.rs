//! When each message of a load test is due: the same instants from the same plan, at any place and
//! by any number of workers. An iterator, as a day of messages does not fit into memory.
//!
//! The rate integrated over time counts messages, and the k-th is due where that count reaches k
//! (constant), k and a part of one (uniform), or the sum of k exponential gaps (Poisson). So ramps
//! and steps keep their exact number of messages, and a rest of one stage goes on in the next.

use crate::load::plan::{Arrivals, LoadPlan, Rate, Stage};
use crate::load::rate::{Integral, near_whole};
use fastrand::Rng;
use std::iter::{FusedIterator, Skip, StepBy};
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// Its number in the whole load test, from 0.
    pub sequence: u64,
    /// When it is due, in ns from the start of the load test.
    pub intended_ns: u64,
    /// Number of its stage in the plan, from 0.
    pub stage: usize,
}

/// Every message of a load test, in order of time.
#[derive(Debug, Clone)]
pub struct Schedule {
    stages: Arc<[Span]>,
    stage: usize,
    sequence: u64,
    place: NextArrival,
    /// How many of the trace of this stage are past.
    replayed: usize,
    /// In ns from the start; no message is due before the one in front of it.
    last_ns: u64,
}

pub type WorkerShare = StepBy<Skip<Schedule>>;

#[derive(Debug)]
struct Span {
    start_ns: u64,
    length_ns: u64,
    offer: Offer,
}

#[derive(Debug)]
enum Offer {
    Rate(Integral),
    Trace(Box<[u64]>),
}

/// Where the next message stands, counted in messages from the start of the stage.
#[derive(Debug, Clone)]
enum NextArrival {
    /// At `first + index`: a product, as a sum drifts.
    Constant {
        first: f64,
        index: u64,
    },
    /// `part` behind `first + index`.
    Uniform {
        first: f64,
        index: u64,
        part: f64,
        chance: Rng,
    },
    Poisson {
        at: f64,
        chance: Rng,
    },
}

impl NextArrival {
    fn new(arrivals: Arrivals, seed: u64) -> Self {
        let mut chance = Rng::with_seed(seed);
        match arrivals {
            Arrivals::Constant => Self::Constant { first: 0.0, index: 0 },
            Arrivals::Uniform => {
                let part = chance.f64();
                Self::Uniform { first: 0.0, index: 0, part, chance }
            }
            Arrivals::Poisson => {
                let at = gap(&mut chance);
                Self::Poisson { at, chance }
            }
        }
    }

    #[inline]
    fn at(&self) -> f64 {
        match self {
            Self::Constant { first, index } => first + *index as f64,
            Self::Uniform { first, index, part, .. } => first + *index as f64 + part,
            Self::Poisson { at, .. } => *at,
        }
    }

    #[inline]
    fn advance(&mut self) {
        match self {
            Self::Constant { index, .. } => *index += 1,
            Self::Uniform { index, part, chance, .. } => {
                *index += 1;
                *part = chance.f64();
            }
            Self::Poisson { at, chance } => *at += gap(chance),
        }
    }

    /// Counts from the end of a stage with `messages`.
    fn leave(&mut self, messages: f64) {
        match self {
            Self::Constant { first, index } | Self::Uniform { first, index, .. } => {
                *first = near_whole(*first + *index as f64 - messages, messages);
                *index = 0;
            }
            Self::Poisson { at, .. } => *at -= messages,
        }
    }
}

/// An exponential gap with mean 1.
fn gap(chance: &mut Rng) -> f64 {
    // `f64` is never 1, so this is the logarithm of no 0. The standard library's differs between
    // machines in its last digit.
    -libm::log(1.0 - chance.f64())
}

impl Schedule {
    /// Every message of `plan`, in the time that its stages are granted.
    pub fn new(plan: &LoadPlan) -> Self {
        let mut start_ns = 0;
        let span = |stage: &Stage| {
            let span = Span::new(stage, start_ns);
            start_ns += stage.granted.0;
            span
        };
        Self {
            stages: plan.stages.iter().map(span).collect(),
            stage: 0,
            sequence: 0,
            place: NextArrival::new(plan.arrivals, plan.seed),
            replayed: 0,
            last_ns: 0,
        }
    }

    /// What worker `worker`, from 0, of `of` sends: each `of`-th message. All workers together send
    /// exactly the whole schedule.
    ///
    /// # Panics
    /// Where there is no such worker.
    pub fn share(self, worker: u32, of: u32) -> WorkerShare {
        assert!(worker < of, "worker {worker} of {of}: workers count from 0");
        self.skip(worker as usize).step_by(of as usize)
    }

    fn arrival(&mut self, start_ns: u64, offset_ns: u64) -> Arrival {
        self.last_ns = self.last_ns.max(start_ns + offset_ns);
        let sequence = self.sequence;
        self.sequence += 1;
        Arrival { sequence, intended_ns: self.last_ns, stage: self.stage }
    }
}

impl Span {
    fn new(stage: &Stage, start_ns: u64) -> Self {
        let length_ns = stage.granted.0;
        let offer = match &stage.rate {
            Rate::Trace(instants) => {
                let end = instants.partition_point(|instant| *instant < length_ns);
                Offer::Trace(instants[..end].into())
            }
            rate => Offer::Rate(Integral::new(rate, length_ns)),
        };
        Self { start_ns, length_ns, offer }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        loop {
            let span = self.stages.get(self.stage)?;
            let start_ns = span.start_ns;
            match &span.offer {
                Offer::Rate(integral) => {
                    let at = self.place.at();
                    if at < integral.end() {
                        // What rounds up to the end is still of this stage.
                        let offset_ns = integral.instant(at).min(span.length_ns - 1);
                        self.place.advance();
                        return Some(self.arrival(start_ns, offset_ns));
                    }
                    self.place.leave(integral.messages());
                }
                Offer::Trace(instants) => {
                    if let Some(&offset_ns) = instants.get(self.replayed) {
                        self.replayed += 1;
                        return Some(self.arrival(start_ns, offset_ns));
                    }
                    self.replayed = 0;
                }
            }
            self.stage += 1;
        }
    }
}

impl FusedIterator for Schedule {}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;
