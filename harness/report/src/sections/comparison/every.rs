//! Every metric of a comparison, for those who ask.

use super::changes::share;
use crate::table::{Table, Tone};
use caxton_model::paired::comparison::{Comparison, CountAgreement, MetricVerdict, Verdict};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, grouped};

/// What launch pairs say of every metric.
pub(super) fn every_metric(comparison: &Comparison) -> Table {
    let columns = [
        "<case",
        "<metric",
        "base",
        "candidate",
        "worse",
        "99 % interval",
        "n",
        "p worse",
        "p better",
        "margin",
        "<verdict",
    ];
    let mut table = Table::new("Every metric, by launch pairs", &columns);
    for case in &comparison.cases {
        for metric in &case.metrics {
            let cells = [vec![case.key.to_string()], metric_cells(metric)].concat();
            table.row(tone(metric.verdict), cells);
        }
    }
    if !table.rows.is_empty() {
        let text = "worse: candidate over base, above 1 is worse; p at the look that decided, \
                    against the margin. Base and candidate are for orientation.";
        table.note(Tone::Plain, text);
    }
    table
}

fn metric_cells(metric: &MetricVerdict) -> Vec<String> {
    let unit = metric.metric.metric().unit;
    let show = |value: Option<f64>| value.map_or(NONE.to_owned(), |value| unit.show(value));
    let none = || NONE.to_owned();
    let [worse, interval, n, p_worse, p_better] = match &metric.decision {
        Err(_) => [none(), none(), none(), none(), none()],
        Ok(d) => [
            Unit::Ratio.show(d.worse),
            d.interval.map_or(none(), |interval| bounds(&interval, Unit::Ratio)),
            d.n.to_string(),
            format!("{:.1e}", d.p_worse),
            format!("{:.1e}", d.p_better),
        ],
    };
    let verdict = metric.verdict.map_or("open", Verdict::name).to_owned();
    let [base, candidate] = [metric.base, metric.candidate].map(show);
    let name = metric.metric.to_string();
    let margin = share(metric.margin);
    vec![name, base, candidate, worse, interval, n, p_worse, p_better, margin, verdict]
}

/// What counts say.
pub(super) fn every_count(comparison: &Comparison) -> Table {
    let columns = ["<case", "<metric", "base", "candidate", "tolerance", "<agreement", "<verdict"];
    let mut table = Table::new("Every count", &columns);
    for case in &comparison.cases {
        for exact in &case.exact {
            let [base, candidate] =
                [exact.base, exact.candidate].map(|v| v.map_or(NONE.to_owned(), grouped));
            let kind = match exact.kind {
                CountAgreement::Exact => "exact".to_owned(),
                CountAgreement::Near { spread } => format!("within {}", share(spread)),
            };
            let verdict = exact.verdict;
            let (key, name) = (case.key.to_string(), exact.metric.to_string());
            let cells =
                [key, name, base, candidate, share(exact.tolerance), kind, verdict.name().into()];
            table.row(tone(Some(verdict)), cells);
        }
    }
    table
}

const fn tone(verdict: Option<Verdict>) -> Tone {
    match verdict {
        Some(Verdict::Regressed | Verdict::NotComparable) => Tone::Bad,
        _ => Tone::Plain,
    }
}
