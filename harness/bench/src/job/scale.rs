//! How much is measured: smoke, quick or full.

use caxton_model::units::Nanos;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// One checked pass per case, in seconds: no interval.
    Smoke,
    /// Enough launches for intervals, in minutes.
    Quick,
    /// More launches: narrower intervals.
    Full,
}

impl Scale {
    /// Its name in records and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Quick => "quick",
            Self::Full => "full",
        }
    }

    /// How far into a run disturbed launches are still made up for by further ones.
    pub const fn patience(self) -> Duration {
        const MINUTE_S: u64 = 60;
        match self {
            Self::Smoke => Duration::ZERO,
            Self::Quick => Duration::from_secs(3 * MINUTE_S),
            Self::Full => Duration::from_secs(30 * MINUTE_S),
        }
    }

    pub const fn effort(self) -> Effort {
        match self {
            Self::Smoke => Effort {
                blocks: 1,
                samples_per_block: 2,
                block: Nanos(100_000),
                instances: 2,
                counting: Nanos(200_000),
                windows: 2,
                window: Nanos(5_000_000),
            },
            Self::Quick => Effort {
                blocks: 10,
                samples_per_block: 12,
                block: Nanos(1_000_000),
                instances: 8,
                counting: Nanos(5_000_000),
                windows: 5,
                window: Nanos(60_000_000),
            },
            Self::Full => Effort {
                blocks: 20,
                samples_per_block: 12,
                block: Nanos(1_000_000),
                instances: 16,
                counting: Nanos(20_000_000),
                windows: 16,
                window: Nanos(100_000_000),
            },
        }
    }
}

/// How much one launch measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Pairs of blocks per compared pair of sides.
    pub blocks: u32,
    /// Samples in a block, at most.
    pub samples_per_block: u32,
    pub block: Nanos,
    /// Instances whose creation and first call are timed, per side.
    pub instances: u32,
    /// Time for which counters count, per side.
    pub counting: Nanos,
    /// Windows of traffic between agents, and how long each is.
    pub windows: u32,
    /// The length that a window of traffic aims at.
    pub window: Nanos,
}
