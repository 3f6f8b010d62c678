//! A comparison: two versions, what was compared, and what is said of it. Beside it in its folder
//! lies `samples.csv` with every [`Turn`]; all verdicts follow from the two and can be recomputed.

use super::answers::Answers;
use super::{Design, Turn, Version, Weight};
use crate::case::{CaseKey, Outcome};
use crate::estimate::Interval;
use crate::metric::MetricName;
use crate::profile::changes::{Changes, FunctionRow};
use crate::record::kit::Kit;
use crate::record::store::{self, COMPARISON_FILE, RunFolder, StoreError, StoredPage};
use crate::record::{Budget, Host, Run, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The schema of comparisons that this version writes; it reads no other.
pub const SCHEMA: u32 = 1;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub schema: u32,
    /// What was asked for and how it went; its revision is that of the checkout it was started in.
    pub run: Run,
    pub host: Host,
    pub base: Kit,
    pub candidate: Kit,
    /// What it was designed to find.
    pub design: Design,
    /// Every case, in the plan's order.
    pub cases: Vec<CaseComparison>,
    /// The base against itself.
    pub sentinel: Option<Sentinel>,
    /// What the reader should know before believing a verdict.
    pub warnings: Vec<String>,
    /// Length of the valid part of `samples.csv`.
    pub samples_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseComparison {
    pub key: CaseKey,
    /// How its processes ended; the version that did not run to its end is named in the reason.
    pub outcome: Outcome,
    /// The version that failed, if one did.
    pub failed: Option<Version>,
    #[serde(default)]
    pub answers: Answers,
    /// Launch pairs: at most so many, and done.
    pub launches: Budget,
    /// Time from the first launch pair's start to the last one's end, in nanoseconds.
    pub taken_ns: u64,
    /// How much worse a metric may be, as a share, where the user said so: of what launch pairs
    /// compare in place of [`Design::margin`], of a count in place of nothing.
    pub margins: BTreeMap<MetricName, f64>,
    /// What launch pairs say.
    pub metrics: Vec<MetricVerdict>,
    /// What counts say.
    pub exact: Vec<ExactVerdict>,
    /// Where the agent's own code executes other numbers of instructions: which functions do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<GrownSide>,
}

impl CaseComparison {
    /// Whether a metric of it is worse.
    pub fn is_regressed(&self) -> bool {
        self.is_slower() || self.exact.iter().any(|exact| exact.verdict == Verdict::Regressed)
    }

    /// Whether a metric that launch pairs compare is worse.
    pub fn is_slower(&self) -> bool {
        self.metrics.iter().any(|metric| metric.verdict == Some(Verdict::Regressed))
    }
}

/// One side of an agent that takes more or less in the candidate: instructions, or CPU time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrownSide {
    /// `native` or `wasm`.
    pub side: String,
    /// By function, from base to candidate, those that are inlined apart.
    pub changes: Changes,
    /// The functions that grew most with all that is inlined into them, the most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outer: Vec<FunctionRow>,
    /// The differential flame graph, by its path in the comparison's folder; or why there is none.
    pub picture: Result<String, String>,
}

/// What is said of a metric that launch pairs compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricVerdict {
    pub metric: MetricName,
    /// How much error it may spend.
    pub weight: Weight,
    /// By which share it may be worse.
    pub margin: f64,
    /// The verdict; none while it is open.
    pub verdict: Option<Verdict>,
    /// What it rests on, or why there is nothing.
    pub decision: Result<Decision, String>,
    /// The base's own figure, in the metric's unit: for orientation, not for comparison.
    pub base: Option<f64>,
    pub candidate: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Not worse by as much as is to be found, nor known to be worse by the margin.
    Ok,
    /// Better, and by more than the margin.
    Improved,
    /// Worse, and by more than the margin.
    Regressed,
    /// The launches that there were do not tell.
    Inconclusive,
    NotComparable,
}

impl Verdict {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Improved => "IMPROVED",
            Self::Regressed => "REGRESSED",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::NotComparable => "NOT COMPARABLE",
        }
    }
}

/// What the launches say of one metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The verdict; none while it is open.
    pub verdict: Option<Verdict>,
    /// Launches at the look that decided; the last look where none did.
    pub look: u32,
    /// Candidate over base, as a ratio: above 1 is worse. From all launches.
    pub worse: f64,
    /// The exact interval of `worse` at [`Design::LEVEL`], from all launches; none below 8.
    pub interval: Option<Interval>,
    /// At `look`: how likely so much worse, or more, is if it is worse by the margin only.
    pub p_worse: f64,
    /// At `look`: how likely so much better, or more, is if it is better by the margin only.
    pub p_better: f64,
    pub n: u32,
}

