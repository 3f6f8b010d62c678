//! Each ratio of quiet launches, and beside it the same ratio of every launch: what it is on a core
//! of one's own, and what it was on this machine in this hour.

use crate::answer::label;
use crate::sections::figures::{as_found, estimate, interval, launches};
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
            "quiet: launches on a core that nobody else used, whatever they say; as found: every \
             launch. UNCLEAR: too few were quiet. A gate holds limits to the quiet ratio.",
        );
    }
    vec![table]
}

fn cells(case: &CaseRecord, quiet: &str) -> Vec<String> {
    let both = [quiet.to_owned(), as_found(quiet)];
    let figures = both
        .iter()
        .flat_map(|metric| [estimate, interval, launches].map(|show| show(case, metric)));
    let subject = format!("{} {}", label(case), case.key.subject);
    [subject, quiet.to_owned()].into_iter().chain(figures).collect()
}
