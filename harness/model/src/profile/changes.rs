//! What changed from native to WASM, function by function, as a record keeps it.

use super::SampleWeight;
use crate::units::Unit;
use serde::{Deserialize, Serialize};

/// Standard errors on each side of an estimate that 95 % of a normal distribution lies in.
pub const NORMAL_95: f64 = 1.96;
/// Of a side's time in the agent, at least so much has to be found on the other side too.
const MATCHED_MIN: f64 = 0.5;

/// The sides of a comparison, unless the user chose others.
pub const NATIVE_AND_WASM: [&str; 2] = ["native", "WASM"];

/// One function on both sides, per message, in the profiles' unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionRow {
    /// Its normalised name.
    pub name: String,
    /// What it takes natively.
    pub native: ShareOfProfile,
    /// What it takes as WASM.
    pub wasm: ShareOfProfile,
}

/// What a function takes on one side, per message, in the profiles' unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ShareOfProfile {
    pub own: f64,
    /// In itself and what it calls.
    pub inclusive: f64,
    /// Standard error of `own`; none for heap profiles, which do not sample. Where there is no
    /// sample it is what one sample would weigh.
    pub own_error: Option<f64>,
    pub samples: u64,
}

/// What changed from native to WASM, as a record keeps it: the functions that changed most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// What the sides are called that stand as `native` and `wasm` here; none for these two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sides: Option<[String; 2]>,
    /// What the figures count.
    pub weight: SampleWeight,
    /// The functions that grew most in themselves, the most first.
    pub grown: Vec<FunctionRow>,
    /// How many other functions there are.
    pub others: usize,
    /// What those grew together.
    pub others_growth: f64,
    /// Those of the others that shrank most.
    pub shrunk: Vec<FunctionRow>,
    /// How much of each side the other one has too.
    pub matched: Matched,
    /// What is wrong with the profiles.
    pub warnings: Vec<String>,
}

impl Changes {
    /// What the two sides are called.
    pub fn names(&self) -> [&str; 2] {
        self.sides.as_ref().map_or(NATIVE_AND_WASM, |[from, to]| [from, to])
    }
}

impl FunctionRow {
    /// What WASM takes more than native in the function itself.
    pub fn growth(&self) -> f64 {
        self.wasm.own - self.native.own
    }

    /// Standard error of [`FunctionRow::growth`]; the sides are sampled independently.
    pub fn growth_error(&self) -> Option<f64> {
        Some(self.wasm.own_error?.hypot(self.native.own_error?))
    }

    /// WASM over native in the function itself; none where native takes nothing.
    pub fn ratio(&self) -> Option<f64> {
        (self.native.own > 0.0).then(|| self.wasm.own / self.native.own)
    }

    /// Standard error of [`FunctionRow::ratio`], to the first order (delta method).
    pub fn ratio_error(&self) -> Option<f64> {
        let ratio = self.ratio()?;
        let native = self.native.own_error? / self.native.own;
        Some((self.wasm.own_error? / self.native.own).hypot(ratio * native))
    }
}

/// How much of each side's time in the agent can be compared with the other side's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Matched {
    /// Of native's, from 0 to 1, in functions that WASM has too.
    pub native: f64,
    /// Of WASM's, in functions that native has too.
    pub wasm: f64,
    /// Of native's, in calls that WASM has too: the same function under the same callers, as the
    /// picture compares them. None in records from before it was counted.
    #[serde(default)]
    pub native_calls: Option<f64>,
    /// Of WASM's, in calls that native has too.
    #[serde(default)]
    pub wasm_calls: Option<f64>,
}

impl Matched {
    /// How much of both sides, which are called `names`, is compared, in a sentence.
    pub fn words(&self, names: [&str; 2]) -> String {
        let [from, to] = names;
        let show = |share| Unit::Share.show(share);
        let mut words = format!(
            "of what runs in the agent, {} of {from} and {} of {to} is in functions that both have",
            show(self.native),
            show(self.wasm),
        );
        if let (Some(native), Some(wasm)) = (self.native_calls, self.wasm_calls) {
            let (native, wasm) = (show(native), show(wasm));
            words.push_str(&format!("; {native} and {wasm} under the same callers too"));
        }
        words
    }

    /// What to say where most of a side is compared with nothing.
    pub fn warning(&self) -> Option<String> {
        let functions = self.native.min(self.wasm);
        let calls = self.native_calls.unwrap_or(1.0).min(self.wasm_calls.unwrap_or(1.0));
        let what = if functions < MATCHED_MIN {
            "the two sides do not match: most of one is in functions that the other has not; \
             neither picture nor table compares them"
        } else if calls < MATCHED_MIN {
            "the two sides' calls do not match: most of one is under callers that the other has \
             not; the picture compares little of it, the table of functions all"
        } else {
            return None;
        };
        Some(what.to_owned())
    }
}
