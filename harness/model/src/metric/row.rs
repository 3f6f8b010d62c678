//! A row of the table of metrics, and how it is written.

use crate::units::{Bytes, Unit};

/// What a guest writes to standard error for each message.
pub const WASM_STDERR_BYTES: &str = "wasm_stderr_bytes";
/// How much of that is kept of each instance, for its last words. What is before is dropped: no
/// write fails, and none costs more than another.
pub const STDERR_KEPT: Bytes = Bytes(4096);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    Lower,
    Higher,
    /// Neither: a description.
    Neither,
}

/// How far two readings of the same thing may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Not at all: a count that the program alone decides.
    Exact,
    /// By the machine's noise.
    Noisy,
}

/// How the samples of one case become one number with an interval.
///
/// Each rule first reduces a launch to one value; the estimate over launches is the
/// Hodges–Lehmann one with the exact signed-rank interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Per launch: median over blocks of the block's smallest value per iteration.
    BlockMin,
    /// Per launch: median of the values per iteration.
    Median,
    /// All values must be equal; where they are not, their range is the interval.
    Exact,
    /// Per launch: median over blocks k of ln(min `of` in k / min `to` in k).
    BlockRatio {
        /// Metric above the line.
        of: &'static str,
        /// Metric below the line.
        to: &'static str,
    },
    /// ln(`of` in window k / `to` in window k), each window its own evidence: of one process and
    /// for it alone.
    WindowRatio {
        /// Metric above the line.
        of: &'static str,
        /// Metric below the line.
        to: &'static str,
    },
    /// Per launch: ln(median of `of` / median of `to`).
    Ratio {
        /// Metric above the line.
        of: &'static str,
        /// Metric below the line.
        to: &'static str,
    },
    /// Per launch: median over blocks k of (min `of` in k − the sum of each min `less` in k), on
    /// the linear scale: a difference may be zero.
    BlockDifference {
        /// Metric that is diminished.
        of: &'static str,
        /// Metrics taken off it.
        less: &'static [&'static str],
    },
    /// Per launch: ln(the `BlockDifference` `of` / the `BlockDifference` `to`).
    DifferenceRatio {
        /// Difference above the line.
        of: &'static str,
        /// Difference below the line.
        to: &'static str,
    },
    /// The same of every launch, quiet or not.
    AsFound {
        /// Metric of quiet launches.
        of: &'static str,
    },
    /// 10⁹ over the `BlockMin` of a metric in nanoseconds.
    Rate {
        /// The metric in nanoseconds per iteration.
        of: &'static str,
    },
}

#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Kebab or snake case, stable: a column and join key of old data.
    pub name: &'static str,
    pub unit: Unit,
    pub better: Better,
    /// How far readings may differ.
    pub class: Class,
    /// How samples become a number.
    pub rule: Rule,
    /// What it is, in a sentence.
    pub doc: &'static str,
}

impl Metric {
    /// True for a metric that is computed from other metrics' samples.
    pub const fn is_derived(&self) -> bool {
        !matches!(self.rule, Rule::BlockMin | Rule::Median | Rule::Exact)
    }

    pub(super) const fn better(mut self, better: Better) -> Self {
        self.better = better;
        self
    }

    /// True for a comparison of a thing with itself, whose interval is simultaneous over the run.
    pub fn is_same_against_same(&self) -> bool {
        self.name == "aa_time"
    }
}

pub(super) const fn row(name: &'static str, unit: Unit, rule: Rule, doc: &'static str) -> Metric {
    Metric { name, unit, better: Better::Lower, class: Class::Noisy, rule, doc }
}

pub(super) const fn exact(
    name: &'static str,
    unit: Unit,
    better: Better,
    doc: &'static str,
) -> Metric {
    Metric { name, unit, better, class: Class::Exact, rule: Rule::Exact, doc }
}

pub(super) const fn rate(name: &'static str, of: &'static str, doc: &'static str) -> Metric {
    let rule = Rule::Rate { of };
    Metric { name, unit: Unit::PerSecond, better: Better::Higher, class: Class::Noisy, rule, doc }
}
