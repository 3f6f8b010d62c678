//! One line for each metric that changed, or of which nobody knows.

use crate::sections::figures::too_few;
use crate::table::{Table, Tone};
use caxton_model::metric::{Better, MetricName};
use caxton_model::paired::comparison::{
    Comparison, CountAgreement, Decision, ExactVerdict, MetricVerdict, Verdict,
};
use caxton_model::paired::{Design, Weight};
use caxton_model::units::Unit;
use caxton_model::words::{grouped, percent};

/// The verdicts that get a line, the gravest first.
const SHOWN: [Verdict; 3] = [Verdict::Regressed, Verdict::Improved, Verdict::Inconclusive];

pub(super) fn changes(comparison: &Comparison) -> Table {
    let mut table = Table::new("Changes", &["<", "<", "<", "<"]);
    let mut quiet = 0;
    for verdict in SHOWN {
        let tone = if verdict == Verdict::Regressed { Tone::Bad } else { Tone::Plain };
        for case in &comparison.cases {
            let key = case.key.to_string();
            for metric in case.metrics.iter().filter(|m| m.verdict == Some(verdict)) {
                if verdict == Verdict::Inconclusive && metric.weight == Weight::Secondary {
                    quiet += 1;
                    continue;
                }
                let cells = [verdict.name(), &key, metric.metric.as_str(), &paired_words(metric)];
                table.row(tone, cells);
            }
            for exact in case.exact.iter().filter(|e| e.verdict == verdict) {
                let cells = [verdict.name(), &key, exact.metric.as_str(), &exact_words(exact)];
                table.row(tone, cells);
            }
        }
    }
    if quiet > 0 {
        let text = format!("Secondary metrics that stayed open: {quiet} (--table shows them).");
        table.note(Tone::Plain, &text);
    }
    if table.is_empty() {
        table.note(Tone::Plain, "none");
    }
    table
}

/// The words for worse and better of `metric`.
fn directions(metric: MetricName) -> [&'static str; 2] {
    let row = metric.metric();
    let [up, down] = match row.unit {
        // More time is slower, more of a rate is faster.
        Unit::Nanos => ["slower", "faster"],
        Unit::PerSecond => ["faster", "slower"],
        Unit::Bytes => ["larger", "smaller"],
        Unit::Count => ["more", "fewer"],
        Unit::Ratio | Unit::Share => ["higher", "lower"],
    };
    match row.better {
        Better::Higher => [down, up],
        Better::Lower | Better::Neither => [up, down],
    }
}

/// By how much a metric changed, by launch pairs.
pub(crate) fn paired_words(verdict: &MetricVerdict) -> String {
    match &verdict.decision {
        Err(why) => why.clone(),
        Ok(decision) if verdict.verdict == Some(Verdict::Inconclusive) => {
            at_most(verdict.metric, decision)
        }
        Ok(decision) => effect(verdict.metric, decision),
    }
}

/// `1.031x to 1.052x slower (99 %), n = 22`; where the interval has 1 in it, both of its ends.
pub(super) fn effect(metric: MetricName, decision: &Decision) -> String {
    let Some(interval) = decision.interval else { return too_few(decision.n, Design::LEVEL) };
    let [worse, better] = directions(metric);
    let (lower, upper) = (interval.lower, interval.upper);
    let change = if lower > 1.0 {
        format!("{lower:.3}x to {upper:.3}x {worse}")
    } else if upper < 1.0 {
        format!("{:.3}x to {:.3}x {better}", upper.recip(), lower.recip())
    } else {
        format!("{:.3}x {better} to {upper:.3}x {worse}", lower.recip())
    };
    format!("{change} ({}), n = {}", percent(interval.level), decision.n)
}

/// What can be excluded of a change that nobody decided.
fn at_most(metric: MetricName, decision: &Decision) -> String {
    let Some(interval) = decision.interval else { return too_few(decision.n, Design::LEVEL) };
    let [worse, better] = directions(metric);
    let change = if interval.lower > 1.0 || interval.upper < 1.0 {
        return effect(metric, decision) + ", too little for a verdict";
    } else {
        let (faster, slower) = (interval.lower.recip(), interval.upper);
        format!("at most {slower:.3}x {worse}, at most {faster:.3}x {better}")
    };
    format!("{change} ({}), n = {}", percent(interval.level), decision.n)
}

/// `311,197 → 311,213: 0.0051 % more, exact`.
pub(crate) fn exact_words(exact: &ExactVerdict) -> String {
    let (Some(base), Some(candidate)) = (exact.base, exact.candidate) else {
        return "told by one version only".to_owned();
    };
    let [up, down] = match exact.metric.metric().better {
        Better::Higher => {
            let [worse, better] = directions(exact.metric);
            [better, worse]
        }
        Better::Lower | Better::Neither => directions(exact.metric),
    };
    let word = if candidate > base { up } else { down };
    let change = if base == candidate {
        "the same".to_owned()
    } else if base == 0.0 {
        format!("{word} than none")
    } else {
        format!("{} {word}", share(((candidate - base) / base).abs()))
    };
    let how = match exact.kind {
        CountAgreement::Exact => "exact".to_owned(),
        CountAgreement::Near { spread } => format!("processes differ by {}", share(spread)),
    };
    format!("{} → {}: {change}, {how}", grouped(base), grouped(candidate))
}

/// A share in per cent, with two digits that are not zeros: `1 %`, `0.0051 %`, `13 %`.
pub(crate) fn share(share: f64) -> String {
    let value = share * 100.0;
    if value == 0.0 || !value.is_finite() {
        return format!("{value} %");
    }
    let digits = (1.0 - value.abs().log10().floor()).clamp(0.0, 12.0) as usize;
    let text = format!("{value:.digits$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_keeps_two_digits() {
        let shown = [0.01, 0.03, 0.000_051_4, 0.134, 1.0, 12.0, 0.0, 0.001, 1e-9].map(share);
        let expected =
            ["1 %", "3 %", "0.0051 %", "13 %", "100 %", "1200 %", "0 %", "0.1 %", "0.0000001 %"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn words_say_worse_first() {
        let of = |metric| directions(MetricName::parse(metric).unwrap());
        assert_eq!(of("wasm_call_ns"), ["slower", "faster"]);
        assert_eq!(of("level_50_rate"), ["slower", "faster"]);
        assert_eq!(of("anonymous_rss_bytes"), ["larger", "smaller"]);
        assert_eq!(of("single_bytes"), ["smaller", "larger"]);
        assert_eq!(of("wasm_fuel"), ["more", "fewer"]);
    }
}
