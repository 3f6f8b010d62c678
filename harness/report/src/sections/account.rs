//! What the target of a load says of itself, beside what its generator saw.

use super::load::{label, of};
use crate::table::{Table, Tone};
use caxton_analysis::load::account::account;
use caxton_model::load::scraped::{SERIES, Scraped};
use caxton_model::record::Record;

/// Series that are shown of a target besides those that can be compared.
const SHOWN: usize = 20;

pub(super) fn tables(record: &Record) -> Vec<Table> {
    let columns =
        ["<load", "<what", "target's own", "generator's", "at its start", "least", "most", "<both"];
    let mut table = Table::new("Loads: what the target says of itself", &columns);
    for (_, load) in of(record) {
        let Some(scraped) = &load.scraped else { continue };
        let label = label(load);
        for row in account(load) {
            let [target, generator] = [row.target, row.generator].map(|v| row.unit.show(v));
            let (tone, both) = match row.contradiction {
                Some(_) => (Tone::Bad, "CONTRADICT"),
                None => (Tone::Plain, "agree"),
            };
            let none = || "-".to_owned();
            let what = format!("{} ({})", row.what, row.series);
            let cells = [what, target, generator, none(), none(), none(), both.to_owned()];
            table.row(tone, std::iter::once(label.clone()).chain(cells));
        }
        for (name, range) in scraped.series.iter().take(SHOWN) {
            let shown = |value: f64| format!("{value}");
            let [last, first, least, most] =
                [range.last, range.first, range.least, range.most].map(shown);
            let none = "-".to_owned();
            let cells = [name.clone(), last, none.clone(), first, least, most, none];
            table.row(Tone::Plain, std::iter::once(label.clone()).chain(cells));
        }
        table.note(Tone::Plain, &format!("{label}: {}", words(scraped)));
    }
    vec![table]
}

/// How often the target answered, and what is not shown of it.
fn words(scraped: &Scraped) -> String {
    let Scraped { url, scrapes, failed, .. } = scraped;
    let mut words = format!("{url} answered {scrapes} times");
    if let Some(why) = &scraped.why {
        words += &format!(" and not {failed} times (at last: {why})");
    }
    if !scraped.is_whole {
        words += "; nothing can be compared: it did not answer before the first message, or after \
                  the last";
    }
    let series = scraped.series.len();
    if series > SHOWN {
        words += &format!("; {SHOWN} of {series} series are shown, the record has them");
    }
    if scraped.is_cut {
        words += &format!("; it has more than {SERIES}, of which the first are kept");
    }
    words
}
