//! From the turns of a comparison to its verdicts.

use super::contest::{Statistic, contest_of};
use super::decide::decide;
use super::exact;
use super::statistic::{log_ratios, one_value};
use caxton_model::metric::MetricName;
use caxton_model::paired::comparison::{
    CaseComparison, Comparison, MetricVerdict, Sentinel, Verdict,
};
use caxton_model::paired::{Design, Trial, Turn, Version};
use caxton_model::record::Status;
use caxton_stats::signed_rank;
use std::collections::BTreeMap;

/// Recomputes every verdict from `turns`, with the design and each case's margins as they are.
pub fn rejudge(comparison: &mut Comparison, turns: &[Turn]) {
    let is_over = comparison.run.status != Status::Running;
    for case in &mut comparison.cases {
        let own: Vec<&Turn> = turns.iter().filter(|turn| turn.case == case.key).collect();
        judge_case(case, &own, &comparison.design, is_over);
    }
    if let Some(sentinel) = &mut comparison.sentinel {
        let own: Vec<&Turn> = turns.iter().filter(|turn| turn.case == sentinel.key).collect();
        judge_sentinel(sentinel, &own, &comparison.design, is_over);
    }
}

/// Judges `case` by its `turns`; `is_over`: there will be no more of them.
pub fn judge_case(case: &mut CaseComparison, turns: &[&Turn], design: &Design, is_over: bool) {
    let margin = |metric| case.margins.get(&metric).copied();
    case.metrics = judge_pairs(turns, Trial::Contest, design, &margin, is_over);
    case.exact = exact::judge(turns.iter().copied(), &margin);
}

/// Judges `sentinel` by the `turns` of its case: against no margin, and with all of alpha to
/// itself.
pub fn judge_sentinel(sentinel: &mut Sentinel, turns: &[&Turn], design: &Design, is_over: bool) {
    let own = sentinel.design(design);
    sentinel.metrics = judge_pairs(turns, Trial::Sentinel, &own, &|_| None, is_over);
}

/// What the launch pairs of one case say of each metric so far. `margin` gives a metric's own
/// margin, where it has one.
pub fn judge_pairs(
    turns: &[&Turn],
    trial: Trial,
    design: &Design,
    margin: &dyn Fn(MetricName) -> Option<f64>,
    is_over: bool,
) -> Vec<MetricVerdict> {
    let ratios = log_ratios(turns.iter().copied(), trial);
    let of = |(metric, values): (MetricName, Vec<f64>)| {
        let contest = contest_of(metric)?;
        let margin = margin(metric).unwrap_or(design.margin);
        let decision = decide(&values, design, contest.weight, margin, is_over);
        let none = || format!("a launch has no reading of {metric}");
        let verdict = decision.map_or(Some(Verdict::NotComparable), |decision| decision.verdict);
        let [base, candidate] = Version::BOTH.map(|version| {
            let own = |turn: &&&Turn| {
                turn.trial == trial && turn.metric == metric && turn.version == version
            };
            figure(turns.iter().filter(own).copied(), contest.statistic)
        });
        let decision = decision.ok_or_else(none);
        let weight = contest.weight;
        Some(MetricVerdict { metric, weight, margin, verdict, decision, base, candidate })
    };
    ratios.into_iter().filter_map(of).collect()
}
/// Hodges–Lehmann over launches of a launch's value: the least block for times on a CPU.
fn figure<'a>(turns: impl Iterator<Item = &'a Turn>, statistic: Statistic) -> Option<f64> {
    let mut launches: BTreeMap<u32, Vec<&Turn>> = BTreeMap::new();
    for turn in turns {
        launches.entry(turn.launch).or_default().push(turn);
    }
    let of = |turns: &Vec<&Turn>| one_value(statistic, turns);
    signed_rank::estimate(&launches.values().filter_map(of).collect::<Vec<_>>())
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
