//! What became of agents that were killed under a load, as their runtime says.

use crate::reading::Reading;
use crate::units::Nanos;
use serde::{Deserialize, Serialize};

/// Of all agents that were killed in one load. Delivery is at most once: with an agent goes the
/// message that it died of, and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crashes {
    /// Agents that were sent what kills them.
    pub killed: u64,
    /// Those that the runtime saw die.
    pub died: u64,
    /// Those that were started again.
    pub back: u64,
    /// Requests that were lost with them, or were for one that stays dead.
    pub lost: u64,
    /// From the start of the call in which an agent died until its death was seen.
    pub detect: Reading<CrashTime>,
    /// From then until its successor was there.
    pub restart: Reading<CrashTime>,
    /// From the start of the call in which it died until its mailbox was empty again.
    pub caught_up: Reading<CrashTime>,
}

/// How long something took after each death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrashTime {
    /// Deaths that it is of.
    pub n: u64,
    pub p50: Nanos,
    pub max: Nanos,
}

impl CrashTime {
    /// Of `times` in nanoseconds, in any order, by nearest rank; none of none.
    pub fn of(mut times: Vec<u64>) -> Option<Self> {
        times.sort_unstable();
        let max = *times.last()?;
        let p50 = times[(times.len() - 1) / 2];
        Some(Self { n: times.len() as u64, p50: Nanos(p50), max: Nanos(max) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_longest_are_told_and_nothing_of_nothing() {
        let of = |times: &[u64]| CrashTime::of(times.to_vec());
        let told = |n, p50, max| Some(CrashTime { n, p50: Nanos(p50), max: Nanos(max) });
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[7]), told(1, 7, 7));
        assert_eq!(of(&[9, 1, 5]), told(3, 5, 9));
        assert_eq!(of(&[9, 1, 5, 7]), told(4, 5, 9));
    }
}
