//! Two records side by side. Advisory: their launches were not paired, and between two runs a
//! machine moves by more than most changes of a program do; a verdict needs a paired comparison.

use crate::case::CaseKey;
use crate::metric::{Class, metrics};
use crate::reading::Reading;
use crate::record::{CaseRecord, Record};
use crate::reduce::HEADLINE;
use crate::report::figures::{NONE, estimate, exact, interval};
use crate::report::table::{Table, Tone, name};
use crate::report::{Style, paint};
use std::collections::BTreeSet;
use std::fmt::Display;

/// What changed from `old` to `new`, as text.
pub fn advisory_text(old: &Record, new: &Record, style: &Style) -> String {
    let painted: Vec<String> = advisory(old, new).iter().map(|table| paint(table, style)).collect();
    painted.join("\n")
}

/// What changed from `old` to `new`, as data.
pub fn advisory(old: &Record, new: &Record) -> Vec<Table> {
    let tables = [times(old, new), exact_metrics(old, new), conditions(old, new)];
    tables.into_iter().filter(|table| !table.is_empty()).collect()
}

/// The keys of both, in the order of the new record.
fn keys<'a>(old: &'a Record, new: &'a Record) -> Vec<&'a CaseKey> {
    let mut seen = BTreeSet::new();
    let cases = new.cases.iter().chain(&old.cases).map(|case| &case.key);
    cases.filter(|key| seen.insert(*key)).collect()
}

fn find<'a>(record: &'a Record, key: &CaseKey) -> Option<&'a CaseRecord> {
    record.cases.iter().find(|case| case.key == *key)
}

fn times(old: &Record, new: &Record) -> Table {
    let title = format!("Baseline {} against run {}: wasm/native", old.run.id, new.run.id);
    let columns = ["<agent", "baseline", "interval", "this run", "interval", "change"];
    let mut table = Table::new(&title, &columns);
    for key in keys(old, new).into_iter().filter(|key| key.is_overhead()) {
        let sides = [old, new].map(|record| find(record, key));
        let [was, is] = sides.map(|case| match case {
            Some(case) => [estimate(case, HEADLINE), interval(case, HEADLINE)],
            None => ["no such case".to_owned(), NONE.to_owned()],
        });
        let [before, after] =
            sides.map(|case| case.and_then(|c| c.metric(HEADLINE).ok()).map(|s| s.estimate));
        let change = match (before, after) {
            (Some(before), Some(after)) => format!("{:+.1} %", (after / before - 1.0) * 100.0),
            _ => NONE.to_owned(),
        };
        let cells = was.into_iter().chain(is).chain([change]);
        table.row(Tone::Plain, std::iter::once(name(&key.agent)).chain(cells));
    }
    table.note(
        Tone::Plain,
        "Advisory: the launches of two runs are not paired, so that drift of the machine between \
         them is in the change and not in the intervals. No verdict follows from it.",
    );
    table
}

/// The exact metrics that both have and that differ. These changes are facts.
fn exact_metrics(old: &Record, new: &Record) -> Table {
    let columns = ["<case", "<metric", "baseline", "this run"];
    let mut table = Table::new("Exact metrics that changed", &columns);
    let mut compared = 0;
    for key in keys(old, new) {
        let (Some(was), Some(is)) = (find(old, key), find(new, key)) else { continue };
        for metric in metrics().filter(|metric| metric.class == Class::Exact) {
            let (Ok(before), Ok(after)) = (was.metric(metric.name), is.metric(metric.name)) else {
                continue;
            };
            compared += 1;
            if before.estimate != after.estimate {
                let case = key.to_string();
                let cells = [&case, metric.name, &exact(was, metric.name), &exact(is, metric.name)];
                table.row(Tone::Bad, cells);
            }
        }
    }
    let unchanged = compared - table.rows.len();
    table.note(Tone::Plain, &format!("{unchanged} of {compared} exact readings are the same."));
    table
}

