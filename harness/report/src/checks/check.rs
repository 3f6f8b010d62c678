//! One question and its answer.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Case,
    Load,
    Threshold,
    Target,
    Requirement,
    Change,
}

impl Kind {
    /// In the order in which they are told.
    pub(crate) const ALL: [Self; 6] =
        [Self::Case, Self::Load, Self::Threshold, Self::Target, Self::Requirement, Self::Change];

    /// Its name: several of them, and what is true of good ones.
    pub(crate) const fn words(self) -> [&'static str; 2] {
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
    pub(crate) const fn word(self, state: State) -> &'static str {
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Good,
    /// Better than it was.
    Better,
    /// Nobody knows, or nobody asked.
    Open,
    /// Only just, or in part.
    Weak,
    Bad,
    /// There is no answer because something broke.
    Broken,
}

impl State {
    /// The states that a summary counts, the gravest first.
    pub(crate) const TOLD: [Self; 5] =
        [Self::Broken, Self::Bad, Self::Weak, Self::Better, Self::Open];

    pub(crate) const fn mark(self) -> &'static str {
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
pub(crate) struct Check {
    pub(crate) kind: Kind,
    /// What it belongs to: suite, workload and subject of a case.
    pub(crate) group: String,
    /// What tells it from the others of its group.
    pub(crate) name: String,
    pub(crate) state: State,
    /// The state in a word, as programs read it.
    pub(crate) code: &'static str,
    /// What was seen, and what was asked of it.
    pub(crate) says: String,
    /// More of it, in lines.
    pub(crate) more: String,
    /// How bad it is beside others of its state: greater is worse.
    pub(crate) weight: f64,
    /// How long it took, where somebody looked.
    pub(crate) taken_ns: Option<u64>,
}

impl Check {
    pub(crate) fn new(kind: Kind, group: &str, name: &str, state: State, says: String) -> Self {
        let (group, name, more) = (group.to_owned(), name.to_owned(), String::new());
        let code = kind.word(state);
        Self { kind, group, name, state, code, says, more, weight: 0.0, taken_ns: None }
    }

    /// Which one it is among all.
    pub(crate) fn label(&self) -> String {
        let mark = if self.kind == Kind::Change { ' ' } else { '/' };
        format!("{}{mark}{}", self.group, self.name)
    }

    pub(crate) fn is_wrong(&self) -> bool {
        matches!(self.state, State::Bad | State::Broken)
    }
}

/// The wrong ones, the worst first.
pub(crate) fn worst(checks: &[Check]) -> Vec<&Check> {
    let mut wrong: Vec<&Check> = checks.iter().filter(|check| check.is_wrong()).collect();
    let worse =
        |a: &&Check, b: &&Check| b.state.cmp(&a.state).then_with(|| b.weight.total_cmp(&a.weight));
    wrong.sort_by(worse);
    wrong
}
