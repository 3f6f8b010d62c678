//! What two records come to, as tables.

use crate::paint::{self, Style};
use crate::sections::comparison::exact_words;
use crate::sections::figures::{estimate, interval};
use crate::table::{ColumnOf, Table, Tone, name};
use caxton_analysis::compare::{Predicted, Records, find};
use caxton_analysis::reduce::HEADLINE;
use caxton_model::paired::comparison::{Conclusion, Verdict};
use caxton_model::record::CaseRecord;
use caxton_model::words::{NONE, some};

/// Two records side by side, for a terminal.
pub fn records_text(records: &Records, style: &Style) -> String {
    paint::all(&records_tables(records), style)
}

/// The report as data: its sections in order, those that have something to say.
pub(crate) fn records_tables(records: &Records) -> Vec<Table> {
    let tables = [
        times(records),
        counts(records),
        predictions(records),
        left_out(records),
        differences(records),
        result(records),
    ];
    tables.into_iter().filter(|table| !table.is_empty()).collect()
}

fn times(records: &Records) -> Table {
    let (base, candidate) = (records.base, records.candidate);
    let title = format!("Baseline {} against run {}: wasm/native", base.run.id, candidate.run.id);
    let columns = ["<agent", "baseline", "interval", "n", "this run", "interval", "n"];
    let mut table = Table::new(&title, &columns);
    let n = |case: &CaseRecord| {
        case.metric(HEADLINE).map_or(NONE.to_owned(), |summary| summary.n.to_string())
    };
    for case in base.cases.iter().filter(|case| case.key.is_overhead()) {
        let sides = [Some(case), find(candidate, &case.key)].map(|case| match case {
            Some(case) => [estimate(case, HEADLINE), interval(case, HEADLINE), n(case)],
            None => ["no such case".to_owned(), NONE.to_owned(), NONE.to_owned()],
        });
        let cells = sides.into_iter().flatten();
        table.row(Tone::Plain, std::iter::once(name(&case.key.agent)).chain(cells));
    }
    if !table.rows.is_empty() {
        let text = "For orientation: the launches of two runs are not paired, so that drift of \
                    the machine between them is in the change and not in the intervals.";
        table.note(Tone::Plain, text);
    }
    table
}

fn counts(records: &Records) -> Table {
    let mut table = Table::new("Counts", &["<", "<", "<", "<"]);
    let mut same = 0;
    for (key, exact) in &records.exact {
        let tone = match exact.verdict {
            Verdict::Regressed => Tone::Bad,
            _ if exact.base == exact.candidate => {
                same += 1;
                continue;
            }
            _ => Tone::Plain,
        };
        let (verdict, key) = (exact.verdict.name(), key.to_string());
        table.row(tone, [verdict, &key, exact.metric.as_str(), &exact_words(exact)]);
    }
    let all = records.exact.len();
    if all > 0 {
        table.note(Tone::Plain, &format!("{same} of {all} counts are the same."));
    }
    table
}

fn predictions(records: &Records) -> Table {
    let tone = |advice: Verdict| match advice {
        Verdict::Regressed => Tone::Bad,
        _ => Tone::Plain,
    };
    let columns: &[ColumnOf<'_, &Predicted>] = &[
        ("<case", &|told| told.case.to_string()),
        ("<metric", &|told| told.metric.to_string()),
        ("baseline", &|told| told.metric.metric().unit.show(told.base.estimate)),
        ("this run", &|told| told.metric.metric().unit.show(told.candidate.estimate)),
        ("worse", &|told| format!("{:.3}x", told.says.worse)),
        ("seen from", &|told| format!("{:.3}x", told.says.threshold)),
        ("sessions", &|told| told.says.sessions.to_string()),
        ("<advice", &|told| told.says.verdict.name().to_owned()),
    ];
    let mut table = Table::of(
        "Figures, by what earlier sessions predict",
        records.predicted.iter().map(|told| (tone(told.says.verdict), told)),
        columns,
    );
    if !table.rows.is_empty() {
        let text = "Advice, not a verdict: a change below \"seen from\" cannot be told from \
                    what this machine does by itself. Compare bundles for a verdict.";
        table.note(Tone::Plain, text);
    }
    table
}

fn left_out(records: &Records) -> Table {
    let mut table = Table::new("Not compared", &[]);
    for (why, of) in &records.not_compared {
        table.note(Tone::Bad, &format!("{}: {why}", some(of)));
    }
    if !records.only_candidate.is_empty() {
        let new: Vec<String> = records.only_candidate.iter().map(ToString::to_string).collect();
        let text = format!("new, the baseline has no such case: {}", some(&new));
        table.note(Tone::Plain, &text);
    }
    table
}

fn differences(records: &Records) -> Table {
    let columns = ["<what", "<baseline", "<this run"];
    let mut table = Table::new("Conditions that differ", &columns);
    for row in &records.conditions {
        table.row(Tone::Bad, row);
    }
    table
}

fn result(records: &Records) -> Table {
    let mut table = Table::new("", &[]);
    let (tone, text) = match records.conclusion() {
        Conclusion::Fine
            if records.predicted.iter().any(|p| p.says.verdict == Verdict::Regressed) =>
        {
            (Tone::Bad, "no count got worse, but figures are worse than sessions predict: advice")
        }
        Conclusion::Fine => (Tone::Plain, "nothing worse was found in what can be compared"),
        Conclusion::Regressed => (Tone::Bad, "REGRESSED: a count got worse"),
        _ => (
            Tone::Bad,
            "NOT COMPARABLE: two records without bundles cannot be judged. Keep baselines with \
             --save-baseline, which keeps the executable too.",
        ),
    };
    table.note(tone, &format!("Result: {text}"));
    table
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
