//! From the log-ratios of launch pairs to a verdict: looks at fixed counts, an exact test at each;
//! or bets, which may be looked at as often as one likes.

use caxton_model::paired::comparison::{Decision, Verdict};
use caxton_model::paired::{Design, Weight};
use caxton_model::record::Interval;
use caxton_stats::{bets, signed_scores};

/// Looks at `log_ratios`, one per launch in their order, positive where the candidate is worse.
/// None without a launch, with a value that is no number, or above
/// [`caxton_stats::signed_rank::N_MAX`] launches.
///
/// The first look that decides has the last word: what later launches say changes the estimate and
/// not the verdict. `is_over`: there will be no further launch, and what is open is then closed.
///
/// With many metrics the first looks are too early for an alarm: nothing is less likely than 2⁻ⁿ.
/// They may still find that nothing worth finding is left, which has an error of its own: a change
/// of the size that is to be found is called `OK` with a chance of at most 1 − [`Design::LEVEL`].
pub fn decide(
    log_ratios: &[f64],
    design: &Design,
    weight: Weight,
    margin: f64,
    is_over: bool,
) -> Option<Decision> {
    if log_ratios.is_empty() || log_ratios.iter().any(|v| !v.is_finite()) {
        return None;
    }
    let worse = signed_scores::estimate(log_ratios)?.exp();
    let alpha = design.alpha_of(weight);
    let n = log_ratios.len();
    let mut last = (None, 0, [1.0; 2]);
    for &look in design.looks.iter().filter(|look| **look as usize <= n) {
        let seen = &log_ratios[..look as usize];
        let p = if design.until_decided { bet(seen, margin) } else { tails(seen, margin) };
        let verdict = match p {
            [worse, _] if worse <= alpha => Some(Verdict::Regressed),
            [_, better] if better <= alpha => Some(Verdict::Improved),
            _ => Smallness::of(seen, design, margin).is_both().then_some(Verdict::Ok),
        };
        last = (verdict, look, p);
        if verdict.is_some() {
            break;
        }
    }
    let (mut verdict, look, [p_worse, p_better]) = last;
    if verdict.is_none() && is_over {
        let is_small = Smallness::of(log_ratios, design, margin).not_worse;
        verdict = Some(if is_small { Verdict::Ok } else { Verdict::Inconclusive });
    }
    let bounds = bounds(log_ratios, design, Design::LEVEL);
    let bounds = bounds.filter(|bounds| bounds.iter().all(|bound| bound.is_finite()));
    let interval = bounds.map(|[lower, upper]| Interval {
        lower: lower.exp(),
        upper: upper.exp(),
        level: Design::LEVEL,
    });
    Some(Decision { verdict, look, worse, interval, p_worse, p_better, n: n as u32 })
}

/// How likely the values are, or more extreme ones, if the candidate is worse, or better, by
/// exactly the margin: exact tails of the signed scores of the values less that.
fn tails(values: &[f64], margin: f64) -> [f64; 2] {
    let tails = |by: f64| {
        // Nothing but zeros says nothing.
        let told = signed_scores::test(&less(values, by));
        told.map_or([1.0; 2], |tails| [tails.greater, tails.less])
    };
    least_evidence(margin, tails)
}

/// The larger tail at no change and at a change by the margin: scores that come down again do not
/// rise with every shift, and a change within the margin must raise no alarm either.
fn least_evidence(margin: f64, tails: impl Fn(f64) -> [f64; 2]) -> [f64; 2] {
    let [[none_worse, none_better], [worse, _], [_, better]] = [0.0, margin, -margin].map(tails);
    [worse.max(none_worse), better.max(none_better)]
}

/// The same chance of evidence so strong at this look or an earlier one.
fn bet(values: &[f64], margin: f64) -> [f64; 2] {
    least_evidence(margin, |by| bets::evidence(&less(values, by)).map(f64::recip))
}

/// `values` less a change for the worse by the share `margin`, or for the better where it is
/// negative.
fn less(values: &[f64], margin: f64) -> Vec<f64> {
    let by = margin.abs().ln_1p().copysign(margin);
    values.iter().map(|value| value - by).collect()
}

/// The interval at `level` for the centre of `values`.
fn bounds(values: &[f64], design: &Design, level: f64) -> Option<[f64; 2]> {
    if design.until_decided {
        return bets::interval(values, level);
    }
    signed_scores::interval(values, level).map(|bounds| [bounds.lower, bounds.upper])
}

/// Whether what is left is too small to be looked for.
struct Smallness {
    /// It is not worse by as much as is to be found, nor known to be worse by the margin.
    not_worse: bool,
    /// The same for better.
    not_better: bool,
}

impl Smallness {
    /// Of `values`, from one-sided bounds. What may be wrong with all of them together,
    /// 1 − [`Design::LEVEL`], is split over the looks and the end (Bonferroni's inequality), unless
    /// they hold at all of them.
    ///
    /// Where the margin is wider than what is to be found, it takes its place: a change that is
    /// allowed needs no further search. What is known to lie between the two is not small: it is
    /// worse than allowed, and more launches may show it with the certainty that an alarm needs.
    fn of(values: &[f64], design: &Design, margin: f64) -> Self {
        let looks = if design.until_decided { 1 } else { design.looks.len() + 1 };
        let error = (1.0 - Design::LEVEL) / looks as f64;
        let level = 2.0f64.mul_add(-error, 1.0);
        let Some([lower, upper]) = bounds(values, design, level) else {
            return Self { not_worse: false, not_better: false };
        };
        let (allowed, sought) = (margin.ln_1p(), design.mde.max(margin).ln_1p());
        let is_small = |nearer: f64, farther: f64| farther < sought && nearer <= allowed;
        Self { not_worse: is_small(lower, upper), not_better: is_small(-upper, -lower) }
    }

    const fn is_both(&self) -> bool {
        self.not_worse && self.not_better
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
