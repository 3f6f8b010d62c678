//! Every metric of a comparison, for those who ask.

use super::changes::share;
use crate::table::{ColumnOf, Table, Tone};
use caxton_model::case::CaseKey;
use caxton_model::paired::comparison::{
    Comparison, CountAgreement, Decision, ExactVerdict, MetricVerdict, Verdict,
};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, grouped};

pub(super) fn every_metric(comparison: &Comparison) -> Table {
    let cases = comparison.cases.iter();
    let rows = cases.flat_map(|case| case.metrics.iter().map(move |told| (&case.key, told)));
    let rows = rows.map(|(key, told)| (tone(told.verdict), (key, told)));
    let show = |told: &MetricVerdict, value: Option<f64>| {
        value.map_or(NONE.to_owned(), |value| told.metric.metric().unit.show(value))
    };
    let decided = |told: &MetricVerdict, show: &dyn Fn(&Decision) -> String| {
        told.decision.as_ref().map_or(NONE.to_owned(), show)
    };
    let interval = |d: &Decision| d.interval.map_or(NONE.to_owned(), |i| bounds(&i, Unit::Ratio));
    let columns: &[ColumnOf<'_, (&CaseKey, &MetricVerdict)>] = &[
        ("<case", &|(key, _)| key.to_string()),
        ("<metric", &|(_, told)| told.metric.to_string()),
        ("base", &|(_, told)| show(told, told.base)),
        ("candidate", &|(_, told)| show(told, told.candidate)),
        ("worse", &|(_, told)| decided(told, &|d| Unit::Ratio.show(d.worse))),
        ("99 % interval", &|(_, told)| decided(told, &interval)),
        ("n", &|(_, told)| decided(told, &|d| d.n.to_string())),
        ("p worse", &|(_, told)| decided(told, &|d| format!("{:.1e}", d.p_worse))),
        ("p better", &|(_, told)| decided(told, &|d| format!("{:.1e}", d.p_better))),
        ("margin", &|(_, told)| share(told.margin)),
        ("<verdict", &|(_, told)| told.verdict.map_or("open", Verdict::name).to_owned()),
    ];
    let mut table = Table::of("Every metric, by launch pairs", rows, columns);
    if !table.rows.is_empty() {
        let text = "worse: candidate over base, above 1 is worse; p at the look that decided, \
                    against the margin. Base and candidate are for orientation.";
        table.note(Tone::Plain, text);
    }
    table
}

pub(super) fn every_count(comparison: &Comparison) -> Table {
    let cases = comparison.cases.iter();
    let rows = cases.flat_map(|case| case.exact.iter().map(move |exact| (&case.key, exact)));
    let rows = rows.map(|(key, exact)| (tone(Some(exact.verdict)), (key, exact)));
    let columns: &[ColumnOf<'_, (&CaseKey, &ExactVerdict)>] = &[
        ("<case", &|(key, _)| key.to_string()),
        ("<metric", &|(_, exact)| exact.metric.to_string()),
        ("base", &|(_, exact)| exact.base.map_or(NONE.to_owned(), grouped)),
        ("candidate", &|(_, exact)| exact.candidate.map_or(NONE.to_owned(), grouped)),
        ("tolerance", &|(_, exact)| share(exact.tolerance)),
        ("<agreement", &|(_, exact)| match exact.kind {
            CountAgreement::Exact => "exact".to_owned(),
            CountAgreement::Near { spread } => format!("within {}", share(spread)),
        }),
        ("<verdict", &|(_, exact)| exact.verdict.name().to_owned()),
    ];
    Table::of("Every count", rows, columns)
}

const fn tone(verdict: Option<Verdict>) -> Tone {
    match verdict {
        Some(Verdict::Regressed | Verdict::NotComparable) => Tone::Bad,
        _ => Tone::Plain,
    }
}
