//! What a run was asked, question by question: how each case ended, what each load came to, how
//! each target and requirement stands, whether each metric got worse than in another run.
//! Summaries, annotations and JUnit all read these.

mod pair;
mod run;

pub(super) use pair::of_records;
pub(super) use run::of_run;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Whether a case ran.
    Case,
    /// What may be said of a load.
    Load,
    /// How a threshold of a load stands.
    Threshold,
    /// How a target stands.
    Target,
    /// How a requirement of the reference runtime stands.
    Requirement,
    /// Whether a metric got worse.
    Change,
}

impl Kind {
    /// Every kind, in the order in which they are told.
    pub(super) const ALL: [Self; 6] =
        [Self::Case, Self::Load, Self::Threshold, Self::Target, Self::Requirement, Self::Change];

    /// Its name: several of them, and what is true of good ones.
    pub(super) const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Case => ["cases", "ran"],
            Self::Load => ["loads", "passed"],
            Self::Threshold => ["thresholds", "met"],
            Self::Target => ["targets", "met"],
            Self::Requirement => ["requirements", "met"],
            Self::Change => ["changes", "not worse"],
        }
    }

    /// What one of them in `state` is.
    pub(super) const fn word(self, state: State) -> &'static str {
        match (self, state) {
            (Self::Load, State::Broken) => "invalid",
            (Self::Load, State::Weak) => "in part",
            (Self::Load, State::Bad) | (_, State::Broken) => "failed",
            (_, State::Bad) => "bad",
            (_, State::Weak) => "weak",
            (_, State::Better) => "improved",
            (_, State::Open) => "open",
            (_, State::Good) => "good",
        }
    }
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Yes.
    Good,
    /// Better than it was.
    Better,
    /// Nobody knows, or nobody asked.
    Open,
    /// Only just, or in part.
    Weak,
    /// No.
    Bad,
    /// There is no answer because something broke.
    Broken,
}

impl State {
    /// The states that a summary counts, the gravest first.
    pub(super) const TOLD: [Self; 5] =
        [Self::Broken, Self::Bad, Self::Weak, Self::Better, Self::Open];

    /// What stands before a line about it.
    pub(super) const fn mark(self) -> &'static str {
        match self {
            Self::Good => "✅",
            Self::Better => "📈",
            Self::Open => "❔",
            Self::Weak => "⚠️",
            Self::Bad | Self::Broken => "❌",
        }
    }
}

/// One question and its answer. Its texts may be of any length and content.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Check {
    pub(super) kind: Kind,
    /// What it belongs to: suite, workload and subject of a case.
    pub(super) group: String,
    /// What tells it from the others of its group.
    pub(super) name: String,
    pub(super) state: State,
    /// What was seen, and what was asked of it.
    pub(super) says: String,
    /// How bad it is beside others of its state: greater is worse.
    pub(super) weight: f64,
    /// How long it took, where somebody looked.
    pub(super) taken_ns: Option<u64>,
}

impl Check {
    fn new(kind: Kind, group: &str, name: &str, state: State, says: String) -> Self {
        let (group, name) = (group.to_owned(), name.to_owned());
        Self { kind, group, name, state, says, weight: 0.0, taken_ns: None }
    }

    /// True for what somebody has to see to.
    pub(super) fn is_wrong(&self) -> bool {
        matches!(self.state, State::Bad | State::Broken)
    }
}

/// The wrong ones, the worst first.
pub(super) fn worst(checks: &[Check]) -> Vec<&Check> {
    let mut wrong: Vec<&Check> = checks.iter().filter(|check| check.is_wrong()).collect();
    let worse =
        |a: &&Check, b: &&Check| b.state.cmp(&a.state).then_with(|| b.weight.total_cmp(&a.weight));
    wrong.sort_by(worse);
    wrong
}
