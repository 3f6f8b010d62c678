//! Functions one by one: what each takes natively and as WASM, how sure that is, and the table of
//! those that grew most.
//!
//! Samples are taken at moments that know nothing of the program, so the number of them in a
//! function is a Poisson variable and the variance of a sum of weights is estimated by the sum of
//! their squares (compound Poisson process; S. Ross, "Stochastic Processes", section 2.5). Heap
//! profiles count everything, and have no such error.

use super::{Cut, Differential, HOST, Side};
use crate::profile::Weight;
use crate::report::table::{Table, Tone};
use crate::units::Unit;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of the table.
const ROWS_MAX: usize = 15;
/// So many of the functions that shrank most are named below it.
const SHRUNK_MAX: usize = 3;
/// Longest name in the table; of a longer one its end is shown, which tells more.
const NAME_MAX: usize = 36;
/// Of a side's time in the agent, at least so much has to be found on the other side too.
const MATCHED_MIN: f64 = 0.5;
/// Standard errors on each side of an estimate that 95 % of a normal distribution lies in.
pub(super) const NORMAL_95: f64 = 1.96;

/// One function on both sides, per message, in the profiles' unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionRow {
    /// Its normalised name.
    pub name: String,
    /// What it takes natively.
    pub native: Share,
    /// What it takes as WASM.
    pub wasm: Share,
}

/// What a function takes on one side, per message, in the profiles' unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// In itself.
    pub own: f64,
    /// In itself and what it calls.
    pub inclusive: f64,
    /// Standard error of `own`; none for heap profiles, which do not sample. Where there is no
    /// sample it is what one sample would weigh.
    pub own_error: Option<f64>,
    /// Samples in itself.
    pub samples: u64,
}

