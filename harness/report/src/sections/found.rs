//! Each ratio of quiet launches, and beside it the same ratio of every launch: what it is on a core
//! of one's own, and what it was on this machine in this hour.

use crate::sections::figures::{as_found, estimate, interval, launches};
use crate::sections::grid::label;
use crate::table::{Table, Tone};
use caxton_model::metric::{Metric, Rule, metrics};
use caxton_model::record::{CaseRecord, Record};

pub(crate) fn tables(record: &Record) -> Vec<Table> {
    let columns = ["<case", "<ratio", "quiet", "interval", "n", "as found", "interval", "n"];
    let mut table = Table::new("Ratios in quiet, and as found", &columns);
    let rows = record.cases.iter().flat_map(|case| {
        metrics().filter_map(move |metric| {
            let Rule::AsFound { of } = metric.rule else { return None };
            let metric: &Metric = metric;
            case.metric(metric.name).is_ok().then_some((case, of))
        })
    });
    for (case, quiet) in rows {
        table.row(Tone::Plain, cells(case, quiet));
    }
    if !table.is_empty() {
        table.note(
            Tone::Plain,
            "quiet: of launches on a core that nobody else used; as found: of every launch. \
             UNCLEAR: too few were quiet. A gate holds the quiet ratio to its limits.",
        );
    }
    vec![table]
}

fn cells(case: &CaseRecord, quiet: &str) -> Vec<String> {
    let both = [quiet.to_owned(), as_found(quiet)];
    let figures = both
        .iter()
        .flat_map(|metric| [estimate, interval, launches].map(|show| show(case, metric)));
    let case = format!("{} {}", case.key.agent, label(case));
    [case, quiet.to_owned()].into_iter().chain(figures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sections::overhead::calls;
    use caxton_fixture as fixture;

    fn row(table: &Table, first: &str) -> Vec<String> {
        let found = table.rows.iter().find(|row| row.cells[0].starts_with(first));
        found.unwrap_or_else(|| panic!("no row {first}: {table:?}")).cells.clone()
    }

    #[test]
    fn both_ratios_stand_side_by_side_and_an_unclear_one_has_no_figure() {
        let record = fixture::watched();
        let table = tables(&record).remove(0);
        let quiet = row(&table, "json");
        assert_eq!(quiet[2..5], quiet[5..8], "all launches were quiet");
        let unclear = row(&table, "sha256");
        assert_eq!(unclear[2..5], ["UNCLEAR", "—", "—"]);
        // 5,000 ns over 4,000 ns, from each of its twelve launches.
        assert!(unclear[5].starts_with("1.2") && unclear[7] == "12", "{unclear:?}");
    }

    #[test]
    fn the_first_table_says_unclear_and_why() {
        let table = calls(&fixture::watched()).remove(0);
        let [_, native, wasm, ratio, interval, n, found, ..] = &row(&table, "sha256")[..] else {
            panic!("{table:?}")
        };
        assert_eq!([ratio, interval, n], ["UNCLEAR", "—", "—"]);
        assert!(found.starts_with("1.2"), "{found}");
        assert!(native != "—" && wasm != "—", "times are told, as of a shared core");
        let notes: Vec<&str> = table.notes.iter().map(|note| note.text.as_str()).collect();
        let all = notes.join("\n");
        for words in [
            "1 of 12 launches were quiet, 3 are needed",
            "these times are of a shared core",
            "geomean of 2 agents (noop not among them): — (UNCLEAR: so is the ratio of sha256)",
            "as found 1.3",
        ] {
            assert!(all.contains(words), "{words}: {all}");
        }
    }

    #[test]
    fn nobody_looked_at_the_core_in_a_run_without_probes() {
        let (record, _) = fixture::run();
        assert!(tables(&record).iter().all(Table::is_empty));
    }
}
