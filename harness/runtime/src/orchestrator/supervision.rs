//! What becomes of an agent that died, as data: OTP's restart intensity, and what is delivered
//! again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What is delivered again after a death.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// A message that the dead agent was at is lost; those it had not come to are kept.
    #[default]
    AtMostOnce,
    /// All since the last checkpoint is delivered again: what the agent had handled is there twice,
    /// but for the message that it died of.
    AtLeastOnce,
}

/// How often an agent may die: at most `restarts` times within `period_ns`. One more, and it stays
/// dead (the restart intensity of Erlang/OTP, "Supervisor Behaviour", section 5.5, for one child).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are allowed.
    pub restarts: u32,
    /// Within this time, in nanoseconds.
    pub period_ns: u64,
}

/// What becomes of agents that die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supervision {
    /// What is delivered again.
    pub delivery: Delivery,
    /// How often they may.
    pub intensity: Intensity,
    /// Takes a checkpoint each time an agent has handled so many messages; never if none.
    pub checkpoint_every: Option<u32>,
}

impl Supervision {
    /// An agent that dies stays dead.
    pub const NONE: Self = Self {
        delivery: Delivery::AtMostOnce,
        intensity: Intensity { restarts: 0, period_ns: 1 },
        checkpoint_every: None,
    };
}

/// When an agent was started again, within the period.
#[derive(Debug, Clone, Default)]
pub(super) struct Restarts {
    at_ns: VecDeque<u64>,
}

impl Restarts {
    /// Notes a death at `now_ns`; false if that was one too many.
    pub(super) fn allow(&mut self, now_ns: u64, intensity: Intensity) -> bool {
        while self.at_ns.front().is_some_and(|at| now_ns - at >= intensity.period_ns) {
            self.at_ns.pop_front();
        }
        let allowed = self.at_ns.len() < intensity.restarts as usize;
        if allowed {
            self.at_ns.push_back(now_ns);
        }
        allowed
    }
}

/// A moment in the life of an agent that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// The agent.
    pub agent: u32,
    /// What killed it.
    pub why: String,
    /// When the call began in which it died, in nanoseconds of the monotonic clock.
    pub called_ns: u64,
    /// When its death was seen.
    pub seen_ns: u64,
    /// When it was there again; none if it stays dead.
    pub restarted_ns: Option<u64>,
    /// When it had handled a message again.
    pub succeeded_ns: Option<u64>,
    /// When its mailbox was empty again.
    pub caught_up_ns: Option<u64>,
}

/// A thread that does something again and again: counting an engine's epoch up, after some of which
/// a call into an agent is cut off.
#[derive(Debug)]
pub struct Ticker {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    /// Does `tick` every `period`, until this is dropped.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(period: Duration, tick: impl Fn() + Send + 'static) -> Result<Self, String> {
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let thread = thread::Builder::new().name("ticker".to_owned()).spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                thread::sleep(period);
                tick();
            }
        });
        let thread = Some(thread.map_err(|error| format!("no thread: {error}"))?);
        Ok(Self { is_over, thread })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What ticks does not panic; if it did, there is nothing to be done here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_death_too_many_within_the_period_is_the_last() {
        let intensity = Intensity { restarts: 2, period_ns: 100 };
        let mut restarts = Restarts::default();
        let allowed = [0, 50, 99, 100, 120, 151].map(|at| restarts.allow(at, intensity));
        assert_eq!(allowed, [true, true, false, true, false, true]);
        assert!(!Restarts::default().allow(0, Supervision::NONE.intensity));
    }
}
