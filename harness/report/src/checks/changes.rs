//! The verdicts of a comparison as one list, the gravest first.

use crate::sections::{exact_words, paired_words, share};
use caxton_analysis::paired::contest::worse_sign;
use caxton_model::metric::MetricName;
use caxton_model::paired::Weight;
use caxton_model::paired::comparison::{
    CaseComparison, Comparison, CountAgreement, ExactVerdict, MetricVerdict, Verdict,
};
use caxton_model::record::Interval;

/// What is said where the sentinel found something.
pub(crate) const DIFFERS: &str = "the base differs from itself: no time of this comparison counts";

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change<'a> {
    pub(crate) case: &'a CaseComparison,
    pub(crate) metric: MetricName,
    /// None while it is open.
    pub(crate) verdict: Option<Verdict>,
    /// False for a secondary metric.
    pub(crate) is_primary: bool,
    /// How many times worse; below 1 it is better. None where something came from nothing.
    pub(crate) worse: Option<f64>,
    /// The interval of `worse`; none for a count.
    pub(crate) interval: Option<Interval>,
    /// Base and candidate, in the metric's unit.
    pub(crate) figures: [Option<f64>; 2],
    /// Of a count: how far those of one version agree.
    pub(crate) agreement: Option<String>,
    /// By how much it changed, in words.
    pub(crate) words: String,
}

impl Change<'_> {
    /// False for what decides nothing: a secondary metric that stayed open or could not be told.
    pub(crate) fn is_weighty(&self) -> bool {
        let is_told = !matches!(self.verdict, Some(Verdict::Inconclusive | Verdict::NotComparable));
        self.is_primary || is_told
    }
}

/// Every verdict: what regressed first and the worst of it on top, then the rest, likewise.
pub(crate) fn findings(comparison: &Comparison) -> Vec<Change<'_>> {
    let mut all: Vec<Change<'_>> = comparison.cases.iter().flat_map(of_case).collect();
    let worse = |finding: &Change<'_>| finding.worse.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| worse(b).total_cmp(&worse(a))));
    all
}

pub(crate) fn of_case(case: &CaseComparison) -> Vec<Change<'_>> {
    let pairs = case.metrics.iter().map(|told| of_pairs(case, told));
    pairs.chain(case.exact.iter().map(|told| of_counts(case, told))).collect()
}

/// What regressed and counts as such.
pub(crate) fn regressed(comparison: &Comparison) -> Vec<Change<'_>> {
    let is_untrusted = comparison.is_untrusted();
    let mut all = findings(comparison);
    // A count is a fact in any company.
    let counts = |f: &Change<'_>| f.interval.is_none() || !is_untrusted;
    all.retain(|f| f.verdict == Some(Verdict::Regressed) && counts(f));
    all
}

fn rank(finding: &Change<'_>) -> u8 {
    match finding.verdict {
        Some(Verdict::Regressed) => 0,
        Some(Verdict::NotComparable) => 1,
        None => 2,
        Some(Verdict::Inconclusive) => 3,
        Some(Verdict::Improved) => 4,
        Some(Verdict::Ok) => 5,
    }
}

fn of_pairs<'a>(case: &'a CaseComparison, told: &MetricVerdict) -> Change<'a> {
    let decision = told.decision.as_ref().ok();
    Change {
        case,
        metric: told.metric,
        verdict: told.verdict,
        is_primary: told.weight == Weight::Primary,
        worse: decision.map(|decision| decision.worse),
        interval: decision.and_then(|decision| decision.interval),
        figures: [told.base, told.candidate],
        agreement: None,
        words: paired_words(told),
    }
}

fn of_counts<'a>(case: &'a CaseComparison, told: &ExactVerdict) -> Change<'a> {
    let ratio = match (told.base, told.candidate) {
        (Some(base), Some(candidate)) if base == candidate => Some(1.0),
        (Some(base), Some(candidate)) if base > 0.0 => {
            Some((candidate / base).powf(worse_sign(told.metric.metric())))
        }
        _ => None,
    };
    Change {
        case,
        metric: told.metric,
        verdict: Some(told.verdict),
        is_primary: true,
        worse: ratio,
        interval: None,
        figures: [told.base, told.candidate],
        agreement: Some(match told.kind {
            CountAgreement::Exact => "exact".to_owned(),
            CountAgreement::Near { spread } => format!("processes differ by {}", share(spread)),
        }),
        words: exact_words(told),
    }
}
