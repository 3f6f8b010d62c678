//! Functions one by one: what each takes natively and as WASM, how sure that is, and the table of
//! those that grew most.
//!
//! Samples are taken at moments that know nothing of the program, so the number of them in a
//! function is a Poisson variable and the variance of a sum of weights is estimated by the sum of
//! their squares (compound Poisson process; S. Ross, "Stochastic Processes", section 2.5). Heap
//! profiles count everything, and have no such error.

use super::{Cut, Differential, HOST, Side};
use caxton_model::profile::SampleWeight;
use caxton_model::profile::changes::{
    Changes, FunctionRow, Matched, NATIVE_AND_WASM, ShareOfProfile,
};
use std::collections::{BTreeMap, BTreeSet};

const ROWS_MAX: usize = 15;
/// So many of the functions that shrank most are named below it.
const SHRUNK_MAX: usize = 3;

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

    fn share(&self, side: &Side, sum: Option<&Sum>) -> ShareOfProfile {
        let (own, inclusive) = sum.map_or_else(Default::default, |sum| (sum.own, sum.inclusive));
        let variance = side.variance(own);
        let is_sampled = self.weight == SampleWeight::CpuNs;
        ShareOfProfile {
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
        if self.weight == SampleWeight::Instructions {
            // Exactly the same is no change.
            grown.retain(|row| row.growth() != 0.0);
        }
        let rest = grown.split_off(ROWS_MAX.min(grown.len()));
        let shrunk = rest.iter().rev().filter(|row| row.growth() < 0.0).take(SHRUNK_MAX);
        let names = [&*self.native.name, &*self.wasm.name];
        let own = names.map(str::to_owned);
        Changes {
            sides: (names != NATIVE_AND_WASM).then_some(own),
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