/// How much two processes of one version agree on a count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountAgreement {
    /// To the last digit, in both versions.
    Exact,
    /// They differ by this share of the count.
    Near {
        /// (greatest − least) / greatest, of the version in which it is larger.
        spread: f64,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExactVerdict {
    pub metric: MetricName,
    pub kind: CountAgreement,
    /// The base's count: the median of its processes; none where it told none.
    pub base: Option<f64>,
    pub candidate: Option<f64>,
    /// The share by which it may be worse.
    pub tolerance: f64,
    /// The verdict; not comparable where one version has the count and the other has not.
    pub verdict: Verdict,
}

/// The base against itself, under the labels of base and candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentinel {
    pub key: CaseKey,
    pub primary: u32,
    pub secondary: u32,
    /// How its processes ended.
    pub outcome: Outcome,
    /// Launch pairs.
    pub launches: Budget,
    /// What is said of it; anything but `OK` and `INCONCLUSIVE` means that nothing else is to be
    /// believed.
    pub metrics: Vec<MetricVerdict>,
}

impl Sentinel {
    /// The design of the sentinel in a comparison of `design`.
    pub fn design(&self, design: &Design) -> Design {
        let (primary, secondary) = (self.primary, self.secondary);
        Design { margin: 0.0, primary, secondary, ..design.clone() }
    }
}

/// What a comparison comes to as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    Fine,
    /// The candidate answers otherwise than the base, and nobody said that this is right.
    DifferentAnswers,
    Regressed,
    /// A case of the candidate failed.
    Failed,
    /// Something could not be compared, or the sentinel found a difference where there is none.
    NotComparable,
    /// Launches ran out before something primary was decided.
    Inconclusive,
    Interrupted,
}

impl Comparison {
    /// True where the base differed from itself, or did not survive being compared with itself.
    pub fn is_untrusted(&self) -> bool {
        let is_found =
            |m: &MetricVerdict| matches!(m.verdict, Some(Verdict::Regressed | Verdict::Improved));
        let is_bad = |sentinel: &Sentinel| {
            sentinel.outcome != Outcome::Ran || sentinel.metrics.iter().any(is_found)
        };
        self.sentinel.as_ref().is_some_and(is_bad)
    }

    /// What it all comes to. A wrong answer comes first: no speed makes it good. A count that got
    /// worse is a fact in any company; what launch pairs say counts only where the sentinel kept
    /// quiet. Then comes what failed, what could not be
    /// compared, and last what stayed open.
    pub fn conclusion(&self) -> Conclusion {
        let exact = || self.cases.iter().flat_map(|case| &case.exact);
        let primary = || {
            let all = self.cases.iter().flat_map(|case| &case.metrics);
            all.filter(|m| m.weight == Weight::Primary)
        };
        let paired = || self.cases.iter().flat_map(|case| &case.metrics);
        let has = |verdict: Verdict| paired().any(|m| m.verdict == Some(verdict));
        let failed = |v: Version| self.cases.iter().any(|case| case.failed == Some(v));
        // A limit that both versions turn down alike is an answer.
        let is_untold = |case: &CaseComparison| {
            let is_answer = matches!(case.outcome, Outcome::Refused(_)) && case.failed.is_none();
            case.metrics.is_empty() && case.exact.is_empty() && !is_answer
        };
        if self.cases.iter().any(|case| case.answers.are_different()) {
            Conclusion::DifferentAnswers
        } else if exact().any(|e| e.verdict == Verdict::Regressed)
            || (has(Verdict::Regressed) && !self.is_untrusted())
        {
            Conclusion::Regressed
        } else if self.run.status == Status::Interrupted {
            Conclusion::Interrupted
        } else if failed(Version::Candidate) {
            Conclusion::Failed
        } else if self.is_untrusted()
            || failed(Version::Base)
            || self.run.status != Status::Finished
            || self.cases.is_empty()
            || self.cases.iter().any(is_untold)
            || primary().any(|m| m.verdict == Some(Verdict::NotComparable))
            || exact().any(|e| e.verdict == Verdict::NotComparable)
        {
            Conclusion::NotComparable
        } else if primary().any(|m| matches!(m.verdict, Some(Verdict::Inconclusive) | None)) {
            Conclusion::Inconclusive
        } else {
            Conclusion::Fine
        }
    }
}

impl StoredPage for Comparison {
    const FILE: &'static str = COMPARISON_FILE;
    const SCHEMA: u32 = SCHEMA;
    type Row = Turn;

    fn samples_bytes(&self) -> u64 {
        self.samples_bytes
    }

    fn run_mut(&mut self) -> &mut Run {
        &mut self.run
    }

    fn promising(self, samples_bytes: u64) -> Self {
        Self { samples_bytes, ..self }
    }
}

impl RunFolder {
    /// The comparison at `path`, and every turn that belongs to it.
    pub fn load_comparison(path: &Path) -> Result<(Comparison, Vec<Turn>), StoreError> {
        store::load(path)
    }
}
