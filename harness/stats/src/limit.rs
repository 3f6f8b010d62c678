//! A figure against a limit: the one judgement behind limits, requirements, targets, thresholds,
//! leaks and degradation.

use serde::{Deserialize, Serialize};

/// How a figure must stand to a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operator {
    #[serde(rename = ">")]
    Above,
    #[serde(rename = ">=")]
    AtLeast,
    #[serde(rename = "<")]
    Below,
    #[serde(rename = "<=")]
    AtMost,
    /// Equal; `===` too.
    #[serde(rename = "==")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
}

impl Operator {
    /// Every operator as it is written; one that begins another stands after it.
    pub const ALL: [(&'static str, Self); 7] = [
        ("===", Self::Equal),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        (">=", Self::AtLeast),
        ("<=", Self::AtMost),
        (">", Self::Above),
        ("<", Self::Below),
    ];

    /// True where `figure` stands so to `limit`.
    pub fn holds(self, figure: f64, limit: f64) -> bool {
        match self {
            Self::Above => figure > limit,
            Self::AtLeast => figure >= limit,
            Self::Below => figure < limit,
            Self::AtMost => figure <= limit,
            Self::Equal => figure == limit,
            Self::NotEqual => figure != limit,
        }
    }
}

/// What is asked of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// How the figure must stand to the limit.
    pub operator: Operator,
    /// The limit, in the figure's unit.
    pub limit: f64,
}

impl Bound {
    pub const fn at_most(limit: f64) -> Self {
        Self { operator: Operator::AtMost, limit }
    }

    pub const fn at_least(limit: f64) -> Self {
        Self { operator: Operator::AtLeast, limit }
    }

    /// True where less is better.
    pub const fn is_upper(self) -> bool {
        matches!(self.operator, Operator::Below | Operator::AtMost)
    }

    /// Whether `figure` is on the right side.
    pub fn holds(self, figure: f64) -> bool {
        self.operator.holds(figure, self.limit)
    }

    /// The verdict on a figure whose interval has these bounds: met or missed by all of it.
    pub fn judge(self, [lower, upper]: [f64; 2]) -> LimitVerdict {
        let is_open =
            lower.is_nan() || upper.is_nan() || (lower < self.limit && self.limit < upper);
        match [lower, upper].map(|end| self.holds(end)) {
            _ if is_open => LimitVerdict::Unclear,
            [true, true] => LimitVerdict::Met,
            [false, false] => LimitVerdict::Missed,
            _ => LimitVerdict::Unclear,
        }
    }
}

/// How a figure stands to a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitVerdict {
    /// The whole interval is on the right side.
    Met,
    /// The whole interval is on the wrong side.
    Missed,
    /// The interval has the limit in it, or there is no interval.
    Unclear,
    /// There is no figure, and why.
    Unknown(String),
}

/// How each verdict is printed: met, missed, unclear, unknown.
pub type VerdictWords = [&'static str; 4];

impl LimitVerdict {
    /// For limits, requirements and targets.
    pub const LIMIT: VerdictWords = ["MET", "MISSED", "UNCLEAR", "MISSING"];
    /// For thresholds of loads.
    pub const THRESHOLD: VerdictWords = ["MET", "MISSED", "UNCLEAR", "UNKNOWN"];
    /// For leaks: the limit is growth that matters.
    pub const LEAK: VerdictWords = ["CLEAN", "LEAK", "SUSPECT", "INVALID"];
    /// For degradation: the limit is the share by which something may get worse.
    pub const DEGRADATION: VerdictWords = ["OK", "DEGRADED", "UNCLEAR", "INVALID"];

    pub const fn word(&self, words: &VerdictWords) -> &'static str {
        match self {
            Self::Met => words[0],
            Self::Missed => words[1],
            Self::Unclear => words[2],
            Self::Unknown(_) => words[3],
        }
    }

    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Unknown(why) => Some(why),
            Self::Met | Self::Missed | Self::Unclear => None,
        }
    }
}

/// The names of [`LimitVerdict::LEAK`] in files.
#[derive(Serialize, Deserialize)]
#[serde(remote = "LimitVerdict")]
pub enum LeakInFile {
    #[serde(rename = "clean")]
    Met,
    #[serde(rename = "leak")]
    Missed,
    #[serde(rename = "suspect")]
    Unclear,
    #[serde(rename = "invalid")]
    Unknown(String),
}

/// The names of [`LimitVerdict::DEGRADATION`] in files.
#[derive(Serialize, Deserialize)]
#[serde(remote = "LimitVerdict")]
pub(crate) enum DegradationInFile {
    #[serde(rename = "ok")]
    Met,
    #[serde(rename = "degraded")]
    Missed,
    #[serde(rename = "unclear")]
    Unclear,
    #[serde(rename = "invalid")]
    Unknown(String),
}

#[cfg(test)]
mod tests {
    use super::LimitVerdict::{Met, Missed, Unclear, Unknown};
    use super::*;

    #[test]
    fn a_limit_is_met_or_missed_by_the_whole_interval() {
        let [most, least] = [Bound::at_most(10.0), Bound::at_least(10.0)];
        for (interval, of_most, of_least) in [
            ([8.0, 10.0], Met, Unclear),
            ([9.0, 11.0], Unclear, Unclear),
            ([10.0, 12.0], Unclear, Met),
            ([10.5, 12.0], Missed, Met),
            ([8.0, 9.5], Met, Missed),
            ([f64::NAN, 9.5], Unclear, Unclear),
        ] {
            assert_eq!([most, least].map(|b| b.judge(interval)), [of_most, of_least]);
        }
        let equal = |operator| Bound { operator, limit: 10.0 };
        for (interval, verdicts) in [
            ([9.0, 11.0], [Unclear, Unclear]),
            ([10.0, 10.0], [Met, Missed]),
            ([11.0, 12.0], [Missed, Met]),
        ] {
            let both = [Operator::Equal, Operator::NotEqual];
            assert_eq!(both.map(|operator| equal(operator).judge(interval)), verdicts);
        }
    }

    #[test]
    fn the_names_in_files_are_those_of_what_is_judged() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct All(
            LimitVerdict,
            #[serde(with = "LeakInFile")] LimitVerdict,
            #[serde(with = "DegradationInFile")] LimitVerdict,
        );
        for (verdict, text) in [
            (Met, r#"["met","clean","ok"]"#),
            (Missed, r#"["missed","leak","degraded"]"#),
            (Unclear, r#"["unclear","suspect","unclear"]"#),
            (
                Unknown("gaps".to_owned()),
                r#"[{"unknown":"gaps"},{"invalid":"gaps"},{"invalid":"gaps"}]"#,
            ),
        ] {
            let all = All(verdict.clone(), verdict.clone(), verdict);
            assert_eq!(serde_json::to_string(&all).expect("text"), text);
            assert_eq!(serde_json::from_str::<All>(text).expect("verdicts"), all);
        }
    }
}
