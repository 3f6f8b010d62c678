//! Runs of a suite side by side: the figures of the cases that they share, and how each stands to
//! the first run's.

use crate::answer::{figures_of, label};
use crate::paint::{self, Style};
use crate::sections::revision_words;
use crate::table::{Table, Tone};
use caxton_model::case::CaseKey;
use caxton_model::metric::MetricName;
use caxton_model::record::{CaseRecord, Interval, Record, Summary};
use caxton_model::units::Unit;
use caxton_model::words::{NONE, bounds, letter};

/// What tells of a load.
const OF_LOADS: &[(&str, &str)] = &[("load_rate", "answered"), ("load_response_p99_ns", "p99")];

/// [`tables`] for a terminal; empty where no two runs are of one suite.
pub fn beside_text(records: &[&Record], style: &Style) -> String {
    paint::all(&tables(records), style)
}

/// A table for each suite that several of `records` are of, profiles left out.
pub(crate) fn tables(records: &[&Record]) -> Vec<Table> {
    let timed: Vec<&Record> =
        records.iter().filter(|record| !record.is_profile()).copied().collect();
    let mut suites: Vec<&str> = Vec::new();
    for record in &timed {
        if !suites.contains(&record.run.suite.as_str()) {
            suites.push(&record.run.suite);
        }
    }
    let of = |suite: &&str| -> Vec<&Record> {
        timed.iter().filter(|record| record.run.suite == *suite).copied().collect()
    };
    let runs = suites.iter().map(of).filter(|runs| runs.len() > 1);
    runs.map(|runs| table(&runs)).filter(|table| !table.rows.is_empty()).collect()
}

fn table(runs: &[&Record]) -> Table {
    let suite = &runs[0].run.suite;
    let names: Vec<String> = (0..runs.len()).map(letter).collect();
    let mut columns = vec!["<case".to_owned(), "<figure".to_owned(), names[0].clone()];
    for name in &names[1..] {
        columns.extend([name.clone(), format!("{name}/A"), "within".to_owned()]);
    }
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut table = Table::new(&format!("Suite {suite}: runs side by side"), &columns);
    for key in shared_keys(runs) {
        let cases: Vec<Option<&CaseRecord>> = runs.iter().map(|run| case_of(run, key)).collect();
        let figures = cases
            .iter()
            .flatten()
            .find_map(|case| figures_of(case).or(case.load.is_some().then_some(OF_LOADS)));
        for (metric, words) in figures.unwrap_or_default() {
            row(&mut table, &cases, metric, words);
        }
    }
    for (name, run) in names.iter().zip(runs) {
        let (id, scale) = (&run.run.id, &run.run.scale);
        let revision = revision_words(&run.run.revision);
        let is_same = run.host.fingerprint == runs[0].host.fingerprint;
        let machine = if is_same { "" } else { ", on another machine than A" };
        table.note(Tone::Plain, &format!("{name}: {id}, {revision}, {scale}{machine}"));
    }
    let text = "For orientation: these runs did not take turns, so what the machine did between \
                them is in the ratios. Within: the widest that both 95 % intervals allow. Compare \
                baselines for a verdict.";
    table.note(Tone::Bad, text);
    table
}

/// The cases that at least two of `runs` have, in the order of the first that has them.
fn shared_keys<'a>(runs: &[&'a Record]) -> Vec<&'a CaseKey> {
    let mut keys: Vec<&CaseKey> = Vec::new();
    let all = runs.iter().flat_map(|run| &run.cases).map(|case| &case.key);
    for key in all.filter(|key| !key.is_same_against_same()) {
        let count = runs.iter().filter(|run| case_of(run, key).is_some()).count();
        if count > 1 && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

fn case_of<'a>(run: &'a Record, key: &CaseKey) -> Option<&'a CaseRecord> {
    run.cases.iter().find(|case| case.key == *key)
}

/// One figure of a case in each run; none where fewer than two have it.
fn row(table: &mut Table, cases: &[Option<&CaseRecord>], metric: &str, words: &str) {
    let Ok(unit) = MetricName::parse(metric).map(|metric| metric.metric().unit) else { return };
    let figures: Vec<Option<&Summary>> =
        cases.iter().map(|case| case.and_then(|case| case.metric(metric).ok())).collect();
    if figures.iter().flatten().count() < 2 {
        return;
    }
    let shown = |figure: Option<&Summary>| {
        figure.map_or(NONE.to_owned(), |figure| unit.show(figure.estimate))
    };
    let case = cases.iter().flatten().next().map_or(String::new(), |case| label(case));
    let mut cells = vec![case, words.to_owned(), shown(figures[0])];
    for figure in &figures[1..] {
        let ratio = figures[0].zip(*figure).map(|(first, figure)| over(figure, first));
        let (ratio, within) = ratio.unwrap_or((None, None));
        cells.push(shown(*figure));
        cells.push(ratio.map_or(NONE.to_owned(), |ratio| Unit::Ratio.show(ratio)));
        cells.push(within.map_or(NONE.to_owned(), |within| bounds(&within, Unit::Ratio)));
    }
    table.row(Tone::Plain, cells);
}

/// How `figure` stands to `first`, and the widest that the intervals of both allow.
fn over(figure: &Summary, first: &Summary) -> (Option<f64>, Option<Interval>) {
    let ratio = (first.estimate > 0.0).then(|| figure.estimate / first.estimate);
    let within = figure
        .interval
        .zip(first.interval)
        .filter(|(own, first)| own.lower >= 0.0 && first.lower > 0.0);
    let within = within.map(|(own, first)| Interval {
        lower: own.lower / first.upper,
        upper: own.upper / first.lower,
        level: own.level,
    });
    (ratio, within)
}

#[cfg(test)]
#[path = "beside_tests.rs"]
mod tests;
