//! The relink floor: by how much a figure moves when nothing but the order changes in which a
//! linker lays out the same code. A change that is no larger says nothing of the source.

use caxton_model::case::{CaseKey, Outcome};
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::CaseComparison;
use caxton_model::record::Interval;
use caxton_model::units::Unit;
use std::collections::BTreeMap;

/// What relinks say of one metric of one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// Relinks that were compared.
    pub relinks: u32,
    /// The largest |ln(relinked / as it is)|.
    pub log: f64,
    /// Half the width of the interval of that logarithm, at [`Design::LEVEL`]; none with too few
    /// launches.
    pub half_width: Option<f64>,
}

impl Floor {
    /// True where it is more than noise: what moved it that far has an interval without "the same".
    pub fn is_seen(&self) -> bool {
        self.half_width.is_some_and(|half_width| self.log > half_width)
    }

    pub fn share(&self) -> f64 {
        self.log.exp_m1()
    }
}

/// What relinks say of each case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Floors {
    pub cases: BTreeMap<CaseKey, BTreeMap<MetricName, Floor>>,
    /// Why a relink says nothing of a case, or not of a metric of it.
    pub untold: BTreeMap<CaseKey, String>,
}

impl Floors {
    /// Adds what one relink, as the candidate, says of `case`. Only a case that ran through all its
    /// launches counts.
    pub fn add(&mut self, case: &CaseComparison) {
        if case.outcome != Outcome::Ran || case.launches.granted < case.launches.wanted {
            let why = case.outcome.reason().unwrap_or("it was stopped").to_owned();
            self.untold.entry(case.key.clone()).or_insert(why);
            return;
        }
        let floors = self.cases.entry(case.key.clone()).or_default();
        for metric in &case.metrics {
            let decision = match &metric.decision {
                Ok(decision) => decision,
                Err(why) => {
                    self.untold.entry(case.key.clone()).or_insert_with(|| why.clone());
                    continue;
                }
            };
            let none = Floor { relinks: 0, log: 0.0, half_width: None };
            let floor = floors.entry(metric.metric).or_insert(none);
            let log = decision.worse.ln().abs();
            if floor.relinks == 0 || log > floor.log {
                (floor.log, floor.half_width) = (log, decision.interval.as_ref().map(half_width));
            }
            floor.relinks += 1;
        }
    }

    /// True when no relink said anything, not even why not.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty() && self.untold.is_empty()
    }

    /// True when a relink fell, or was stopped, in some case.
    pub fn has_untold(&self) -> bool {
        !self.untold.is_empty()
    }

    pub fn floor(&self, case: &CaseKey, metric: MetricName) -> Option<Floor> {
        self.cases.get(case)?.get(&metric).copied()
    }

    /// The margins of `case`: those that are `allowed`, and where the floor is wider than that, or
    /// than the `margin` of metrics that are not named, the floor.
    ///
    /// A floor that may be noise widens nothing: noise the test knows about.
    pub fn margins(
        &self,
        case: &CaseKey,
        mut allowed: BTreeMap<MetricName, f64>,
        margin: f64,
    ) -> BTreeMap<MetricName, f64> {
        let floors = self.cases.get(case).into_iter().flatten();
        for (metric, floor) in floors.filter(|(_, floor)| floor.is_seen()) {
            if floor.share() > allowed.get(metric).copied().unwrap_or(margin) {
                allowed.insert(*metric, floor.share());
            }
        }
        allowed
    }

    /// What a reader of a comparison must know: where the floor took the place of what is `allowed`
    /// or of `margin`, and of what cases relinks said nothing.
    pub fn warnings(
        &self,
        allowed: &dyn Fn(&CaseKey) -> BTreeMap<MetricName, f64>,
        margin: f64,
    ) -> Vec<String> {
        let mut warnings = Vec::new();
        for case in self.cases.keys() {
            let before = allowed(case);
            let after = self.margins(case, before.clone(), margin);
            let wider = after.iter().filter(|(metric, share)| before.get(metric) != Some(share));
            let words: Vec<String> = wider
                .map(|(metric, share)| format!("{} for {metric}", Unit::Share.show(*share)))
                .collect();
            if !words.is_empty() {
                let words = words.join(", ");
                warnings.push(format!("relink floor of {case}: margin widened to {words}"));
            }
        }
        let untold = self.untold.iter();
        warnings.extend(untold.map(|(case, why)| format!("relink floor of {case}: {why}")));
        warnings
    }
}

fn half_width(interval: &Interval) -> f64 {
    (interval.upper / interval.lower).ln() / 2.0
}
