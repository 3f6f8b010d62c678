//! Two versions of a program, compared in launch pairs.
//!
//! A launch pair is two fresh processes, one of each version, on one core, that take turns block by
//! block in an order that a coin decides.

pub mod answers;
pub mod comparison;

pub use crate::case::CaseKey;
use crate::metric::MetricName;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    Base,
    Candidate,
}

impl Version {
    pub const BOTH: [Self; 2] = [Self::Base, Self::Candidate];

    /// Its name in tables and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Candidate => "candidate",
        }
    }
}

/// What a reading is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trial {
    /// Base against candidate.
    Contest,
    /// The base against itself, under both labels: it audits the contests.
    Sentinel,
    /// Counts, which need no pair.
    Counts,
}

/// One reading of a comparison. A row of its `samples.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub case: CaseKey,
    pub trial: Trial,
    pub version: Version,
    /// The launch pair, from 0; among counts, the process.
    pub launch: u32,
    pub metric: MetricName,
    /// The pair of blocks within the launch, from 0.
    pub block: u32,
    /// The sample within its block, from 0.
    pub index: u32,
    pub iterations: u64,
    /// The reading over all iterations, in the metric's unit.
    pub value: u64,
}

impl Turn {
    pub fn per_iteration(&self) -> f64 {
        self.value as f64 / self.iterations.max(1) as f64
    }
}

/// How much of a run's error a metric may spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// A comparison goes on until it is decided; together they have [`Design::primary_share`].
    Primary,
    /// It is judged by the launches that the primary ones took; together they have the rest.
    Secondary,
}

/// Counts of launches at which a comparison is looked at.
pub const LOOKS: [u32; 8] = [16, 22, 30, 40, 55, 75, 100, 130];

/// The same where every look counts alike, however many there are.
pub const LOOKS_UNTIL_DECIDED: [u32; 18] =
    [16, 20, 25, 30, 37, 45, 55, 66, 80, 96, 115, 140, 170, 205, 250, 310, 390, 500];

/// What a comparison was designed to find, and how often it may be wrong. With the samples it
/// decides every verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Design {
    /// Seed of every random choice.
    pub seed: u64,
    /// Chance that any metric of the run is called a regression though nothing changed; the same
    /// again for an improvement.
    pub alpha: f64,
    /// Part of `alpha` that the primary metrics share.
    pub primary_share: f64,
    /// Worse by no more than this share is not called a regression, unless a limit says otherwise.
    pub margin: f64,
    /// A change of this share or more is to be found: below it the verdict is `OK`.
    pub mde: f64,
    /// Counts of launches at which is looked.
    pub looks: Vec<u32>,
    /// Primary metrics of the run, over all cases.
    pub primary: u32,
    /// Secondary metrics of the run, over all cases.
    pub secondary: u32,
    /// Pairs of blocks in a launch pair.
    pub blocks: u32,
    /// Whether launches are added until each metric is decided: by evidence that holds at every
    /// moment, so that no look costs anything, and more launches are needed for the same certainty.
    #[serde(default)]
    pub until_decided: bool,
}

impl Design {
    /// Confidence of the intervals that are shown.
    pub const LEVEL: f64 = 0.99;

    /// What is to be found unless told otherwise: a change by this share more than the margin.
    pub const FIND: f64 = 0.01;

    /// The default design with another margin, to find a change by the share `find` more than that.
    pub fn finding(find: f64, margin: f64) -> Self {
        Self { margin, mde: margin + find, ..Self::default() }
    }

    /// When it is looked, in words.
    pub fn looks_told(&self) -> String {
        match self.until_decided {
            true => "until decided".to_owned(),
            false => format!("{} looks", self.looks.len()),
        }
    }

    /// What one metric may spend at one look: `alpha`, split over metrics by weight, then over the
    /// looks (Bonferroni's inequality), unless evidence holds at all of them.
    pub fn alpha_of(&self, weight: Weight) -> f64 {
        let (share, metrics) = match weight {
            Weight::Primary if self.secondary == 0 => (1.0, self.primary),
            Weight::Primary => (self.primary_share, self.primary),
            Weight::Secondary if self.primary == 0 => (1.0, self.secondary),
            Weight::Secondary => (1.0 - self.primary_share, self.secondary),
        };
        let looks = if self.until_decided { 1 } else { self.looks.len().max(1) };
        self.alpha * share / f64::from(metrics.max(1)) / looks as f64
    }
}

impl Default for Design {
    fn default() -> Self {
        Self {
            seed: 0,
            alpha: 0.01,
            primary_share: 0.8,
            margin: 0.01,
            mde: 0.01 + Self::FIND,
            looks: LOOKS.to_vec(),
            primary: 1,
            secondary: 0,
            blocks: 10,
            until_decided: false,
        }
    }
}