/// What of machine, engine and compilers is not the same.
fn conditions(old: &Record, new: &Record) -> Table {
    let columns = ["<what", "<baseline", "<this run"];
    let mut table = Table::new("Conditions that differ", &columns);
    let [was, is] = [old, new].map(described);
    let names: BTreeSet<&String> = was.iter().chain(&is).map(|(name, _)| name).collect();
    for name in names {
        let value = |side: &[(String, String)]| {
            let found = side.iter().find(|(n, _)| n == name);
            found.map_or(NONE.to_owned(), |(_, value)| value.clone())
        };
        let (was, is) = (value(&was), value(&is));
        if was != is {
            table.row(Tone::Bad, [name, &was, &is]);
        }
    }
    if !table.rows.is_empty() {
        table.note(Tone::Bad, "Times of these two runs are not comparable; exact metrics are.");
    }
    table
}

/// Everything that has to be equal for two times to be compared.
fn described(record: &Record) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let fingerprint = record.host.fingerprint.iter();
    pairs.extend(fingerprint.map(|(name, value)| (name.clone(), words(value))));
    pairs.push(("memory".to_owned(), words(&record.host.memory_bytes)));
    pairs.push(("scale".to_owned(), record.run.scale.clone()));
    let engine = record.engine.iter();
    pairs.extend(engine.map(|(name, value)| (format!("engine {name}"), value.clone())));
    let build = record.run.build.iter();
    pairs.extend(build.map(|(name, value)| (format!("harness {name}"), value.clone())));
    for artifact in &record.artifacts {
        let what = format!("{} {} compiler", artifact.agent, artifact.side);
        let flags = artifact.flags.join(" ");
        let how = [words(&artifact.rustc), artifact.target.clone(), flags].join(" ");
        pairs.push((what, how.trim_end().to_owned()));
    }
    pairs
}

fn words(reading: &Reading<impl Display>) -> String {
    match reading {
        Reading::Known(value) => value.to_string(),
        Reading::Missing(why) => format!("unknown ({why})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::metric::MetricName;
    use expect_test::expect;

    #[test]
    fn changes_are_shown_and_called_advisory() {
        let (old, _) = fixture::run();
        let mut new = old.clone();
        new.run.id = "later".to_owned();
        new.cases.retain(|case| case.key.agent != "json");
        let fuel = MetricName::parse("wasm_fuel").unwrap();
        let case = new.cases.iter_mut().find(|case| case.metrics.contains_key(&fuel)).unwrap();
        if let Some(Reading::Known(summary)) = case.metrics.get_mut(&fuel) {
            summary.estimate += 7.0;
        }
        new.host.fingerprint.insert("cores".to_owned(), Reading::Known("64".to_owned()));
        expect![[r#"
            Baseline 20260102T030405Z-abc1234-wasm against run later: wasm/native
              agent                     baseline        interval      this run        interval  change
              noop                        4.479x  [4.459, 4.497]        4.479x  [4.459, 4.497]  +0.0 %
              sha256                      1.255x  [1.245, 1.265]        1.255x  [1.245, 1.265]  +0.0 %
              \u{202e}evil\u{1b}[2J\n…         —               —             —               —       —
              json                        1.454x  [1.444, 1.468]  no such case               —       —
              Advisory: the launches of two runs are not paired, so that drift of the machine between them is in the
                change and not in the intervals. No verdict follows from it.

            Exact metrics that changed
              case                                   metric     baseline  this run
              wasm/overhead/wasmtime-vs-native/noop  wasm_fuel     2,790     2,797
              19 of 20 exact readings are the same.

            Conditions that differ
              what   baseline  this run
              cores  2         64
              Times of these two runs are not comparable; exact metrics are.
        "#]].assert_eq(&advisory_text(&old, &new, &Style::default()));
    }

    #[test]
    fn a_run_against_itself_changes_nothing() {
        let (record, _) = fixture::run();
        let tables = advisory(&record, &record);
        assert_eq!(tables.len(), 2, "no conditions differ");
        assert!(tables[1].rows.is_empty());
    }
}