/// What changed from native to WASM, as a record keeps it: the functions that changed most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// What the figures count.
    pub weight: Weight,
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
    pub(super) fn words(&self) -> String {
        let show = |share| Unit::Share.show(share);
        let mut words = format!(
            "of what runs in the agent, {} of native and {} of WASM is in functions that both have",
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
    pub(super) fn warning(&self) -> Option<String> {
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

#[derive(Default)]
struct Sum {
    own: Cut,
    inclusive: f64,
}

impl Side {
    fn by_function(&self) -> BTreeMap<&str, Sum> {
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        for (stack, cut) in &self.stacks {
            // What is below `[host]` is there to be looked at: it is one row.
            let stack = if stack[0] == HOST { &stack[..1] } else { &stack[..] };
            let names: BTreeSet<&str> = stack.iter().map(String::as_str).collect();
            for name in names {
                sums.entry(name).or_default().inclusive += cut.weight;
            }
            let own = &mut sums.entry(&stack[stack.len() - 1]).or_default().own;
            own.weight += cut.weight;
            own.variance += cut.variance;
            own.samples += cut.samples;
        }
        sums
    }
}

impl Differential {
    /// Every function of either side, by what it grew in itself, the most first.
    pub fn functions(&self) -> Vec<FunctionRow> {
        let (native, wasm) = (self.native.by_function(), self.wasm.by_function());
        let names: BTreeSet<&str> = native.keys().chain(wasm.keys()).copied().collect();
        let row = |name: &str| FunctionRow {
            name: name.to_owned(),
            native: self.share(&self.native, native.get(name)),
            wasm: self.share(&self.wasm, wasm.get(name)),
        };
        let mut rows: Vec<FunctionRow> = names.into_iter().map(row).collect();
        rows.sort_by(|a, b| b.growth().total_cmp(&a.growth()));
        rows
    }

    fn share(&self, side: &Side, sum: Option<&Sum>) -> Share {
        let (own, inclusive) = sum.map_or_else(Default::default, |sum| (sum.own, sum.inclusive));
        let variance = side.variance(own);
        let is_sampled = self.weight == Weight::CpuNs;
        Share {
            own: own.weight,
            inclusive,
            own_error: is_sampled.then(|| variance.sqrt()),
            samples: own.samples,
        }
    }

    /// How much of each side the other one has too.
    pub(super) fn matched(&self) -> Matched {
        let [native, wasm] =
            [(&self.native, &self.wasm), (&self.wasm, &self.native)].map(|(side, other)| {
                let all: f64 = side.in_agent().map(|(_, cut)| cut.weight).sum();
                let theirs: BTreeSet<&String> = other.stacks.keys().flatten().collect();
                let is_known = |stack: &[String]| stack.last().is_some_and(|f| theirs.contains(f));
                let known = side.in_agent().filter(|(stack, _)| is_known(stack));
                let known: f64 = known.map(|(_, cut)| cut.weight).sum();
                let share = |part: f64| if all == 0.0 { 0.0 } else { part / all };
                (share(known), share(all - side.alone(other)))
            });
        Matched {
            native: native.0,
            wasm: wasm.0,
            native_calls: Some(native.1),
            wasm_calls: Some(wasm.1),
        }
    }

    /// The functions that changed most, for a record.
    pub fn changes(&self) -> Changes {
        let mut grown = self.functions();
        let rest = grown.split_off(ROWS_MAX.min(grown.len()));
        let shrunk = rest.iter().rev().filter(|row| row.growth() < 0.0).take(SHRUNK_MAX);
        Changes {
            weight: self.weight,
            grown,
            others: rest.len(),
            others_growth: rest.iter().map(FunctionRow::growth).sum(),
            shrunk: shrunk.cloned().collect(),
            matched: self.matched(),
            warnings: self.warnings(),
        }
    }
}

impl Changes {
    /// For a report.
    pub fn table(&self, agent: &str) -> Table {
        let title = format!("{agent}: {} per message, by function", self.weight.words());
        let columns =
            ["<function", "native", "WASM", "growth", "ratio", "native, all", "WASM, all"];
        let mut table = Table::new(&title, &columns);
        for row in &self.grown {
            table.row(Tone::Plain, self.cells(row));
        }
        if self.others > 0 {
            let (others, grown) = (self.others, self.weight.unit().show(self.others_growth));
            table.note(Tone::Plain, &format!("{others} other functions together: growth {grown}"));
        }
        let show = |row: &FunctionRow| {
            format!("{} {}", tail(&row.name), self.weight.unit().show(row.growth()))
        };
        let shrunk: Vec<String> = self.shrunk.iter().map(show).collect();
        if !shrunk.is_empty() {
            table.note(Tone::Plain, &format!("less as WASM, the most: {}", shrunk.join(", ")));
        }
        let text = "native, WASM and growth: in the function itself; all: with what it calls";
        table.note(Tone::Plain, text);
        if self.weight == Weight::CpuNs {
            let text = "± half a 95 % interval for the number of samples (Poisson), and for \
                        nothing else: not for how runs differ";
            table.note(Tone::Plain, text);
        }
        table.note(Tone::Plain, &self.matched.words());
        for warning in &self.warnings {
            table.note(Tone::Bad, warning);
        }
        table
    }

    fn cells(&self, row: &FunctionRow) -> [String; 7] {
        let show = |value: f64| self.weight.unit().show(value);
        let within = |text: String, error: Option<String>| match error {
            Some(error) => format!("{text} ±{error}"),
            None => text,
        };
        let growth_error = row.growth_error().map(|error| show(NORMAL_95 * error));
        let ratio_error = row.ratio_error().map(|error| format!("{:.2}", NORMAL_95 * error));
        let ratio = match row.ratio() {
            Some(ratio) => within(format!("{ratio:.2}x"), ratio_error),
            None => crate::report::figures::NONE.to_owned(),
        };
        [
            tail(&row.name),
            show(row.native.own),
            show(row.wasm.own),
            within(show(row.growth()), growth_error),
            ratio,
            show(row.native.inclusive),
            show(row.wasm.inclusive),
        ]
    }
}

/// The end of `name`.
fn tail(name: &str) -> String {
    let count = name.chars().count();
    match count.checked_sub(NAME_MAX).filter(|over| *over > 0) {
        None => name.to_owned(),
        Some(over) => format!("…{}", name.chars().skip(over + 1).collect::<String>()),
    }
}
